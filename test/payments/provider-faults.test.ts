import { type FakeFault, FakeProvider } from '../../src/payments/fake/fake-provider';
import { wallClock } from '../../src/platform/clock';
import { fakeWebhookSecret, startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
let fake: FakeProvider;
/** How the next calls go wrong, and what is looked at while one is under way. */
let faults: (FakeFault | undefined)[] = [];
let during: () => Promise<void> = async () => undefined;
beforeAll(async () => {
  fake = new FakeProvider({
    clock: wallClock,
    webhookSecrets: [fakeWebhookSecret],
    fault: (operation) => (operation === 'charge' || operation === 'refund' ? faults.shift() : undefined),
    afterCharge: () => during(),
  });
  gateway = await startTestGateway({ providers: [fake] });
});
afterAll(() => gateway.stop());
beforeEach(() => {
  faults = [];
  during = async () => undefined;
});

const paying = async () => {
  const place = await payingTenant(gateway, { world: await sellingWorld(gateway) });
  const payer = new Payer(place);
  await payer.addMethod();
  await place.tenant.start('basic');
  return { ...place, payer };
};
/** What waits for its time is due now. */
const hurry = () =>
  gateway.database.asOwner(`update payments set ask_at = now() - interval '1 second' where status = 'PENDING'`);
const due = () => gateway.app.paymentWork.runDue();

test.each<FakeFault>([
  'HANG_BEFORE',
  'HANG_AFTER',
  'SERVER_ERROR_BEFORE',
  'SERVER_ERROR_AFTER',
  'RESET_BEFORE',
  'RESET_AFTER',
  'RATE_LIMITED',
])('%s: unknown, asked again under the same key, charged once', async (fault) => {
  const { payer, uuid } = await paying();
  faults = [fault, fault];
  await due();
  const row = async () =>
    (
      await gateway.database.asOwner<{ status: string; asked: number; unknown_reason: string | null; waits: boolean }>(
        'select status, asked, unknown_reason, ask_at > now() as waits from payments where tenant_id = $1',
        [uuid],
      )
    )[0];
  expect(await row()).toMatchObject({ status: 'PENDING', asked: 1, waits: true });
  expect(await payer.invoices()).toMatchObject([{ status: 'FINALIZED', collection: { failures: 0 } }]);
  await hurry();
  await due();
  expect(await row()).toMatchObject({ status: 'PENDING', asked: 2 });
  await hurry();
  await due();
  expect(await payer.invoices()).toMatchObject([
    { status: 'PAID', payments: [{ status: 'SUCCEEDED' }], collection: { failures: 0 } },
  ]);
  const [{ payments }] = (await payer.invoices()) as [{ payments: { id: string }[] }];
  expect(fake.charges.filter(({ reference }) => reference === payments[0]!.id)).toHaveLength(1);
});

test('while a provider is asked no transaction is open, and everything else goes on', async () => {
  const { payer, tenant, uuid } = await paying();
  let open: Record<string, unknown>[] = [{ nothing: 'was seen' }];
  let read: unknown;
  let changed: unknown;
  during = async () => {
    during = async () => undefined;
    open = await gateway.database.asOwner(
      `select state, query from pg_stat_activity where datname = current_database() and xact_start is not null
          and pid <> pg_backend_pid()`,
    );
    read = await tenant.check('reports');
    // The tenant's lock is free too.
    changed = await tenant.change({ plan: 'bigger' });
  };
  await due();
  expect(open).toEqual([]);
  expect(read).toMatchObject({ allowed: true });
  expect(changed).toMatchObject({ subscription: { item: { plan: { code: 'bigger' } } } });
  expect((await payer.invoices())[0]).toMatchObject({ status: 'PAID' });
  expect(await gateway.database.asOwner('select 1 from payments where tenant_id = $1', [uuid])).not.toEqual([]);
});

test('one that does not answer is left alone for a while', async () => {
  const places = [];
  const world = await sellingWorld(gateway);
  for (let index = 0; index < 8; index += 1) {
    const place = await payingTenant(gateway, { world });
    await new Payer(place).addMethod();
    await place.tenant.start('basic');
    places.push(place);
  }
  faults = Array(20).fill('RESET_BEFORE');
  await gateway.app.paymentWork.runDue({ workers: 1 });
  // Five in a row went unanswered; the others were not asked.
  expect(faults).toHaveLength(20 - 5);
});

test('an old key is never sent again: the charge is looked up', async () => {
  // Nothing that was left alone before is so here.
  const rest = () => Reflect.set(gateway.app.paymentWork, 'unanswered', new Map());
  rest();
  const { payer, uuid } = await paying();
  faults = ['RESET_AFTER'];
  await gateway.app.paymentWork.runDue({ tenantId: uuid });
  expect(await payer.invoices()).toMatchObject([{ payments: [{ status: 'PENDING' }] }]);
  await gateway.database.asOwner(
    `update payments set ask_at = now(), first_asked_at = first_asked_at - interval '2 days' where tenant_id = $1`,
    [uuid],
  );
  faults = ['SERVER_ERROR_BEFORE'];
  rest();
  await gateway.app.paymentWork.runDue({ tenantId: uuid });
  expect(await payer.invoices()).toMatchObject([{ status: 'PAID', payments: [{ status: 'SUCCEEDED' }] }]);
  // It was not asked to charge.
  expect(faults).toHaveLength(1);
});

test('a refund that nobody knows about is asked again, and given once', async () => {
  const { payer } = await paying();
  await due();
  const [{ payments }] = (await payer.invoices()) as [{ payments: { id: string; chargeId: string }[] }];
  faults = ['RESET_AFTER'];
  expect(await payer.refund(payments[0]!.id)).toMatchObject({
    refund: { status: 'PENDING' },
    payment: { refunded: { amount: '30.00' } },
  });
  expect(await payer.refund(payments[0]!.id)).toMatchObject({ code: 'PAYMENT_NOT_REFUNDABLE' });
  await gateway.database.asOwner(`update refunds set ask_at = now() where status = 'PENDING'`);
  await due();
  expect((await payer.invoices())[0].payments[0]).toMatchObject({ refunds: [{ status: 'SUCCEEDED' }] });
  expect(fake.charges.find(({ chargeId }) => chargeId === payments[0]!.chargeId)!.refunded.minor).toBe(3_000n);
});

test.each([
  ['RESET_AFTER', 'SUCCEEDED', '30.00'],
  // It never came there: nothing is taken of the payment any more.
  ['RESET_BEFORE', 'FAILED', '0.00'],
] as const)('a refund with an old key is looked up, never sent again: %s, %s', async (fault, status, refunded) => {
  const { payer, uuid } = await paying();
  await gateway.app.paymentWork.runDue({ tenantId: uuid });
  const [{ payments }] = (await payer.invoices()) as [{ payments: { id: string }[] }];
  faults = [fault];
  expect(await payer.refund(payments[0]!.id)).toMatchObject({ refund: { status: 'PENDING' } });
  await gateway.database.asOwner(
    `update refunds set ask_at = now(), first_asked_at = first_asked_at - interval '23 hours' where tenant_id = $1`,
    [uuid],
  );
  faults = ['SERVER_ERROR_BEFORE'];
  await gateway.app.paymentWork.runDue({ tenantId: uuid });
  expect((await payer.invoices())[0].payments[0]).toMatchObject({
    refunded: { amount: refunded },
    refunds: [{ status }],
  });
  // It was not asked to give anything.
  expect(faults).toHaveLength(1);
});

test('the money of a credit note goes back to where it came from', async () => {
  const { payer, world, tenant } = await paying();
  await due();
  const cancel = { tenantId: tenant.id, reason: 'closing', when: 'NOW', settlement: 'REFUND' };
  const { creditNote } = await world.act(
    'cancelSubscription',
    cancel,
    'creditNote { settlement total { amount } }',
    ', idempotencyKey: "c"',
  );
  expect(creditNote).toMatchObject({ settlement: 'REFUND', total: { amount: '30.00' } });
  await due();
  expect((await payer.invoices())[0].payments).toMatchObject([
    {
      refunded: { amount: '30.00' },
      refunds: [{ status: 'SUCCEEDED', reason: 'CREDIT_NOTE', amount: { amount: '30.00' } }],
    },
  ]);
  expect(await tenant.balance()).toBe('0.00');
});

test('what was not paid through a provider cannot go back through one', async () => {
  const place = await payingTenant(gateway);
  await place.tenant.start('bigger');
  const [invoice] = await new Payer(place).invoices();
  const paid = { tenantId: place.tenant.id, invoiceId: invoice.id, reference: 'bank' };
  await place.world.act('markInvoicePaid', paid, 'invoice { id }', ', idempotencyKey: "p"');
  expect(await place.tenant.change({ plan: 'basic', settlement: 'REFUND' })).toMatchObject({
    code: 'REFUND_NOT_AVAILABLE',
    facts: [
      { name: 'refundable', value: '0.00' },
      { name: 'currency', value: 'USD' },
    ],
  });
  expect(await place.tenant.preview({ plan: 'basic', settlement: 'REFUND' })).toMatchObject({
    code: 'REFUND_NOT_AVAILABLE',
  });
});
