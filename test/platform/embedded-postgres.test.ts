import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres';

const isRoot = process.getuid?.() === 0;
const folders: string[] = [];
const servers: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

/** As root the server runs under another account, which has to get through to its folder. */
function newFolder(mode = 0o755): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'));
  chmodSync(folder, mode);
  folders.push(folder);
  return folder;
}

async function start(dataFolder: string, progress: (line: string) => void = () => {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataFolder, durable: false, progress });
  servers.push(server);
  return server;
}

async function ask(server: { superuserUrl: string }, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: server.superuserUrl });
  await client.connect();
  try {
    return Object.values((await client.query({ text: sql })).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

/** A gateway of its own, to be killed: it prints the lines of progress, then the URL. */
function startInChild(dataFolder: string): ChildProcess {
  const script = `
    const { transformFileSync } = require('@swc/core');
    const options = { swcrc: false, jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } };
    require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, options).code, file);
    const { startEmbeddedPostgres } = require('./src/platform/embedded-postgres.ts');
    setInterval(() => {}, 1000);
    startEmbeddedPostgres({ dataFolder: process.argv[1], durable: true, progress: console.log })
      .then((server) => console.log(server.superuserUrl));`;
  const child = spawn(process.execPath, ['-e', script, dataFolder], {
    cwd: resolve(__dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function lineOf(child: ChildProcess, wanted: string): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += chunk;
    const line = text.split('\n').find((candidate) => candidate.startsWith(wanted));
    if (line) return line;
  }
  throw new Error(`the child ended after: ${text}`);
}

async function killHard(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

const clusterFile = (dataFolder: string, ...path: string[]) => join(dataFolder, 'postgres', ...path);
const serverPid = (dataFolder: string) =>
  Number(readFileSync(clusterFile(dataFolder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

afterEach(async () => {
  await Promise.all(children.splice(0).map(killHard));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

test('a new cluster answers, stops, and has its data again at the next start', async () => {
  const folder = join(newFolder(), 'missing', 'data');
  const lines: string[] = [];
  const first = await start(folder, (line) => lines.push(line));
  expect(lines).toEqual(['creating a new database cluster']);
  expect(first.dataFolder).toBe(folder);
  expect(await ask(first, "select current_setting('server_version')")).toMatch(first.version);
  expect(await ask(first, "select current_setting('TimeZone') || ' ' || current_setting('server_encoding')")).toBe(
    'UTC UTF8',
  );
  await ask(first, 'create table kept as select 42 as answer');
  const pid = serverPid(folder);
  await Promise.all([first.stop(), first.stop()]);
  expect(isAlive(pid)).toBe(false);

  const second = await start(folder, (line) => lines.push(line));
  expect(await ask(second, 'select answer from kept')).toBe(42);
  expect(lines).toHaveLength(1);
});

test('only the password opens the server, and only its owner can read that', async () => {
  const folder = newFolder();
  const server = await start(folder);
  expect(statSync(clusterFile(folder, 'password')).mode & 0o777).toBe(0o600);
  expect(statSync(clusterFile(folder, 'data')).mode & 0o777).toBe(0o700);
  expect(new URL(server.superuserUrl).password).toBe(readFileSync(clusterFile(folder, 'password'), 'utf8'));
  const guess = { superuserUrl: server.superuserUrl.replace(/:[^:@]+@/, ':guess@') };
  await expect(ask(guess, 'select 1')).rejects.toThrow('password authentication failed');
});

test('after kill -9 of the gateway the server stops cleanly, and a start right away waits for that', async () => {
  const folder = newFolder();
  const child = startInChild(folder);
  const superuserUrl = await lineOf(child, 'postgresql:');
  await ask({ superuserUrl }, 'create table kept as select 42 as answer');
  const pid = serverPid(folder);
  await killHard(child);

  const next = await start(folder);
  expect(isAlive(pid)).toBe(false);
  expect(await ask(next, 'select answer from kept')).toBe(42);
  const log = readFileSync(clusterFile(folder, 'server.log'), 'utf8');
  expect(log).toContain('database system is shut down');
  expect(log).not.toContain('not properly shut down');
});

test('after kill -9 of the gateway nothing is left running', async () => {
  const folder = newFolder();
  const child = startInChild(folder);
  await lineOf(child, 'postgresql:');
  const pid = serverPid(folder);
  await killHard(child);
  for (const giveUpAt = Date.now() + 5_000; isAlive(pid) && Date.now() < giveUpAt; ) await sleep(20);
  expect(isAlive(pid)).toBe(false);
});

test('a second gateway on the same data is told about the first', async () => {
  const folder = newFolder();
  const outcomes = await Promise.allSettled([start(folder), start(folder)]);
  const message = `another Tollgate is running on this data folder (pid ${process.pid}); stop it or set DATA_DIR`;
  const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused?.reason).toEqual(new Error(message));
  expect(servers).toHaveLength(1);
  await expect(start(folder)).rejects.toThrow(message);
  expect(await ask(servers[0]!, 'select 1')).toBe(1);
});

describe('a server that ends by itself is started again', () => {
  const lines: string[] = [];
  async function kept(folder: string): Promise<EmbeddedPostgres> {
    lines.length = 0;
    const progress = (line: string) => void lines.push(line);
    const server = await startEmbeddedPostgres({
      ...{ dataFolder: folder, durable: true, progress },
      onLost: (reason) => void lines.push(`lost: ${reason}`),
    });
    servers.push(server);
    return server;
  }
  const until = async (line: string) => {
    while (!lines.some((said) => said.startsWith(line))) await sleep(20);
  };

  test('after kill -9: on the same port, with what was committed', async () => {
    const folder = newFolder();
    const server = await kept(folder);
    await ask(server, 'create table kept as select 42 as answer');
    const first = serverPid(folder);
    process.kill(first, 'SIGKILL');
    await until('PostgreSQL runs again');
    expect(await ask(server, 'select answer from kept')).toBe(42);
    const second = serverPid(folder);
    expect(second).not.toBe(first);
    await server.stop();
    expect(isAlive(second)).toBe(false);
    expect(lines).toEqual([
      'creating a new database cluster',
      'PostgreSQL ended by itself; it is started again',
      'PostgreSQL runs again',
    ]);
  });

  test('stopped while it is away it stays away', async () => {
    const folder = newFolder();
    const server = await kept(folder);
    process.kill(serverPid(folder), 'SIGKILL');
    await until('PostgreSQL ended by itself');
    await server.stop();
    expect(lines).not.toContain('PostgreSQL runs again');
    expect(await ask(await start(folder), 'select 1')).toBe(1);
  });
});

test('two clusters start side by side', async () => {
  const [one, other] = await Promise.all([start(newFolder()), start(newFolder())]);
  expect(one.port).not.toBe(other.port);
  expect(await Promise.all([ask(one, 'select 1'), ask(other, 'select 2')])).toEqual([1, 2]);
});

test('data of another PostgreSQL version is refused with both versions named', async () => {
  const folder = newFolder();
  const server = await start(folder);
  await server.stop();
  writeFileSync(clusterFile(folder, 'data', 'PG_VERSION'), '12\n');
  await expect(start(folder)).rejects.toThrow(`was written by PostgreSQL 12, but this is ${server.version}`);
});

test('an initdb killed half way is no hindrance', async () => {
  const folder = newFolder();
  const child = startInChild(folder);
  await lineOf(child, 'creating');
  while (readdirSync(folder).length === 0) await sleep(5);
  await killHard(child);
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^postgres\.draft-/)]);
  expect(await ask(await start(folder), 'select 1')).toBe(1);
});

test('a lock file left by a crash is no hindrance, though its pid now belongs to another process', async () => {
  const folder = newFolder();
  await (await start(folder)).stop();
  const { uid, gid } = statSync(clusterFile(folder, 'data'));
  const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], isRoot ? { uid, gid, cwd: '/' } : {});
  children.push(stranger);
  await once(stranger, 'spawn');
  const lock = `${stranger.pid}\n${clusterFile(folder, 'data')}\n1700000000\n5432\n\n127.0.0.1\n\nready\n`;
  writeFileSync(clusterFile(folder, 'data', 'postmaster.pid'), lock);
  expect(await ask(await start(folder), 'select 1')).toBe(1);
  expect(isAlive(stranger.pid!)).toBe(true);
});

test('a port taken at the last moment costs another attempt', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const folder = newFolder();
  await (await start(folder)).stop();
  const freeBefore = Object.assign(new EventEmitter(), {
    listen: () => freeBefore,
    address: () => taken.address(),
    close: () => setImmediate(() => freeBefore.emit('close')),
  });
  jest.spyOn(net, 'createServer').mockImplementationOnce(() => {
    setImmediate(() => freeBefore.emit('listening'));
    return freeBefore as unknown as net.Server;
  });
  const server = await start(folder);
  taken.close();
  expect(await ask(server, 'select 1')).toBe(1);
  expect(readFileSync(clusterFile(folder, 'server.log'), 'utf8')).toContain('Address already in use');
});

(isRoot ? test : test.skip)('as root, data goes where the server can reach it, and is found there again', async () => {
  const folder = newFolder(0o700);
  const lines: string[] = [];
  const first = await start(folder, (line) => lines.push(line));
  folders.push(first.dataFolder);
  expect(lines[0]).toContain(`the database is in ${first.dataFolder}`);
  await ask(first, 'create table kept as select 42 as answer');
  await first.stop();
  const second = await start(folder);
  expect(second.dataFolder).toBe(first.dataFolder);
  expect(await ask(second, 'select answer from kept')).toBe(42);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});
