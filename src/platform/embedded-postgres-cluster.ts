import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Binaries } from './embedded-postgres-binaries';
import {
  type Account,
  asServer,
  errorCode,
  isRoot,
  isWindows,
  openPrivateFolder,
  type Progress,
  privatePath,
  program,
  run,
  serverAccount,
} from './embedded-postgres-system';
import { SetupError } from './setup-error';

/** `data` is the server's own; password and log stand beside it. All three appear at once, by one rename. */
export const clusterPaths = (folder: string) => {
  const cluster = join(folder, 'postgres');
  return {
    cluster,
    data: join(cluster, 'data'),
    password: join(cluster, 'password'),
    log: join(cluster, 'server.log'),
  };
};

export interface Place {
  readonly folder: string;
  readonly account: Account | undefined;
}

/** Open to all, whatever our umask, so that the server's account gets through; folders already there stay as they are. */
async function createFolders(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await createFolders(dirname(folder));
  try {
    await mkdir(folder);
    await chmod(folder, 0o755);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Where the cluster is or will be, and under which account its server runs. */
export async function findPlace(requested: string, progress: Progress): Promise<Place> {
  await createFolders(resolve(requested));
  const folder = await realpath(requested);
  if (!isRoot) return { folder, account: undefined };

  const moved = privatePath(folder);
  const sayMoved = () =>
    progress(
      `the database is in ${moved}, because PostgreSQL does not run as root and no other account can reach ${folder}; ` +
        'systems tidy that place after some weeks, so set DATA_DIR to a folder such as /var/lib/tollgate to keep data',
    );
  for (const candidate of [folder, moved]) {
    if (!existsSync(clusterPaths(candidate).data)) continue;
    if (candidate === moved) {
      await openPrivateFolder(moved);
      sayMoved();
    }
    // PostgreSQL must own its data, so whoever created it goes on, even if there is a better account by now.
    const { uid, gid } = await stat(clusterPaths(candidate).data);
    return { folder: candidate, account: uid === 0 ? await serverAccount() : { uid, gid } };
  }

  const account = await serverAccount();
  try {
    await run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], asServer(account));
    return { folder, account };
  } catch (error) {
    // A number is the shell's exit status; anything else means that no process could be started.
    if (typeof errorCode(error) !== 'number') {
      throw new SetupError('PostgreSQL does not run as root, and no other account can be used here: set DATABASE_URL', {
        cause: error,
      });
    }
  }
  await openPrivateFolder(moved);
  sayMoved();
  return { folder: moved, account };
}

const draftPrefix = 'postgres.draft-';

/** Killed half way, initdb leaves a folder that never starts: so it works in a draft, which nobody takes for a cluster. */
export async function createCluster(place: Place, binaries: Binaries, durable: boolean): Promise<void> {
  const { folder, account } = place;
  const draft = await mkdtemp(join(folder, draftPrefix));
  const [data, password] = [join(draft, 'data'), join(draft, 'password')];
  try {
    await mkdir(data, { mode: 0o700 });
    await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' });
    if (account) {
      await chmod(draft, 0o755);
      await chown(data, account.uid, account.gid);
      await chown(password, account.uid, account.gid);
    }
    const locale = binaries.major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : [];
    const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${password}`];
    const speed = durable ? [] : ['--no-sync'];
    const options = ['--encoding=UTF8', '--locale=C', ...locale, ...access, ...speed, '--no-instructions'];
    await run(program(binaries.binFolder, 'initdb'), ['-D', data, ...options], asServer(account));
    if (account) await chown(password, 0, 0);
    await rename(draft, clusterPaths(folder).cluster);
    if (durable && !isWindows) await syncFolder(folder);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another process may have been faster; its cluster is as good.
    if (!existsSync(clusterPaths(folder).cluster)) throw error;
  }
}

/** Without it a power failure could bring the draft's name back, with all that was written since. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/** An initdb takes seconds; a draft of ten minutes is nobody's. */
export async function removeOldDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(draftPrefix)) continue;
    const draft = join(folder, name);
    const created = await stat(draft).catch(() => undefined);
    if (created && Date.now() - created.mtimeMs > 600_000) await rm(draft, { recursive: true, force: true });
  }
}

export async function checkVersion(place: Place, binaries: Binaries): Promise<void> {
  const version = await readFile(join(clusterPaths(place.folder).data, 'PG_VERSION'), 'utf8').catch((error) => {
    if (errorCode(error) !== 'EACCES') throw error;
    throw new SetupError(`the data in ${place.folder} belongs to another user: start as that user or set DATA_DIR`);
  });
  if (version.trim() === String(binaries.major)) return;
  throw new SetupError(
    `the data in ${place.folder} was written by PostgreSQL ${version.trim()}, but this is ${binaries.version} ` +
      `(${binaries.binFolder}): run PostgreSQL ${version.trim()} on it and set DATABASE_URL, or set DATA_DIR anew`,
  );
}
