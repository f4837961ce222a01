import { findings } from '../support/findings';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

let serial = 0;
const paying = async (options: Parameters<typeof payingTenant>[1] = {}) => {
  const place = await payingTenant(gateway, options);
  return { ...place, payer: new Payer(place) };
};
type Place = Awaited<ReturnType<typeof paying>>;
const record = ({ world, tenant }: Place, invoiceId: string, amount: string, more: object = {}, extra = '') => {
  serial += 1;
  const reference = `transfer ${serial}`;
  const input = { tenantId: tenant.id, invoiceId, amount: { amount, currency: 'USD' }, reference, ...more };
  return world.act(
    'recordPayment',
    input,
    `replayed dryRun payment { id status reference provider paymentMethodId createdAt settledAt amount { amount } }
     invoice { status paidAt paid { amount } amountDue { amount } }`,
    extra || `, idempotencyKey: "record-${serial}"`,
  );
};

test('an invoice is paid in parts: what is due falls, and it is open until nothing is', async () => {
  const place = await paying();
  const { tenant, payer } = place;
  await tenant.start('basic');
  await tenant.advance('2026-01-05T00:00:00Z');
  const [{ id }] = await payer.invoices();
  const first = await record(place, id, '12.50', { reference: 'bank 1', receivedAt: '2026-01-03T00:00:00Z' });
  expect(first).toMatchObject({
    payment: {
      status: 'SUCCEEDED',
      reference: 'bank 1',
      provider: null,
      paymentMethodId: null,
      createdAt: '2026-01-05T00:00:00.000Z',
      settledAt: '2026-01-03T00:00:00.000Z',
    },
    // 30.00 − 12.50
    invoice: { status: 'FINALIZED', paid: { amount: '12.50' }, amountDue: { amount: '17.50' } },
  });
  expect(await record(place, id, '17.51')).toMatchObject({
    code: 'PAYMENT_EXCEEDS_DUE',
    facts: [
      { name: 'amountDue', value: '17.50' },
      { name: 'currency', value: 'USD' },
    ],
  });
  expect(await record(place, id, '17.50', {}, ', idempotencyKey: "dry", dryRun: true')).toMatchObject({
    dryRun: true,
    invoice: { status: 'PAID', amountDue: { amount: '0.00' } },
  });
  expect(await record(place, id, '17.50')).toMatchObject({
    invoice: { status: 'PAID', amountDue: { amount: '0.00' } },
  });
  expect(await record(place, id, '1.00')).toMatchObject({ code: 'INVOICE_NOT_OPEN' });
  expect(await payer.events('payment', 'invoice')).toEqual([
    'invoice.finalized',
    'payment.created',
    'payment.succeeded',
    'invoice.amount_due_lowered',
    'payment.created',
    'payment.succeeded',
    'invoice.paid',
  ]);
  expect(await findings(gateway)).toEqual([]);
});

test('more than is due: the rest is in the balance where it is asked for, and pays the next invoice', async () => {
  const place = await paying();
  const { tenant, payer } = place;
  await tenant.start('basic');
  const [{ id }] = await payer.invoices();
  expect(await record(place, id, '45.00', { surplus: 'CREDIT_BALANCE' })).toMatchObject({
    payment: { amount: { amount: '45.00' } },
    invoice: { status: 'PAID', paid: { amount: '30.00' } },
  });
  // 45.00 − 30.00
  expect(await tenant.balance()).toBe('15.00');
  await tenant.advance('2026-02-01T00:00:00Z');
  expect((await payer.invoices())[1]).toMatchObject({ amountDue: { amount: '15.00' } });
  expect(await findings(gateway)).toEqual([]);
});

test('a transfer is booked once for all tenants of a partner, by whichever of fifty comes first', async () => {
  const world = await sellingWorld(gateway);
  const [one, other] = [await paying({ world }), await paying({ world })];
  await one.tenant.start('basic');
  await other.tenant.start('basic');
  const [{ id }] = await one.payer.invoices();
  const [{ id: otherId }] = await other.payer.invoices();
  const reference = 'SEPA 2026-01-01/7';
  const fifty = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      index % 2 === 0 ? record(one, id, '1.00', { reference }) : record(other, otherId, '1.00', { reference }),
    ),
  );
  expect(fifty.filter((answer) => answer.payment)).toHaveLength(1);
  expect(fifty.filter((answer) => answer.code === 'REFERENCE_BOOKED')).toHaveLength(49);
  const left = [...(await one.payer.invoices()), ...(await other.payer.invoices())].map(
    ({ amountDue }) => amountDue.amount,
  );
  // 30.00 − 1.00, and 30.00
  expect(left.sort()).toEqual(['29.00', '30.00']);
  // Another partner has books of its own.
  const stranger = await paying();
  await stranger.tenant.start('basic');
  const [{ id: theirs }] = await stranger.payer.invoices();
  expect(await record(stranger, theirs, '1.00', { reference })).toMatchObject({ payment: { reference } });
  // What is tried in a sandbox takes no reference away.
  const live = { ...one, tenant: await world.liveTenant() };
  await live.tenant.start('basic');
  const [{ id: liveId }] = await new Payer({ ...live, uuid: '' }).invoices();
  expect(await record(live, liveId, '1.00', { reference })).toMatchObject({ payment: { reference } });
});

test('the same key is the same booking; what is no money, or has not come, is none', async () => {
  const place = await paying();
  const { tenant, payer } = place;
  await tenant.start('basic');
  const [{ id }] = await payer.invoices();
  const key = ', idempotencyKey: "the-same-transfer"';
  const more = { reference: 'bank 9' };
  expect(await record(place, id, '10.00', more, key)).toMatchObject({ replayed: false });
  expect(await record(place, id, '10.00', more, key)).toMatchObject({
    replayed: true,
    invoice: { amountDue: { amount: '20.00' } },
  });
  for (const [amount, input] of [
    ['0.00', {}],
    ['-1.00', {}],
    ['1.001', {}],
    ['1.00', { amount: { amount: '1.00', currency: 'EUR' } }],
    ['1.00', { reference: ' ' }],
    ['1.00', { receivedAt: '2026-01-01T00:00:01Z' }],
  ] as const)
    expect(await record(place, id, amount, input)).toMatchObject({ code: 'INVALID_INPUT' });
});

test('booked for the wrong invoice: it is given back outside, no provider is asked, and may be booked again', async () => {
  const place = await paying();
  const { tenant, payer } = place;
  await tenant.start('basic');
  await tenant.advance('2026-02-01T00:00:00Z');
  const [january, february] = await payer.invoices();
  const { payment } = await record(place, january.id, '30.00', { reference: 'bank 5' });
  const refunds = gateway.fake.charges.map(({ refunded }) => refunded.minor);
  expect(await payer.refund(payment.id, { memo: 'another customer’s' })).toMatchObject({
    refund: { status: 'SUCCEEDED', amount: { amount: '30.00' } },
    payment: { refunded: { amount: '30.00' } },
  });
  expect(gateway.fake.charges.map(({ refunded }) => refunded.minor)).toEqual(refunds);
  expect(await payer.refund(payment.id)).toMatchObject({ code: 'PAYMENT_NOT_REFUNDABLE' });
  expect(await record(place, february.id, '30.00', { reference: 'bank 5' })).toMatchObject({
    invoice: { status: 'PAID' },
  });
  expect(await findings(gateway)).toEqual([]);
});

test('what was paid in parts is what comes back: credits take what is due first', async () => {
  const place = await paying();
  const { tenant, payer } = place;
  await tenant.start('basic');
  const [{ id }] = await payer.invoices();
  await record(place, id, '20.00');
  await tenant.advance('2026-01-16T00:00:00Z');
  // 30.00 × 16/31 = 15.48: 10.00 off what is due, 5.48 of what was paid.
  await tenant.cancel({ when: 'NOW' });
  expect(await tenant.balance()).toBe('5.48');
  expect((await payer.invoices())[0]).toMatchObject({ status: 'PAID', amountDue: { amount: '0.00' } });
  // It did not come through a provider, and cannot go back through one.
  expect(await findings(gateway)).toEqual([]);
});

test('an attempt that waits asks for what is due at its next turn; what comes beyond it goes back', async () => {
  const place = await paying();
  const { tenant, payer } = place;
  await payer.addMethod('card_action');
  await tenant.start('basic');
  await tenant.advance('2026-01-02T00:00:00Z');
  const [{ id, payments }] = await payer.invoices();
  expect(payments).toMatchObject([{ status: 'REQUIRES_ACTION', amount: { amount: '30.00' } }]);
  await record(place, id, '10.00');
  // The policy's next day.
  await tenant.advance('2026-01-04T00:00:00Z');
  const [, , waiting] = (await payer.invoices())[0].payments;
  expect((await payer.invoices())[0].payments).toMatchObject([
    { status: 'DECLINED', declineCode: 'CANCELLED' },
    { status: 'SUCCEEDED', amount: { amount: '10.00' } },
    { status: 'REQUIRES_ACTION', amount: { amount: '20.00' } },
  ]);
  await record(place, id, '5.00');
  gateway.fake.confirm(waiting.chargeId);
  await tenant.advance('2026-01-09T00:00:00Z');
  // 20.00 came, 30.00 − 10.00 − 5.00 = 15.00 was due: 5.00 goes back.
  expect((await payer.invoices())[0]).toMatchObject({
    status: 'PAID',
    payments: [{}, {}, { status: 'SUCCEEDED', refunds: [{ reason: 'OVERPAID', amount: { amount: '5.00' } }] }, {}],
  });
  expect(await findings(gateway)).toEqual([]);
});

test('a debt that is paid by bank in parts is one until nothing is due', async () => {
  const place = await paying();
  const { tenant, payer, world } = place;
  await world.act('setPaymentTerms', { tenantId: tenant.id, netDays: 7 }, 'terms { netDays }');
  await tenant.start('basic');
  await tenant.advance('2026-01-09T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE' });
  const [{ id }] = await payer.invoices();
  await record(place, id, '29.99');
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE' });
  await record(place, id, '0.01');
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
});
