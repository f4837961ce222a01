import { createHash, randomBytes } from 'node:crypto';
import * as fileSystem from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { migrations as Migrations } from '../../migrations';
import { dataSourceFor } from '../../ormconfig';
import { prepareRoles, roleUrls, withSetupLock } from '../../src/platform/database-setup';
import { dumpSchema } from '../../src/platform/schema-dump';
import { lintSchema } from '../../src/platform/schema-lint';
import { testServer } from '../support/database';

const { superuserUrl } = testServer();
let server: Client;
const made: string[] = [];
/** Two seconds of waiting for a lock, while the other tests run. */
let waiting: ReturnType<typeof migrateWhileSomebodyReads>;
beforeAll(async () => {
  server = new Client({ connectionString: superuserUrl });
  await server.connect();
  // TypeORM tells the console, too, that a migration failed.
  jest.spyOn(console, 'log').mockImplementation(() => undefined);
  waiting = migrateWhileSomebodyReads();
});
afterAll(async () => {
  await waiting;
  for (const undo of made.reverse()) await server.query(undo);
  await server.end();
});

async function emptyDatabase(owner?: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await server.query(`create database ${name} template template0${owner ? ` owner ${owner}` : ''}`);
  made.push(`drop database ${name} with (force)`);
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  return url.toString();
}

/** As a gateway does when it starts; answers which migrations it ran itself. */
async function migrate(ownerUrl: string): Promise<string[]> {
  return withSetupLock(ownerUrl, async (client) => {
    // The roles of this server are there already, with the passwords that follow from the superuser's.
    await prepareRoles(client, ownerUrl, roleUrls(superuserUrl));
    const source = dataSourceFor({ url: ownerUrl, poolSize: 1, name: 'migrate' });
    await source.initialize();
    try {
      return (await source.runMigrations()).map(({ name }) => name);
    } finally {
      await source.destroy();
    }
  });
}

async function asOwner<T>(
  url: string,
  work: (query: (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>) => Promise<T>,
) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(async (sql, values) => (await client.query(sql, values)).rows);
  } finally {
    await client.end();
  }
}

/** What a migration leaves on the server's own books: the schema, and the list with the transaction that wrote each line. */
const stateOf = (url: string) =>
  asOwner(url, async (query) => ({
    schema: await dumpSchema(query),
    migrations: await query('select name, xmin::text from schema_migrations order by id'),
  }));

const files = fileSystem.readdirSync(join(__dirname, '..', '..', 'migrations')).filter((file) => file.endsWith('.sql'));

/** A migration in two steps, of which the second waits for somebody who reads. */
async function migrateWhileSomebodyReads() {
  const url = await emptyDatabase();
  await migrate(url);
  const before = await stateOf(url);
  const [step] = migrationsOf({
    '1767225699000-slow.sql': 'alter table users add column nickname text; alter table partners add column motto text',
  });
  const reader = new Client({ connectionString: url });
  await reader.connect();
  await reader.query('begin');
  await reader.query('select * from partners');
  const source = dataSourceFor({ url, poolSize: 1, name: 'migrate' });
  source.setOptions({ migrations: [step!] });
  await source.initialize();
  const outcome = await source.runMigrations().then(
    () => 'migrated',
    (error: { code?: string }) => error.code,
  );
  await source.destroy();
  await reader.query('rollback');
  await reader.end();
  return { before, outcome, after: await stateOf(url) };
}

test('five gateways that start at once on an empty database migrate it once', async () => {
  const url = await emptyDatabase();
  const ran = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
  expect(ran.map((names) => names.length).sort()).toEqual([0, 0, 0, 0, files.length]);
  const state = await stateOf(url);
  expect(state.migrations).toHaveLength(files.length);
  expect(new Set(state.migrations.map(({ name }) => name)).size).toBe(files.length);

  // And five more, later, change nothing.
  await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
  expect(await stateOf(url)).toEqual(state);
});

test('an owner who is no superuser migrates, and the schema is the same', async () => {
  const owner = `owner_${randomBytes(6).toString('hex')}`;
  await server.query(`create role ${owner} login password 'of this test' nosuperuser nobypassrls`);
  made.push(`drop role ${owner}`);
  const url = new URL(await emptyDatabase(owner));
  url.username = owner;
  url.password = 'of this test';
  expect(await migrate(url.toString())).toHaveLength(files.length);
  const bySuperuser = await emptyDatabase();
  await migrate(bySuperuser);
  expect((await stateOf(url.toString())).schema).toBe((await stateOf(bySuperuser)).schema);
  expect(await asOwner(url.toString(), lintSchema)).toEqual([]);

  // The way in works without a superuser's rights, too: the owner of the tables is past their policies.
  const id = '018f0000-0000-7000-8000-000000000001';
  await asOwner(url.toString(), async (query) => {
    await query(`insert into users (id, email, created_at) values ($1, 'first@example.com', now())`, [id]);
    await query(`insert into user_roles values ($1, 'SUPER_ADMIN')`, [id]);
  });
  const appUrl = new URL(roleUrls(superuserUrl).appUrl);
  appUrl.pathname = url.pathname;
  const entered = await asOwner(appUrl.toString(), (query) => query('select * from app.enter($1, null, null)', [id]));
  expect(entered).toMatchObject([{ actor: 'PLATFORM', can_write: true }]);
});

/** Loads the list of migrations as if the folder held these files. */
function migrationsOf(folder: Readonly<Record<string, string>>): typeof Migrations {
  let found: typeof Migrations = [];
  jest.isolateModules(() => {
    jest.doMock('node:fs', () => ({
      ...fileSystem,
      readdirSync: () => Object.keys(folder),
      readFileSync: (path: string) => folder[path.split('/').at(-1)!],
    }));
    found = require('../../migrations').migrations;
  });
  jest.dontMock('node:fs');
  return found;
}

test.each([
  'foundation.sql',
  '1767225600000_foundation.sql',
  '1767225600-foundation.sql',
  '1767225600000-Foundation.sql',
  '1767225600000-.sql',
])('a file named %s is refused', (name) => {
  expect(() => migrationsOf({ [name]: 'select 1' })).toThrow(
    `${name}: a migration is named <13 digits of milliseconds>-<name>.sql`,
  );
});

test('files run in the order of their names, and other files are none', () => {
  const found = migrationsOf({ '1767225601000-second-step.sql': '', 'index.ts': '', '1767225600000-first.sql': '' });
  expect(found.map((migration) => new migration().name)).toEqual(['First1767225600000', 'SecondStep1767225601000']);
});

test('a migration that would make requests wait gives up instead, and leaves nothing behind', async () => {
  const { before, after, outcome } = await waiting;
  expect(outcome).toBe('55P03');
  expect(after).toEqual(before);
});

test('there is no way down', async () => {
  const [step] = migrationsOf({ '1767225600000-first.sql': '' });
  await expect(new step!().down(undefined as never)).rejects.toThrow('forward only');
});

/** What databases out there were made by. A file joins them when it is released, and is never edited afterwards. */
const released: Readonly<Record<string, string>> = {
  '1767225600000-foundation.sql': 'f04ff6995d6b8b1b',
  '1767225601000-platform.sql': '0f146a932ded5d11',
  '1767225602000-catalog.sql': 'eaefd6c40bcf2f6e',
  '1767225603000-subscriptions.sql': 'efe77e405310fa26',
  '1767225604000-invoicing.sql': '5a32c042d8404822',
  '1767225605000-coupons.sql': '20f198424b82e009',
  '1767225606000-entitlements.sql': 'f592841cbd8eb18b',
  '1767225607000-entitlement-check.sql': 'ee17d84d4f3c83b8',
};
test.each(Object.entries(released))(
  '%s stands as it was released: what changes is the next migration',
  (file, hash) => {
    const sql = fileSystem.readFileSync(join(__dirname, '..', '..', 'migrations', file));
    expect(createHash('sha256').update(sql).digest('hex').slice(0, 16)).toBe(hash);
  },
);
