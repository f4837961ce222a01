import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** Starts on 1 January, 30.00 a month. */
async function payerWith(token: string, policy: object) {
  const world = await sellingWorld(gateway);
  await world.act('setDunningPolicy', { partnerId: world.partnerId, ...policy }, 'policy { version }');
  const place = await payingTenant(gateway, { world });
  const payer = new Payer(place);
  const { paymentMethod } = await payer.addMethod(token);
  await place.tenant.start('basic');
  return { ...place, payer, method: paymentMethod };
}
type Place = Awaited<ReturnType<typeof payerWith>>;
type Any = Awaited<ReturnType<Payer['invoices']>>[number];

const day = (at: string) => at.slice(5, 10);
const tries = (invoice: Any) => invoice.payments.map((payment: Any) => `${payment.status} ${day(payment.createdAt)}`);
const allowed = async ({ tenant }: Place) => (await tenant.check('reports')).allowed;
/** Months of the invoices in the order in which they were charged since. */
async function charged({ uuid }: Place, since: string): Promise<string[]> {
  const rows = await gateway.database.asOwner<{ month: string }>(
    `select to_char(i.issued_at at time zone 'UTC', 'MM-DD') as month
       from payments p join invoices i on i.tenant_id = p.tenant_id and i.id = p.invoice_id
      where p.tenant_id = $1 and p.created_at >= $2 order by p.id`,
    [uuid, since],
  );
  return rows.map(({ month }) => month);
}
const byDefault = ({ world, tenant }: Place, paymentMethodId: string) =>
  world.act('setDefaultPaymentMethod', { tenantId: tenant.id, paymentMethodId }, 'paymentMethod { id }');

const strict = { retryDays: [3], graceDays: 5, finalAction: 'UNPAID' };

test.each(['added', 'made default'])(
  'another card is %s after the last try: the oldest debt is paid at once',
  async (way) => {
    const place = await payerWith('card_declined', strict);
    const { tenant, payer } = place;
    await tenant.advance('2026-02-10T00:00:00Z');
    expect(await payer.invoices()).toMatchObject([
      { collection: { status: 'EXHAUSTED', nextAttemptAt: null } },
      { collection: { status: 'EXHAUSTED', nextAttemptAt: null } },
    ]);
    expect(await payer.subscription()).toMatchObject({ status: 'UNPAID' });
    const { paymentMethod } = await payer.addMethod('card_ok', way === 'added');
    if (way === 'made default') {
      await tenant.advance('2026-02-10T01:00:00Z');
      expect(await charged(place, '2026-02-10')).toEqual([]);
      await byDefault(place, paymentMethod.id);
    }
    await tenant.advance('2026-02-10T02:00:00Z');
    expect(await charged(place, '2026-02-10')).toEqual(['01-01', '02-01']);
    expect(await payer.invoices()).toMatchObject([{ status: 'PAID' }, { status: 'PAID' }]);
    expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
    expect(await allowed(place)).toBe(true);
  },
);

test('the debt of a subscription that dunning ended is paid by another card too', async () => {
  const place = await payerWith('card_declined', { ...strict, finalAction: 'CANCEL' });
  const { tenant, payer } = place;
  await tenant.advance('2026-01-10T00:00:00Z');
  await tenant.start('basic');
  // A card that is declined too uses nothing up, and does not end the new subscription for the old debt.
  await payer.addMethod('card_no_funds');
  await tenant.advance('2026-01-11T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID' });
  await payer.addMethod('card_ok');
  await tenant.advance('2026-01-12T00:00:00Z');
  expect(await charged(place, '2026-01-11')).toEqual(['01-01', '01-10']);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});

test('another card is tried now and not on the policy’s next day; where it is declined, no day is used up', async () => {
  const place = await payerWith('card_declined', { retryDays: [3, 7], graceDays: 30, finalAction: 'UNPAID' });
  const { tenant, payer } = place;
  await tenant.advance('2026-01-02T00:00:00Z');
  await payer.addMethod('card_no_funds');
  await tenant.advance('2026-01-03T00:00:00Z');
  const [invoice] = await payer.invoices();
  expect(tries(invoice)).toEqual(['DECLINED 01-01', 'DECLINED 01-02']);
  expect(invoice.collection).toMatchObject({ failures: 1, nextAttemptAt: '2026-01-04T00:00:00.000Z' });
  await tenant.advance('2026-01-05T00:00:00Z');
  await payer.addMethod('card_ok');
  await tenant.advance('2026-01-06T00:00:00Z');
  expect(tries((await payer.invoices())[0])).toEqual([
    ...['DECLINED 01-01', 'DECLINED 01-02', 'DECLINED 01-04'],
    'SUCCEEDED 01-05',
  ]);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});

test('a card that pays again pays what is owed longest, before the renewal', async () => {
  const place = await payerWith('card_no_funds', strict);
  const { tenant, payer, method } = place;
  await tenant.advance('2026-02-10T00:00:00Z');
  // 1 February: the old debt once more, and the renewal waits for it; its own next day the same.
  expect((await payer.invoices()).map(tries)).toEqual([
    ['DECLINED 01-01', 'DECLINED 01-04', 'DECLINED 02-01', 'DECLINED 02-04'],
    [],
  ]);
  const { externalId } = await gateway.database
    .asOwner<{ externalId: string }>('select external_id as "externalId" from payment_methods where tenant_id = $1', [
      place.uuid,
    ])
    .then(([row]) => row!);
  expect(method.isDefault).toBe(true);
  gateway.fake.setBehaviour(externalId, 'card_ok');
  await tenant.advance('2026-03-01T12:00:00Z');
  expect(await charged(place, '2026-03-01')).toEqual(['01-01', '02-01', '03-01']);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(await allowed(place)).toBe(true);
});

test('more debts than a worker takes at once are paid in their order', async () => {
  const place = await payerWith('card_lost', { ...strict, retryDays: [] });
  const { tenant, payer } = place;
  await tenant.advance('2027-01-02T00:00:00Z');
  await payer.addMethod('card_ok');
  await tenant.advance('2027-01-03T00:00:00Z');
  const months = Array.from({ length: 12 }, (_, month) => `${String(month + 1).padStart(2, '0')}-01`);
  expect(await charged(place, '2027-01-02')).toEqual([...months, '01-01']);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE' });
});

test('a card that was reported lost is not tried again on the policy’s days; the days pass as they do', async () => {
  const place = await payerWith('card_lost', { retryDays: [3, 7], graceDays: 5, finalAction: 'UNPAID' });
  const { tenant, payer } = place;
  await tenant.advance('2026-01-05T00:00:00Z');
  expect((await payer.invoices())[0].collection).toMatchObject({
    ...{ status: 'OPEN', failures: 2, nextAttemptAt: '2026-01-08T00:00:00.000Z' },
  });
  await tenant.advance('2026-01-20T00:00:00Z');
  const [invoice] = await payer.invoices();
  expect(tries(invoice)).toEqual(['DECLINED 01-01']);
  expect(invoice.collection).toMatchObject({ status: 'EXHAUSTED', failures: 3, nextAttemptAt: null });
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID' });
  await payer.addMethod('card_ok');
  await tenant.advance('2026-01-21T00:00:00Z');
  expect(tries((await payer.invoices())[0])).toEqual(['DECLINED 01-01', 'SUCCEEDED 01-20']);
});

test('another card that is given while the old one is asked is tried right after it', async () => {
  const place = await payerWith('card_ok', strict);
  const { tenant, payer, method } = place;
  await tenant.advance('2026-01-02T00:00:00Z');
  expect(method.isDefault).toBe(true);
  await payer.addMethod('card_declined');
  const charge = gateway.fake.charge.bind(gateway.fake);
  const spy = jest.spyOn(gateway.fake, 'charge').mockImplementationOnce(async (request) => {
    await payer.addMethod('card_ok');
    return charge(request);
  });
  await tenant.advance('2026-02-01T12:00:00Z');
  spy.mockRestore();
  expect(tries((await payer.invoices())[1])).toEqual(['DECLINED 02-01', 'SUCCEEDED 02-01']);
  expect(await payer.events('subscription')).not.toContain('subscription.past_due');
});
