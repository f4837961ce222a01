import { money } from '../../src/core/money';
import { processInbox } from '../../src/payments/process-inbox.job';
import { reconcileMoneyBack } from '../../src/payments/reconcile-money-back.job';
import { reconcilePayments } from '../../src/payments/reconcile-payments.job';
import { findings } from '../support/findings';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  // After all of it every law holds. Sandboxes of the past have not been billed up to today.
  expect((await findings(gateway)).filter((found) => !found.startsWith('check_overdue:'))).toEqual([]);
  await gateway.stop();
});

async function deliver() {
  for (const body of gateway.fake.events.splice(0)) {
    await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', ...gateway.fake.sign(body) });
  }
  return processInbox(gateway.app.system, gateway.app.providers);
}

/** 30.00 paid on 1 January, by card. */
async function paid(now = '2026-01-01T00:00:00Z') {
  const world = await sellingWorld(gateway);
  await world.addon('extra', '10.00');
  const place = await payingTenant(gateway, { world, now });
  const { tenant } = place;
  const payer = new Payer(place);
  await payer.addMethod();
  await tenant.start('basic');
  await gateway.app.paymentWork.runDue({ tenantId: place.uuid });
  await deliver();
  const payment = async (invoice = 0) => (await payer.invoices())[invoice].payments[0];
  const cents = (amount: string) => ({ amount: { amount, currency: 'USD' } });
  const invoice = async (index = 0) => {
    const { nodes } = await gateway.get(
      'super-admin',
      'query ($id: ID) { invoices(tenantId: $id, first: 50) { nodes { status paid { amount } refunded { amount } amountDue { amount } } } }',
      { id: tenant.id },
    );
    return nodes[index];
  };
  return { ...place, payer, payment, cents, invoice };
}

test('a refund and then a cancellation give no more than was paid, and the invoice is not due again', async () => {
  const { tenant, payer, payment, cents, invoice } = await paid();
  const { id } = await payment();
  expect(await payer.refund(id, cents('20.00'))).toMatchObject({ refund: { status: 'SUCCEEDED' } });
  expect(await invoice()).toEqual({
    status: 'PAID',
    ...{ paid: { amount: '30.00' }, refunded: { amount: '20.00' }, amountDue: { amount: '0.00' } },
  });
  // What can still be credited is 30.00 − 20.00.
  const [january] = await tenant.invoices();
  expect(await tenant.credit(january!.id, { [january!.lines[0]!.id]: '10.01' })).toMatchObject({
    code: 'CREDIT_EXCEEDS_LINE',
  });
  // On the first day all of 30.00 is unused; 10.00 of it is still there.
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '10.00' } } });
  expect(await tenant.balance()).toBe('10.00');
  // All of the payment: 10.00, which is not paid out twice but comes off the balance.
  expect(await payer.refund(id)).toMatchObject({ refund: { amount: { amount: '10.00' } } });
  expect(await tenant.balance()).toBe('0.00');
  expect(await payer.refund(id)).toMatchObject({ code: 'PAYMENT_NOT_REFUNDABLE' });
});

test('a refund that was made outside is booked once, moves the same accounts, and no provider is asked', async () => {
  const { tenant, payer, payment, cents, invoice } = await paid();
  const { id, chargeId } = await payment();
  const outside = { ...cents('12.00'), outsideReference: 'bank 2026-01-05/17', memo: 'paid back by bank' };
  const fields = 'dryRun refund { status reason externalId memo amount { amount } } payment { refunded { amount } }';
  const book = (extra: object, more = '') =>
    payer.paying.world.act('refundPayment', { tenantId: tenant.id, paymentId: id, ...extra }, fields, more);
  const refund = {
    status: 'SUCCEEDED',
    reason: 'OUTSIDE',
    externalId: 'bank 2026-01-05/17',
    amount: { amount: '12.00' },
  };
  expect(await book(outside, ', idempotencyKey: "outside-dry", dryRun: true')).toMatchObject({ dryRun: true, refund });
  expect(await invoice()).toMatchObject({ refunded: { amount: '0.00' } });
  const asked = gateway.fake.events.length;
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_none, index) => book(outside, `, idempotencyKey: "outside-${index}"`)),
  );
  for (const answer of answers) expect(answer).toMatchObject({ refund, payment: { refunded: { amount: '12.00' } } });
  expect(gateway.fake.events).toHaveLength(asked);
  expect(gateway.fake.charges.find((charge) => charge.chargeId === chargeId)).toMatchObject({
    refunded: { minor: 0n },
  });
  expect(await invoice()).toMatchObject({ status: 'PAID', refunded: { amount: '12.00' } });
  expect(await payer.events('refund')).toEqual(['refund.created', 'refund.succeeded']);
  // 30.00 − 12.00 are left, whoever gives them back.
  const key = (name: string) => `, idempotencyKey: "${name}"`;
  expect(await book({ ...cents('18.01'), outsideReference: 'till 1' }, key('outside-more'))).toMatchObject({
    code: 'REFUND_EXCEEDS_PAYMENT',
  });
  expect(await book({ outsideReference: '' }, key('outside-none'))).toMatchObject({ code: 'INVALID_INPUT' });
  expect(await payer.refund(id)).toMatchObject({ refund: { amount: { amount: '18.00' } } });
  expect(await book({ outsideReference: 'till 2' }, key('outside-late'))).toMatchObject({
    code: 'PAYMENT_NOT_REFUNDABLE',
  });
  // The provider knows of its own part only, and nothing differs.
  const { drift } = await reconcilePayments(gateway.app.system, gateway.fake, {
    from: gateway.app.clock.now().subtract({ hours: 1 }),
  });
  expect(drift.filter(({ externalId }) => externalId === chargeId)).toEqual([]);
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: null });
});

test('a refund is spread over what was paid, by largest remainder, with tax', async () => {
  const { world, tenant, payer, payment, cents } = await paid();
  const { partnerId } = world;
  const party = { legalName: 'Seller', address: ['1 Street'], country: 'DE' };
  await world.act('setPartnerBillingDetails', { partnerId, ...party }, 'party { country }');
  const rate = { partnerId, country: 'DE', name: 'VAT', percent: '19', validFrom: '2020-01-01' };
  await world.act('createTaxRate', rate, 'taxRate { id }');
  await tenant.subscribe('extra');
  await tenant.advance('2026-02-01T00:00:00Z');
  const february = (await tenant.invoices()).findIndex(({ total }) => total.amount === '47.60');
  const { id } = await payment(february);
  await payer.refund(id, cents('10.01'));
  const moved = () =>
    gateway.database.asOwner<{ amount: string; tax: string }>(
      `select amount, tax from item_charges where kind = 'REFUNDED' and tenant_id = $1 order by id`,
      [payer.paying.uuid],
    );
  // Of 40.00 + 19 % = 47.60: 10.01 × 35.70 / 47.60 = 7.5075 and 10.01 × 11.90 / 47.60 = 2.5025, so 7.51 and 2.50; the tax in
  // them is 7.51 × 5.70 / 35.70 = 1.199 and 2.50 × 1.90 / 11.90 = 0.399.
  expect((await moved()).map(({ amount, tax }) => [amount, tax])).toEqual([
    ['-631', '-120'],
    ['-210', '-40'],
  ]);
  // The rest is there to the cent: 47.60 − 10.01 = 37.59 is credited when all of it is unused.
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '37.59' } } });
});

test('what was credited first comes off the balance; a refund that fails gives all of it back', async () => {
  const { tenant, payer, payment, invoice } = await paid();
  await tenant.advance('2026-01-16T00:00:00Z');
  // 30.00 × 16/31 = 15.48
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '15.48' } } });
  gateway.fake.events.splice(0);
  expect(await payer.refund((await payment()).id)).toMatchObject({ refund: { amount: { amount: '30.00' } } });
  expect(await tenant.balance()).toBe('0.00');
  const told = JSON.parse(gateway.fake.events.splice(0).find((body) => JSON.parse(body).type === 'refund.succeeded')!);
  for (const turn of [1, 2]) {
    gateway.fake.sendBody(JSON.stringify({ ...told, id: `${told.id}_${turn}`, type: 'refund.failed' }));
    await deliver();
    expect(await tenant.balance()).toBe('15.48');
    expect(await invoice()).toMatchObject({ paid: { amount: '30.00' }, refunded: { amount: '0.00' } });
  }
  // This provider gives nothing back twice: it refuses, and nothing has moved.
  expect(await payer.refund((await payment()).id)).toMatchObject({ refund: { status: 'FAILED' } });
  expect(await tenant.balance()).toBe('15.48');
});

test('after a change for which no money moved a refund is taken from each item that the money stands for now', async () => {
  const { tenant, payer, payment, cents } = await paid();
  await tenant.advance('2026-01-16T00:00:00Z');
  // Of 30.00 the unused 16/31 = 15.48 now stand for the bigger plan, and 30.00 − 15.48 = 14.52 for the one before.
  expect(await tenant.change({ plan: 'bigger', waived: true })).not.toHaveProperty('code');
  await payer.refund((await payment()).id, cents('20.00'));
  const accounts = await gateway.database.asOwner<{ kind: string; stands: string }>(
    `select s.kind, sum(c.amount)::text as stands from item_charges c
       cross join lateral (select case when exists (select from item_charges o
         where o.tenant_id = c.tenant_id and o.item_id = c.item_id and o.kind = 'CHARGE' and o.period_start = c.period_start
           and o.share_remaining < o.share_total) then 'bigger' else 'basic' end as kind) s
      where c.tenant_id = $1 group by s.kind order by s.kind`,
    [payer.paying.uuid],
  );
  // 20.00 × 14.52 / 30.00 = 9.68 and 20.00 × 15.48 / 30.00 = 10.32; 14.52 − 9.68 = 4.84 and 15.48 − 10.32 = 5.16.
  expect(accounts).toEqual([
    { kind: 'basic', stands: '484' },
    { kind: 'bigger', stands: '516' },
  ]);
  // All of what stands for the bigger plan is unused; the rest of the old one was used.
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '5.16' } } });
});

test('a credit of what two invoices asked for names neither of their lines', async () => {
  const { tenant } = await paid();
  await tenant.subscribe('extra');
  await tenant.advance('2026-01-16T00:00:00Z');
  // 30.00 × 16/31 = 15.48 and 10.00 × 16/31 = 5.16 are carried over: 20.64, of it 20.64 × 60/70 = 17.69 to the plan and 2.95 to
  // the add-on. The plan has all of the 15.48 and 2.21 of the 5.16.
  expect(await tenant.change({ plan: 'bigger', anchor: 'RESET', waived: true })).not.toHaveProperty('code');
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '20.64' } } });
  const { nodes } = await gateway.get(
    'super-admin',
    'query ($id: ID) { creditNotes(tenantId: $id, first: 5) { nodes { lines { amount { amount } invoiceLineId } } } }',
    { id: tenant.id },
  );
  const [, added] = await tenant.invoices();
  expect(nodes[0].lines).toEqual([
    { amount: { amount: '17.69' }, invoiceLineId: null },
    { amount: { amount: '2.95' }, invoiceLineId: added!.lines[0]!.id },
  ]);
});

test('what paid for another invoice meanwhile is taken there', async () => {
  const { tenant, payer, payment } = await paid();
  await tenant.advance('2026-01-16T00:00:00Z');
  // 60.00 × 16/31 = 30.97, less 30.00 × 16/31 = 15.48: 15.49 is paid.
  await tenant.change({ plan: 'bigger' });
  await gateway.app.paymentWork.runDue({ tenantId: payer.paying.uuid });
  expect(await payment(1)).toMatchObject({ status: 'SUCCEEDED', amount: { amount: '15.49' } });
  // 14.52 of January's first half, and 15.48 of the bigger plan, which they paid for.
  expect(await payer.refund((await payment()).id)).toMatchObject({ refund: { amount: { amount: '30.00' } } });
  // 30.97 − 15.48 = 15.49: with the refund all of the 45.49 that was paid, and not a cent more.
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '15.49' } } });
});

describe.each(['a lost dispute', 'a refund at the provider'])('%s', (road) => {
  const takeAway = async (payment: { chargeId: string }) => {
    gateway.fake.events.splice(0);
    if (road === 'a lost dispute') {
      gateway.fake.dispute(payment.chargeId, 'opened');
      gateway.fake.dispute(payment.chargeId, 'lost');
    } else gateway.fake.refundByHand(payment.chargeId, money(3_000n, 'USD'));
    const events = [...gateway.fake.events];
    await deliver();
    // Told again under another id, nothing more is taken.
    for (const body of events)
      gateway.fake.sendBody(JSON.stringify({ ...JSON.parse(body), id: `again_${Math.random()}` }));
    await deliver();
  };

  test('before the credit: there is nothing left to credit', async () => {
    const { tenant, payer, payment, invoice } = await paid();
    await takeAway(await payment());
    expect(await invoice()).toMatchObject({ status: 'PAID', paid: { amount: '30.00' }, refunded: { amount: '30.00' } });
    expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: null });
    expect(await tenant.balance()).toBe('0.00');
    expect(await payer.refund((await payment()).id)).toMatchObject({ code: 'PAYMENT_NOT_REFUNDABLE' });
  });

  test('after the credit: it comes off the balance, as far as there is any', async () => {
    const { tenant, payment } = await paid();
    await tenant.advance('2026-01-16T00:00:00Z');
    await tenant.cancel({ when: 'NOW' });
    expect(await tenant.balance()).toBe('15.48');
    await takeAway(await payment());
    expect(await tenant.balance()).toBe('0.00');
  });
});

describe('a dispute that is lost and won after all brings back what it took', () => {
  const told = async (chargeId: string, ...statuses: ('opened' | 'won' | 'lost')[]) => {
    for (const status of statuses) gateway.fake.dispute(chargeId, status);
    await deliver();
  };

  test.each([
    ['in order', ['opened', 'lost', 'won']],
    ['the loss is told again, late', ['lost', 'won', 'lost', 'opened']],
    ['nobody told of the loss', ['opened', 'won']],
  ] as const)('%s', async (_how, statuses) => {
    const { tenant, payment, invoice, payer } = await paid();
    await told((await payment()).chargeId, ...statuses);
    expect(await payment()).toMatchObject({ disputes: [{ status: 'WON' }] });
    expect(await invoice()).toMatchObject({ paid: { amount: '30.00' }, refunded: { amount: '0.00' } });
    // All of 30.00 can be credited, as if nobody had disputed it.
    expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '30.00' } } });
    expect((await payer.events('dispute')).at(-1)).toBe('dispute.closed');
  });

  test('of the credit balance, and once', async () => {
    const { tenant, payment } = await paid();
    await tenant.advance('2026-01-16T00:00:00Z');
    await tenant.cancel({ when: 'NOW' });
    const { chargeId } = await payment();
    await told(chargeId, 'lost');
    expect(await tenant.balance()).toBe('0.00');
    await told(chargeId, 'won', 'won');
    expect(await tenant.balance()).toBe('15.48');
  });

  test('what a failed refund frees is the bank’s where the dispute is for it', async () => {
    const { tenant, payer, payment, cents, invoice } = await paid();
    const { id, chargeId } = await payment();
    gateway.fake.events.splice(0);
    await payer.refund(id, cents('10.00'));
    const refunded = JSON.parse(gateway.fake.events.splice(0)[0]!);
    // All of 30.00 is disputed, and 20.00 are left.
    await told(chargeId, 'lost');
    expect(await invoice()).toMatchObject({ refunded: { amount: '30.00' } });
    gateway.fake.sendBody(JSON.stringify({ ...refunded, id: 'failed_after_dispute', type: 'refund.failed' }));
    await deliver();
    expect(await invoice()).toMatchObject({ refunded: { amount: '30.00' } });
    expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: null });
    await told(chargeId, 'won');
    expect(await invoice()).toMatchObject({ refunded: { amount: '0.00' } });
  });
});

test('what went back at the provider and was never told is listed, booked once, and undone when it fails', async () => {
  const { payment, invoice } = await paid();
  const { chargeId } = await payment();
  const from = gateway.app.clock.now();
  const refundId = gateway.fake.refundByHand(chargeId, money(1_000n, 'USD'));
  gateway.fake.dispute(chargeId, 'lost');
  gateway.fake.events.splice(0);
  const compared = async (repair = false) => {
    const found = await reconcileMoneyBack(gateway.app.system, gateway.fake, { from, repair });
    return found!.drift
      .filter(({ there }) => there.includes('USD'))
      .map(({ kind, here, there, repaired, repairable }) => [kind, here, there, repaired ?? repairable]);
  };
  const [refund, dispute] = [
    ['REFUNDS_DIFFER', 'nothing', 'SUCCEEDED 10.00 USD', true],
    ['DISPUTE_DIFFERS', 'nothing', 'LOST 30.00 USD', true],
  ];
  expect(await compared()).toEqual([refund, dispute]);
  expect(await invoice()).toMatchObject({ refunded: { amount: '0.00' } });
  // Fifty at once book it once.
  await Promise.all(Array.from({ length: 50 }, () => compared(true)));
  expect(await compared()).toEqual([]);
  expect(await payment()).toMatchObject({ refunds: [{ reason: 'AT_PROVIDER' }], disputes: [{ status: 'LOST' }] });
  expect(await invoice()).toMatchObject({ refunded: { amount: '30.00' } });
  gateway.fake.failRefund(refundId);
  gateway.fake.dispute(chargeId, 'won');
  gateway.fake.events.splice(0);
  expect(await compared(true)).toHaveLength(2);
  expect(await compared()).toEqual([]);
  expect(await invoice()).toMatchObject({ refunded: { amount: '0.00' } });
});

test('a refund at the provider that fails later is undone, in whatever order it is heard', async () => {
  const { tenant, payment, invoice } = await paid();
  const { chargeId } = await payment();
  gateway.fake.events.splice(0);
  gateway.fake.refundByHand(chargeId, money(1_000n, 'USD'));
  const told = JSON.parse(gateway.fake.events[0]!);
  await deliver();
  expect(await invoice()).toMatchObject({ refunded: { amount: '10.00' } });
  expect(await payment()).toMatchObject({ refunds: [{ status: 'SUCCEEDED', reason: 'AT_PROVIDER' }] });
  gateway.fake.sendBody(JSON.stringify({ ...told, id: `${told.id}_1`, type: 'refund.failed' }));
  await deliver();
  expect(await invoice()).toMatchObject({ refunded: { amount: '0.00' } });
  // Failed is heard first: that it succeeded before is not believed any more, and a person looks.
  const other = { ...told.data, refundId: 'fre_other' };
  for (const type of ['refund.failed', 'refund.succeeded']) {
    gateway.fake.sendBody(JSON.stringify({ ...told, id: `${told.id}_${type}`, type, data: other }));
    await deliver();
    expect(await invoice()).toMatchObject({ refunded: { amount: '0.00' } });
  }
  expect(await tenant.cancel({ when: 'NOW' })).toMatchObject({ creditNote: { total: { amount: '30.00' } } });
});

test('fifty at once: refunds, a cancellation and a dispute never give more than came', async () => {
  const { tenant, payer, payment, cents } = await paid();
  const { id, chargeId } = await payment();
  await Promise.all([
    ...Array.from({ length: 48 }, () => payer.refund(id, cents('1.00'))),
    tenant.cancel({ when: 'NOW' }),
    (async () => {
      gateway.fake.dispute(chargeId, 'lost');
      await deliver();
    })(),
  ]);
  const [sums] = await gateway.database.asOwner<{ back: string; balance: string }>(
    `select sum(refunded + disputed)::text as back, (select sum(balance)::text from credit_balances where tenant_id = $1) as balance
       from payments where tenant_id = $1`,
    [payer.paying.uuid],
  );
  expect(Number(sums!.back) + Number(sums!.balance)).toBe(3_000);
});

test('the first purchase is what was paid and not given back', async () => {
  const { world, tenant, payer, payment, cents } = await paid();
  await world.coupon('FIRST', { kind: 'PERCENT', percent: '50', firstPurchaseOnly: true });
  const reasons = async (id = tenant.id) => {
    const asked = 'query ($id: ID) { validateCoupon(code: "FIRST", tenantId: $id) { reasons } }';
    return (await gateway.get('super-admin', asked, { id })).reasons;
  };
  await payer.refund((await payment()).id, cents('29.99'));
  expect(await reasons()).toEqual(['COUPON_FIRST_PURCHASE_ONLY']);
  await payer.refund((await payment()).id);
  expect(await reasons()).toEqual([]);
  // Nobody ever paid what was credited as a whole.
  const other = await world.tenant('2026-01-01T00:00:00Z');
  await other.start('basic');
  const [open] = await other.invoices();
  await other.credit(open!.id, { [open!.lines[0]!.id]: '30.00' });
  expect((await other.invoices())[0]).toMatchObject({ status: 'PAID', paid: { amount: '0.00' } });
  expect(await reasons(other.id)).toEqual([]);
});
