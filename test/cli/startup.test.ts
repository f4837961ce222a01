import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { createDatabase, type TestDatabase, testServer } from '../support/database';
import { startOldPostgres } from './old-postgres';

const root = join(__dirname, '..', '..');
const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-start-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface Start {
  readonly args: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Before the entry: options of Node. */
  readonly node?: readonly string[];
  readonly entry?: string;
}

/** A process of its own, with nothing of this one's environment but where programs are. */
async function end({ args, variables = {}, node = [], entry = join(root, 'src', 'cli', 'run.mjs') }: Start) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...variables };
  const child = spawn(process.execPath, [...node, entry, ...args], {
    env,
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, said: said.trim() };
}

const serve = (variables: Start['variables']): Start => ({ args: ['serve'], variables });

/** What a stranger may do wrong, and the line that helps. */
const setUps: Readonly<Record<string, { start: () => Start | Promise<Start>; line: RegExp }>> = {
  'an old Node': {
    start: () => {
      const old = join(newFolder(), 'old.cjs');
      writeFileSync(
        old,
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });`,
      );
      return { ...serve({}), node: ['--require', old] };
    },
    line: /^Node 20\.19 or newer is needed, and this is 18\.20\.4: install one \(https:\/\/nodejs\.org\) and start again\.$/,
  },
  'no packages': {
    start: () => {
      const copy = newFolder();
      for (const name of ['src', 'migrations', 'ormconfig.ts', 'package.json']) {
        cpSync(join(root, name), join(copy, name), { recursive: true });
      }
      return { ...serve({}), entry: join(copy, 'src', 'cli', 'run.mjs') };
    },
    line: /^A package is missing \(Cannot find package '@swc\/core' .*\): run npm ci, and start again\.$/,
  },
  'a word for a port': {
    start: () => serve({ PORT: 'abc' }),
    line: /^PORT has to be a whole number from 0 to 65535: correct it in the environment and start again\.$/,
  },
  'a port that is taken': {
    start: () => serve({ PORT: String(takenPort), DATA_DIR: join(newFolder(), 'not-made') }),
    line: /^Port \d+ is taken: stop what listens there, or set PORT to another port \(0: any that is free\)\.$/,
  },
  'a host of another machine': {
    start: () => serve({ HOST: '192.0.2.1', PORT: '4999', DATA_DIR: newFolder() }),
    line: /^192\.0\.2\.1 is no address of this machine to listen on \(EADDRNOTAVAIL\): set HOST to 127\.0\.0\.1, 0\.0\.0\.0 or an address that it has\.$/,
  },
  'a folder that cannot be written': {
    start: () => serve({ DATA_DIR: '/dev/null/data' }),
    line: /^The folder \/dev\/null\/data cannot be written \(ENOTDIR\): give this user the right to, or set DATA_DIR to another folder\.$/,
  },
  'a database without a scheme': {
    start: () => serve({ DATABASE_URL: 'localhost:5432/tollgate' }),
    line: /^DATABASE_URL has to be an address such as postgresql:\/\/localhost:5432\/tollgate: correct it in the environment and start again\.$/,
  },
  'a database that is not there': {
    start: () =>
      serve({ DATABASE_URL: 'postgresql://owner:secret@127.0.0.1:1/tollgate', DATA_DIR: newFolder(), PORT: '0' }),
    line: /^PostgreSQL at 127\.0\.0\.1:1\/tollgate cannot be reached \(connect ECONNREFUSED 127\.0\.0\.1:1\): start it, or correct DATABASE_URL\.$/,
  },
  'a wrong password': {
    start: () => serve({ DATABASE_URL: databaseUrl({ password: 'wrong' }), DATA_DIR: newFolder(), PORT: '0' }),
    line: /^PostgreSQL at 127\.0\.0\.1:\d+ does not let postgres in: correct the user and the password in DATABASE_URL\.$/,
  },
  'a database of another name': {
    start: () => serve({ DATABASE_URL: databaseUrl({ pathname: '/no_such' }), DATA_DIR: newFolder(), PORT: '0' }),
    line: /^PostgreSQL at 127\.0\.0\.1:\d+ has no database no_such: make it \(createdb\), or correct DATABASE_URL\.$/,
  },
  'an old PostgreSQL': {
    start: () => serve({ DATABASE_URL: oldPostgres.url, DATA_DIR: newFolder(), PORT: '0' }),
    line: /^PostgreSQL 15 or newer is needed, and this server is 14: set DATABASE_URL to a newer one\.$/,
  },
  'data of another PostgreSQL': {
    start: () => {
      const folder = newFolder();
      const data = join(folder, 'database', 'postgres', 'data');
      mkdirSync(data, { recursive: true });
      writeFileSync(join(data, 'PG_VERSION'), '9\n');
      return serve({ DATA_DIR: folder, PORT: '0' });
    },
    line: /^the data in .* was written by PostgreSQL 9, but this is .*: run PostgreSQL 9 on it and set DATABASE_URL, or set DATA_DIR anew$/,
  },
  'secrets that were cut off': {
    start: () => {
      const folder = newFolder();
      writeFileSync(join(folder, 'secrets.json'), '{"quoteSecret": "a');
      return serve({ DATA_DIR: folder, PORT: '0' });
    },
    line: /^.*secrets\.json cannot be read: put it back from a backup, or set DATA_DIR to another folder for a new world\.$/,
  },
  'a secret that is too short': {
    start: () => serve({ QUOTE_SECRET: 'short' }),
    line: /^QUOTE_SECRET has to be at least 32 characters long: correct it in the environment and start again\.$/,
  },
  'production without its settings': {
    start: () => serve({ TOLLGATE_ENV: 'production' }),
    line: /^In production these have no default: set DATABASE_URL, JWT_ISSUER, JWKS_URL, QUOTE_SECRET, WEBHOOK_KEY \(a secret is 32 characters or more, such as [\w-]{43}\), or TOLLGATE_ENV=demo for a demo world\.$/,
  },
  'a schedule with a minute 99': {
    start: () => serve({ BILLING_SCHEDULE: '99 * * * *' }),
    line: /^BILLING_SCHEDULE has to be five fields of cron in UTC, such as \*\/10 \* \* \* \*, or off: correct it in the environment and start again\.$/,
  },
  'half of a provider’s secrets': {
    start: () => serve({ STRIPE_SECRET_KEY: 'sk_test_0123456789abcdef01234567' }),
    line: /^A payment provider cannot be used as it is set up: STRIPE_SECRET_KEY is set but STRIPE_WEBHOOK_SECRET is not: set both, or neither to leave the provider off\.$/,
  },
  'a command that there is not': {
    start: () => ({ args: ['sevre'] }),
    line: /^unknown command 'sevre' \(Did you mean serve\?\): npm run -s tollgate -- --help lists what there is\.$/,
  },
  'a token without an identity': {
    start: () => ({ args: ['token'] }),
    line: /^missing required argument 'identity': npm run -s tollgate -- --help lists what there is\.$/,
  },
  'a token of a world that is not there': {
    start: () => ({ args: ['token', 'tenant-admin'], variables: { DATA_DIR: join(newFolder(), 'empty') } }),
    line: /^There is no world in .*empty yet: start the gateway there first \(npm start\), or set DATA_DIR or DATABASE_URL to where one is\.$/,
  },
  'billing a world that is not there': {
    start: () => ({ args: ['bill'], variables: { DATA_DIR: newFolder() } }),
    line: /^There is no world in .* yet: start the gateway there first \(npm start\), or set DATA_DIR or DATABASE_URL to where one is\.$/,
  },
  'a day that no calendar has': {
    start: () => ({ args: ['bill', '--as-of', '2026-02-30'] }),
    line: /^2026-02-30 is no date\. Write it as 2026-01-31: npm run -s tollgate -- bill --as-of 2026-01-31$/,
  },
};

function databaseUrl(change: Partial<Record<'password' | 'pathname', string>>): string {
  const url = new URL(testServer().superuserUrl);
  return Object.assign(url, change).toString();
}

let oldPostgres: Awaited<ReturnType<typeof startOldPostgres>>;
const taken = createServer();
let takenPort: number;
const ends = new Map<string, Awaited<ReturnType<typeof end>>>();
beforeAll(async () => {
  oldPostgres = await startOldPostgres();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  takenPort = (taken.address() as { port: number }).port;
  // The first start compiles what changed; after that three at a time.
  const names = Object.keys(setUps);
  const next = async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      ends.set(name, await end(await setUps[name]!.start()));
    }
  };
  await end({ args: ['--help'] });
  await Promise.all([next(), next(), next()]);
}, 180_000);
afterAll(() => {
  taken.close();
  oldPostgres.stop();
});

test.each(Object.keys(setUps))('%s: one line says what to do, and the exit code that it failed', (name) => {
  const { code, said } = ends.get(name)!;
  expect(said).toMatch(setUps[name]!.line);
  expect(said.split('\n')).toHaveLength(1);
  expect(code).toBe(1);
});

test('a port that is taken is found before anything is made', async () => {
  const folder = join(newFolder(), 'not-made');
  await end(serve({ PORT: String(takenPort), DATA_DIR: folder }));
  expect(() => readFileSync(join(folder, 'secrets.json'))).toThrow('ENOENT');
});

test('help is no mistake', async () => {
  const { code, said } = await end({ args: ['bill', '--help'] });
  expect(code).toBe(0);
  expect(said).toContain('--as-of <date>');
});

test('Node’s version is looked at before anything is imported, and by npm too', () => {
  const entry = readFileSync(join(root, 'src', 'cli', 'run.mjs'), 'utf8');
  expect(entry).not.toMatch(/^import /m);
  // A statement of a newer Node would be a syntax error in the old one, which then says nothing of ours.
  expect(entry).not.toMatch(/^(await|export) |\?\?|\?\./m);
  expect(readFileSync(join(root, '.npmrc'), 'utf8')).toContain('engine-strict=true');
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
  expect(entry).toContain(`const needed = [${engines.node.replace('>=', '').split('.').join(', ')}]`);
});

test.each([
  ['*/10 * * * *', true],
  ['1-5 0,12 31 12 7', true],
  ['0 0 0 * *', false],
  ['5-1 * * * *', false],
  ['*/0 * * * *', false],
  ['1-5/2 * * * *', false],
  ['* * * *', false],
  ['off', true],
])('the schedule %s can be used: %s', (schedule, usable) => {
  const read = () => readConfig({ BILLING_SCHEDULE: schedule });
  if (usable) expect(read).not.toThrow();
  else expect(read).toThrow('BILLING_SCHEDULE has to be five fields of cron');
});

describe('npm start', () => {
  const children: ChildProcess[] = [];
  let database: TestDatabase | undefined;
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await database?.drop();
  });

  test('ends everything when it is told to, and when it is killed', async () => {
    database = await createDatabase('demo');
    const variables = {
      DATABASE_URL: database.ownerUrl,
      DATA_DIR: newFolder(),
      PORT: '0',
      TOLLGATE_ENV: 'demo',
      BILLING_SCHEDULE: 'off',
    };
    const started = await Promise.all(
      (['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const).map(async (signal) => {
        const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...variables };
        const child = spawn('npm', ['start'], { env, cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
        children.push(child);
        let said = '';
        let url: string | undefined;
        const ready = new Promise<void>((resolve, reject) => {
          child.stdout!.setEncoding('utf8').on('data', (text: string) => {
            said += text;
            url = /GraphQL +(http:\/\/\S+)\/graphql/.exec(said)?.[1];
            if (url) resolve();
          });
          child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
          child.once('close', () => reject(new Error(said)));
        });
        // Its output is closed when npm, the shell between and the gateway have all ended.
        const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
        await ready;
        return { signal, child, closed, url: url! };
      }),
    );
    for (const { child, signal, closed, url } of started) {
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      child.kill(signal);
      await closed;
      await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
    }
  }, 120_000);
});
