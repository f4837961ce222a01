import { createDatabase, type TestDatabase } from '../support/database';
import { labelsOf, tables } from './expectations';
import { checkMatrix } from './matrix';
import { freshTenantRow, idOf, insertOf, partnerId, plantWorld, type TenantLabel, tenantId } from './world';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await plantWorld(database);
});
afterAll(() => database.drop());

test('every actor reads and writes exactly the rows that are theirs, in every table', async () => {
  expect(await checkMatrix(database)).toEqual([]);
});

/** What somebody might write into a migration by mistake, and one of the lines that must come of it. */
const mistakes: [about: string, sql: string, table: string, line: string][] = [
  [
    'a policy that lets everybody read',
    'alter policy tenant_read on invoices using (true)',
    'invoices',
    'invoices: select as nobody: reaches rows of A1, A2, B1',
  ],
  [
    'a policy that forgets the partner',
    `alter policy tenant_read on invoice_lines using (
       tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid or current_setting('app.scope', true) = 'partner')`,
    'invoice_lines',
    "invoice_lines: select as another partner's owner: reaches rows of A1, A2",
  ],
  [
    'a policy that forgets which tenants a test key reaches',
    `alter policy tenant_read on tenants using (partner_id = nullif(current_setting('app.partner_id', true), '')::uuid)`,
    'tenants',
    "tenants: select as partner's test key: reaches rows of A1",
  ],
  [
    'a policy that forgets who may only read',
    `alter policy tenant_update on subscriptions using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)`,
    'subscriptions',
    'subscriptions: update as tenant member: reaches rows of A1',
  ],
  [
    'a policy that takes any new row',
    'alter policy tenant_insert on outbox_events with check (true)',
    'outbox_events',
    'outbox_events: insert as tenant admin: a row of B1 was accepted',
  ],
  [
    'a catalog that its tenants may write',
    `alter policy partner_insert on features with check (partner_id = nullif(current_setting('app.partner_id', true), '')::uuid)`,
    'features',
    'features: insert as tenant admin: a row of A was accepted',
  ],
  [
    'a policy that is missing',
    'drop policy tenant_read on credit_notes',
    'credit_notes',
    'credit_notes: select as tenant member: does not reach rows of A1',
  ],
  [
    'row-level security switched off',
    'alter table api_keys disable row level security',
    'api_keys',
    'api_keys: select as tenant admin: reaches rows of A, B',
  ],
  [
    'a right too many',
    'grant delete on credit_balances to tollgate_app',
    'credit_balances',
    'credit_balances: delete as nobody: is not granted, but answered []',
  ],
  [
    'a right too few',
    'revoke insert on item_charges from tollgate_job',
    'item_charges',
    'item_charges: insert as job role for tenant A1: a row of A1 was refused (42501)',
  ],
  [
    'rows that prove nothing, because there are none',
    `delete from tenant_entitlements where tenant_id = '${tenantId('B1')}'`,
    'tenant_entitlements',
    'tenant_entitlements: no row of B1 exists that could be hidden',
  ],
  [
    'a way in that asks for a partner, but not which',
    `do $$ begin execute replace(pg_get_functiondef('app.enter(uuid,uuid,uuid)'::regprocedure), 'u.partner_id = v_partner and ', ''); end $$`,
    'plans',
    "another partner's owner in tenant A1: was let in",
  ],
];

describe('the matrix reports', () => {
  let broken: TestDatabase;
  beforeAll(async () => {
    broken = await createDatabase();
    await plantWorld(broken);
  });
  afterAll(() => broken.drop());

  test.each(mistakes)('%s', async (_about, sql, table, line) => {
    await broken.asOwner(sql);
    expect(await checkMatrix(broken, [table])).toContain(line);
  });

  test('a new table, kindly', async () => {
    await broken.asOwner('create table notes (tenant_id uuid, id uuid, partner_id uuid, primary key (tenant_id, id))');
    expect(await checkMatrix(broken, [])).toContain(
      'notes: nobody has said yet who may see its rows. Say what kind of table it is and what the roles may do in ' +
        'test/database/expectations.ts, and give it a row for each tenant or partner in test/database/world.ts.',
    );
  });
});

interface ForeignKey {
  readonly from: string;
  readonly to: string;
  readonly columns: string[];
}

describe('a row never points at what is foreign', () => {
  /** A tenant has one row of this table at most. */
  const makeRoom = async (table: string) => {
    if (table === 'billing_work') await database.asOwner('delete from billing_work');
    if (table === 'usage_after_end') await database.asOwner('delete from usage_after_end');
  };

  /** Every foreign key of every tenant table, bent to the planted row of somebody else. */
  async function bentRows(towards: TenantLabel): Promise<[string, string, Record<string, unknown>][]> {
    const keys = await database.asOwner<ForeignKey & Record<string, unknown>>(
      `select f.conrelid::regclass::text as from, f.confrelid::regclass::text as to,
         array(select a.attname::text from unnest(f.conkey) k join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k) as columns
       from pg_constraint f where f.contype = 'f' and f.confrelid not in ('users'::regclass, 'partners'::regclass) order by f.conname`,
    );
    return keys.flatMap(({ from, to, columns }) => {
      const row = freshTenantRow(from, 'A1');
      const reference = columns.find((column) => !['tenant_id', 'partner_id', 'currency'].includes(column));
      if (!row) return [];
      // What names only the tenant is bent in what goes with it.
      if (!reference) {
        return columns.includes('partner_id')
          ? [[`${from} (${columns})`, from, { ...row, partner_id: partnerId('B') }]]
          : [];
      }
      const { kind } = tables[to]!;
      const target = idOf(`${to} ${labelsOf[kind].includes('A') ? 'B' : towards} planted`);
      return [[`${from}.${reference}`, from, { ...row, [reference]: target }]];
    });
  }

  test.each(['A2', 'B1'] as const)('of tenant %s', async (label) => {
    const bent = await bentRows(label);
    expect(bent.length).toBeGreaterThan(40);
    const accepted: string[] = [];
    for (const [name, table, row] of bent) {
      await database.asOwner('begin');
      await database.asOwner('set constraints all immediate');
      await makeRoom(table);
      // As the owner, past the policies: it is the key itself that refuses.
      const state = await database.asOwner(...insertOf(table, row)).then(
        () => 'accepted',
        (error: { code: string }) => error.code,
      );
      await database.asOwner('rollback');
      if (state !== '23503') accepted.push(`${name}: ${state}`);
    }
    expect(accepted).toEqual([]);
  });

  test('while the same rows with their own references are accepted', async () => {
    for (const table of Object.keys(tables)) {
      const row = freshTenantRow(table, 'A1');
      if (!row) continue;
      await database.asOwner('begin');
      await database.asOwner('set constraints all immediate');
      await makeRoom(table);
      await database.asOwner(...insertOf(table, row));
      await database.asOwner('rollback');
    }
  });
});
