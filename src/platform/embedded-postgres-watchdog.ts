import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { type Account, asServer, isWindows, program } from './embedded-postgres-system';

/**
 * The postmaster is the watchdog's child, and the watchdog reads a pipe that only we hold: however we die, the pipe
 * ends and PostgreSQL gets SIGINT, its fast and clean shutdown. A shell rather than Node saves 40 MB and 40 ms.
 * Signals sent to a whole group must not take the watchdog away before its postmaster.
 */
const watchdog = `
exec 3<&0 </dev/null
"$@" 3<&- &
postmaster=$!
trap '' HUP INT TERM
(read -r line <&3; kill -INT "$postmaster") &
wait "$postmaster"
status=$?
kill -9 $! 2>/dev/null
exit $status`;

/** There, only pg_ctl can drop an administrator's rights and ask for a clean shutdown. */
const watchdogOnWindows = `
const [pgCtl, dataFolder, log, settings] = process.argv.slice(1);
const { spawnSync } = require('node:child_process');
const control = (...args) =>
  spawnSync(pgCtl, [...args, '-D', dataFolder], { stdio: 'ignore', windowsHide: true }).status ?? 1;
if (control('start', '-l', log, '-o', settings) !== 0) process.exit(1);
process.stdin.resume().on('error', () => {}).on('close', () => process.exit(control('stop', '-m', 'fast')));`;

export interface Launch {
  readonly binFolder: string;
  readonly dataFolder: string;
  readonly log: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly account: Account | undefined;
  /** The pid in the lock file of a server long gone; by now it may belong to any process. */
  readonly stalePid: string | undefined;
}

/** Starts PostgreSQL under a watchdog; closing the watchdog's stdin stops both. */
export async function launch(options: Launch): Promise<ChildProcess> {
  const { binFolder, dataFolder, log, settings, account, stalePid } = options;
  // Detached: Ctrl-C in a terminal reaches Node only, and Node decides.
  const how = { ...asServer(account), detached: true };
  // PostgreSQL then does not take that process for a postmaster; its check of the shared memory stays.
  if (stalePid) how.env = { ...how.env, PG_GRANDPARENT_PID: stalePid };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  if (isWindows) {
    const line = args.map((arg) => `"${arg}"`).join(' ');
    const script = ['-e', watchdogOnWindows, program(binFolder, 'pg_ctl'), dataFolder, log, line];
    return spawn(process.execPath, script, { ...how, stdio: ['pipe', 'ignore', 'ignore'] });
  }
  const output = await open(log, 'a', 0o600);
  try {
    const command = [program(binFolder, 'postgres'), '-D', dataFolder, ...args];
    return spawn('/bin/sh', ['-c', watchdog, 'sh', ...command], { ...how, stdio: ['pipe', output.fd, output.fd] });
  } finally {
    await output.close();
  }
}
