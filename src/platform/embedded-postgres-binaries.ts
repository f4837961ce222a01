import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Account,
  asServer,
  errorCode,
  isWindows,
  openPrivateFolder,
  type Progress,
  privatePath,
  program,
  run,
} from './embedded-postgres-system';
import { SetupError } from './setup-error';

export interface Binaries {
  readonly binFolder: string;
  readonly version: string;
  readonly major: number;
}

/** Running the program tells all at once: it is there, the account may run it, its libraries fit this machine. */
async function probe(binFolder: string, account: Account | undefined): Promise<Binaries> {
  const { stdout } = await run(program(binFolder, 'postgres'), ['--version'], asServer(account));
  const [, version = '', major = ''] = /\) ((\d+)\S*)/.exec(stdout) ?? [];
  if (!(Number(major) >= 15)) throw new SetupError(`${binFolder} has PostgreSQL ${version}, older than 15`);
  if (!existsSync(program(binFolder, 'initdb'))) throw new SetupError(`${binFolder} has no initdb`);
  return { binFolder, version, major: Number(major) };
}

/** Install scripts do not run, and npm packages carry no links: the libraries' other names are made here. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    await symlink(basename(source), link).catch((error) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  }
}

/** One copy for all starts of this version. The rename decides between processes that copy at the same time. */
async function copyOnce(native: string, progress: Progress): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const folder = privatePath(`${version}-${process.platform}-${process.arch}`);
  await openPrivateFolder(folder);
  const copy = join(folder, 'native');
  if (!existsSync(copy)) {
    progress(`copying PostgreSQL to ${copy}, for it cannot be run where it is`);
    const draft = await mkdtemp(join(folder, 'draft-'));
    try {
      await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
      await linkLibraries(join(draft, 'native'));
      if (!isWindows) await run('chmod', ['-R', 'u+rwX,go+rX,go-w', join(draft, 'native')]);
      await rename(join(draft, 'native'), copy);
    } catch (error) {
      if (!existsSync(copy)) throw error;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  return copy;
}

async function fromPackage(account: Account | undefined, progress: Progress): Promise<Binaries> {
  const entry = require.resolve(`@embedded-postgres/${isWindows ? 'windows' : process.platform}-${process.arch}`);
  const native = join(dirname(entry), '..', 'native');
  try {
    await linkLibraries(native);
    return await probe(join(native, 'bin'), account);
  } catch (error) {
    // A read-only folder, or one below somebody's closed home.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(errorCode(error) ?? '')) throw error;
  }
  return probe(join(await copyOnce(native, progress), 'bin'), account);
}

async function fromPath(account: Account | undefined): Promise<Binaries> {
  const search = isWindows ? run('where', ['initdb']) : run('/bin/sh', ['-c', 'command -v initdb']);
  const found = (await search.catch(() => ({ stdout: '' }))).stdout.split('\n')[0]?.trim();
  if (!found) throw new SetupError('no initdb on PATH');
  return probe(dirname(await realpath(found)), account);
}

async function fromDebian(account: Account | undefined): Promise<Binaries> {
  const root = '/usr/lib/postgresql';
  const newest = (await readdir(root)).sort((a, b) => Number(b) - Number(a))[0] ?? '';
  return probe(join(root, newest, 'bin'), account);
}

/** Our own package first, so that everybody runs the same version, then what the machine has. */
export async function findBinaries(
  account: Account | undefined,
  binFolder: string | undefined,
  progress: Progress,
): Promise<Binaries> {
  const refused: string[] = [];
  for (const attempt of [
    () => fromPackage(account, progress),
    ...(binFolder ? [() => probe(binFolder, account)] : []),
    () => fromPath(account),
    () => fromDebian(account),
  ]) {
    try {
      return await attempt();
    } catch (error) {
      refused.push(String((error as Error).message).split('\n')[0] ?? '');
    }
  }
  throw new SetupError(
    `no PostgreSQL can be run here: set DATABASE_URL to a PostgreSQL 15 or newer, ` +
      `or PG_BIN to the folder of its programs (tried: ${refused.join('; ')})`,
  );
}
