import { Client } from 'pg';
import { dataSourceFor } from '../../ormconfig';
import { NoSuchAccount, openRead, writeTransaction } from '../../src/platform/database';
import { createDatabase, type TestDatabase } from '../support/database';
import {
  idOf,
  type Principal,
  partnerId,
  plantWorld,
  principalId,
  type TenantLabel,
  tenantId,
  tenantLabels,
} from './world';

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createDatabase();
  await plantWorld(database);
  client = new Client({ connectionString: database.appUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

type Ids = readonly [partner: string | null, tenant: string | null];

/** Enters in a transaction of its own, looks, and leaves. */
async function entered<T>(who: string | null, [partner, tenant]: Ids, look: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    await client.query('select * from app.enter($1, $2, $3)', [who, partner, tenant]);
    return await look();
  } finally {
    await client.query('rollback');
  }
}

const role = (who: Principal, ids: Ids) =>
  entered(principalId(who), ids, async () => {
    const { rows } = await client.query(
      `select current_setting('app.actor') as actor, current_setting('app.can_write') as can_write, current_setting('app.scope') as scope`,
    );
    return `${rows[0].actor} ${rows[0].scope} ${rows[0].can_write}`;
  });

const A: Ids = [partnerId('A'), null];
const B: Ids = [partnerId('B'), null];
const A1: Ids = [null, tenantId('A1')];
const A2: Ids = [null, tenantId('A2')];
const B1: Ids = [null, tenantId('B1')];
const platform: Ids = [null, null];

describe('app.enter', () => {
  test.each<[Principal, string, Ids, string]>([
    ['super admin', 'the platform', platform, 'PLATFORM platform on'],
    ['super admin', 'partner A', A, 'PLATFORM partner on'],
    ['super admin', 'tenant B1', B1, 'PLATFORM tenant on'],
    ['owner of A', 'partner A', A, 'PARTNER partner on'],
    ['owner of A', 'tenant A2', A2, 'PARTNER tenant on'],
    ['viewer of A', 'partner A', A, 'PARTNER partner off'],
    ['viewer of A', 'tenant A1', A1, 'PARTNER tenant off'],
    // Acts as what allows more in this tenant, and there as no more than its admin.
    ['viewer of A and admin of A1', 'tenant A1', A1, 'TENANT tenant on'],
    ['viewer of A and admin of A1', 'tenant A2', A2, 'PARTNER tenant off'],
    ['viewer of A and admin of A1', 'partner A', A, 'PARTNER partner off'],
    ['admin of A1', 'tenant A1', A1, 'TENANT tenant on'],
    ['admin of A1', 'tenant A1 of partner A', [partnerId('A'), tenantId('A1')], 'TENANT tenant on'],
    ['member of A1', 'tenant A1', A1, 'TENANT tenant off'],
    ['live key of A', 'partner A', A, 'PARTNER partner on'],
    ['live key of A', 'tenant A1', A1, 'PARTNER tenant on'],
    ['reading key of A', 'tenant A1', A1, 'PARTNER tenant off'],
    ['live key of A1', 'tenant A1', A1, 'TENANT tenant on'],
    ['test key of A', 'partner A', A, 'TENANT partner off'],
    ['test key of A', 'sandbox tenant A2', A2, 'TENANT tenant on'],
  ])('lets the %s into %s', async (who, _where, ids, expected) => {
    expect(await role(who, ids)).toBe(expected);
  });

  test.each<[string | null, string, Ids]>([
    [null, 'the platform', platform],
    [null, 'partner A', A],
    [null, 'tenant A1', A1],
    ['stranger', 'the platform', platform],
    ['stranger', 'partner A', A],
    ['stranger', 'tenant A1', A1],
    ['nobody at all', 'tenant A1', A1],
    ['owner of A', 'the platform', platform],
    ['owner of A', 'partner B', B],
    ['owner of A', 'tenant B1', B1],
    ['owner of A', 'a partner that is missing', [idOf('missing'), null]],
    ['owner of A', 'a tenant that is missing', [null, idOf('missing')]],
    ['owner of A', 'its partner with a tenant that is missing', [partnerId('A'), idOf('missing')]],
    ['super admin', 'a partner that is missing', [idOf('missing'), null]],
    ['super admin', 'a tenant that is missing', [null, idOf('missing')]],
    ['super admin', 'tenant A1 as one of partner B', [partnerId('B'), tenantId('A1')]],
    ['admin of A1', 'its partner', A],
    ['admin of A1', 'tenant A2', A2],
    ['admin of A1', 'its tenant as one of partner B', [partnerId('B'), tenantId('A1')]],
    ['owner of A', 'tenant B1 as one of its own', [partnerId('A'), tenantId('B1')]],
    ['owner of B', 'tenant A1 as one of its own', [partnerId('B'), tenantId('A1')]],
    ['live key of A', 'the platform', platform],
    ['live key of A', 'tenant B1', B1],
    ['live key of A', 'sandbox tenant A2', A2],
    ['live key of A1', 'its partner', A],
    ['live key of A1', 'tenant A2', A2],
    ['test key of A', 'live tenant A1', A1],
    ['test key of A1', 'its live tenant A1', A1],
    ['expired key of A', 'partner A', A],
    ['revoked key of A', 'partner A', A],
    ['revoked key of A', 'tenant A1', A1],
  ])('keeps the %s out of %s, and foreign looks like missing', async (who, _where, ids) => {
    await expect(entered(who && idOf(who), ids, async () => 'let in')).rejects.toMatchObject({
      code: 'TG403',
      message: 'no such account',
      detail: undefined,
      hint: undefined,
    });
  });

  let other: TestDatabase;
  beforeAll(async () => {
    other = await createDatabase();
    await plantWorld(other);
  });
  afterAll(() => other.drop());

  test.each<[Principal, Ids, string]>([
    ['admin of A1', A1, `delete from profiles where user_id = '${principalId('admin of A1')}'`],
    ['owner of A', A, `delete from partner_users where user_id = '${principalId('owner of A')}'`],
    ['super admin', platform, 'delete from user_roles'],
    ['live key of A', A, `update api_keys set revoked_at = now() where id = '${principalId('live key of A')}'`],
    [
      'live key of A1',
      A1,
      `update api_keys set expires_at = now() - interval '1 second' where id = '${principalId('live key of A1')}'`,
    ],
  ])('refuses the %s at once when the right is gone', async (who, ids, removal) => {
    const connection = new Client({ connectionString: other.appUrl });
    await connection.connect();
    const enter = async () => {
      await connection.query('begin');
      try {
        await connection.query('select * from app.enter($1, $2, $3)', [principalId(who), ...ids]);
      } finally {
        await connection.query('commit');
      }
    };
    await enter();
    await other.asOwner(removal);
    await expect(enter()).rejects.toMatchObject({ code: 'TG403' });
    await connection.end();
  });

  test('takes write access away from an admin who becomes a member', async () => {
    await database.asOwner('begin');
    await database.asOwner(`update profiles set role = 'MEMBER' where user_id = $1`, [principalId('admin of A2')]);
    await database.asOwner('commit');
    expect(await role('admin of A2', A2)).toBe('TENANT tenant off');
    await database.asOwner(`update profiles set role = 'ADMIN' where user_id = $1`, [principalId('admin of A2')]);
  });
});

describe('check_entitlements, which enters by itself', () => {
  type Check = readonly [who: Principal, entering: Ids, tenant: TenantLabel];
  const checkAll = async (checks: readonly Check[]) =>
    (
      await client.query(
        `select place, partner_id, source_name from app.check_entitlements($1, $2, $3, $4, $5, $6, '2026-01-15T00:00:00Z', '{}', '{}')`,
        [
          checks.map(([who]) => principalId(who)),
          checks.map(([, [partner]]) => partner),
          checks.map(([, [, tenant]]) => tenant),
          checks.map(([, , asked]) => tenantId(asked)),
          checks.map(() => 'seats'),
          checks.map(() => null),
        ],
      )
    ).rows;
  const check = (...asked: Check) => checkAll([asked]);

  test.each<[Principal, Ids, TenantLabel, number]>([
    ['admin of A1', A1, 'A1', 1],
    ['admin of A1', A1, 'A2', 0],
    ['admin of A1', A1, 'B1', 0],
    ['owner of A', A, 'A2', 1],
    ['owner of A', A, 'B1', 0],
    ['owner of A', A1, 'A2', 0],
    ['test key of A', A, 'A2', 1],
    ['test key of A', A, 'A1', 0],
    ['super admin', platform, 'B1', 1],
  ])('%s, entered into %s, asks of %s: %i', async (who, ids, tenant, rows) => {
    const found = await check(who, ids, tenant);
    expect(found).toHaveLength(rows);
    if (rows === 1) expect(found).toMatchObject([{ source_name: 'Basic' }]);
    expect((await client.query('select 1 from tenant_entitlements')).rows).toEqual([]);
  });

  test.each<[Principal, Ids]>([
    ['stranger', A1],
    ['admin of A1', A2],
    ['owner of B', A],
    ['revoked key of A', A],
  ])('refuses the %s', async (who, ids) => {
    await expect(check(who, ids, 'A1')).rejects.toMatchObject({ code: 'TG403' });
  });

  const together: readonly (readonly [...Check, sees: boolean])[] = [
    ['admin of A1', A1, 'A1', true],
    ['admin of A1', A1, 'A2', false],
    ['super admin', platform, 'B1', true],
    ['admin of A1', A1, 'B1', false],
    ['owner of A', A, 'A2', true],
    ['owner of A', A, 'B1', false],
    ['test key of A', A, 'A1', false],
    ['test key of A', A, 'A2', true],
    ['owner of A', A1, 'A2', false],
    ['owner of A', A, 'A1', true],
  ];
  const seen = (found: readonly { place: number }[]) => [...new Set(found.map(({ place }) => place))];
  const places = (checks: typeof together) => checks.flatMap(([, , , sees], index) => (sees ? [index + 1] : []));

  test('asked together, each sees what its own asker sees, in whatever order', async () => {
    for (let turn = 0; turn < together.length; turn += 1) {
      for (const checks of [together, together.toReversed()]) {
        const turned = [...checks.slice(turn), ...checks.slice(0, turn)];
        expect(seen(await checkAll(turned.map(([who, ids, tenant]) => [who, ids, tenant])))).toEqual(places(turned));
      }
    }
    expect((await client.query('select 1 from tenant_entitlements')).rows).toEqual([]);
  });

  test('asked together with somebody who may not enter, nobody is answered', async () => {
    const stranger: Check = ['stranger', A1, 'A1'];
    await expect(checkAll([['admin of A1', A1, 'A1'], stranger])).rejects.toMatchObject({ code: 'TG403' });
  });
});

describe('what was entered ends with the transaction', () => {
  const settings = ['user_id', 'partner_id', 'tenant_id', 'actor', 'scope', 'can_write', 'sandbox_only'];
  const left = async () => {
    const { rows } = await client.query(
      `select ${settings.map((name) => `nullif(current_setting('app.${name}', true), '') as ${name}`).join(', ')}`,
    );
    return Object.values(rows[0] as object).filter((value) => value !== null);
  };
  const visible = async () =>
    (await client.query('select distinct tenant_id from invoices')).rows.map((row) => row.tenant_id);

  test.each(['commit', 'rollback'])('after %s', async (end) => {
    await client.query('begin');
    await client.query('select * from app.enter($1, null, $2)', [principalId('admin of A1'), tenantId('A1')]);
    expect(await visible()).toEqual([tenantId('A1')]);
    expect(await left()).toHaveLength(settings.length);
    await client.query(end);
    expect(await left()).toEqual([]);
    expect(await visible()).toEqual([]);
  });

  test('after an error', async () => {
    await client.query('begin');
    await client.query('select * from app.enter($1, null, $2)', [principalId('admin of A1'), tenantId('A1')]);
    await expect(client.query('select 1 / 0')).rejects.toMatchObject({ code: '22012' });
    await client.query('rollback');
    expect(await left()).toEqual([]);
    expect(await visible()).toEqual([]);
  });

  test('and with the statement where there is no transaction', async () => {
    await client.query('select * from app.enter($1, null, $2)', [principalId('admin of A1'), tenantId('A1')]);
    expect(await visible()).toEqual([]);
  });

  test('a refusal leaves nothing of whoever was entered before', async () => {
    await client.query('begin');
    await client.query('select * from app.enter($1, null, $2)', [principalId('admin of A1'), tenantId('A1')]);
    await expect(
      client.query('select * from app.enter($1, null, $2)', [principalId('admin of A1'), tenantId('B1')]),
    ).rejects.toMatchObject({ code: 'TG403' });
    await client.query('rollback');
    expect(await left()).toEqual([]);
  });

  test('what a session was left with by mistake does not survive entering', async () => {
    const poisoned = new Client({ connectionString: database.appUrl });
    await poisoned.connect();
    for (const [name, value] of [
      ['scope', 'platform'],
      ['actor', 'PLATFORM'],
      ['can_write', 'on'],
      ['sandbox_only', 'off'],
      ['tenant_id', tenantId('B1')],
      ['partner_id', partnerId('B')],
    ]) {
      await poisoned.query(`set app.${name} = '${value}'`);
    }
    await poisoned.query('begin');
    await poisoned.query('select * from app.enter($1, null, $2)', [principalId('member of A1'), tenantId('A1')]);
    expect((await poisoned.query('select distinct tenant_id from invoices')).rows).toEqual([
      { tenant_id: tenantId('A1') },
    ]);
    expect((await poisoned.query(`update invoices set status = 'VOID'`)).rowCount).toBe(0);
    await poisoned.query('rollback');
    await poisoned.end();
  });

  test('known limit: the settings guard against mistakes, not against foreign SQL run as the app role', async () => {
    // Whoever can run any SQL as tollgate_app can say who they are. So no text of a client ever becomes SQL.
    await client.query('begin');
    await client.query(`set local app.scope = 'platform'`);
    expect(await visible()).toHaveLength(3);
    await client.query('rollback');
  });
});

describe('the two roles', () => {
  test.each<[string, string, unknown[]]>([
    ['enters as the system', 'select * from app.enter_as_system($1)', [tenantId('A1')]],
    ['turns row-level security off', 'alter table invoices disable row level security', []],
    ['makes a table', 'create table public.mine (id uuid)', []],
    ['becomes the owner', 'set role postgres', []],
    ['empties a table', 'truncate invoices', []],
    ['reads people', 'select * from users', []],
    ['makes itself a super admin', 'insert into user_roles values ($1, $2)', [principalId('stranger'), 'SUPER_ADMIN']],
    [
      'replaces a function',
      'create or replace function app.is_sandbox(uuid) returns boolean language sql as $$ select true $$',
      [],
    ],
  ])('the app role never %s', async (_about, sql, values) => {
    await expect(client.query(sql, values)).rejects.toMatchObject({ code: '42501' });
  });

  test.each<[string, string, unknown[]]>([
    ['enters as a person', 'select * from app.enter($1, null, $2)', [principalId('owner of A'), tenantId('A1')]],
    ['looks up memberships', 'select * from app.memberships_of($1, null)', ['subject']],
    ['looks up keys', 'select * from app.api_key_by_hash($1)', [Buffer.from('hash')]],
    ['makes people', 'select app.ensure_user($1, $2, now())', [idOf('somebody'), 'somebody@example.com']],
  ])('the job role never %s', async (_about, sql, values) => {
    const job = new Client({ connectionString: database.jobUrl });
    await job.connect();
    await expect(job.query(sql, values)).rejects.toMatchObject({ code: '42501' });
    await job.end();
  });

  test('the job role enters a tenant that exists', async () => {
    const job = new Client({ connectionString: database.jobUrl });
    await job.connect();
    await expect(job.query('select * from app.enter_as_system($1)', [idOf('missing')])).rejects.toMatchObject({
      code: 'TG403',
    });
    await expect(job.query('select * from app.enter_as_system(null)')).rejects.toMatchObject({ code: 'TG403' });
    expect((await job.query('select * from app.enter_as_system($1)', [tenantId('A1')])).rows).toMatchObject([
      { actor: 'SYSTEM', can_write: true, partner_id: partnerId('A') },
    ]);
    await job.end();
  });
});

const adminOf: Readonly<Record<TenantLabel, Principal>> = { A1: 'admin of A1', A2: 'admin of A2', B1: 'admin of B1' };

class Boom extends Error {}

/** What may happen to a request while it holds a connection. */
const happenings = ['read', 'write', 'throw', 'sql error', 'timeout', 'refused', 'nobody'] as const;

test.each([1, 2, 3])(
  'tenants take turns on a pool of %i, with errors, timeouts and rollbacks between: no foreign row',
  async (poolSize) => {
    const source = dataSourceFor({ url: database.appUrl, poolSize, name: 'turns' });
    await source.initialize();
    const foreign: string[] = [];
    let own = 0;
    const countRows = async (label: TenantLabel, query: (sql: string) => Promise<{ tenant_id: string }[]>) => {
      for (const { tenant_id: found } of await query(
        'select tenant_id from invoices union all select tenant_id from profiles',
      )) {
        if (found === tenantId(label)) own += 1;
        else foreign.push(`${label} saw ${found}`);
      }
    };
    const turn = async (number: number) => {
      const label = tenantLabels[number % tenantLabels.length]!;
      const happening = happenings[Math.floor(number / tenantLabels.length) % happenings.length]!;
      const entry = { principalId: principalId(adminOf[label]), tenantId: tenantId(label) };
      if (happening === 'nobody') {
        const rows = await source.query('select tenant_id from invoices');
        foreign.push(...rows.map((row: object) => `nobody saw ${JSON.stringify(row)}`));
        return;
      }
      if (happening === 'refused') {
        const other = tenantLabels[(number + 1) % tenantLabels.length]!;
        await expect(openRead(source, { ...entry, tenantId: tenantId(other) })).rejects.toThrow(NoSuchAccount);
        return;
      }
      if (happening === 'read') {
        const open = await openRead(source, entry);
        await countRows(label, (sql) => open.manager.query(sql));
        await open.end();
        return;
      }
      const outcome = writeTransaction(source, entry, async ({ manager }) => {
        await countRows(label, (sql) => manager.query(sql));
        await manager.query('update subscriptions set version = version + 1');
        if (happening === 'throw') throw new Boom();
        if (happening === 'sql error') await manager.query('select 1 / 0');
        if (happening === 'timeout') {
          await manager.query('set local statement_timeout = 5');
          await manager.query('select pg_sleep(1)');
        }
      });
      if (happening === 'write') await outcome;
      else await expect(outcome).rejects.toThrow();
    };
    const turns = 2 * tenantLabels.length * happenings.length;
    await Promise.all(Array.from({ length: turns }, (_, number) => turn(number)));
    await source.destroy();
    expect(foreign).toEqual([]);
    expect(own).toBeGreaterThan(turns);
    await database.asOwner('update subscriptions set version = 1');
  },
);
