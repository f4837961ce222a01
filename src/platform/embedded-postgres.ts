import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Binaries, findBinaries } from './embedded-postgres-binaries';
import {
  checkVersion,
  clusterPaths,
  createCluster,
  findPlace,
  type Place,
  removeOldDrafts,
} from './embedded-postgres-cluster';
import { isReady, runningPort, untilFree } from './embedded-postgres-lock';
import { launch } from './embedded-postgres-watchdog';
import { SetupError } from './setup-error';

export interface EmbeddedPostgres {
  /** Superuser URL of the `postgres` database (scram password, 127.0.0.1, free port). */
  readonly superuserUrl: string;
  readonly port: number;
  readonly version: string;
  /** Where the cluster is: the folder asked for, unless PostgreSQL's account cannot reach that. */
  readonly dataFolder: string;
  /** Clean (fast) shutdown; resolves when the postmaster is gone. Idempotent. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Folder for the cluster; created when missing. */
  readonly dataFolder: string;
  /** false in tests: fsync, synchronous_commit, full_page_writes off. */
  readonly durable: boolean;
  /** Extra server settings, e.g. { max_connections: '200' }. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Folder of initdb and postgres, where our own package has none for this machine. */
  readonly binFolder?: string;
  /** One line of progress for people ("creating a new database cluster", ...). */
  readonly progress?: (line: string) => void;
  /** The server is started again, on the same port, when it ends by itself; called when that does not help. Default: it stays away. */
  readonly onLost?: (reason: string) => void;
}

/** One run of the server. */
interface Running {
  readonly port: number;
  /** Resolves when it is gone, for whatever reason. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** What a second attempt may cure: a port taken, or another start on this folder, in the moment between. */
const passing =
  /Address already in use|could not create any TCP\/IP sockets|lock file "postmaster\.pid"|pre-existing shared memory/;

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const progress = options.progress ?? (() => {});
  const place = await findPlace(options.dataFolder, progress);
  const binaries = await findBinaries(place.account, options.binFolder, progress);
  await removeOldDrafts(place.folder);
  if (!existsSync(clusterPaths(place.folder).cluster)) {
    progress('creating a new database cluster');
    await createCluster(place, binaries, options.durable);
  }
  await checkVersion(place, binaries);
  const password = await readFile(clusterPaths(place.folder).password, 'utf8');
  const start = (port?: number) => startOnce(place, binaries, options, port);
  const first = await start();
  const { onLost } = options;
  const stop = onLost ? keepRunning(first, start, progress, onLost) : first.stop;
  let stopped: Promise<void> | undefined;
  return {
    superuserUrl: `postgresql://postgres:${password}@127.0.0.1:${first.port}/postgres`,
    port: first.port,
    version: binaries.version,
    dataFolder: place.folder,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Milliseconds before each new start of a server that ended by itself; then it is given up. */
const pauses = [100, 500, 1_000, 2_000, 5_000, 10_000];
/** A server that has run for so long did not end because of its last start. */
const longEnough = 60_000;

/** Starts the server again whenever it ends by itself. Answers how to stop it for good. */
function keepRunning(
  first: Running,
  start: (port: number) => Promise<Running>,
  progress: (line: string) => void,
  onLost: (reason: string) => void,
): () => Promise<void> {
  let current = first;
  const ending = new AbortController();
  const { signal } = ending;
  let ended: Promise<void> = Promise.resolve();
  let attempts = 0;
  const startAgain = async (): Promise<void> => {
    const pause = pauses[attempts];
    attempts += 1;
    if (pause === undefined) return onLost(`PostgreSQL ended by itself and could not be started again`);
    progress(`PostgreSQL ended by itself; it is started again`);
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      // Where only its watchdog was killed, the server itself is still there.
      await current.stop();
      current = await start(first.port);
    } catch (error) {
      progress((error as Error).message);
      return startAgain();
    }
    progress('PostgreSQL runs again');
    watch();
  };
  const watch = () => {
    const since = Date.now();
    ended = current.ended.then(() => {
      if (Date.now() - since > longEnough) attempts = 0;
      return signal.aborted ? undefined : startAgain();
    });
  };
  watch();
  return async () => {
    ending.abort();
    await current.stop();
    await ended;
    await current.stop();
  };
}

async function startOnce(
  place: Place,
  binaries: Binaries,
  options: EmbeddedPostgresOptions,
  port: number | undefined,
): Promise<Running> {
  const giveUpAt = Date.now() + 10_000;
  for (;;) {
    const outcome = await tryStart(place, binaries, options, port);
    if (typeof outcome !== 'string') return outcome;
    if (Date.now() > giveUpAt || !passing.test(outcome)) {
      throw new SetupError(`PostgreSQL did not start (log: ${clusterPaths(place.folder).log}):\n${outcome.trim()}`);
    }
    await sleep(25);
  }
}

/** The port of the server that another process runs on this folder; `undefined`: nobody does. */
export async function findRunningPostgres(dataFolder: string): Promise<number | undefined> {
  if (!existsSync(dataFolder)) return undefined;
  const place = await findPlace(dataFolder, () => undefined);
  return runningPort(clusterPaths(place.folder).data);
}

/** A running server, or what it wrote to its log before it ended. */
async function tryStart(
  place: Place,
  binaries: Binaries,
  { durable, settings, progress }: EmbeddedPostgresOptions,
  wishedPort: number | undefined,
): Promise<Running | string> {
  const paths = clusterPaths(place.folder);
  const stalePid = await untilFree(paths.data);
  const port = wishedPort ?? (await freePort());
  // The name tells a later start on this folder whose server this is.
  const owner = `${process.pid}.${randomBytes(6).toString('hex')}`;
  const logBefore = await sizeOf(paths.log);
  const watchdog = await launch({
    binFolder: binaries.binFolder,
    dataFolder: paths.data,
    log: paths.log,
    settings: {
      ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
      ...settings,
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      lc_messages: 'C',
      'tollgate.owner': owner,
    },
    account: place.account,
    stalePid,
  });
  let ending: string | undefined;
  const ended = new Promise<void>((resolve) => {
    const end = (reason: string) => {
      ending = reason;
      resolve();
    };
    watchdog.once('exit', () => end('')).once('error', (error) => end(`${error.message}\n`));
  });
  const pipe = watchdog.stdin as Socket;
  // The pipe breaks when the watchdog ends first; `ended` tells that.
  pipe.on('error', () => {});

  const slow = setTimeout(() => progress?.(`still waiting for PostgreSQL, see ${paths.log}`), 3_000);
  while (ending === undefined && !(await isReady(paths.data, owner))) await sleep(10);
  clearTimeout(slow);
  if (ending !== undefined) return ending + (await textFrom(paths.log, logBefore));

  // A running database is no reason for Node to stay alive.
  watchdog.unref();
  pipe.unref();
  const stop = async () => {
    watchdog.ref();
    pipe.end();
    await ended;
    // Somebody may have killed the watchdog, and then the server is still there.
    await untilFree(paths.data, owner);
  };
  return { port, ended, stop };
}

const sizeOf = async (path: string) => (existsSync(path) ? (await stat(path)).size : 0);

const textFrom = async (path: string, start: number) =>
  existsSync(path) ? (await readFile(path)).subarray(start).toString('utf8') : '';

/** Free this moment; whoever takes it in between costs us another attempt. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
