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
type Place = Awaited<ReturnType<typeof paying>>;
const policy = ({ world }: Place, input: object) =>
  world.act(
    'setDunningPolicy',
    { partnerId: world.partnerId, retryDays: [3, 7], graceDays: 5, finalAction: 'UNPAID', ...input },
    'policy { withoutMethod version }',
  );
const remove = ({ world, tenant }: Place, paymentMethodId: string) =>
  world.act('removePaymentMethod', { tenantId: tenant.id, paymentMethodId }, 'paymentMethod { id isDefault }');
const methods = async ({ tenant }: Place) =>
  (
    await gateway.get(
      'super-admin',
      'query ($id: ID) { paymentMethods(tenantId: $id, first: 10) { nodes { id isDefault } } }',
      { id: tenant.id },
    )
  ).nodes;

test('a tenant that removes its card is past due from the next due date, and then unpaid', async () => {
  const place = await paying();
  const { payer, tenant } = place;
  await policy(place, {});
  const { paymentMethod } = await payer.addMethod();
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  expect(await remove(place, paymentMethod.id)).toMatchObject({ paymentMethod: { isDefault: false } });
  await tenant.advance('2026-02-03T00:00:00Z');
  // 1 February + 5 days of grace; the next turn 3 days after the due date.
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE', accessUntil: '2026-02-06T00:00:00.000Z' });
  expect(await payer.invoices()).toMatchObject([
    { status: 'PAID' },
    {
      status: 'FINALIZED',
      payments: [],
      collection: { status: 'OPEN', failures: 1, nextAttemptAt: '2026-02-04T00:00:00.000Z' },
    },
  ]);
  expect(await tenant.check('reports')).toMatchObject({ allowed: true });
  await tenant.advance('2026-02-08T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID' });
  expect(await tenant.check('reports')).toMatchObject({ allowed: false });
  expect(await payer.events('invoice', 'subscription')).toEqual([
    'subscription.started',
    'invoice.finalized',
    'invoice.paid',
    'invoice.finalized',
    'subscription.renewed',
    'invoice.overdue',
    'subscription.past_due',
    'invoice.overdue',
    'invoice.overdue',
    'subscription.unpaid',
  ]);
  await tenant.advance('2026-07-05T00:00:00Z');
  const open = (await payer.invoices()).filter(({ status }) => status === 'FINALIZED');
  // February to July.
  expect(open).toHaveLength(6);
  for (const { id } of open) await tenant.pay(id);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(await tenant.check('reports')).toMatchObject({ allowed: true });
});

test('removing a card stops no dunning that has begun, whatever the policy says of no method', async () => {
  const place = await paying();
  const { payer, tenant } = place;
  await policy(place, { withoutMethod: 'WAIT', finalAction: 'CANCEL' });
  const { paymentMethod } = await payer.addMethod('card_declined');
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE', accessUntil: '2026-01-06T00:00:00.000Z' });
  await remove(place, paymentMethod.id);
  await tenant.advance('2026-01-20T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'CANCELLED', cancelledAt: '2026-01-08T00:00:00.000Z' });
});

test('the other method on file is the default then, and pays', async () => {
  const place = await paying();
  const { payer, tenant } = place;
  const first = await payer.addMethod('card_ok');
  const second = await payer.addMethod('card_ok', false);
  const third = await payer.addMethod('card_ok', false);
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  await remove(place, first.paymentMethod.id);
  expect(await methods(place)).toEqual([
    { id: second.paymentMethod.id, isDefault: false },
    { id: third.paymentMethod.id, isDefault: true },
  ]);
  // One that is not the default leaves the default as it is.
  await remove(place, second.paymentMethod.id);
  expect(await methods(place)).toEqual([{ id: third.paymentMethod.id, isDefault: true }]);
  expect(await payer.events('payment_method')).toEqual([
    'payment_method.added',
    'payment_method.added',
    'payment_method.added',
    'payment_method.removed',
    'payment_method.default_changed',
    'payment_method.removed',
  ]);
  await tenant.advance('2026-03-05T00:00:00Z');
  expect((await payer.invoices()).map(({ status }) => status)).toEqual(['PAID', 'PAID', 'PAID']);
});

test('a declined default that is removed: the other method pays the debt at once', async () => {
  const place = await paying();
  const { payer, tenant } = place;
  await policy(place, { retryDays: [10] });
  const bad = await payer.addMethod('card_declined');
  await payer.addMethod('card_ok', false);
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE' });
  await remove(place, bad.paymentMethod.id);
  await tenant.advance('2026-01-02T00:00:01Z');
  expect(await payer.invoices()).toMatchObject([{ status: 'PAID' }]);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});

test('without terms a tenant that never had a method is asked by its partner, in ways of its own', async () => {
  const place = await paying();
  await policy(place, {});
  await place.tenant.start('basic');
  await place.tenant.advance('2026-04-05T00:00:00Z');
  expect(await place.payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect((await place.payer.invoices()).map(({ collection }) => collection.nextAttemptAt)).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

test('terms are a date to pay by, method or none; the grace counts from it', async () => {
  const place = await paying();
  const { payer, tenant, world } = place;
  await policy(place, {});
  await world.act('setPaymentTerms', { tenantId: tenant.id, netDays: 14 }, 'terms { netDays }');
  await tenant.start('basic');
  await tenant.advance('2026-01-14T23:59:59Z');
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  // 1 January + 14 days, and 5 days of grace.
  await tenant.advance('2026-01-15T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE', accessUntil: '2026-01-20T00:00:00.000Z' });
  const [invoice] = await payer.invoices();
  await tenant.pay(invoice.id);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  // Paid in time, nothing is overdue.
  await tenant.advance('2026-02-10T00:00:00Z');
  const [, february] = await payer.invoices();
  await tenant.pay(february.id);
  await tenant.advance('2026-02-28T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});

test('WAIT: who collects by itself marks invoices paid, and takes no access', async () => {
  const place = await paying();
  const { payer, tenant, world } = place;
  expect(await policy(place, { withoutMethod: 'WAIT' })).toMatchObject({
    policy: { withoutMethod: 'WAIT', version: 1 },
  });
  // What is not said stays as it is.
  expect(await policy(place, {})).toMatchObject({ policy: { withoutMethod: 'WAIT', version: 2 } });
  await world.act('setPaymentTerms', { partnerId: world.partnerId, netDays: 14 }, 'terms { netDays }');
  await tenant.start('basic');
  await tenant.advance('2026-03-10T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});

test('a policy that was changed to WAIT before a due date: nothing is done on it', async () => {
  const place = await paying();
  const { payer, tenant, world } = place;
  await world.act('setPaymentTerms', { partnerId: world.partnerId, netDays: 14 }, 'terms { netDays }');
  await tenant.start('basic');
  await policy(place, { withoutMethod: 'WAIT' });
  await tenant.advance('2026-01-20T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(await payer.invoices()).toMatchObject([{ collection: { status: 'OPEN', failures: 0, nextAttemptAt: null } }]);
});
