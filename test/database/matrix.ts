import { Client, type ClientConfig } from 'pg';
import type { TestDatabase } from '../support/database';
import { type Access, type Actor, actors, labelsOf, type TableKind, tables } from './expectations';
import {
  actsOf,
  freshRows,
  insertOf,
  noPartner,
  partnerId,
  partnerLabels,
  principalId,
  tenantId,
  tenantLabels,
} from './world';

/** A row, known by its key, and the label that says whose it is. */
type LabelledRows = ReadonlyMap<string, string>;

interface CatalogTable {
  readonly name: string;
  readonly keys: string[];
  readonly columns: string[];
  readonly updatable: { readonly tollgate_app: string[]; readonly tollgate_job: string[] };
}

const refusedState = '42501';

async function catalogTables(database: TestDatabase): Promise<CatalogTable[]> {
  return database.asOwner<CatalogTable & Record<string, unknown>>(
    `select class.oid::regclass::text as name,
       (select array_agg(a.attname::text order by k.place) from pg_index i, unnest(i.indkey) with ordinality k(number, place), pg_attribute a
         where i.indrelid = class.oid and i.indisprimary and a.attrelid = class.oid and a.attnum = k.number) as keys,
       (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
         where a.attrelid = class.oid and a.attnum > 0 and not a.attisdropped) as columns,
       (select json_object_agg(role, (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_attribute a
           where a.attrelid = class.oid and a.attnum > 0 and not a.attisdropped
             and has_column_privilege(role, class.oid, a.attnum, 'UPDATE')))
          from unnest(array['tollgate_app', 'tollgate_job']) role) as updatable
     from pg_class class join pg_namespace n on n.oid = class.relnamespace
     where class.relkind in ('r', 'p', 'f') and not class.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`,
  );
}

const keyText = (table: CatalogTable) => `concat_ws(' ', ${table.keys.map((key) => `"${key}"`).join(', ')})`;

const labelOfTenant = new Map<unknown, string>(tenantLabels.map((label) => [tenantId(label), label]));
const labelOfPartner = new Map<unknown, string>(partnerLabels.map((label) => [partnerId(label), label]));
const labelOfAct = new Map<unknown, string>(
  actsOf.map(([label, partner, who]) => [`${partner ? partnerId(partner) : noPartner} ${principalId(who)}`, label]),
);

const labelExpression: Readonly<Record<TableKind, string>> = {
  tenant: 'tenant_id::text',
  tenants: 'id::text',
  catalog: 'partner_id::text',
  inner: 'partner_id::text',
  outbox: 'tenant_id::text',
  relayed: 'partner_id::text',
  partners: 'id::text',
  numbers: 'partner_id::text',
  acts: `partner_id || ' ' || actor_id`,
  closed: `'everybody'`,
};

function labelOf(value: unknown): string {
  return labelOfTenant.get(value) ?? labelOfPartner.get(value) ?? labelOfAct.get(value) ?? String(value);
}

/** What is really there, past all policies. */
async function rowsOf(database: TestDatabase, table: CatalogTable, kind: TableKind): Promise<LabelledRows> {
  const rows = await database.asOwner(
    `select ${keyText(table)} as key, ${labelExpression[kind]} as label from ${table.name}`,
  );
  return new Map(rows.map((row) => [String(row['key']), labelOf(row['label'])]));
}

/** Runs a statement that leaves nothing behind; answers its rows, or the state it was refused with. */
async function attempt(client: Client, sql: string, values?: unknown[]): Promise<Record<string, unknown>[] | string> {
  const [, answer] = await Promise.all([
    client.query('savepoint attempt'),
    client.query(sql, values).then(
      ({ rows }) => rows,
      (error: { code?: string }) => error.code ?? String(error),
    ),
    client.query('rollback to savepoint attempt'),
  ]);
  return answer;
}

/** Pipelined: the savepoint, the attempt and the way back travel together. */
const clientFor = (connectionString: string) => new Client({ connectionString, pipeline: true } as ClientConfig);

export async function enter(client: Client, actor: Pick<Actor, 'role' | 'principal' | 'partner' | 'tenant' | 'relay'>) {
  const tenant = actor.tenant ? tenantId(actor.tenant) : null;
  if (actor.relay) return client.query('select app.enter_as_relay()');
  if (actor.role === 'tollgate_job') {
    return tenant ? client.query('select * from app.enter_as_system($1)', [tenant]) : undefined;
  }
  if (!actor.principal) return undefined;
  const partner = actor.partner ? partnerId(actor.partner) : null;
  return client.query('select * from app.enter($1, $2, $3)', [principalId(actor.principal), partner, tenant]);
}

const listed = (labels: Iterable<string>) => [...new Set(labels)].sort().join(', ') || 'nothing';

interface Question {
  readonly actor: Actor;
  readonly table: CatalogTable;
  readonly kind: TableKind;
  readonly granted: ReadonlySet<keyof Access>;
  readonly existing: LabelledRows;
}

/** Which rows does a statement reach? Compared row by row, so that the right number of wrong rows is no answer. */
async function rowsProblem(
  client: Client,
  { actor, table, kind, granted, existing }: Question,
  operation: 'select' | 'update' | 'delete',
  sql: string,
): Promise<string | undefined> {
  const answer = await attempt(client, sql);
  const problem = (text: string) => `${table.name}: ${operation} as ${actor.name}: ${text}`;
  if (!granted.has(operation)) {
    return answer === refusedState ? undefined : problem(`is not granted, but answered ${JSON.stringify(answer)}`);
  }
  if (typeof answer === 'string') return problem(`failed with ${answer}`);
  const allowed = new Set(actor.sees[kind][operation]);
  const reached = new Set(answer.map((row) => String(row['key'])));
  const tooMany = [...reached].filter((key) => !allowed.has(existing.get(key) ?? ''));
  const missing = [...existing].filter(([key, label]) => allowed.has(label) && !reached.has(key));
  if (tooMany.length > 0) return problem(`reaches rows of ${listed(tooMany.map((key) => existing.get(key) ?? key))}`);
  if (missing.length > 0) return problem(`does not reach rows of ${listed(missing.map(([, label]) => label))}`);
  return undefined;
}

async function insertProblems(client: Client, { actor, table, kind, granted }: Question): Promise<string[]> {
  const problems: string[] = [];
  for (const [label, row] of freshRows(table.name)!) {
    const answer = await attempt(client, ...insertOf(table.name, row));
    const wanted = granted.has('insert') && actor.sees[kind].insert.includes(label);
    const said = `${table.name}: insert as ${actor.name}: a row of ${label}`;
    // A table with one row for each partner has no place for another: the policy let it pass, the key did not.
    if (wanted && typeof answer === 'string' && answer !== '23505') problems.push(`${said} was refused (${answer})`);
    if (!wanted && answer !== refusedState) {
      problems.push(`${said} ${typeof answer === 'string' ? `failed with ${answer} only` : 'was accepted'}`);
    }
  }
  return problems;
}

/** Tables without an expectation, and expectations without a table. */
function unknownTables(found: readonly CatalogTable[]): string[] {
  return [
    ...found
      .filter(({ name }) => !tables[name] || !freshRows(name))
      .map(
        ({ name }) =>
          `${name}: nobody has said yet who may see its rows. Say what kind of table it is and what the roles may do in ` +
          'test/database/expectations.ts, and give it a row for each tenant or partner in test/database/world.ts.',
      ),
    ...Object.keys(tables)
      .filter((name) => !found.some((table) => table.name === name))
      .map((name) => `${name}: is expected in test/database/expectations.ts, but there is no such table.`),
  ];
}

/**
 * Every table × SELECT, INSERT, UPDATE, DELETE × every actor, in a database where `plantWorld` has put rows of everybody
 * into every table. Answers what differs from the expectations, one line each.
 */
export async function checkMatrix(database: TestDatabase, only?: readonly string[]): Promise<string[]> {
  const found = await catalogTables(database);
  const problems = unknownTables(found);
  const known = found.filter(({ name }) => tables[name] && freshRows(name) && (!only || only.includes(name)));
  const existing = new Map<string, LabelledRows>();
  for (const table of known) {
    const { kind } = tables[table.name]!;
    const rows = await rowsOf(database, table, kind);
    existing.set(table.name, rows);
    const there = new Set(rows.values());
    const missing = labelsOf[kind].filter((label) => !there.has(label));
    if (missing.length > 0) problems.push(`${table.name}: no row of ${listed(missing)} exists that could be hidden`);
  }
  const clients = { tollgate_app: clientFor(database.appUrl), tollgate_job: clientFor(database.jobUrl) };
  await Promise.all(Object.values(clients).map((client) => client.connect()));
  for (const actor of actors) {
    const client = clients[actor.role];
    await client.query('begin');
    await client.query('savepoint outside');
    const refusal = await enter(client, actor).then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );
    if (refusal) await client.query('rollback to savepoint outside');
    if (refusal !== (actor.refused ? 'TG403' : undefined)) {
      problems.push(`${actor.name}: ${refusal ? `was refused with ${refusal}` : 'was let in'}`);
    }
    for (const table of known) {
      const expected = tables[table.name]!;
      const granted = new Set(actor.role === 'tollgate_app' ? expected.app : expected.job);
      const question = { actor, table, kind: expected.kind, granted, existing: existing.get(table.name)! };
      const key = `${keyText(table)} as key`;
      const column = table.updatable[actor.role][0] ?? table.columns.at(-1)!;
      // Without RETURNING a column that may not be read, an update that is not granted is refused for the update.
      const returning = granted.has('select') ? ` returning ${key}` : '';
      problems.push(
        ...[
          await rowsProblem(client, question, 'select', `select ${key} from ${table.name}`),
          await rowsProblem(
            client,
            question,
            'update',
            `update ${table.name} set "${column}" = "${column}"${returning}`,
          ),
          await rowsProblem(client, question, 'delete', `delete from ${table.name}${returning}`),
        ].filter((problem) => problem !== undefined),
        ...(await insertProblems(client, question)),
      );
    }
    await client.query('rollback');
  }
  await Promise.all(Object.values(clients).map((client) => client.end()));
  return problems;
}
