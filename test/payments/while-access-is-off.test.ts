import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** January's 30.00 are owed: tried on the 1st and the 4th, access is off from the 6th on. */
async function owing(policy: object = {}) {
  const world = await sellingWorld(gateway);
  const input = { partnerId: world.partnerId, retryDays: [3], graceDays: 5, finalAction: 'UNPAID', ...policy };
  const set = await world.act('setDunningPolicy', input, 'policy { chargesWhileOff version }');
  const place = await payingTenant(gateway, { world });
  const payer = new Payer(place);
  await payer.addMethod('card_declined');
  await place.tenant.start('basic');
  await place.tenant.advance('2026-01-10T00:00:00Z');
  return { ...place, payer, policy: set.policy };
}
type Place = Awaited<ReturnType<typeof owing>>;
type Any = Awaited<ReturnType<Payer['invoices']>>[number];

const tries = (invoice: Any) =>
  invoice.payments.map((payment: Any) => `${payment.status} ${payment.createdAt.slice(5, 10)}`);
const allowed = async ({ tenant }: Place) => (await tenant.check('reports')).allowed;
/** Days of the invoices that were charged with success, in that order. */
async function taken({ uuid }: Place): Promise<string[]> {
  const rows = await gateway.database.asOwner<{ day: string }>(
    `select to_char(i.issued_at at time zone 'UTC', 'MM-DD') as day
       from payments p join invoices i on i.tenant_id = p.tenant_id and i.id = p.invoice_id
      where p.tenant_id = $1 and p.status = 'SUCCEEDED' order by p.id`,
    [uuid],
  );
  return rows.map(({ day }) => day);
}

test('renewals are issued and not charged; each turn tries the oldest debt', async () => {
  const place = await owing();
  expect(place.policy).toEqual({ chargesWhileOff: false, version: 1 });
  await place.tenant.advance('2026-03-10T00:00:00Z');
  const invoices = await place.payer.invoices();
  expect(invoices.map(tries)).toEqual([
    // Its own days, and the turns of February and March.
    [...['01-01', '01-04', '02-01', '02-04', '03-01', '03-04'].map((day) => `DECLINED ${day}`)],
    [],
    [],
  ]);
  expect(invoices.map(({ amountDue }) => amountDue.amount)).toEqual(['30.00', '30.00', '30.00']);
  expect(await place.payer.subscription()).toMatchObject({ status: 'UNPAID' });
});

test('a card that is too small for the debt does not pay the smaller one that is new', async () => {
  const place = await owing();
  const { tenant, payer } = place;
  await tenant.advance('2026-02-10T00:00:00Z');
  const charge = gateway.fake.charge.bind(gateway.fake);
  // It has money for all but January.
  const january = (await payer.invoices())[0].number;
  const spy = jest
    .spyOn(gateway.fake, 'charge')
    .mockImplementation(async (request) =>
      request.description === january ? { status: 'DECLINED', code: 'INSUFFICIENT_FUNDS' } : charge(request),
    );
  await payer.addMethod('card_ok');
  await tenant.advance('2026-02-12T00:00:00Z');
  spy.mockRestore();
  expect((await payer.invoices()).map(tries)).toEqual([
    ['DECLINED 01-01', 'DECLINED 01-04', 'DECLINED 02-01', 'DECLINED 02-04', 'DECLINED 02-10'],
    [],
  ]);
  expect(await taken(place)).toEqual([]);
});

test.each(['another card', 'a bank', 'given up'])(
  '%s ends the debt: the rest is charged at once, the oldest first',
  async (way) => {
    const place = await owing();
    const { tenant, payer, world } = place;
    await tenant.advance('2026-03-10T00:00:00Z');
    const [{ id }] = await payer.invoices();
    if (way === 'another card') await payer.addMethod('card_ok');
    else {
      const [{ external_id: card }] = await gateway.database.asOwner<Any>(
        'select external_id from payment_methods where tenant_id = $1',
        [place.uuid],
      );
      gateway.fake.setBehaviour(card, 'card_ok');
      const [mutation, more] =
        way === 'a bank' ? ['markInvoicePaid', { reference: 'bank 9' }] : ['markInvoiceUncollectible', {}];
      const input = { tenantId: tenant.id, invoiceId: id, ...(more as object) };
      const key = `, idempotencyKey: "${way.replace(' ', '-')}"`;
      expect(await world.act(mutation as string, input, 'invoice { status }', key)).toHaveProperty('invoice');
      // Nothing is given before all of it is paid.
      expect(await allowed(place)).toBe(false);
    }
    await tenant.advance('2026-03-10T01:00:00Z');
    expect(await taken(place)).toEqual(way === 'another card' ? ['01-01', '02-01', '03-01'] : ['02-01', '03-01']);
    expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
    expect(await allowed(place)).toBe(true);
  },
);

test('the oldest is paid and the card declines the rest: no new grace begins', async () => {
  const place = await owing();
  const { tenant, payer, world } = place;
  await tenant.advance('2026-02-20T00:00:00Z');
  const input = { tenantId: tenant.id, invoiceId: (await payer.invoices())[0].id, reference: 'bank 10' };
  await world.act('markInvoicePaid', input, 'invoice { status }', ', idempotencyKey: "only"');
  await tenant.advance('2026-02-21T00:00:00Z');
  expect((await payer.invoices()).map(tries)[1]).toEqual(['DECLINED 02-20']);
  // 1 February + 5 days, as if it had been tried on its day.
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID', accessUntil: '2026-02-06T00:00:00.000Z' });
  expect(await allowed(place)).toBe(false);
});

test('within the grace all is charged as ever; so it is while access is off where the partner wants it', async () => {
  const graced = await owing({ graceDays: 60 });
  await graced.tenant.advance('2026-02-10T00:00:00Z');
  expect((await graced.payer.invoices()).map(tries)[1]).toEqual(['DECLINED 02-01', 'DECLINED 02-04']);
  const wanted = await owing({ chargesWhileOff: true });
  expect(wanted.policy).toEqual({ chargesWhileOff: true, version: 1 });
  await wanted.tenant.advance('2026-02-10T00:00:00Z');
  expect((await wanted.payer.invoices()).map(tries)[1]).toEqual(['DECLINED 02-01', 'DECLINED 02-04']);
  // Who does not name it leaves it as it is.
  const kept = { partnerId: wanted.world.partnerId, retryDays: [2], graceDays: 5, finalAction: 'UNPAID' };
  expect(await wanted.world.act('setDunningPolicy', kept, 'policy { chargesWhileOff }')).toEqual({
    policy: { chargesWhileOff: true },
  });
});

test('what is bought while access is off waits too, and is charged with the rest', async () => {
  const place = await owing();
  const { tenant, payer } = place;
  await tenant.advance('2026-01-17T00:00:00Z');
  const changed = await tenant.change({ plan: 'bigger' });
  // 60.00 × 15/31; the credit for what is not paid came off January's invoice.
  expect(changed.invoice).toMatchObject({ amountDue: { amount: '29.03' } });
  await tenant.advance('2026-01-18T00:00:00Z');
  expect((await payer.invoices()).map(tries)[1]).toEqual([]);
  await payer.addMethod('card_ok');
  await tenant.advance('2026-01-18T01:00:00Z');
  expect(await taken(place)).toEqual(['01-01', '01-17']);
  expect(await allowed(place)).toBe(true);
});
