import { LicenceShop, licenceFields } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open();
});
afterAll(() => shop.close());

const admin = 'other-partner-tenant-admin';
const invited = async (name: string): Promise<string> => {
  const email = `${name}@hooli.example`;
  return (await shop.act(admin, 'inviteUser', { email, tenantRole: 'MEMBER' }, 'member { userId }')).member.userId;
};
const assign = (licenceId: string, userId: string) =>
  shop.act(admin, 'assignSeat', { licenceId, userId }, `created seat { email } licence { seats assigned }`);
const check = (feature: string) =>
  shop.gateway.get(
    admin,
    `{ entitlementCheck(feature: "${feature}") { allowed reason limit sources { kind name quantity } } }`,
  );

/** Hooli's clock stands at 2025-12-21T15:00Z, in New York, when the world begins. */
test('quote, checkout, signed webhook, live seats, co-termed purchase, renewal, refund, expiry', async () => {
  await shop.act(
    'other-partner-owner',
    'createFeature',
    { code: 'drawing', name: 'Drawing', kind: 'BOOLEAN' },
    'feature { id }',
  );
  await shop.act(
    'other-partner-owner',
    'createFeature',
    { code: 'exports', name: 'Exports', kind: 'METERED', unit: 'exports' },
    'feature { id }',
  );
  await shop.product('cad', '200', {
    features: [{ feature: 'drawing' }, { feature: 'exports', limit: '10', resetPeriod: 'MONTH' }],
  });
  expect(await check('drawing')).toMatchObject({ allowed: false, reason: 'NOT_ENTITLED' });

  // 21 Dec 2025: 5 seats for a year, 5 × 200.00 = 1000.00.
  const quoted = await shop.quote('cad', 5);
  expect(quoted).toMatchObject({ kind: 'FIRST', amount: { amount: '1000.00', currency: 'USD' }, seatsAfter: '5' });
  const { purchase } = await shop.buy('cad', 5, { quote: quoted.quote.token });
  expect(purchase).toMatchObject({ kind: 'FIRST', status: 'OPEN', amount: { amount: '1000.00' } });
  expect(purchase.checkout).toEqual({
    provider: 'PADDLE',
    id: expect.stringMatching(/^txn_/),
    url: `https://pay.example/checkout?_ptxn=${purchase.checkout.id}`,
  });
  // Nothing is there before it is paid.
  expect(await shop.licences()).toEqual([]);
  const made = shop.paddle.transactions.get(purchase.checkout.id);
  expect(made).toMatchObject({ currency_code: 'USD', custom_data: { reference: purchase.id } });
  expect(made.items).toMatchObject([
    {
      quantity: 5,
      price: { unit_price: { amount: '20000' }, tax_mode: 'external', quantity: { minimum: 5, maximum: 5 } },
    },
  ]);
  // The buyer cannot buy more seats on Paddle's page than the price was made for.
  shop.paddle.pay(purchase.checkout.id, { quantity: 50 });
  expect(new Set(await shop.deliver())).toEqual(new Set([200]));
  const first = await shop.licence('cad');
  expect(first).toMatchObject({ status: 'ACTIVE', seats: '5', assigned: '1', expiresAt: '2026-12-21T15:00:00.000Z' });
  expect(first.expiresAt).toBe(quoted.expiresAtAfter);
  // The buyer is one of the licence's people.
  expect(first.seatHolders.nodes).toEqual([
    { userId: expect.stringMatching(/^user_/), email: expect.stringContaining('@') },
  ]);
  expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'COMPLETED', licenceId: first.id });
  expect(await check('drawing')).toMatchObject({
    allowed: true,
    sources: [{ kind: 'LICENCE', name: 'cad', quantity: '5' }],
  });
  // 10 for each of 5 seats.
  expect(await check('exports')).toMatchObject({ allowed: true, limit: '50' });

  // Four more people, and nobody beyond the seats that were bought.
  const people = await Promise.all(['ada', 'bob', 'cyd', 'dan', 'eve'].map(invited));
  for (const userId of people.slice(0, 4)) expect(await assign(first.id, userId)).toMatchObject({ created: true });
  expect(await assign(first.id, people[0]!)).toMatchObject({ created: false, licence: { assigned: '5' } });
  expect(await assign(first.id, people[4]!)).toMatchObject({
    code: 'NO_SEAT_LEFT',
    facts: [
      { name: 'seats', value: '5' },
      { name: 'assigned', value: '5' },
    ],
  });

  // 24 Jun 2026, 180 days before the expiry: 200 / 365 × 180 × 3 = 295.89.
  await shop.advance('2026-06-24T16:00:00Z');
  const more = await shop.quote('cad', 3);
  expect(more).toMatchObject({
    ...{ kind: 'CO_TERMED', amount: { amount: '295.89' }, remainingDays: 180, seatsAfter: '8' },
    expiresAtAfter: first.expiresAt,
    explanation: { sentence: 'cad: 200.00 USD / 365 × 180 days × 3 = 295.89 USD.', result: '295.89' },
  });
  const coTermed = await shop.bought('cad', 3, { quote: more.quote.token });
  expect(coTermed).toMatchObject({ kind: 'CO_TERMED', status: 'COMPLETED', amount: { amount: '295.89' } });
  expect(await shop.licence('cad')).toMatchObject({ id: first.id, seats: '8', expiresAt: first.expiresAt });
  expect(await assign(first.id, people[4]!)).toMatchObject({ created: true, licence: { seats: '8', assigned: '6' } });

  // A renewal moves the expiry by a year from where it is: 8 × 200.00 = 1600.00.
  const renewal = await shop.renew('cad');
  expect(renewal.purchase).toMatchObject({ kind: 'RENEWAL', quantity: '8', amount: { amount: '1600.00' } });
  shop.paddle.pay(renewal.purchase.checkout.id);
  await shop.deliver();
  expect(await shop.licence('cad')).toMatchObject({ id: first.id, seats: '8', expiresAt: '2027-12-21T15:00:00.000Z' });

  // The three seats of June are refunded: 8 − 3 = 5 are left, six people have one.
  const refund = shop.paddle.refund(coTermed.checkout.id);
  await shop.deliver();
  expect(await shop.licence('cad')).toMatchObject({ seats: '8', overAssigned: '0' });
  shop.paddle.decide(refund, 'approved');
  await shop.deliver();
  expect(await shop.licence('cad')).toMatchObject({ seats: '5', assigned: '6', overAssigned: '1' });
  expect(await shop.purchase(coTermed.id)).toMatchObject({
    ...{ status: 'REFUNDED', refunded: { amount: '295.89' }, seatsRefunded: '3' },
  });
  const revoked = await shop.act(
    admin,
    'revokeSeat',
    { licenceId: first.id, userId: people[4]! },
    `seat { revokedAt } licence { ${licenceFields} }`,
  );
  expect(revoked).toMatchObject({
    seat: { revokedAt: expect.any(String) },
    licence: { assigned: '5', overAssigned: '0' },
  });

  // Expiry: nothing has to run for it.
  await shop.advance('2027-12-21T14:59:59Z');
  expect(await check('drawing')).toMatchObject({ allowed: true });
  await shop.advance('2027-12-21T15:00:00Z');
  expect(await shop.licence('cad')).toMatchObject({ status: 'EXPIRED' });
  expect(await check('drawing')).toMatchObject({ allowed: false, reason: 'NOT_ENTITLED' });
  expect(await assign(first.id, people[4]!)).toMatchObject({ code: 'LICENCE_NOT_RUNNING' });
  expect(await shop.renew('cad')).toMatchObject({ __typename: 'Refused', code: 'LICENCE_NOT_RUNNING' });

  // After the expiry: standard price, one year from now, for what is bought and no more; its people come along.
  const again = await shop.quote('cad', 2);
  expect(again).toMatchObject({
    kind: 'AFTER_EXPIRY',
    amount: { amount: '400.00' },
    remainingDays: null,
    seatsAfter: '2',
  });
  await shop.bought('cad', 2);
  const second = await shop.licence('cad');
  expect(second).toMatchObject({ status: 'ACTIVE', seats: '2', assigned: '2', expiresAt: '2028-12-21T15:00:00.000Z' });
  expect(second.id).not.toBe(first.id);
  expect((await shop.licences()).map(({ status, seats }) => [status, seats])).toEqual([
    ['EXPIRED', '5'],
    ['ACTIVE', '2'],
  ]);
  // Everything that Paddle told was applied, and nothing of ours was left in a transaction of its.
  expect((await shop.events()).filter(({ status }) => status === 'PARKED')).toEqual([]);
});

test('who leaves the organisation leaves a free seat', async () => {
  const licence = await shop.licence('cad');
  const [holder] = licence.seatHolders.nodes.slice(-1);
  await shop.act(admin, 'removeUser', { userId: holder.userId }, 'userId');
  expect(await shop.licence('cad')).toMatchObject({
    assigned: '1',
    seatHolders: { nodes: [{ email: expect.any(String) }] },
  });
  expect(await assign(licence.id, holder.userId)).toMatchObject({ code: 'MEMBER_NOT_FOUND' });
});

/** The three test cases of the seed document, as it tells them. */
describe('the seed’s test cases', () => {
  test('1: first-time purchase: a year, no trial any more, the buyer is a member', async () => {
    await shop.product('mep', '200', { trial: { days: 14, seats: 3 } });
    const trial = await shop.act(admin, 'startLicenceTrial', { product: 'mep' }, `licence { ${licenceFields} }`);
    expect(trial.licence).toMatchObject({ status: 'TRIAL', seats: '3', expiresAt: '2028-01-04T15:00:00.000Z' });
    expect(await shop.quote('mep', 1)).toMatchObject({ kind: 'FIRST', amount: { amount: '200.00' } });
    await shop.bought('mep', 1);
    const all = (await shop.licences()).filter(({ product }) => product.code === 'mep');
    expect(all.map(({ status, seats, expiresAt }) => [status, seats, expiresAt])).toEqual([
      // The purchase ended the trial.
      ['EXPIRED', '3', '2027-12-21T15:00:00.000Z'],
      ['ACTIVE', '1', '2028-12-21T15:00:00.000Z'],
    ]);
    expect(all[1].seatHolders.nodes).toHaveLength(1);
    const { nodes } = await shop.gateway.get(admin, '{ members(first: 100) { nodes { userId } } }');
    expect(nodes.map(({ userId }: { userId: string }) => userId)).toContain(all[1].seatHolders.nodes[0].userId);
    expect(await shop.act(admin, 'startLicenceTrial', { product: 'mep' }, 'licence { id }')).toMatchObject({
      code: 'LICENCE_TRIAL_USED',
    });
  });

  test('2: more licences while they run: prorated, the expiry stays', async () => {
    const before = await shop.licence('mep');
    // 5 Jul 2028, 169 days before 21 Dec: 200 / 365 × 169 × 2 = 185.21.
    await shop.advance('2028-07-05T15:00:00Z');
    expect(await shop.bought('mep', 2)).toMatchObject({ kind: 'CO_TERMED', amount: { amount: '185.21' } });
    expect(await shop.licence('mep')).toMatchObject({ seats: '3', expiresAt: before.expiresAt });
  });

  test('3: purchase after the expiry: standard price, one year from now', async () => {
    await shop.advance('2029-01-10T15:00:00Z');
    expect(await shop.bought('mep', 1)).toMatchObject({ kind: 'AFTER_EXPIRY', amount: { amount: '200.00' } });
    expect(await shop.licence('mep')).toMatchObject({ seats: '1', expiresAt: '2030-01-10T15:00:00.000Z' });
  });
});

test('the buyer has a seat of what they bought, whoever else is left out', async () => {
  await shop.product('trial', '200', { trial: { days: 14, seats: 3 } });
  const { licence } = await shop.act(admin, 'startLicenceTrial', { product: 'trial' }, 'licence { id }');
  const people = await Promise.all(['fay', 'gil', 'hal'].map(invited));
  for (const userId of people) expect(await assign(licence.id, userId)).toMatchObject({ created: true });
  const leftOut = async () => {
    const rows = await shop.gateway.database.asOwner<{ left_out: string }>(
      `select payload ->> 'leftOut' as left_out from outbox_events where type = 'licence.seats_left_out' order by id`,
    );
    return rows.map(({ left_out }) => left_out);
  };
  const before = await leftOut();
  await shop.bought('trial', 2);
  const first = await shop.licence('trial');
  expect(first).toMatchObject({ seats: '2', assigned: '2' });
  // The buyer, and the one of the three who had a seat first.
  const buyer = (await shop.licence('cad')).seatHolders.nodes[0].userId;
  const holders = () =>
    shop.licence('trial').then(({ seatHolders }) => seatHolders.nodes.map(({ userId }: { userId: string }) => userId));
  expect((await holders()).sort()).toEqual([buyer, people[0]].sort());
  // After the expiry one seat is bought: it is the buyer's, who is counted once.
  await shop.advance('2030-02-01T15:00:00Z');
  await shop.bought('trial', 1);
  expect(await shop.licence('trial')).toMatchObject({ seats: '1', assigned: '1' });
  expect(await holders()).toEqual([buyer]);
  expect((await leftOut()).slice(before.length)).toEqual(['2', '1']);
});
