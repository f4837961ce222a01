import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWindows, run } from './embedded-postgres-system';
import { SetupError } from './setup-error';

/** PostgreSQL's own lock file: who holds the data folder, and how far it has come. */
async function readLock(dataFolder: string) {
  const lines = (await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => undefined))?.split('\n');
  return lines && { pid: lines[0] ?? '', port: Number(lines[3]), status: lines[7]?.trim() };
}

/** Whether the server started by this owner takes connections. */
export async function isReady(dataFolder: string, owner: string): Promise<boolean> {
  // The server writes its options after the lock file, so with our name in them the lock file is ours too.
  const options = await readFile(join(dataFolder, 'postmaster.opts'), 'utf8').catch(() => '');
  return options.includes(owner) && (await readLock(dataFolder))?.status === 'ready';
}

/** The command line of a living process; '' for one that is dead or a zombie. */
async function commandOf(pid: string, dataFolder: string): Promise<string> {
  try {
    if (process.platform === 'linux') return await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (!isWindows) return (await run('ps', ['-ww', '-o', 'command=', '-p', pid])).stdout.trim();
    process.kill(Number(pid), 0);
    return await readFile(join(dataFolder, 'postmaster.opts'), 'utf8');
  } catch {
    return '';
  }
}

function interrupt(pid: string): void {
  try {
    process.kill(Number(pid), 'SIGINT');
  } catch {
    // Gone in between.
  }
}

/** The port of the server that a living gateway runs on this folder: what another process may use, but not stop. */
export async function runningPort(dataFolder: string): Promise<number | undefined> {
  const lock = await readLock(dataFolder);
  if (!lock?.pid || lock.status !== 'ready') return undefined;
  const [, gateway] = /tollgate\.owner=(\d+)\./.exec(await commandOf(lock.pid, dataFolder)) ?? [];
  return gateway && (await commandOf(gateway, dataFolder)) !== '' ? lock.port : undefined;
}

/**
 * Waits while an earlier server of this data folder is on its way out, and sends it there when its gateway is dead.
 * Answers the pid in a lock file that no server stands behind any more: a crash left it, and pids are given again.
 * With `owner`, only the server of that name is stopped and waited for.
 */
export async function untilFree(dataFolder: string, owner?: string): Promise<string | undefined> {
  const giveUpAt = Date.now() + 60_000;
  for (let interrupted = false; ; await sleep(20)) {
    const lock = await readLock(dataFolder);
    if (!lock) return undefined;
    if (lock.pid === '') {
      // Being written this moment, or cut off by a power failure, and then PostgreSQL would refuse to start for ever.
      const file = join(dataFolder, 'postmaster.pid');
      const written = await stat(file).catch(() => undefined);
      if (written && Date.now() - written.mtimeMs > 5_000) await rm(file, { force: true });
      continue;
    }

    const command = await commandOf(lock.pid, dataFolder);
    const [server = '', rest = ''] = command.split(/[\0 "]+-D[\0 "]+/);
    if (!/postgres(\.exe)?$/.test(server) || !(isWindows || rest.startsWith(dataFolder))) return lock.pid;

    const [, name, gateway] = /tollgate\.owner=((\d+)\.\w+)/.exec(rest) ?? [];
    if (owner && name !== owner) return undefined;
    if (!owner && lock.status !== 'stopping') {
      if (!gateway) throw new SetupError(`a PostgreSQL is running on this data folder (pid ${lock.pid}); stop it`);
      if ((await commandOf(gateway, dataFolder)) !== '') {
        throw new SetupError(
          `another Tollgate is running on this data folder (pid ${gateway}); stop it or set DATA_DIR`,
        );
      }
    }
    // The watchdog does the same unless it was killed too. On Windows this signal would be a hard kill.
    if (!interrupted && !isWindows) interrupt(lock.pid);
    interrupted = true;
    if (Date.now() > giveUpAt)
      throw new SetupError(`PostgreSQL (pid ${lock.pid}) is still shutting down; try again later`);
  }
}
