import { encodeId } from '../../src/core/ids';
import { processInbox } from '../../src/payments/process-inbox.job';
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
const due = () => gateway.app.paymentWork.runDue();

describe('a finalized invoice', () => {
  test('is charged by the job, and paid by its payment', async () => {
    const { tenant, payer } = await paying();
    expect(await payer.addMethod()).toMatchObject({ paymentMethod: { isDefault: true, last4: '4242', brand: 'fake' } });
    await tenant.start('basic');
    await due();
    expect(await payer.invoices()).toMatchObject([
      {
        status: 'PAID',
        collection: { status: 'PAID', failures: 0, nextAttemptAt: null },
        payments: [{ status: 'SUCCEEDED', amount: { amount: '30.00' }, refunded: { amount: '0.00' } }],
      },
    ]);
    expect(await payer.events('payment', 'invoice')).toEqual([
      'invoice.finalized',
      'payment.created',
      'payment.succeeded',
      'invoice.paid',
    ]);
    await due();
    expect((await payer.invoices())[0].payments).toHaveLength(1);
  });

  test('waits for a payment method, and is due once there is one', async () => {
    const { tenant, payer } = await paying();
    await tenant.start('basic');
    await due();
    expect(await payer.invoices()).toMatchObject([
      { status: 'FINALIZED', payments: [], collection: { nextAttemptAt: null } },
    ]);
    await payer.addMethod();
    await due();
    expect(await payer.invoices()).toMatchObject([{ status: 'PAID' }]);
  });

  test('is paid now by payInvoice, once, however many ask at once', async () => {
    const { tenant, payer } = await paying();
    await tenant.start('basic');
    const [invoice] = await payer.invoices();
    expect(await payer.pay(invoice.id)).toMatchObject({ code: 'PAYMENT_METHOD_REQUIRED' });
    await payer.addMethod('card_ok');
    const answers = await Promise.all([...Array.from({ length: 10 }, () => payer.pay(invoice.id)), due(), due()]);
    const outcomes = answers.slice(0, 10).map((answer) => answer.code ?? answer.payment.status);
    expect(outcomes.filter((outcome) => !['SUCCEEDED', 'INVOICE_NOT_OPEN', 'PENDING'].includes(outcome))).toEqual([]);
    expect(await payer.invoices()).toMatchObject([{ status: 'PAID', payments: [{ status: 'SUCCEEDED' }] }]);
    const [paid] = await payer.invoices();
    expect(gateway.fake.charges.filter((charge) => charge.chargeId === paid.payments[0].chargeId)).toHaveLength(1);
    expect(
      gateway.fake.charges.filter((charge) => charge.customerId === gateway.fake.charges.at(-1)!.customerId),
    ).toHaveLength(1);
  });

  test('a dry run asks no provider; a replay charges nothing again', async () => {
    const { tenant, payer } = await paying();
    await tenant.start('basic');
    await payer.addMethod('card_ok');
    const [invoice] = await payer.invoices();
    const before = gateway.fake.charges.length;
    expect(await payer.pay(invoice.id, {}, ', dryRun: true')).toMatchObject({
      payment: { status: 'PENDING' },
      dryRun: true,
    });
    expect(gateway.fake.charges).toHaveLength(before);
    const key = ', idempotencyKey: "the-same"';
    expect(await payer.pay(invoice.id, {}, key)).toMatchObject({ payment: { status: 'SUCCEEDED' }, replayed: false });
    expect(await payer.pay(invoice.id, {}, key)).toMatchObject({
      payment: { status: 'SUCCEEDED' },
      invoice: { status: 'PAID' },
      replayed: true,
    });
    expect(gateway.fake.charges).toHaveLength(before + 1);
  });

  test('that is marked paid, void or uncollectible is not charged any more', async () => {
    for (const [mutation, extra] of [
      ['markInvoicePaid', { reference: 'bank 1' }],
      ['voidInvoice', { reason: 'a mistake' }],
      ['markInvoiceUncollectible', {}],
    ] as const) {
      const { world, tenant, payer } = await paying();
      await tenant.start('basic');
      await payer.addMethod('card_ok');
      const [invoice] = await payer.invoices();
      const input = { tenantId: tenant.id, invoiceId: invoice.id, ...extra };
      const answer = await world.act(mutation, input, 'invoice { status }', ', idempotencyKey: "1"');
      expect(answer.code).toBeUndefined();
      await due();
      expect((await payer.invoices())[0].payments).toEqual([]);
    }
  });
});

describe('a payment method', () => {
  test('that the provider does not take is refused, and so is one of a provider that is off', async () => {
    const { world, tenant, payer } = await paying();
    expect(await payer.addMethod('card_of_nobody')).toMatchObject({
      code: 'PAYMENT_METHOD_DECLINED',
      facts: [{ name: 'code', value: 'METHOD_NOT_FOUND' }],
    });
    const input = { tenantId: tenant.id, provider: 'STRIPE', token: 'pm_1' };
    expect(await world.act('addPaymentMethod', input, 'paymentMethod { id }')).toMatchObject({
      code: 'PROVIDER_NOT_CONFIGURED',
      facts: [{ name: 'provider', value: 'STRIPE' }],
    });
  });

  test('of a page comes by an event', async () => {
    const { world, tenant, payer, uuid } = await paying();
    const input = { tenantId: tenant.id, provider: 'FAKE', returnUrl: 'https://example.com/back' };
    const { url } = await world.act('startPaymentMethodSetup', input, 'url');
    const rows = await gateway.database.asOwner<{ id: string; external_id: string; customer: string }>(
      `select s.id, s.external_id, c.external_id as customer from payment_setups s join provider_customers c using (tenant_id)
        where s.tenant_id = $1`,
      [uuid],
    );
    expect(url).toContain(rows[0]!.external_id);
    gateway.fake.completeSetup(rows[0]!.external_id, rows[0]!.customer, encodeId('PaymentSetup', rows[0]!.id, uuid));
    await deliver();
    await tenant.start('basic');
    await due();
    expect(await payer.invoices()).toMatchObject([{ status: 'PAID' }]);
  });

  test('of two pages that both are to be the default the later one is, whichever is heard of first', async () => {
    const { world, tenant, uuid } = await paying();
    const input = { tenantId: tenant.id, provider: 'FAKE', returnUrl: 'https://example.com/back', makeDefault: true };
    for (let index = 0; index < 2; index += 1) await world.act('startPaymentMethodSetup', input, 'url');
    const setups = await gateway.database.asOwner<{ id: string; external_id: string; customer: string }>(
      `select s.id, s.external_id, c.external_id as customer from payment_setups s join provider_customers c using (tenant_id)
        where s.tenant_id = $1 order by s.id desc`,
      [uuid],
    );
    for (const { id, external_id, customer } of setups) {
      gateway.fake.completeSetup(external_id, customer, encodeId('PaymentSetup', id, uuid));
      await deliver();
    }
    const defaults = await gateway.database.asOwner(
      `select s.id from payment_methods m join payment_setups s on s.tenant_id = m.tenant_id and s.payment_method_id = m.id
        where m.tenant_id = $1 and m.is_default`,
      [uuid],
    );
    expect(defaults).toEqual([{ id: setups[0]!.id }]);
  });
});

describe('a payment that waits for its customer', () => {
  const waiting = async () => {
    const place = await paying();
    await place.payer.addMethod('card_action');
    await place.tenant.start('basic');
    await due();
    const [invoice] = await place.payer.invoices();
    expect(invoice).toMatchObject({ payments: [{ status: 'REQUIRES_ACTION' }], collection: { failures: 1 } });
    return { ...place, invoice, waits: invoice.payments[0] };
  };
  const succeeded = (invoiceOf: { payments: { chargeId: string }[] }) =>
    gateway.fake.charges.filter(
      ({ chargeId, status }) =>
        status === 'SUCCEEDED' && invoiceOf.payments.some((payment) => payment.chargeId === chargeId),
    );
  const replaced = [{ status: 'DECLINED', declineCode: 'CANCELLED' }, { status: 'SUCCEEDED' }];

  test('gives way to another method that payInvoice names', async () => {
    const { payer, invoice, waits } = await waiting();
    const { paymentMethod } = await payer.addMethod('card_ok', false);
    // Nobody named another one.
    expect(await payer.pay(invoice.id)).toMatchObject({ payment: { id: waits.id, status: 'REQUIRES_ACTION' } });
    const named = { paymentMethodId: paymentMethod.id };
    const key = ', idempotencyKey: "instead"';
    const paid = { invoice: { status: 'PAID' }, payment: { status: 'SUCCEEDED' } };
    expect(await payer.pay(invoice.id, named, key)).toMatchObject(paid);
    expect(await payer.pay(invoice.id, named, key)).toMatchObject({ ...paid, replayed: true });
    // The page of the bank is still open in a browser.
    gateway.fake.confirm(waits.chargeId);
    const [after] = await payer.invoices();
    expect(after).toMatchObject({ payments: replaced, collection: { status: 'PAID', failures: 1 } });
    expect(succeeded(after)).toHaveLength(1);
  });

  test('gives way to another default method, also where ten ask at once', async () => {
    const { payer, invoice } = await waiting();
    const { paymentMethod } = await payer.addMethod('card_ok');
    const named = { paymentMethodId: paymentMethod.id };
    await Promise.all([due(), due(), ...Array.from({ length: 8 }, () => payer.pay(invoice.id, named))]);
    await due();
    const [after] = await payer.invoices();
    expect(after).toMatchObject({ status: 'PAID', payments: replaced });
    expect(succeeded(after)).toHaveLength(1);
  });

  test('and that was confirmed meanwhile is the payment; no other one is charged', async () => {
    const { payer, invoice, waits } = await waiting();
    gateway.fake.confirm(waits.chargeId);
    await payer.addMethod('card_ok');
    await due();
    const [after] = await payer.invoices();
    expect(after).toMatchObject({ status: 'PAID', payments: [{ id: waits.id, status: 'SUCCEEDED' }] });
    expect(succeeded(after)).toHaveLength(1);
    expect(invoice.payments).toHaveLength(1);
  });

  test('stays as it is while nobody can say whether it was taken back', async () => {
    const { payer, waits } = await waiting();
    const cancel = jest.spyOn(gateway.fake, 'cancelCharge');
    cancel.mockImplementationOnce(async () => ({ status: 'UNKNOWN', reason: 'TIMEOUT' }));
    await payer.addMethod('card_ok');
    await due();
    cancel.mockRestore();
    const [invoice] = await payer.invoices();
    expect(invoice).toMatchObject({
      payments: [{ id: waits.id, status: 'REQUIRES_ACTION' }],
      collection: { failures: 1, nextAttemptAt: '2026-01-01T01:00:00.000Z' },
    });
  });

  test('a card that fails in its place uses no day of the policy up', async () => {
    const { payer } = await waiting();
    await payer.addMethod('card_declined');
    await due();
    const [invoice] = await payer.invoices();
    expect(invoice).toMatchObject({
      payments: [{ declineCode: 'CANCELLED' }, { declineCode: 'CARD_DECLINED' }],
      // 1 January + 3 days.
      collection: { failures: 1, nextAttemptAt: expect.stringMatching(/^2026-01-04/) },
    });
  });
});

async function deliver() {
  for (const body of gateway.fake.events.splice(0)) {
    const signed = gateway.fake.sign(body);
    const { status } = await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', ...signed });
    expect(status).toBe(200);
  }
  return processInbox(gateway.app.system, gateway.app.providers);
}

describe('refunds', () => {
  test('give back a part, then the rest, never more', async () => {
    const { tenant, payer } = await paying();
    await payer.addMethod();
    await tenant.start('basic');
    await due();
    const [payment] = (await payer.invoices())[0].payments;
    const amount = (text: string) => ({ amount: { amount: text, currency: 'USD' } });
    expect(await payer.refund(payment.id, amount('12.34'))).toMatchObject({
      refund: { status: 'SUCCEEDED', amount: { amount: '12.34' } },
      payment: { refunded: { amount: '12.34' } },
    });
    // 30.00 − 12.34 = 17.66
    expect(await payer.refund(payment.id, amount('17.67'))).toMatchObject({
      code: 'REFUND_EXCEEDS_PAYMENT',
      facts: [{ value: '17.66' }, { value: 'USD' }],
    });
    const ten = await Promise.all(Array.from({ length: 10 }, () => payer.refund(payment.id)));
    expect(ten.map((answer) => answer.code ?? answer.refund.status).sort()).toEqual([
      ...Array(9).fill('PAYMENT_NOT_REFUNDABLE'),
      'SUCCEEDED',
    ]);
    expect(gateway.fake.charges.find(({ chargeId }) => chargeId === payment.chargeId)!.refunded.minor).toBe(3_000n);
  });

  test('one that comes back after it succeeded has failed, once; that it succeeded is not believed again', async () => {
    const { world, tenant, payer } = await paying();
    await payer.addMethod();
    await tenant.start('basic');
    await due();
    gateway.fake.events.splice(0);
    const input = { tenantId: tenant.id, reason: 'closing', when: 'NOW', settlement: 'REFUND' };
    await world.act('cancelSubscription', input, 'creditNote { settlement }', ', idempotencyKey: "back"');
    await due();
    const payment = async () => (await payer.invoices())[0].payments[0];
    expect(await payment()).toMatchObject({ refunded: { amount: '30.00' }, refunds: [{ status: 'SUCCEEDED' }] });
    const told = JSON.parse(
      gateway.fake.events.splice(0).find((body) => JSON.parse(body).type === 'refund.succeeded')!,
    );
    const tell = async (id: string, type: string, data: object = {}) => {
      gateway.fake.sendBody(JSON.stringify({ ...told, id: `${told.id}_${id}`, type, data: { ...told.data, ...data } }));
      return deliver();
    };
    // Another refund of the provider's is not this one.
    expect(await tell('0', 'refund.failed', { refundId: 'fre_other' })).toMatchObject({ applied: 0, parked: 1 });
    expect(await payment()).toMatchObject({ refunds: [{ status: 'SUCCEEDED' }] });
    expect(await tell('1', 'refund.failed')).toMatchObject({ applied: 1 });
    expect(await tell('2', 'refund.failed')).toMatchObject({ applied: 1 });
    expect(await payment()).toMatchObject({ refunded: { amount: '0.00' }, refunds: [{ status: 'FAILED' }] });
    // It is the tenant's money either way.
    expect(await tenant.balance()).toBe('30.00');
    expect(await payer.events('refund')).toEqual(['refund.created', 'refund.succeeded', 'refund.failed']);
    expect(await tell('3', 'refund.succeeded')).toMatchObject({ applied: 0, parked: 1 });
    expect(await payment()).toMatchObject({ refunded: { amount: '0.00' }, refunds: [{ status: 'FAILED' }] });
    const parked = '{ inboundEvents(status: PARKED, last: 1) { nodes { reason } } }';
    const { nodes } = await gateway.get('super-admin', parked);
    expect(nodes[0].reason).toMatch(/^NEEDS_A_PERSON: the refund has failed here/);
  });

  test('what was paid twice goes back by itself', async () => {
    const { world, tenant, payer } = await paying();
    await payer.addMethod('card_action');
    await tenant.start('basic');
    await due();
    const [invoice] = await payer.invoices();
    expect(invoice).toMatchObject({ status: 'FINALIZED', payments: [{ status: 'REQUIRES_ACTION' }] });
    const input = { tenantId: tenant.id, invoiceId: invoice.id, reference: 'bank' };
    await world.act('markInvoicePaid', input, 'invoice { status }', ', idempotencyKey: "2"');
    gateway.fake.events.splice(0);
    gateway.fake.confirm(invoice.payments[0].chargeId);
    expect(await deliver()).toMatchObject({ applied: 1 });
    await due();
    expect((await payer.invoices())[0].payments).toMatchObject([
      { status: 'SUCCEEDED', refunded: { amount: '30.00' }, refunds: [{ status: 'SUCCEEDED', reason: 'PAID_TWICE' }] },
    ]);
  });
});

test('a dispute is opened and decided, whichever is heard first', async () => {
  for (const told of [['opened', 'lost'] as const, ['lost', 'opened'] as const]) {
    const { tenant, payer } = await paying();
    await payer.addMethod();
    await tenant.start('basic');
    await due();
    gateway.fake.events.splice(0);
    const [payment] = (await payer.invoices())[0].payments;
    for (const status of told) gateway.fake.dispute(payment.chargeId, status);
    expect(await deliver()).toMatchObject({ applied: 2 });
    expect((await payer.invoices())[0].payments[0].disputes).toEqual([{ status: 'LOST' }]);
  }
});

describe('events that contradict what is known are parked and change nothing', () => {
  test.each([
    ['another amount', (data: object) => ({ ...data, amount: { minor: '1', currency: 'USD' } }), 'AMOUNT_DIFFERS'],
    ['another currency', (data: object) => ({ ...data, amount: { minor: '3000', currency: 'EUR' } }), 'AMOUNT_DIFFERS'],
    ['another charge', (data: object) => ({ ...data, chargeId: 'fch_other' }), 'REFERENCE_MISMATCH'],
    [
      'nothing of ours',
      (data: object) => ({ ...data, chargeId: 'fch_other', reference: 'order 7' }),
      'SUBJECT_UNKNOWN',
    ],
  ])('%s', async (_what, bend, reason) => {
    const { tenant, payer } = await paying();
    await payer.addMethod('card_action');
    await tenant.start('basic');
    await due();
    gateway.fake.events.splice(0);
    gateway.fake.confirm((await payer.invoices())[0].payments[0].chargeId);
    const event = JSON.parse(gateway.fake.events.pop()!);
    gateway.fake.sendBody(JSON.stringify({ ...event, id: `${event.id}_${reason}`, data: bend(event.data) }));
    expect(await deliver()).toMatchObject({ applied: 0, parked: 1 });
    expect(await payer.invoices()).toMatchObject([{ status: 'FINALIZED', payments: [{ status: 'REQUIRES_ACTION' }] }]);
    const { nodes } = await gateway.get(
      'super-admin',
      '{ inboundEvents(status: PARKED, last: 1) { nodes { id reason status type } } }',
    );
    expect(nodes[0].reason).toContain(reason);
    expect(nodes[0].reason.startsWith(reason)).toBe(true);
  });

  test('another tenant', async () => {
    const one = await paying();
    const other = await paying();
    for (const { tenant, payer } of [one, other]) {
      await payer.addMethod('card_action');
      await tenant.start('basic');
    }
    await due();
    const [theirs] = (await other.payer.invoices())[0].payments;
    const [ours] = (await one.payer.invoices())[0].payments;
    gateway.fake.events.splice(0);
    gateway.fake.confirm(ours.chargeId);
    const event = JSON.parse(gateway.fake.events.pop()!);
    gateway.fake.sendBody(
      JSON.stringify({ ...event, id: 'fevt_theirs', data: { ...event.data, reference: theirs.id } }),
    );
    expect(await deliver()).toMatchObject({ parked: 1 });
    for (const { payer } of [one, other]) {
      expect(await payer.invoices()).toMatchObject([
        { status: 'FINALIZED', payments: [{ status: 'REQUIRES_ACTION' }] },
      ]);
    }
  });
});
