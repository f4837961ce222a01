import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** On its first day, with 30.00 that could not be charged. */
async function debtor() {
  const world = await sellingWorld(gateway);
  await world.plan({ code: 'nil', rank: 0, month: '0' });
  const paying = await payingTenant(gateway, { world });
  const payer = new Payer(paying);
  await payer.addMethod('card_no_funds');
  await paying.tenant.start('basic');
  await gateway.app.paymentWork.runDue({ tenantId: paying.uuid });
  expect((await payer.subscription()).status).toBe('PAST_DUE');
  return { ...paying, payer };
}

test('a debtor that cancels at once owes nothing any more: 30.00 × 31/31 comes off the open invoice', async () => {
  const { tenant, payer } = await debtor();
  const cancelled = await tenant.cancel({ when: 'NOW' });
  expect(cancelled.subscription.status).toBe('CANCELLED');
  expect(cancelled.creditNotes.map(({ total }: { total: { amount: string } }) => total.amount)).toEqual(['30.00']);
  expect((await payer.invoices()).map(({ amountDue }) => amountDue.amount)).toEqual(['0.00']);
});

test('a debtor that changes to a free plan at once stands as one that owes nothing', async () => {
  const { tenant, payer } = await debtor();
  const changed = await tenant.change({ plan: 'nil' });
  expect(changed.subscription.item.plan.code).toBe('nil');
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});

test('an invoice that the balance pays when a subscription ends ends the debt', async () => {
  const { tenant, payer } = await debtor();
  // A second invoice is paid by bank and credited whole: 30.00 lie in the balance.
  await tenant.advance('2026-02-02T00:00:00Z');
  const [first, second] = await tenant.invoices();
  await tenant.pay(second!.id);
  const note = await tenant.credit(second!.id, { [second!.lines[0]!.id]: '30.00' });
  expect(note.creditNote.total.amount).toBe('30.00');
  expect(await tenant.balance()).toBe('30.00');
  const { subscription } = await tenant.cancel({ when: 'NOW', settlement: 'NONE' });
  expect(subscription.status).toBe('CANCELLED');
  expect(await tenant.balance()).toBe('0.00');
  expect((await payer.invoices()).find(({ id }) => id === first!.id)).toMatchObject({ status: 'PAID' });
});
