import {
  findingText,
  freeReferences,
  lintSchema,
  platformWideKeys,
  referenceTablesWithTenant,
  type SchemaRule,
  schemaRules,
  tablesOutsideTenancy,
} from '../../src/platform/schema-lint';
import { createDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

test('the migrated schema keeps every rule', async () => {
  expect((await lintSchema(database.asOwner)).map(findingText)).toEqual([]);
});

test('every exception that is named exists', async () => {
  const columns = await database.asOwner<{ name: string }>(
    `select attrelid::regclass::text || '.' || attname as name from pg_attribute where attnum > 0
     union all select oid::regclass::text from pg_class`,
  );
  const names = new Set(columns.map(({ name }) => name));
  const exceptions = [tablesOutsideTenancy, referenceTablesWithTenant, platformWideKeys, freeReferences].flatMap(
    Object.keys,
  );
  expect(exceptions.filter((name) => !names.has(name))).toEqual([]);
});

/** A table that keeps the rules, for faults that need one of their own. */
const notes = (columns: string) =>
  `create table notes (${columns}); alter table notes enable row level security;
   create policy nobody on notes for select to tollgate_app using (false)`;

/** What is planted, and exactly what must be found. */
const faults: [rule: SchemaRule, sql: string, objects: string[]][] = [
  ['scope-missing', notes('id uuid primary key'), ['notes']],
  ['partner-missing', notes('tenant_id uuid, id uuid, primary key (tenant_id, id)'), ['notes']],
  ['primary-key-scope', notes('tenant_id uuid, partner_id uuid, id uuid primary key'), ['notes']],
  ['primary-key-scope', notes('tenant_id uuid, partner_id uuid, id uuid, primary key (id, tenant_id)'), ['notes']],
  ['primary-key-scope', 'alter table invoice_numbers drop constraint invoice_numbers_pkey', ['invoice_numbers']],
  ['primary-key-scope', notes('partner_id uuid references partners, id uuid, primary key (id, partner_id)'), ['notes']],
  ['unique-scope', 'create unique index by_number on invoices (number)', ['by_number']],
  ['unique-scope', `create unique index by_number on invoices (number) where status = 'PAID'`, ['by_number']],
  ['unique-scope', 'create unique index by_number on invoices (number) include (tenant_id)', ['by_number']],
  ['unique-scope', 'alter table invoices add constraint by_number unique (partner_id, number)', ['by_number']],
  [
    'unique-scope',
    'alter table invoices add constraint by_number exclude using gist (box(point(total, 0), point(discount, 1)) with &&)',
    ['by_number'],
  ],
  ['unique-scope', 'alter table plans add constraint by_name unique (name)', ['by_name']],
  ['unique-scope', 'alter table tenants add constraint by_name unique (partner_id, name)', ['by_name']],
  [
    'foreign-key-tenant',
    'alter table invoices add constraint crossed foreign key (id, tenant_id) references subscriptions (tenant_id, id)',
    ['invoices.crossed'],
  ],
  [
    'foreign-key-partner',
    'alter table subscriptions add constraint crossed foreign key (plan_id, partner_id) references plans (partner_id, id)',
    ['subscriptions.crossed'],
  ],
  [
    'foreign-key-direction',
    'alter table plans add constraint downwards foreign key (partner_id, id) references invoices (tenant_id, id)',
    ['plans.downwards'],
  ],
  [
    'foreign-key-action',
    `alter table profiles add constraint forgetful foreign key (tenant_id, partner_id) references tenants (id, partner_id) on delete set null`,
    ['profiles.forgetful'],
  ],
  [
    'foreign-key-action',
    `alter table profiles add constraint following foreign key (tenant_id, partner_id) references tenants (id, partner_id) on update cascade`,
    ['profiles.following'],
  ],
  ['foreign-key-missing', 'alter table invoices add column parent_id uuid', ['invoices.parent_id']],
  ['foreign-key-missing', 'alter table invoices add column plan_id_before uuid', ['invoices.plan_id_before']],
  ['row-security-off', 'alter table invoices disable row level security', ['invoices']],
  ['row-security-forced', 'alter table invoices force row level security', ['invoices']],
  ['policy-missing', 'drop policy partner_read on invoice_numbers', ['invoice_numbers']],
  ['partition-open', 'grant select on usage_events_rest to tollgate_app', ['usage_events_rest']],
  ['partition-open', 'alter table usage_events_rest disable row level security', ['usage_events_rest']],
  ['policy-exempt-granted', 'grant select on users to tollgate_app', ['users']],
  ['policy-exempt-granted', 'grant select (email) on users to tollgate_job', ['users']],
  ['key-changes', 'grant update (partner_id) on invoices to tollgate_app', ['invoices.partner_id']],
  ['key-changes', 'grant update on invoices to tollgate_job', ['invoices.tenant_id', 'invoices.partner_id']],
  ['key-changes', 'grant update (id) on tenants to tollgate_app', ['tenants.id']],
  ['key-changes', 'grant update (id) on partners to tollgate_app', ['partners.id']],
  ['grant-past-policies', 'grant truncate on invoices to tollgate_app', ['invoices']],
  ['grant-past-policies', 'grant references (id) on invoices to tollgate_app', ['invoices.id']],
  ['grant-past-policies', 'grant select on plans to public', ['plans']],
  ['role-power', 'alter role tollgate_app superuser', ['tollgate_app']],
  ['role-power', 'alter role tollgate_app bypassrls', ['tollgate_app']],
  ['role-power', 'alter role tollgate_job createrole', ['tollgate_job']],
  ['role-power', 'grant pg_monitor to tollgate_app', ['tollgate_app']],
  ['role-owns', 'alter table plans owner to tollgate_app', ['plans']],
  ['role-owns', 'alter function app.forbid_change() owner to tollgate_job', ['app.forbid_change()']],
  ['role-owns', 'grant create on schema public to tollgate_app', ['public']],
  ['owner-differs', 'create role somebody_else; alter table plans owner to somebody_else', ['plans']],
  [
    'owner-differs',
    'create role somebody_else; alter function app.api_key_by_hash(bytea) owner to somebody_else',
    ['app.api_key_by_hash(bytea)'],
  ],
  [
    'definer-search-path',
    'alter function app.take_numbers(text, integer) reset search_path',
    ['app.take_numbers(text,integer)'],
  ],
  [
    'definer-search-path',
    'alter function app.take_numbers(text, integer) set search_path = pg_temp, public',
    ['app.take_numbers(text,integer)'],
  ],
  ['definer-public', 'grant execute on function app.api_key_by_hash(bytea) to public', ['app.api_key_by_hash(bytea)']],
  ['view-rights', 'create view open_invoices as select * from invoices', ['open_invoices']],
  [
    'view-rights',
    'create view open_invoices with (security_invoker = false) as select * from invoices',
    ['open_invoices'],
  ],
  [
    'materialized-view-granted',
    'create materialized view totals as select partner_id, sum(total) from invoices group by 1; grant select on totals to tollgate_app',
    ['totals'],
  ],
  ['numeric-nan', 'alter table invoices add column rate numeric(32, 12) check (rate >= 0)', ['invoices.rate']],
  ['numeric-nan', 'alter table plans add column rate numeric', ['plans.rate']],
  [
    'numeric-nan',
    `alter table plans add column floor numeric check (floor <> 'NaN'), add column rate numeric check (rate > floor)`,
    ['plans.rate'],
  ],
  [
    'sequence',
    'alter table invoices add column place bigint generated always as identity',
    ['invoices.place', 'invoices_place_seq'],
  ],
  ['sequence', 'alter table invoices add column place serial', ['invoices.place', 'invoices_place_seq']],
  ['timestamp-type', 'alter table invoices add column seen_at timestamptz', ['invoices.seen_at']],
  ['timestamp-type', 'alter table invoices add column seen_at timestamptz(6)', ['invoices.seen_at']],
  ['timestamp-type', 'alter table invoices add column seen_at timestamp(3)', ['invoices.seen_at']],
];

/** Plants into the clone, looks, and takes it back: also what belongs to the whole server, such as a role. */
async function findingsAfter(sql: string): Promise<string[]> {
  await database.asOwner('begin');
  try {
    await database.asOwner(sql);
    return (await lintSchema(database.asOwner)).map(({ rule, object }) => `${rule} ${object}`);
  } finally {
    await database.asOwner('rollback');
  }
}

test.each(faults)('%s: %s', async (rule, sql, objects) => {
  expect(await findingsAfter(sql)).toEqual(objects.map((object) => `${rule} ${object}`));
});

test('every rule is proven by a fault', () => {
  const proven = new Set<string>(faults.map(([rule]) => rule));
  expect(Object.keys(schemaRules).filter((rule) => !proven.has(rule))).toEqual([]);
});

test.each([
  'create view open_invoices with (security_invoker = true) as select * from invoices; grant select on open_invoices to tollgate_app',
  'create materialized view totals as select partner_id, sum(total) from invoices group by 1',
  `create domain exact as numeric(32, 12) check (value <> 'NaN'); alter table invoices add column rate exact`,
  'create unique index by_name on tenants (id, name)',
  'alter table invoices add constraint by_number exclude using btree (tenant_id with =, number with =)',
  `alter table profiles add constraint following foreign key (tenant_id, partner_id) references tenants (id, partner_id) on delete cascade`,
])('allowed: %s', async (sql) => {
  expect(await findingsAfter(sql)).toEqual([]);
});
