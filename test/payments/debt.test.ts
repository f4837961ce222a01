import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** Starts on 1 January with a card that is declined: the grace of seven days ends on the 8th. */
async function debtor(policy: object = { retryDays: [3, 7, 14], graceDays: 7, finalAction: 'UNPAID' }) {
  const world = await sellingWorld(gateway);
  await world.act('setDunningPolicy', { partnerId: world.partnerId, ...policy }, 'policy { version }');
  const place = await payingTenant(gateway, { world });
  const payer = new Payer(place);
  await payer.addMethod('card_declined');
  await place.tenant.start('basic');
  return { ...place, payer };
}
const allowed = async (tenant: Awaited<ReturnType<typeof debtor>>['tenant']) => (await tenant.check('reports')).allowed;
const debts = async (payer: Payer) => {
  const invoices = await payer.invoices();
  return invoices.map(({ status, amountDue, collection }) => `${status} ${amountDue.amount} ${collection.status}`);
};

// F14: cancelled and started again, four times over, the tenant had access each time.
test('a debtor that cancels and starts again keeps its standing and its grace, until the debt is paid', async () => {
  const { tenant, payer } = await debtor();
  await tenant.advance('2026-01-05T00:00:00Z');
  const grace = '2026-01-08T00:00:00.000Z';
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE', accessUntil: grace });
  for (const day of ['06', '09', '10', '16']) {
    await tenant.advance(`2026-01-${day}T00:00:00Z`);
    await tenant.cancel({ when: 'NOW', settlement: 'CREDIT_BALANCE' });
    expect(await tenant.balance()).toBe('0.00');
    expect(await allowed(tenant)).toBe(false);
    await tenant.start('bigger');
    const status = day === '16' ? 'UNPAID' : 'PAST_DUE';
    expect(await payer.subscription()).toMatchObject({ status, accessUntil: grace });
    // Within the grace access goes on, by the first subscription's days.
    expect(await allowed(tenant)).toBe(day === '06');
  }
  await tenant.advance('2026-01-17T00:00:00Z');
  // 5/31 of 30.00 = 4.84; 3/31 of 60.00 = 5.81; 1/31 = 1.94; 6/31 = 11.61; the last one is whole.
  expect(await debts(payer)).toEqual([
    'FINALIZED 4.84 EXHAUSTED',
    'FINALIZED 5.81 OPEN',
    'FINALIZED 1.94 OPEN',
    'FINALIZED 11.61 OPEN',
    'FINALIZED 60.00 OPEN',
  ]);
  expect(await payer.events('subscription')).toEqual([
    'subscription.started',
    'subscription.past_due',
    ...[0, 1, 2].flatMap(() => ['subscription.cancelled', 'subscription.started', 'subscription.past_due']),
    // 15 January: the last try of the first one.
    ...['subscription.unpaid', 'subscription.cancelled', 'subscription.started', 'subscription.unpaid'],
  ]);
  // What else begins a period anew begins no grace.
  const grown = await tenant.change({ plan: 'basic', anchor: 'RESET' });
  expect(grown.code).toBeUndefined();
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID', accessUntil: grace });
  expect(await allowed(tenant)).toBe(false);
  // A debt that is paid is one less; grace counts from the oldest of the others: 6 January + 7 days, then 9 January + 7 days.
  await payer.addMethod('card_ok');
  const left: unknown[] = [];
  for (const { id } of (await payer.invoices()).filter(({ status }) => status === 'FINALIZED')) {
    await payer.pay(id);
    left.push(await payer.subscription());
  }
  expect(left.slice(0, 2)).toMatchObject([
    { status: 'PAST_DUE', accessUntil: '2026-01-13T00:00:00.000Z' },
    { status: 'PAST_DUE', accessUntil: '2026-01-16T00:00:00.000Z' },
  ]);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(await allowed(tenant)).toBe(true);
});

test('a trial of a debtor gives what the debt lets it, and ends in the standing of the debt', async () => {
  const { tenant, payer } = await debtor();
  await tenant.advance('2026-01-10T00:00:00Z');
  await tenant.cancel({ when: 'NOW' });
  await tenant.start('basic', { trialDays: 5 });
  expect(await payer.subscription()).toMatchObject({ status: 'TRIALING', accessUntil: '2026-01-08T00:00:00.000Z' });
  expect(await allowed(tenant)).toBe(false);
  await tenant.advance('2026-01-15T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID', accessUntil: '2026-01-08T00:00:00.000Z' });
  expect(await allowed(tenant)).toBe(false);
});

test.each(['void', 'give up', 'credit', 'mark paid'])(
  '%s: the debt is gone, and access is back at once',
  async (way) => {
    const { tenant, payer } = await debtor();
    await tenant.advance('2026-01-20T00:00:00Z');
    const [invoice] = await tenant.invoices();
    expect(await allowed(tenant)).toBe(false);
    if (way === 'void') await tenant.void(invoice!.id);
    if (way === 'give up') await tenant.giveUp(invoice!.id);
    if (way === 'credit') await tenant.credit(invoice!.id, { [invoice!.lines[0]!.id]: '30.00' });
    if (way === 'mark paid') await tenant.pay(invoice!.id);
    expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
    expect(await allowed(tenant)).toBe(true);
  },
);

test('a subscription that dunning ended leaves its debt, and the next one stands by it', async () => {
  const { tenant, payer } = await debtor({ retryDays: [5], graceDays: 3, finalAction: 'CANCEL' });
  await tenant.advance('2026-01-07T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'CANCELLED' });
  // Five days of 31: 30.00 × 5/31 = 4.84.
  expect(await debts(payer)).toEqual(['FINALIZED 4.84 EXHAUSTED']);
  await tenant.start('basic');
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID', accessUntil: '2026-01-04T00:00:00.000Z' });
  expect(await allowed(tenant)).toBe(false);
  // The partner gives up what it is owed for the first one; the second has failed too, with a grace of its own.
  await tenant.advance('2026-01-08T00:00:00Z');
  await tenant.giveUp((await payer.invoices())[0].id);
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE', accessUntil: '2026-01-10T00:00:00.000Z' });
  expect(await allowed(tenant)).toBe(true);
});

test('dunning ends the subscription that there is, whichever was billed', async () => {
  const { tenant, payer } = await debtor({ retryDays: [5], graceDays: 3, finalAction: 'CANCEL' });
  await tenant.advance('2026-01-04T00:00:00Z');
  await tenant.cancel({ when: 'NOW' });
  await tenant.start('basic');
  await tenant.advance('2026-01-07T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'CANCELLED', cancelledAt: '2026-01-06T00:00:00.000Z' });
});
