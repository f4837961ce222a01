import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, parse } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './setup-error';

export const isWindows = process.platform === 'win32';
export const isRoot = process.getuid?.() === 0;
export const run = promisify(execFile);
export const errorCode = (error: unknown) => (error as NodeJS.ErrnoException).code;
export type Progress = (line: string) => void;

const suffix = isWindows ? '.exe' : '';
export const program = (binFolder: string, name: 'initdb' | 'pg_ctl' | 'postgres') => join(binFolder, name + suffix);

/** The system user PostgreSQL runs under when we are root, for it refuses to run as root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** No account is created: `postgres` where an administrator has made one, else `nobody`, which is everywhere. */
export async function serverAccount(): Promise<Account> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody');
  if (!found) throw new SetupError('PostgreSQL cannot run as root, and there is no account `postgres` or `nobody`');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/**
 * How PostgreSQL's programs are run: with an environment of our own, so that no PGDATA, locale or library path of the
 * caller reaches them, and from a folder that every account may enter.
 */
export const asServer = (account: Account | undefined) => ({
  ...account,
  cwd: parse(process.execPath).root,
  env: { LC_ALL: 'C', TZ: 'UTC', ...(isWindows ? {} : { PATH: '/usr/bin:/bin' }) } as NodeJS.ProcessEnv,
  windowsHide: true,
});

/**
 * A folder of ours in a place where everybody may write, for what the server's account cannot reach elsewhere. Whoever
 * makes it first could put his programs or data there, so one that is not ours is refused. The name tells apart users
 * and the things they keep.
 */
export function privatePath(key: string): string {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return join(isWindows ? tmpdir() : '/var/tmp', `tollgate-${process.getuid?.() ?? 'user'}-${hash}`);
}

export async function openPrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
    await chmod(path, 0o755);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const found = await lstat(path);
  if (!isWindows && (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)) {
    throw new SetupError(`${path} is not a folder of this user alone; remove it`);
  }
}
