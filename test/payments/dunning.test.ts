import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const paying = async () => {
  const place = await payingTenant(gateway);
  return { ...place, payer: new Payer(place) };
};
const days = (invoice: { payments: { createdAt: string }[] }) =>
  invoice.payments.map(({ createdAt }) => createdAt.slice(0, 10));
const policy = (world: Awaited<ReturnType<typeof paying>>['world'], input: object) =>
  world.act(
    'setDunningPolicy',
    { partnerId: world.partnerId, ...input },
    'policy { retryDays graceDays finalAction version }',
  );

test('a clock makes renewals and payments in the order of time', async () => {
  const { tenant, payer } = await paying();
  await payer.addMethod();
  await tenant.start('basic');
  const { invoices, now } = await tenant.advance('2026-04-10T00:00:00Z');
  expect(now).toBe('2026-04-10T00:00:00.000Z');
  expect(invoices).toHaveLength(3);
  expect(await payer.invoices()).toMatchObject(
    ['2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01'].map((day) => ({
      status: 'PAID',
      issuedAt: `${day}T00:00:00.000Z`,
      payments: [{ status: 'SUCCEEDED', createdAt: `${day}T00:00:00.000Z` }],
    })),
  );
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});

test('failed → past due → tried on its days → recovered by another card; access goes on within the grace', async () => {
  const { tenant, payer, world } = await paying();
  expect(await policy(world, { retryDays: [3, 7, 14], graceDays: 10, finalAction: 'UNPAID' })).toMatchObject({
    policy: { version: 1 },
  });
  await payer.addMethod('card_ok');
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  await payer.addMethod('card_no_funds');
  await tenant.advance('2026-02-02T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE', accessUntil: '2026-02-11T00:00:00.000Z' });
  expect(await tenant.check('reports')).toMatchObject({ allowed: true });
  expect((await payer.invoices())[1]).toMatchObject({
    status: 'FINALIZED',
    collection: { status: 'OPEN', failures: 1, nextAttemptAt: '2026-02-04T00:00:00.000Z' },
    payments: [{ status: 'DECLINED', declineCode: 'INSUFFICIENT_FUNDS' }],
  });
  await tenant.advance('2026-02-10T23:59:59Z');
  expect(days((await payer.invoices())[1])).toEqual(['2026-02-01', '2026-02-04', '2026-02-08']);
  expect(await tenant.check('reports')).toMatchObject({ allowed: true });
  // 1 February + 10 days.
  await tenant.advance('2026-02-11T00:00:00Z');
  expect(await tenant.check('reports')).toMatchObject({ allowed: false });
  await payer.addMethod('card_ok');
  await tenant.advance('2026-02-20T00:00:00Z');
  expect((await payer.invoices())[1]).toMatchObject({ status: 'PAID', collection: { status: 'PAID', failures: 3 } });
  expect(days((await payer.invoices())[1])).toEqual(['2026-02-01', '2026-02-04', '2026-02-08', '2026-02-11']);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(await tenant.check('reports')).toMatchObject({ allowed: true });
  expect(await payer.events('subscription')).toEqual([
    'subscription.started',
    'subscription.renewed',
    'subscription.past_due',
    'subscription.recovered',
  ]);
});

test('unpaid by policy: the subscription and its debt stay, access has ended; paid by hand it recovers', async () => {
  const { tenant, payer, world } = await paying();
  await policy(world, { retryDays: [2], graceDays: 1, finalAction: 'UNPAID' });
  await payer.addMethod('card_declined');
  await tenant.start('basic');
  await tenant.advance('2026-01-20T00:00:00Z');
  const [invoice] = await payer.invoices();
  expect(days(invoice)).toEqual(['2026-01-01', '2026-01-03']);
  expect(invoice).toMatchObject({
    status: 'FINALIZED',
    collection: { status: 'EXHAUSTED', failures: 2, nextAttemptAt: null },
  });
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID', accessUntil: '2026-01-02T00:00:00.000Z' });
  expect(await tenant.check('reports')).toMatchObject({ allowed: false });
  await payer.addMethod('card_ok');
  expect(await payer.pay(invoice.id)).toMatchObject({ payment: { status: 'SUCCEEDED' }, invoice: { status: 'PAID' } });
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(await tenant.check('reports')).toMatchObject({ allowed: true });
  expect(await payer.events('invoice', 'subscription')).toEqual([
    'subscription.started',
    'invoice.finalized',
    'invoice.payment_failed',
    'subscription.past_due',
    'invoice.payment_failed',
    'subscription.unpaid',
    'invoice.paid',
    'subscription.recovered',
  ]);
});

test('cancelled by policy: no renewal follows, and what was used stays a debt', async () => {
  const { tenant, payer, world } = await paying();
  await policy(world, { retryDays: [5, 10], graceDays: 3, finalAction: 'CANCEL' });
  await payer.addMethod('card_declined');
  await tenant.start('basic');
  await tenant.advance('2026-06-01T00:00:00Z');
  expect(await payer.invoices()).toMatchObject([
    // 10/31 of 30.00
    { status: 'FINALIZED', amountDue: { amount: '9.68' }, collection: { status: 'EXHAUSTED', failures: 3 } },
  ]);
  expect(days((await payer.invoices())[0])).toEqual(['2026-01-01', '2026-01-06', '2026-01-11']);
  expect(await payer.subscription()).toMatchObject({ status: 'CANCELLED', cancelledAt: '2026-01-11T00:00:00.000Z' });
});

test('a charge that waits for its customer fails at each turn, and is never sent twice', async () => {
  const { tenant, payer, world } = await paying();
  await policy(world, { retryDays: [3, 6], graceDays: 5, finalAction: 'UNPAID' });
  await payer.addMethod('card_action');
  await tenant.start('basic');
  await tenant.advance('2026-01-04T12:00:00Z');
  const [invoice] = await payer.invoices();
  expect(invoice).toMatchObject({
    payments: [{ status: 'REQUIRES_ACTION' }],
    collection: { failures: 2, nextAttemptAt: '2026-01-07T00:00:00.000Z' },
  });
  gateway.fake.confirm(invoice.payments[0].chargeId);
  await tenant.advance('2026-01-10T00:00:00Z');
  expect(await payer.invoices()).toMatchObject([{ status: 'PAID', payments: [{ status: 'SUCCEEDED' }] }]);
});

test('a turn at which nobody can say how a charge stands is no failure, and comes back', async () => {
  const { tenant, payer, world } = await paying();
  await policy(world, { retryDays: [3], graceDays: 5, finalAction: 'CANCEL' });
  await payer.addMethod('card_action');
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  const [invoice] = await payer.invoices();
  expect(invoice.collection).toMatchObject({ failures: 1, nextAttemptAt: '2026-01-04T00:00:00.000Z' });
  // Paid, and the event has not come.
  gateway.fake.confirm(invoice.payments[0].chargeId);
  const seen: string[] = [];
  const find = jest.spyOn(gateway.fake, 'findCharge');
  const silent = async () => {
    // Whoever asks may die now: the turn is written down already.
    seen.push((await payer.invoices())[0].collection.nextAttemptAt);
    return { status: 'UNKNOWN', reason: 'TIMEOUT' } as const;
  };
  find.mockImplementationOnce(silent).mockImplementationOnce(silent);
  await tenant.advance('2026-01-05T00:00:00Z');
  expect(find).toHaveBeenCalledTimes(3);
  find.mockRestore();
  expect(seen).toEqual(['2026-01-04T01:00:00.000Z', '2026-01-04T02:00:00.000Z']);
  expect(await payer.invoices()).toMatchObject([{ status: 'PAID', collection: { status: 'PAID', failures: 1 } }]);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', cancelledAt: null });
});

test('an attempt by hand between two turns does not use one up', async () => {
  const { tenant, payer } = await paying();
  await payer.addMethod('card_declined');
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  const [invoice] = await payer.invoices();
  expect(await payer.pay(invoice.id)).toMatchObject({ payment: { status: 'DECLINED' } });
  expect((await payer.invoices())[0].collection).toEqual(invoice.collection);
});

test('a policy is checked, and changed by whoever has read it', async () => {
  const { world } = await paying();
  const bad = [
    { retryDays: [3, 3], graceDays: 0 },
    { retryDays: [0], graceDays: 0 },
    { retryDays: [400], graceDays: 0 },
    { retryDays: Array.from({ length: 11 }, (_, day) => day + 1), graceDays: 0 },
    { retryDays: [], graceDays: -1 },
    { retryDays: [], graceDays: 366 },
  ];
  for (const input of bad)
    expect(await policy(world, { ...input, finalAction: 'CANCEL' })).toMatchObject({ code: 'INVALID_INPUT' });
  const input = { retryDays: [1], graceDays: 0, finalAction: 'CANCEL' };
  const ten = await Promise.all(Array.from({ length: 10 }, () => policy(world, { ...input, expectedVersion: 0 })));
  expect(ten.filter((answer) => answer.policy)).toHaveLength(1);
  expect(ten.filter((answer) => answer.code === 'VERSION_CONFLICT')).toHaveLength(9);
});
