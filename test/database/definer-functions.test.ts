import { Client } from 'pg';
import { createDatabase, type TestDatabase } from '../support/database';
import {
  emailOf,
  idOf,
  type KeyName,
  keyHash,
  type Person,
  type Principal,
  partnerId,
  plantWorld,
  principalId,
  tenantId,
} from './world';

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  database = await createDatabase();
  await plantWorld(database);
  client = new Client({ connectionString: database.appUrl });
  await client.connect();
});
beforeEach(() => client.query('begin'));
afterEach(() => client.query('rollback'));
afterAll(async () => {
  await client.end();
  await database.drop();
});

const enter = (who: Principal, where: { partner?: string; tenant?: string }) =>
  client.query('select * from app.enter($1, $2, $3)', [principalId(who), where.partner ?? null, where.tenant ?? null]);
const A1 = { tenant: tenantId('A1') };
const A = { partner: partnerId('A') };
const refusal = { code: 'TG403', message: 'no such account' };

const value = async (sql: string, values: unknown[] = []) =>
  Object.values((await client.query(sql, values)).rows[0])[0];

/** Those that must not write, whatever they call. */
const readers: [string, () => Promise<unknown>][] = [
  ['nobody', async () => undefined],
  ['a tenant member', () => enter('member of A1', A1)],
  ['a partner viewer', () => enter('viewer of A', A)],
  ['a partner viewer in a tenant', () => enter('viewer of A', A1)],
  ['a key that only reads', () => enter('reading key of A', A)],
  ["a partner's test key, outside of a sandbox tenant", () => enter('test key of A', A)],
];

describe('take_numbers', () => {
  test.each(readers)('refuses %s', async (_who, come) => {
    await come();
    await expect(client.query(`select app.take_numbers('INVOICE', 1)`)).rejects.toMatchObject(refusal);
  });

  test('refuses a super admin who has entered no partner', async () => {
    await enter('super admin', {});
    await expect(client.query(`select app.take_numbers('INVOICE', 1)`)).rejects.toMatchObject(refusal);
  });

  test.each([
    ['no number', `'INVOICE', 0`],
    ['fewer than none', `'INVOICE', -1`],
    ['an unknown count', `'INVOICE', null`],
    ['another kind of number', `'RECEIPT', 1`],
    ['an unknown kind', 'null, 1'],
  ])('refuses %s', async (_what, parameters) => {
    await enter('admin of A1', A1);
    await expect(client.query(`select app.take_numbers(${parameters})`)).rejects.toMatchObject(refusal);
  });

  test('counts each kind and each partner by itself', async () => {
    await enter('admin of A1', A1);
    expect(await value(`select app.take_numbers('INVOICE', 1)`)).toBe('1');
    expect(await value(`select app.take_numbers('INVOICE', 10)`)).toBe('2');
    expect(await value(`select app.take_numbers('CREDIT_NOTE', 1)`)).toBe('1');
    expect(await value(`select app.take_numbers('INVOICE', 1)`)).toBe('12');
    await enter('owner of B', { partner: partnerId('B') });
    expect(await value(`select app.take_numbers('INVOICE', 1)`)).toBe('1');
  });
});

describe('reserve_coupon', () => {
  const coupon = idOf('partner_coupons A planted');

  test.each(readers)('refuses %s', async (_who, come) => {
    await come();
    await expect(client.query('select app.reserve_coupon($1, 1)', [coupon])).rejects.toMatchObject(refusal);
  });

  test.each(['0', '2', '-2', 'null'])('refuses a change of %s', async (change) => {
    await enter('admin of A1', A1);
    await expect(client.query(`select app.reserve_coupon($1, ${change})`, [coupon])).rejects.toMatchObject(refusal);
  });

  test('finds no coupon that is missing, or of another partner', async () => {
    await enter('admin of A1', A1);
    expect(await value('select app.reserve_coupon($1, 1)', [idOf('missing')])).toBe(false);
    expect(await value('select app.reserve_coupon($1, 1)', [idOf('partner_coupons B planted')])).toBe(false);
    expect(await value('select app.reserve_coupon(null, 1)')).toBe(false);
  });

  test('stops at the cap, and a redemption that is given back is free again', async () => {
    await enter('admin of A1', A1);
    for (let use = 1; use <= 10; use += 1) expect(await value('select app.reserve_coupon($1, 1)', [coupon])).toBe(true);
    expect(await value('select app.reserve_coupon($1, 1)', [coupon])).toBe(false);
    expect(await value('select app.reserve_coupon($1, -1)', [coupon])).toBe(true);
    expect(await value('select app.reserve_coupon($1, 1)', [coupon])).toBe(true);
  });

  test('gives nothing back that was not reserved', async () => {
    await enter('admin of A1', A1);
    await expect(client.query('select app.reserve_coupon($1, -1)', [coupon])).rejects.toMatchObject({ code: '23514' });
  });
});

describe('ensure_user', () => {
  test.each(readers)('refuses %s', async (_who, come) => {
    await come();
    const made = client.query('select app.ensure_user($1, $2, now())', [idOf('new'), 'new@example.com']);
    await expect(made).rejects.toMatchObject(refusal);
  });

  test('answers the person who is there, whatever the case of the e-mail', async () => {
    await enter('admin of A1', A1);
    const email = emailOf('stranger').toUpperCase();
    expect(await value('select app.ensure_user($1, $2, now())', [idOf('new'), email])).toBe(principalId('stranger'));
    expect(await value('select app.ensure_user($1, $2, now())', [idOf('new'), 'new@example.com'])).toBe(idOf('new'));
    expect(await value('select app.ensure_user($1, $2, now())', [idOf('newer'), 'NEW@example.com'])).toBe(idOf('new'));
  });
});

describe('memberships_of', () => {
  const memberships = async (subject: string | null, email: string | null) =>
    (await client.query('select * from app.memberships_of($1, $2)', [subject, email])).rows;

  test.each([
    ['an unknown subject', 'unknown', null],
    ['an unknown e-mail', 'unknown', 'unknown@example.com'],
    ['an e-mail that is not verified', 'unknown', null],
    ['no subject', null, emailOf('admin of A1')],
    ['an empty subject', '', emailOf('admin of A1')],
  ])('knows nobody by %s', async (_what, subject, email) => {
    expect(await memberships(subject, email)).toEqual([]);
  });

  test('does not fold the letters of another mailbox into this one', async () => {
    // KELVIN SIGN: lower() of Unicode makes a k of it.
    await database.asOwner(`insert into users (id, email, created_at) values ($1, 'kim@example.com', now())`, [
      idOf('kim'),
    ]);
    expect(await memberships('attacker', '\u212aim@example.com')).toEqual([]);
    expect(await memberships('kim', 'KIM@example.com')).toMatchObject([{ user_id: idOf('kim') }]);
  });

  test('links a verified e-mail to the first subject, once and for all', async () => {
    const email = emailOf('admin of A1');
    const own = [
      {
        user_id: principalId('admin of A1'),
        super_admin: false,
        partner_id: partnerId('A'),
        tenant_id: tenantId('A1'),
        role: 'ADMIN',
      },
    ];
    expect(await memberships('first', email)).toEqual(own);
    expect(await memberships('first', null)).toEqual(own);
    expect(await memberships('second', email)).toEqual([]);
  });

  test('says of somebody without memberships that they are known', async () => {
    expect(await memberships('stranger', emailOf('stranger'))).toEqual([
      { user_id: principalId('stranger'), super_admin: false, partner_id: null, tenant_id: null, role: null },
    ]);
  });

  test.each<[Person, string[]]>([
    ['super admin', ['SUPER_ADMIN']],
    ['viewer of A and admin of A1', ['ADMIN', 'VIEWER']],
  ])('names every membership of the %s', async (person, roles) => {
    expect((await memberships(person, emailOf(person))).map((row) => row.role).sort()).toEqual(roles);
  });

  test('two first requests of one person both find them', async () => {
    const other = new Client({ connectionString: database.appUrl });
    await other.connect();
    await other.query('begin');
    const email = emailOf('owner of B');
    const first = await memberships('owner-b', email);
    // Waits for the first to link the person, and then finds them by the subject.
    const second = other.query('select * from app.memberships_of($1, $2)', ['owner-b', email]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client.query('commit');
    expect((await second).rows).toEqual(first);
    expect(first).toMatchObject([{ role: 'OWNER' }]);
    await other.query('rollback');
    await other.end();
    await client.query('begin');
  });

  test('many invitations by one partner push no account of another off the list', async () => {
    await database.asOwner(
      `with crowd as (
         insert into tenants (id, partner_id, name, currency, sandbox, created_at)
         select gen_random_uuid(), $1, 'Crowd', 'EUR', true, now() from generate_series(1, 300) returning id)
       insert into profiles (tenant_id, user_id, partner_id, role, email, name, created_at)
       select id, $2, $1, 'MEMBER', 'crowded', 'crowded', now() from crowd`,
      [partnerId('A'), principalId('admin of B1')],
    );
    const found = await memberships('admin-b1', emailOf('admin of B1'));
    expect(found).toHaveLength(201);
    expect(found).toContainEqual(expect.objectContaining({ tenant_id: tenantId('B1'), role: 'ADMIN' }));
  });
});

describe('api_key_by_hash', () => {
  const found = async (hash: Buffer | null) =>
    (await client.query('select * from app.api_key_by_hash($1)', [hash])).rows;

  test.each<[KeyName]>([['expired key of A'], ['revoked key of A']])('does not know the %s', async (name) => {
    expect(await database.asOwner('select 1 from api_keys where key_hash = $1', [keyHash(name)])).toHaveLength(1);
    expect(await found(keyHash(name))).toEqual([]);
  });

  test('does not know a hash that is missing', async () => {
    expect(await found(Buffer.from('missing'))).toEqual([]);
    expect(await found(null)).toEqual([]);
  });

  test('tells of a key what it may, and nothing it is recognised by', async () => {
    expect(await found(keyHash('live key of A1'))).toEqual([
      {
        id: idOf('live key of A1'),
        partner_id: partnerId('A'),
        tenant_id: tenantId('A1'),
        live: true,
        scopes: ['READ', 'WRITE'],
      },
    ]);
  });
});
