import { decodeId } from '../../src/core/ids';
import { processInbox } from '../../src/payments/process-inbox.job';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { chargesOf, Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** Starts on 1 January, 30.00 a month. */
async function owing(token: string, policy: object = {}) {
  const world = await sellingWorld(gateway);
  const input = { partnerId: world.partnerId, retryDays: [3], graceDays: 5, finalAction: 'UNPAID', ...policy };
  await world.act('setDunningPolicy', input, 'policy { version }');
  const place = await payingTenant(gateway, { world });
  const payer = new Payer(place);
  const { paymentMethod } = await payer.addMethod(token);
  await place.tenant.start('basic');
  return { ...place, payer, method: paymentMethod };
}
type Place = Awaited<ReturnType<typeof owing>>;
type Any = Awaited<ReturnType<Payer['invoices']>>[number];

/** As the provider knows it. */
async function there({ uuid }: Place, methodId: string): Promise<{ customerId: string; methodId: string }> {
  const [row] = await gateway.database.asOwner<{ customerId: string; methodId: string }>(
    `select customer_external_id as "customerId", external_id as "methodId" from payment_methods
      where tenant_id = $1 and id = $2`,
    [uuid, decodeId(methodId)!.uuid],
  );
  return row!;
}
const tries = (invoice: Any) =>
  invoice.payments.map((payment: Any) => `${payment.status} ${payment.createdAt.slice(5, 16)}`);
const byDefault = ({ world, tenant }: Place, paymentMethodId: string) =>
  world.act('setDefaultPaymentMethod', { tenantId: tenant.id, paymentMethodId }, 'paymentMethod { id isDefault }');
/** What the provider has told by now is heard. */
async function hear(): Promise<void> {
  for (const event of gateway.fake.events.splice(0)) {
    const { body, headers } = gateway.fake.sign(event);
    await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', body, headers });
  }
  await processInbox(gateway.app.system, gateway.app.providers);
}

describe('the method that invoices are paid with is chosen once more', () => {
  test('what is open is tried with it at once, exhausted debts too, and no day is used up', async () => {
    const place = await owing('card_no_funds', { retryDays: [3, 20] });
    const { tenant, payer, method } = place;
    await tenant.advance('2026-01-10T00:00:00Z');
    const { methodId } = await there(place, method.id);
    expect(await byDefault(place, method.id)).toEqual({ paymentMethod: { id: method.id, isDefault: true } });
    await tenant.advance('2026-01-10T02:00:00Z');
    const [invoice] = await payer.invoices();
    expect(tries(invoice)).toEqual(['DECLINED 01-01T00:00', 'DECLINED 01-04T00:00', 'DECLINED 01-10T00:00']);
    expect(invoice.collection).toMatchObject({ failures: 2, nextAttemptAt: '2026-01-21T00:00:00.000Z' });
    await tenant.advance('2026-01-25T00:00:00Z');
    expect(await payer.subscription()).toMatchObject({ status: 'UNPAID' });
    gateway.fake.setBehaviour(methodId, 'card_ok');
    await byDefault(place, method.id);
    await tenant.advance('2026-01-25T01:00:00Z');
    expect((await payer.invoices())[0]).toMatchObject({ status: 'PAID' });
    expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
    // It was the default all the time.
    expect(await payer.events('payment_method')).toEqual(['payment_method.added']);
  });

  test('asked fifty times, to and fro: a method is tried once an hour', async () => {
    const place = await owing('card_declined', { retryDays: [] });
    const { tenant, payer, method } = place;
    await tenant.advance('2026-01-02T00:00:00Z');
    const { paymentMethod: other } = await payer.addMethod('card_no_funds', false);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 5 }, () => byDefault(place, method.id)));
      await tenant.advance(`2026-01-02T00:${10 + round}:00Z`);
      await Promise.all(Array.from({ length: 5 }, () => byDefault(place, other.id)));
      await tenant.advance(`2026-01-02T00:${20 + round}:00Z`);
    }
    expect(tries((await payer.invoices())[0])).toEqual([
      'DECLINED 01-01T00:00',
      // The one, and the other.
      ...['DECLINED 01-02T00:00', 'DECLINED 01-02T00:10'],
    ]);
    // What was asked for meanwhile is done when the hour of the first one is over, with the one that is the default by then.
    await tenant.advance('2026-01-02T03:00:00Z');
    expect(tries((await payer.invoices())[0]).slice(3)).toEqual(['DECLINED 01-02T01:00']);
  });
});

describe('a card that was renewed', () => {
  test.each(['card_expired', 'card_lost'] as const)('%s: is tried at once, also after the last try', async (token) => {
    const place = await owing(token);
    const { tenant, payer, method } = place;
    await tenant.advance('2026-01-10T00:00:00Z');
    expect((await payer.invoices())[0].collection).toMatchObject({ status: 'EXHAUSTED', nextAttemptAt: null });
    await hear();
    gateway.fake.renewCard(await there(place, method.id), 'card_ok');
    await hear();
    await tenant.advance('2026-01-10T01:00:00Z');
    expect((await payer.invoices())[0]).toMatchObject({ status: 'PAID' });
    expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  });

  test('and was lost before: it is asked on the policy’s days again', async () => {
    const place = await owing('card_lost', { retryDays: [3, 7] });
    const { tenant, payer, method } = place;
    await tenant.advance('2026-01-02T00:00:00Z');
    await hear();
    gateway.fake.renewCard(await there(place, method.id), 'card_no_funds');
    await hear();
    await tenant.advance('2026-01-05T00:00:00Z');
    expect(tries((await payer.invoices())[0])).toEqual([
      ...['DECLINED 01-01T00:00', 'DECLINED 01-02T00:00', 'DECLINED 01-04T00:00'],
    ]);
  });

  test('while it is asked: the answer of the old one is not its own', async () => {
    const place = await owing('card_expired');
    const { tenant, payer, method } = place;
    const which = await there(place, method.id);
    const charge = gateway.fake.charge.bind(gateway.fake);
    const spy = jest.spyOn(gateway.fake, 'charge').mockImplementationOnce(async (request) => {
      const said = await charge(request);
      // Its event is late.
      gateway.fake.events.splice(0);
      gateway.fake.renewCard(which, 'card_ok');
      await hear();
      return said;
    });
    await tenant.advance('2026-01-02T00:00:00Z');
    spy.mockRestore();
    expect((await payer.invoices())[0]).toMatchObject({ status: 'PAID', collection: { status: 'PAID', failures: 0 } });
    expect(await payer.events('subscription')).toEqual(['subscription.started']);
  });

  test('that is not the default wakes nothing, and neither does news of nothing', async () => {
    const place = await owing('card_declined');
    const { tenant, payer, method } = place;
    const { paymentMethod: other } = await payer.addMethod('card_ok', false);
    await tenant.advance('2026-01-10T00:00:00Z');
    await hear();
    gateway.fake.renewCard(await there(place, other.id), 'card_ok');
    gateway.fake.renewCard(await there(place, method.id), 'card_ok', 2035);
    await hear();
    expect((await payer.invoices())[0].collection).toMatchObject({ status: 'EXHAUSTED', nextAttemptAt: null });
  });
});

describe('a method that its provider does not know any more', () => {
  test.each(['the method', 'the customer'])('%s: another one on file pays, and nobody has failed', async (what) => {
    const place = await owing('card_ok');
    const { tenant, payer, method } = place;
    await tenant.advance('2026-01-02T00:00:00Z');
    const { customerId, methodId } = await there(place, method.id);
    // Of another customer there: as where a customer was made anew.
    const { paymentMethod: other } = await payer.addMethod('card_ok', false);
    await gateway.database.asOwner(`update payment_methods set customer_external_id = 'fcus_new' where id = $1`, [
      decodeId(other.id)!.uuid,
    ]);
    const before = chargesOf(gateway.fake).length;
    gateway.fake.lose(what === 'the method' ? methodId : customerId);
    await tenant.advance('2026-02-02T00:00:00Z');
    expect((await payer.invoices())[1]).toMatchObject({
      ...{ status: 'PAID', collection: { status: 'PAID', failures: 0, paymentMethodMissing: false } },
      payments: [
        { status: 'DECLINED', declineCode: 'METHOD_NOT_FOUND', createdAt: '2026-02-01T00:00:00.000Z' },
        { status: 'SUCCEEDED', createdAt: '2026-02-01T00:00:00.000Z' },
      ],
    });
    expect(chargesOf(gateway.fake)).toHaveLength(before + 1);
    expect(await payer.events('payment_method')).toEqual([
      ...['payment_method.added', 'payment_method.added'],
      ...['payment_method.removed', 'payment_method.default_changed'],
    ]);
    expect(await payer.events('subscription')).not.toContain('subscription.past_due');
  });

  test('there is no other: it is forgotten, that one is missing is said, and the next one pays at once', async () => {
    const place = await owing('card_ok');
    const { tenant, payer, method } = place;
    await tenant.advance('2026-01-02T00:00:00Z');
    gateway.fake.lose((await there(place, method.id)).methodId);
    await tenant.advance('2026-02-02T00:00:00Z');
    expect(await payer.invoices()).toMatchObject([
      { collection: { paymentMethodMissing: false } },
      { status: 'FINALIZED', collection: { status: 'OPEN', failures: 1, paymentMethodMissing: true } },
    ]);
    expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE' });
    const { id } = (await payer.invoices())[1];
    expect(await payer.pay(id)).toMatchObject({ code: 'PAYMENT_METHOD_REQUIRED' });
    await payer.addMethod('card_ok', false);
    await tenant.advance('2026-02-02T01:00:00Z');
    expect((await payer.invoices())[1]).toMatchObject({ status: 'PAID', collection: { paymentMethodMissing: false } });
  });

  test('by hand, and the worker dies before the answer is recorded: asked again, it is the same', async () => {
    const place = await owing('card_declined');
    const { tenant, payer, method } = place;
    await tenant.advance('2026-01-02T00:00:00Z');
    await payer.addMethod('card_ok', false);
    gateway.fake.lose((await there(place, method.id)).methodId);
    const [invoice] = await payer.invoices();
    const spy = jest.spyOn(gateway.app.paymentWork, 'ask').mockRejectedValueOnce(new Error('killed'));
    await payer.pay(invoice.id, {}, ', idempotencyKey: "killed"').catch(() => undefined);
    spy.mockRestore();
    await gateway.database.asOwner(`update payments set ask_at = to_timestamp(0) where status = 'PENDING'`);
    await gateway.app.paymentWork.runDue({ tenantId: place.uuid });
    await tenant.advance('2026-01-02T02:00:00Z');
    expect((await payer.invoices())[0]).toMatchObject({
      status: 'PAID',
      payments: [{ declineCode: 'CARD_DECLINED' }, { declineCode: 'METHOD_NOT_FOUND' }, { status: 'SUCCEEDED' }],
    });
  });
});

test('the tenant removes the method that invoices are paid with: the one that was given last takes its place', async () => {
  const place = await owing('card_ok');
  const { world, tenant, payer, method } = place;
  await tenant.advance('2026-01-02T00:00:00Z');
  await payer.addMethod('card_declined', false);
  const { paymentMethod: last } = await payer.addMethod('card_ok', false);
  const remove = (paymentMethodId: string) =>
    world.act('removePaymentMethod', { tenantId: tenant.id, paymentMethodId }, 'paymentMethod { id isDefault }');
  expect(await remove(method.id)).toEqual({ paymentMethod: { id: method.id, isDefault: false } });
  await remove(method.id);
  await tenant.advance('2026-02-02T00:00:00Z');
  expect((await payer.invoices())[1]).toMatchObject({ status: 'PAID', payments: [{ status: 'SUCCEEDED' }] });
  const [{ count }] = await gateway.database.asOwner<Any>(
    'select count(*)::int as count from payments where tenant_id = $1 and payment_method_id = $2',
    [place.uuid, decodeId(last.id)!.uuid],
  );
  expect(count).toBe(1);
});
