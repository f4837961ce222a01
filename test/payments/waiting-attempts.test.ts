import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

let serial = 0;
/** 30.00 are due since 1 January, and the attempt waits for its customer. */
async function waiting() {
  const place = await payingTenant(gateway);
  const payer = new Payer(place);
  await payer.addMethod('card_action');
  await place.tenant.start('basic');
  await place.tenant.advance('2026-01-02T00:00:00Z');
  const [invoice] = await payer.invoices();
  expect(invoice.payments).toMatchObject([{ status: 'REQUIRES_ACTION' }]);
  const act = (mutation: string, input: object, fields: string) => {
    serial += 1;
    const key = `, idempotencyKey: "waiting-${serial}"`;
    return place.world.act(mutation, { tenantId: place.tenant.id, invoiceId: invoice.id, ...input }, fields, key);
  };
  const work = () => gateway.app.paymentWork.runDue({ tenantId: place.uuid });
  const attempt = async () => (await payer.invoices())[0].payments[0];
  const there = () => gateway.fake.charges.find(({ chargeId }) => chargeId === invoice.payments[0].chargeId);
  return { ...place, payer, invoice, act, work, attempt, there };
}
const markPaid = ({ act }: Awaited<ReturnType<typeof waiting>>) =>
  act('markInvoicePaid', { reference: 'bank 17' }, 'invoice { status }');

test.each(['marked paid', 'void', 'credited'])('%s: nobody can confirm it any more', async (way) => {
  const place = await waiting();
  if (way === 'marked paid') await markPaid(place);
  if (way === 'void') await place.act('voidInvoice', { reason: 'a mistake' }, 'invoice { status }');
  if (way === 'credited') {
    const lines = [{ invoiceLineId: place.invoice.lines[0].id, amount: { amount: '30.00', currency: 'USD' } }];
    expect(await place.act('issueCreditNote', { lines }, 'creditNote { id }')).toHaveProperty('creditNote');
  }
  await place.work();
  expect(await place.attempt()).toMatchObject({ status: 'DECLINED', declineCode: 'CANCELLED' });
  expect(place.there()).toMatchObject({ status: 'DECLINED' });
  gateway.fake.confirm(place.invoice.payments[0].chargeId);
  expect(place.there()).toMatchObject({ status: 'DECLINED' });
  expect(await place.payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(await place.payer.events('payment')).toEqual([
    ...['payment.created', 'payment.action_required', 'payment.failed'],
  ]);
});

test('the customer was faster: what was paid twice goes back', async () => {
  const place = await waiting();
  gateway.fake.confirm(place.invoice.payments[0].chargeId);
  await markPaid(place);
  await place.work();
  await place.work();
  expect(await place.attempt()).toMatchObject({
    ...{ status: 'SUCCEEDED', refunded: { amount: '30.00' } },
    refunds: [{ status: 'SUCCEEDED', reason: 'PAID_TWICE', amount: { amount: '30.00' } }],
  });
});

test('the provider does not answer, or lets it wait: it is asked later, and later', async () => {
  const place = await waiting();
  await markPaid(place);
  const cancel = jest.spyOn(gateway.fake, 'cancelCharge');
  cancel.mockResolvedValueOnce({ status: 'UNKNOWN', reason: 'TIMEOUT' });
  cancel.mockResolvedValueOnce({ status: 'REQUIRES_ACTION', chargeId: place.invoice.payments[0].chargeId });
  const seconds = async () => {
    await place.work();
    const [row] = await gateway.database.asOwner<{ seconds: number | null }>(
      `with asked as (select id, ask_at from payments where tenant_id = $1),
            due as (update payments p set ask_at = now() - interval '1 second' from asked where p.id = asked.id and p.ask_at is not null)
       select round(extract(epoch from ask_at - now()))::int as seconds from asked`,
      [place.uuid],
    );
    return row!.seconds;
  };
  const [first, second, third] = [await seconds(), await seconds(), await seconds()];
  expect(first).toBeGreaterThan(1);
  expect(second).toBeGreaterThan(first!);
  expect(third).toBeNull();
  cancel.mockRestore();
  expect(await place.attempt()).toMatchObject({ status: 'DECLINED', declineCode: 'CANCELLED' });
});

test('given up is not paid: the customer may still confirm it', async () => {
  const place = await waiting();
  await place.act('markInvoiceUncollectible', {}, 'invoice { status }');
  expect(await place.work()).toBe(0);
  expect(await place.attempt()).toMatchObject({ status: 'REQUIRES_ACTION' });
  await markPaid(place);
  await place.work();
  expect(await place.attempt()).toMatchObject({ status: 'DECLINED', declineCode: 'CANCELLED' });
});

test('an attempt that was written, and not asked for when the invoice was paid, is never sent', async () => {
  const place = await payingTenant(gateway);
  const payer = new Payer(place);
  await payer.addMethod('card_declined');
  await place.tenant.start('basic');
  await place.tenant.advance('2026-01-02T00:00:00Z');
  const [{ id }] = await payer.invoices();
  await payer.addMethod('card_ok');
  const ask = jest.spyOn(gateway.app.paymentWork, 'askPayment').mockRejectedValueOnce(new Error('killed'));
  await payer.pay(id).catch(() => undefined);
  ask.mockRestore();
  expect((await payer.invoices())[0].payments[1]).toMatchObject({ status: 'PENDING' });
  const money = { tenantId: place.tenant.id, invoiceId: id, reference: 'bank 18' };
  const key = ', idempotencyKey: "bank-18"';
  expect(await place.world.act('markInvoicePaid', money, 'invoice { status }', key)).toEqual({
    invoice: { status: 'PAID' },
  });
  const before = gateway.fake.charges.length;
  await gateway.database.asOwner(`update payments set ask_at = to_timestamp(0) where status = 'PENDING'`);
  await gateway.app.paymentWork.runDue({ tenantId: place.uuid });
  expect((await payer.invoices())[0].payments[1]).toMatchObject({ status: 'DECLINED', declineCode: 'CANCELLED' });
  expect(gateway.fake.charges).toHaveLength(before);
});
