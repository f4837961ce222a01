import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { dumpSchema } from '../../src/platform/schema-dump';
import { createDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const committed = () => {
  try {
    return readFileSync(join(__dirname, '..', '..', 'schema', 'database.sql'), 'utf8');
  } catch {
    return '';
  }
};

test('schema/database.sql is what the migrations make', async () => {
  const fresh = (await dumpSchema(database.asOwner)).split('\n');
  const kept = new Set(committed().split('\n'));
  const added = fresh.filter((line) => !kept.has(line)).map((line) => `+ ${line}`);
  const lines = new Set(fresh);
  const removed = [...kept].filter((line) => !lines.has(line)).map((line) => `- ${line}`);
  if (fresh.join('\n') !== committed()) {
    throw new Error(
      'The migrations make another schema than schema/database.sql shows. Run `npm run tollgate -- dump-schema`, look at ' +
        `the difference as a reviewer would, and commit it with the migration.\n${[...removed, ...added].slice(0, 40).join('\n')}`,
    );
  }
});

test('is the same on any connection, and leaves it as it was', async () => {
  const text = await dumpSchema(database.asOwner);
  const client = new Client({ connectionString: database.ownerUrl });
  await client.connect();
  const query = async (sql: string, values?: unknown[]) => (await client.query(sql, values)).rows;
  await client.query(`set search_path = app; set timezone = 'Pacific/Auckland'; set datestyle = 'German'`);
  expect(await dumpSchema(query)).toBe(text);
  expect((await client.query('show search_path')).rows).toEqual([{ search_path: 'app' }]);
  await client.query('begin');
  expect(await dumpSchema(query)).toBe(text);
  await client.query('rollback');
  await client.end();
});

/** What a change of the schema must leave in the dump: a reviewer sees only what is printed. */
test.each([
  ['alter table plans add column color text', 'color text'],
  [`alter table plans alter column rank set default 5`, 'rank integer not null default 5'],
  ['alter table plans alter column description drop not null', `description text default ''::text`],
  ['alter table plans add constraint short check (length(name) < 9)', 'constraint short CHECK (length(name) < 9)'],
  ['create index by_name on plans (name)', 'CREATE INDEX by_name ON public.plans USING btree (name);'],
  ['alter table plans disable row level security', '-alter table public.plans enable row level security;'],
  ['alter table plans force row level security', 'alter table public.plans force row level security;'],
  ['alter policy partner_read on plans using (true)', 'using (true)'],
  [
    'create policy extra on plans as restrictive to public using (true)',
    'create policy extra on public.plans as restrictive for all to public',
  ],
  ['grant delete on plans to tollgate_job', 'grant delete, select on public.plans to tollgate_job;'],
  ['grant update (code) on plans to tollgate_job', 'grant update (code) on public.plans to tollgate_job;'],
  ['grant select on plans to public', 'grant select on public.plans to public, tollgate_job;'],
  [
    'grant select on plans to tollgate_job with grant option',
    'grant select on public.plans to tollgate_job with grant option;',
  ],
  [
    'drop trigger append_only on invoice_lines',
    '-CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.invoice_lines FOR EACH ROW EXECUTE FUNCTION app.forbid_change();',
  ],
  ['alter table invoice_lines disable trigger append_only', 'EXECUTE FUNCTION app.forbid_change() -- enabled: D;'],
  [
    'create function app.one() returns integer language sql as $$ select 1 $$',
    'grant execute on function app.one() to public;',
  ],
  [
    'revoke execute on function app.is_sandbox(uuid) from public',
    'revoke all on function app.is_sandbox(uuid) from public;',
  ],
  ['alter function app.api_key_by_hash(bytea) security invoker', '- STABLE SECURITY DEFINER'],
  [
    'create view cheap with (security_invoker = true) as select id from plans',
    'create view public.cheap with (security_invoker=true) as',
  ],
  ['create materialized view cheap as select id from plans', 'create materialized view public.cheap as'],
  [`create type color as enum ('red')`, `create type public.color as enum ('red');`],
  [
    `create domain exact as numeric(32, 12) check (value <> 'NaN')`,
    `create domain public.exact as numeric(32,12) constraint exact_check CHECK (VALUE <> 'NaN'::numeric);`,
  ],
  ['create schema reports', 'create schema reports;'],
  ['grant create on schema app to tollgate_app', 'grant create, usage on schema app to tollgate_app;'],
  ['create sequence places', 'create sequence public.places;'],
  [
    'alter default privileges in schema public grant select on tables to tollgate_app',
    'alter default privileges in schema public grant select on tables to tollgate_app;',
  ],
  ['create table events (at date, id uuid) partition by range (at)', ') partition by RANGE (at);'],
])('shows %s', async (change, line) => {
  const before = await dumpSchema(database.asOwner);
  await database.asOwner('begin');
  await database.asOwner(change);
  const after = await dumpSchema(database.asOwner);
  await database.asOwner('rollback');
  expect(after).not.toBe(before);
  const [has, wanted] = line.startsWith('-') ? [before, line.slice(1)] : [after, line];
  const hasNot = has === before ? after : before;
  const times = (text: string) => text.split(wanted).length;
  expect(times(has)).toBeGreaterThan(times(hasNot));
});
