import { money } from '../../src/core/money';
import { spread, takenAlong } from '../../src/payments/carried-payments';
import { FakeProvider } from '../../src/payments/fake/fake-provider';
import { PaymentWork } from '../../src/payments/payment-work.job';
import { processInbox } from '../../src/payments/process-inbox.job';
import { reconcileMoneyBack } from '../../src/payments/reconcile-money-back.job';
import { reconcilePayments } from '../../src/payments/reconcile-payments.job';
import { wallClock } from '../../src/platform/clock';
import { findings } from '../support/findings';
import { fakeWebhookSecret, startTestGateway, type TestGateway } from '../support/gateway';
import { brokenInvariants, StripeTenant, startStripeGateway } from '../support/stripe/gateway';
import { World } from '../support/world';
import { Payer, payingTenant } from './support';

let gateway: TestGateway;
/** As Stripe: nothing under 0.50 is charged. */
const fake = new FakeProvider({ clock: wallClock, webhookSecrets: [fakeWebhookSecret], leastMinor: 50n });
beforeAll(async () => {
  gateway = await startTestGateway({ providers: [fake] });
});
afterEach(async () => {
  // After each of them every law holds. Sandboxes of the past have not been billed up to today.
  expect((await findings(gateway)).filter((found) => !found.startsWith('check_overdue:'))).toEqual([]);
});
afterAll(() => gateway.stop());

const usd = (minor: bigint) => money(minor, 'USD');
let serial = 0;

/** Sells a plan for 30.70 and an add-on for 0.30: with both, a month is 31.00. */
async function sellingSmall(): Promise<World> {
  const world = await World.create(gateway);
  await world.feature('reports', 'BOOLEAN');
  await world.plan({ code: 'basic', month: '30.70', features: [{ feature: 'reports' }] });
  await world.addon('small', '0.30');
  await world.addon('tiny', '0.20');
  return world;
}

/** 30.70 are paid since 1 January, and 0.30 wait. */
async function waiting(world?: World) {
  const place = await payingTenant(gateway, { world: world ?? (await sellingSmall()) });
  const { tenant, uuid } = place;
  const payer = new Payer(place);
  const method = (await payer.addMethod()).paymentMethod;
  await tenant.start('basic');
  const work = () => gateway.app.paymentWork.runDue({ tenantId: uuid });
  await work();
  await tenant.subscribe('small');
  await work();
  const [methodId] = (
    await gateway.database.asOwner<{ external_id: string }>(
      'select external_id from payment_methods where tenant_id = $1',
      [uuid],
    )
  ).map((row) => row.external_id);
  /** [amount due, status, and of each payment what came of it] of the invoices, oldest first. */
  const standing = async () =>
    (await payer.invoices()).map(({ status, amountDue, payments }) => [
      status,
      amountDue.amount,
      ...payments.map((one: { status: string; amount: { amount: string }; refunded: { amount: string } }) =>
        [one.status, one.amount.amount, ...(one.refunded.amount === '0.00' ? [] : [one.refunded.amount])].join(' '),
      ),
    ]);
  const charges = () =>
    fake.charges
      .filter(({ methodId: own }) => own === methodId)
      .map(({ status, amount, refunded }) => [status, amount.minor, refunded.minor].join(' '));
  const lastCharge = () => fake.charges.filter(({ methodId: own }) => own === methodId).at(-1)!;
  const act = (mutation: string, invoiceId: string, input: object) => {
    serial += 1;
    const key = `, idempotencyKey: "carried-${serial}"`;
    return place.world.act(mutation, { tenantId: tenant.id, invoiceId, ...input }, 'invoice { status }', key);
  };
  return { ...place, payer, method, methodId: methodId!, work, standing, charges, lastCharge, act };
}
const first = ['PAID', '0.00', 'SUCCEEDED 30.70'];
const noCharge = 'DECLINED 0.30';
const february = '2026-02-01T00:00:00Z';

async function deliver() {
  for (const body of fake.events.splice(0)) {
    await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', ...fake.sign(body) });
  }
  return processInbox(gateway.app.system, gateway.app.providers);
}
const drift = async (chargeId: string, repair = false) => {
  const options = { from: gateway.app.clock.now().subtract({ hours: 1 }), repair };
  const charges = await reconcilePayments(gateway.app.system, fake, options);
  const back = await reconcileMoneyBack(gateway.app.system, fake, options);
  const isOf = ({ ownId = '', externalId = '' }: { ownId?: string | undefined; externalId?: string | undefined }) =>
    externalId === chargeId || fake.ledger.moneyBack.get(externalId)?.fact.chargeId === chargeId || ownId === chargeId;
  return [...charges.drift, ...back!.drift].filter(isOf);
};

/** 31.30 came by one charge: 31.00 for February, 0.30 for what waited. */
async function carried() {
  const place = await waiting();
  expect(await place.standing()).toEqual([first, ['FINALIZED', '0.30', noCharge]]);
  await place.tenant.advance(february);
  return place;
}

test('0.30 waits, the next renewal of 31.00 takes it along: one charge of 31.30, both paid, each by its share', async () => {
  const { tenant, payer, standing, charges, lastCharge } = await carried();
  expect(await standing()).toEqual([
    first,
    ['PAID', '0.00', noCharge, 'SUCCEEDED 0.30'],
    ['PAID', '0.00', 'SUCCEEDED 31.00'],
  ]);
  // 31.00 + 0.30
  expect(charges()).toEqual(['SUCCEEDED 3070 0', 'SUCCEEDED 3130 0']);
  const [, small, main] = await payer.invoices();
  expect(lastCharge().description).toBe(`${main.number}, ${small.number}`);
  const settlements = async (id: string) =>
    (
      await gateway.get(
        'super-admin',
        'query ($id: ID!) { payment(id: $id) { settlements { id invoiceId chargeId amount { amount } } } }',
        { id },
      )
    ).settlements;
  const both = [
    { id: main.payments[0].id, invoiceId: main.id, chargeId: lastCharge().chargeId, amount: { amount: '31.00' } },
    { id: small.payments[1].id, invoiceId: small.id, chargeId: lastCharge().chargeId, amount: { amount: '0.30' } },
  ];
  expect(await settlements(main.payments[0].id)).toEqual(both);
  expect(await settlements(small.payments[1].id)).toEqual(both);
  expect(await settlements(small.payments[0].id)).toMatchObject([{ id: small.payments[0].id }]);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  await deliver();
  expect(await drift(lastCharge().chargeId)).toEqual([]);
  // Nothing is carried twice.
  await tenant.advance('2026-03-01T00:00:00Z');
  expect(charges().at(-1)).toBe('SUCCEEDED 3100 0');
});

test('two that wait are charged together once they reach the least amount: 0.30 + 0.20 = 0.50', async () => {
  const { tenant, standing, charges, work, payer } = await waiting();
  await tenant.subscribe('tiny');
  await work();
  expect(await standing()).toEqual([
    first,
    ['PAID', '0.00', noCharge, 'SUCCEEDED 0.30'],
    ['PAID', '0.00', 'SUCCEEDED 0.20'],
  ]);
  expect(charges().at(-1)).toBe('SUCCEEDED 50 0');
  expect((await payer.events('invoice')).filter((type) => type === 'invoice.not_chargeable')).toHaveLength(1);
});

test('two that together are still too little wait both, told of once each', async () => {
  const world = await sellingSmall();
  await world.addon('grain', '0.10');
  const { tenant, standing, charges, work, payer } = await waiting(world);
  await tenant.subscribe('grain');
  await work();
  // 0.30 + 0.10 < 0.50
  expect(await standing()).toEqual([
    first,
    ['FINALIZED', '0.30', noCharge, noCharge],
    ['FINALIZED', '0.10', 'DECLINED 0.10'],
  ]);
  expect((await payer.events('invoice')).filter((type) => type === 'invoice.not_chargeable')).toHaveLength(2);
  await tenant.advance(february);
  // 31.10 + 0.30 + 0.10
  expect(charges().at(-1)).toBe('SUCCEEDED 3150 0');
});

test('it fails: dunning is about the renewal, which is tried alone from then on; what went along waits for the next one', async () => {
  const { tenant, payer, standing, charges, methodId } = await waiting();
  fake.setBehaviour(methodId, 'card_no_funds');
  await tenant.advance(february);
  expect(await standing()).toEqual([
    first,
    ['FINALIZED', '0.30', noCharge, noCharge],
    ['FINALIZED', '31.00', 'DECLINED 31.00'],
  ]);
  const collections = async () =>
    (await payer.invoices()).map(({ collection }) => [collection.failures, collection.nextAttemptAt !== null]);
  expect(await collections()).toEqual([
    [0, false],
    [0, false],
    [1, true],
  ]);
  expect(await payer.subscription()).toMatchObject({ status: 'PAST_DUE' });
  fake.setBehaviour(methodId, 'card_ok');
  await tenant.advance('2026-02-05T00:00:00Z');
  expect(charges().slice(1)).toEqual(['DECLINED 3130 0', 'SUCCEEDED 3100 0']);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  await tenant.advance('2026-03-01T00:00:00Z');
  expect(charges().at(-1)).toBe('SUCCEEDED 3130 0');
  expect((await standing()).map(([status]) => status)).toEqual(['PAID', 'PAID', 'PAID', 'PAID']);
});

test('what is asked for by hand is charged alone; a sum that is too large for the provider, too', async () => {
  const { tenant, payer, charges, methodId } = await waiting();
  fake.setBehaviour(methodId, 'card_no_funds');
  await tenant.advance(february);
  fake.setBehaviour(methodId, 'card_ok');
  const [, small, main] = await payer.invoices();
  expect(await payer.pay(small.id)).toMatchObject({
    payment: { status: 'DECLINED', declineCode: 'AMOUNT_NOT_ALLOWED' },
  });
  expect(await payer.pay(main.id)).toMatchObject({ payment: { status: 'SUCCEEDED' }, invoice: { status: 'PAID' } });
  expect(charges().at(-1)).toBe('SUCCEEDED 3100 0');
  const invoice = (minor: bigint) => ({ amountDue: usd(minor) }) as Parameters<typeof takenAlong>[1][number];
  const [one, two] = [invoice(30n), invoice(9n)];
  // 99,999,990 + 30 is more than eight digits, + 9 is not.
  expect(takenAlong(usd(99_999_990n), [one, two], 'FAKE')).toEqual([two]);
  // Stripe moves no KWD 31.005: the last of three decimals is 0.
  const kwd = (minor: bigint) => ({ amountDue: money(minor, 'KWD') }) as typeof one;
  expect(takenAlong(money(31_000n, 'KWD'), [kwd(5n), kwd(50n)], 'STRIPE')).toEqual([kwd(50n)]);
});

describe('money goes back', () => {
  const back = async (payer: Payer) => {
    const { nodes } = await gateway.get(
      'super-admin',
      'query ($id: ID) { invoices(tenantId: $id, first: 50) { nodes { status refunded { amount } } } }',
      { id: payer.paying.tenant.id },
    );
    return nodes
      .slice(1)
      .map(({ status, refunded }: { status: string; refunded: { amount: string } }) => `${status} ${refunded.amount}`);
  };

  test.each(['by its event', 'by reconciliation'])(
    '31.30 on the pages of the provider, heard %s: 31.00 and 0.30, once',
    async (how) => {
      const { payer, lastCharge, standing } = await carried();
      await deliver();
      const { chargeId } = lastCharge();
      const refundId = fake.refundByHand(chargeId, usd(3130n));
      if (how === 'by its event') {
        fake.events.push(...fake.events);
        await deliver();
      } else {
        fake.events.splice(0);
        expect(await drift(chargeId)).toMatchObject([
          { kind: 'REFUNDS_DIFFER', here: 'nothing', there: 'SUCCEEDED 31.30 USD', repairable: true },
        ]);
        expect(await drift(chargeId, true)).toMatchObject([{ kind: 'REFUNDS_DIFFER', repaired: true }]);
      }
      expect(await standing()).toEqual([
        first,
        ['PAID', '0.00', noCharge, 'SUCCEEDED 0.30 0.30'],
        ['PAID', '0.00', 'SUCCEEDED 31.00 31.00'],
      ]);
      expect(await back(payer)).toEqual(['PAID 0.30', 'PAID 31.00']);
      expect(await drift(chargeId)).toEqual([]);
      // The bank sends it back: both stand again.
      fake.failRefund(refundId);
      if (how === 'by its event') await deliver();
      else {
        fake.events.splice(0);
        expect(await drift(chargeId, true)).toMatchObject([
          // What is given back here and not there is in none of its lists.
          { kind: 'REFUNDS_DIFFER', here: '31.30 USD', there: '0.00 USD' },
          { kind: 'REFUNDS_DIFFER', here: 'SUCCEEDED 31.30 USD', repaired: true },
        ]);
      }
      expect(await back(payer)).toEqual(['PAID 0.00', 'PAID 0.00']);
      expect(await drift(chargeId)).toEqual([]);
    },
  );

  test('a part goes back to the renewal first, what is beyond it to what went along', async () => {
    const { payer, lastCharge } = await carried();
    await deliver();
    const { chargeId } = lastCharge();
    fake.refundByHand(chargeId, usd(3000n));
    await deliver();
    expect(await back(payer)).toEqual(['PAID 0.00', 'PAID 30.00']);
    // 1.20: 1.00 is left of 31.00, and 0.20 of 0.30 follow.
    fake.refundByHand(chargeId, usd(120n));
    await deliver();
    expect(await back(payer)).toEqual(['PAID 0.20', 'PAID 31.00']);
    expect(await drift(chargeId)).toEqual([]);
  });

  test('by us, each payment by itself: never more than its share', async () => {
    const { payer, lastCharge, charges } = await carried();
    const [, small, main] = await payer.invoices();
    const cents = (amount: string) => ({ amount: { amount, currency: 'USD' } });
    expect(await payer.refund(small.payments[1].id, cents('0.31'))).toMatchObject({ code: 'REFUND_EXCEEDS_PAYMENT' });
    expect(await payer.refund(small.payments[1].id)).toMatchObject({
      refund: { status: 'SUCCEEDED', amount: { amount: '0.30' } },
    });
    expect(await payer.refund(main.payments[0].id)).toMatchObject({
      refund: { status: 'SUCCEEDED', amount: { amount: '31.00' } },
    });
    expect(charges().at(-1)).toBe('SUCCEEDED 3130 3130');
    await deliver();
    expect(await back(payer)).toEqual(['PAID 0.30', 'PAID 31.00']);
    expect(await drift(lastCharge().chargeId)).toEqual([]);
  });

  test('a dispute is one of each: lost, both are gone; won after all, both are back', async () => {
    const { payer, lastCharge } = await carried();
    await deliver();
    const { chargeId } = lastCharge();
    for (const status of ['opened', 'lost'] as const) fake.dispute(chargeId, status);
    // In whichever order, and twice.
    fake.events.push(...[...fake.events].reverse());
    await deliver();
    expect(await back(payer)).toEqual(['PAID 0.30', 'PAID 31.00']);
    expect((await payer.invoices()).slice(1).map(({ payments }) => payments.at(-1).disputes)).toEqual([
      [{ status: 'LOST' }],
      [{ status: 'LOST' }],
    ]);
    expect(await drift(chargeId)).toEqual([]);
    fake.dispute(chargeId, 'won');
    fake.events.splice(0);
    expect(await drift(chargeId, true)).toMatchObject([
      { kind: 'DISPUTE_DIFFERS', here: 'LOST 31.30 USD', there: 'WON 31.30 USD', repaired: true },
    ]);
    expect(await back(payer)).toEqual(['PAID 0.00', 'PAID 0.00']);
    expect(await drift(chargeId)).toEqual([]);
  });

  test('after the renewal was refunded by us a lost dispute takes what is left: 0.30', async () => {
    const { payer, lastCharge } = await carried();
    const [, , main] = await payer.invoices();
    await payer.refund(main.payments[0].id);
    await deliver();
    fake.dispute(lastCharge().chargeId, 'lost');
    await deliver();
    expect(await back(payer)).toEqual(['PAID 0.30', 'PAID 31.00']);
  });
});

describe('it changes while the charge waits for its customer', () => {
  async function action() {
    const place = await waiting();
    fake.setBehaviour(place.methodId, 'card_action');
    await place.tenant.advance(february);
    const [, small, main] = await place.payer.invoices();
    expect([small, main].map(({ payments }) => payments.at(-1).status)).toEqual(['REQUIRES_ACTION', 'REQUIRES_ACTION']);
    return { ...place, small, main, chargeId: main.payments[0].chargeId as string };
  }

  test('confirmed: both are paid, and asking for the small one meanwhile charged nothing', async () => {
    const { payer, small, chargeId, standing, charges } = await action();
    expect(await payer.pay(small.id)).toMatchObject({ payment: { status: 'REQUIRES_ACTION' } });
    fake.confirm(chargeId);
    expect(await payer.pay(small.id)).toMatchObject({ payment: { status: 'SUCCEEDED' }, invoice: { status: 'PAID' } });
    expect((await standing()).map(([status]) => status)).toEqual(['PAID', 'PAID', 'PAID']);
    expect(charges()).toEqual(['SUCCEEDED 3070 0', 'SUCCEEDED 3130 0']);
  });

  test('the renewal is paid by bank: the charge is taken back, and the small one waits again', async () => {
    const { act, main, work, standing, tenant, charges, methodId } = await action();
    await act('markInvoicePaid', main.id, { reference: 'bank 31' });
    await work();
    fake.setBehaviour(methodId, 'card_ok');
    expect((await standing()).slice(1)).toEqual([
      ['FINALIZED', '0.30', noCharge, noCharge],
      ['PAID', '0.00', 'DECLINED 31.00'],
    ]);
    await tenant.advance('2026-03-01T00:00:00Z');
    expect(charges().at(-1)).toBe('SUCCEEDED 3130 0');
  });

  test('the small one is paid by bank: confirmed all the same, its share goes back', async () => {
    const { act, small, chargeId, work, standing, charges } = await action();
    await act('markInvoicePaid', small.id, { reference: 'bank 0.30' });
    await work();
    fake.confirm(chargeId);
    await deliver();
    await work();
    expect((await standing()).slice(1)).toEqual([
      ['PAID', '0.00', noCharge, 'SUCCEEDED 0.30 0.30'],
      ['PAID', '0.00', 'SUCCEEDED 31.00'],
    ]);
    expect(charges().at(-1)).toBe('SUCCEEDED 3130 30');
    expect(await drift(chargeId)).toEqual([]);
  });

  test('the small one is void: at its next turn the renewal is asked for without it', async () => {
    const { act, small, tenant, methodId, standing, charges } = await action();
    await act('voidInvoice', small.id, { reason: 'a gift' });
    fake.setBehaviour(methodId, 'card_ok');
    await tenant.advance('2026-02-05T00:00:00Z');
    expect((await standing()).slice(1)).toEqual([
      ['VOID', '0.00', noCharge, noCharge],
      ['PAID', '0.00', 'DECLINED 31.00', 'SUCCEEDED 31.00'],
    ]);
    expect(charges().slice(1)).toEqual(['DECLINED 3130 0', 'SUCCEEDED 3100 0']);
  });

  test('another card takes over: 31.30 again, once', async () => {
    const { payer, work, standing } = await action();
    await payer.addMethod('card_ok');
    await work();
    expect((await standing()).map(([status]) => status)).toEqual(['PAID', 'PAID', 'PAID']);
    const came = fake.charges.filter(
      ({ status, customerId }) => status === 'SUCCEEDED' && customerId === fake.charges.at(-1)!.customerId,
    );
    expect(came.map(({ amount }) => amount.minor)).toEqual([3070n, 3130n]);
  });
});

test('overdue without a card, and then there is one: the 0.30 are no debt, and the renewal that was kept back takes them along', async () => {
  const place = await payingTenant(gateway, { world: await sellingSmall() });
  const { tenant, uuid, world } = place;
  const payer = new Payer(place);
  const { paymentMethod } = await payer.addMethod();
  await tenant.start('basic');
  await gateway.app.paymentWork.runDue({ tenantId: uuid });
  await world.act(
    'removePaymentMethod',
    { tenantId: tenant.id, paymentMethodId: paymentMethod.id },
    'paymentMethod { id }',
  );
  await tenant.subscribe('small');
  await gateway.app.paymentWork.runDue({ tenantId: uuid });
  // Since 1 January; access ended on the 8th.
  await tenant.advance('2026-02-02T00:00:00Z');
  expect(await payer.subscription()).toMatchObject({ status: 'UNPAID' });
  await payer.addMethod();
  await tenant.advance('2026-02-03T00:00:00Z');
  expect((await payer.invoices()).map(({ status }) => status)).toEqual(['PAID', 'PAID', 'PAID']);
  expect(await payer.subscription()).toMatchObject({ status: 'ACTIVE', accessUntil: null });
  expect(fake.charges.at(-1)).toMatchObject({ amount: usd(3130n), status: 'SUCCEEDED' });
});

/** The renewal's charge is made, and nobody hears of it. */
async function unheard() {
  const place = await waiting();
  const asked: string[] = [];
  const charge = jest.spyOn(fake, 'charge').mockImplementation(async (request) => {
    await FakeProvider.prototype.charge.call(fake, request);
    asked.push(`${request.key} ${request.amount.minor}`);
    return { status: 'UNKNOWN', reason: 'TIMEOUT' };
  });
  await place.tenant.advance(february);
  charge.mockRestore();
  fake.events.splice(0);
  expect((await place.standing()).slice(1).map((row) => row.at(-1))).toEqual(['PENDING 0.30', 'PENDING 31.00']);
  const restart = () =>
    gateway.database.asOwner('update payments set ask_at = now() where tenant_id = $1 and ask_at is not null', [
      place.uuid,
    ]);
  const own = fake.charges.at(-1)!;
  return { ...place, asked, restart, chargeId: own.chargeId };
}

test('killed after the charge: asked again by fifty at once, workers and hands, the same 31.30 under the same key', async () => {
  const { payer, asked, restart, standing, charges, work } = await unheard();
  const [, small, main] = await payer.invoices();
  await restart();
  await Promise.all([
    ...Array.from({ length: 10 }, work),
    ...Array.from({ length: 20 }, () => payer.pay(small.id)),
    ...Array.from({ length: 20 }, () => payer.pay(main.id)),
  ]);
  expect(new Set(asked).size).toBe(1);
  expect(asked[0]).toMatch(/ 3130$/);
  expect((await standing()).slice(1)).toEqual([
    ['PAID', '0.00', noCharge, 'SUCCEEDED 0.30'],
    ['PAID', '0.00', 'SUCCEEDED 31.00'],
  ]);
  expect(charges()).toEqual(['SUCCEEDED 3070 0', 'SUCCEEDED 3130 0']);
});

test('killed before anybody was asked, and the renewal is void by then: nothing is charged, and the 0.30 wait', async () => {
  const { tenant, payer, act, standing, charges, work, uuid } = await waiting();
  const charge = jest.spyOn(PaymentWork.prototype, 'askPayment').mockRejectedValue(new Error('killed'));
  await tenant.advance(february).catch(() => undefined);
  charge.mockRestore();
  const [, , main] = await payer.invoices();
  expect(main.payments).toMatchObject([{ status: 'PENDING' }]);
  await act('voidInvoice', main.id, { reason: 'a mistake' });
  await gateway.database.asOwner('update payments set ask_at = now() where tenant_id = $1 and ask_at is not null', [
    uuid,
  ]);
  await work();
  expect((await standing()).slice(1)).toEqual([
    ['FINALIZED', '0.30', noCharge, noCharge],
    ['VOID', '0.00', 'DECLINED 31.00'],
  ]);
  expect(charges()).toEqual(['SUCCEEDED 3070 0']);
});

test('the small one is credited while the charge is under way: its share goes back', async () => {
  const { payer, tenant, restart, standing, charges, work, chargeId } = await unheard();
  const [, small] = await payer.invoices();
  // What names its payment, which has no charge of its own, is not believed.
  const data = { chargeId: 'fch_other', reference: small.payments[1].id, amount: { minor: '30', currency: 'USD' } };
  const event = { id: 'fevt_strange', type: 'charge.succeeded', created: Date.now(), live: false, data };
  fake.sendBody(JSON.stringify(event));
  expect(await deliver()).toMatchObject({ applied: 0, parked: 1 });
  expect(await tenant.credit(small.id, { [small.lines[0].id]: '0.30' })).toHaveProperty('creditNote');
  await restart();
  await work();
  await work();
  expect((await standing()).slice(1)).toEqual([
    ['PAID', '0.00', noCharge, 'SUCCEEDED 0.30 0.30'],
    ['PAID', '0.00', 'SUCCEEDED 31.00'],
  ]);
  expect(charges().at(-1)).toBe('SUCCEEDED 3130 30');
  await deliver();
  expect(await drift(chargeId)).toEqual([]);
});

test('a database that was restored: the charge is taken in by the invoices that it names, with its shares', async () => {
  const { uuid, standing, chargeId } = await unheard();
  await gateway.database.asOwner("delete from payments where tenant_id = $1 and status = 'PENDING'", [uuid]);
  expect(await drift(chargeId)).toMatchObject([
    { kind: 'MISSING_HERE', there: 'SUCCEEDED 31.30 USD', repairable: true },
  ]);
  await Promise.all([drift(chargeId, true), drift(chargeId, true)]);
  expect((await standing()).slice(1)).toEqual([
    ['PAID', '0.00', noCharge, 'SUCCEEDED 0.30'],
    ['PAID', '0.00', 'SUCCEEDED 31.00'],
  ]);
  expect(await drift(chargeId)).toEqual([]);
});

test('at Stripe: one payment intent of 31.30 EUR; a refund and a dispute of it are of both', async () => {
  const stripe = await startStripeGateway();
  try {
    const client = await StripeTenant.create(stripe, [{ code: 'basic', rank: 10, month: '30.70' }]);
    await client.world.addon('small', '0.30');
    const { checkout } = await client.offerPlan('basic');
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    await client.act('subscribeAddon', { addon: 'small' }, 'invoice { number }', ', idempotencyKey: "stripe-small"');
    await stripe.settle();
    expect((await client.invoices()).map(({ status, amountDue }) => `${status} ${amountDue.amount}`)).toEqual([
      'PAID 0.00',
      'FINALIZED 0.30',
    ]);
    await stripe.advanceDays(32);
    await client.bill();
    const intents = () => stripe.standIn.books.all('payment_intent').map(({ amount, status }) => `${amount} ${status}`);
    // The newest first.
    expect(intents()).toEqual(['3130 succeeded', '3070 succeeded']);
    expect((await client.invoices()).map(({ status }) => status)).toEqual(['PAID', 'PAID', 'PAID']);
    const intent = stripe.standIn.books.all('payment_intent')[0]!;
    const refund = await stripe.standIn.client().refunds.create({ payment_intent: intent.id, amount: 3_110 });
    expect(refund.status).toBe('succeeded');
    await stripe.settle();
    const dispute = stripe.standIn.payments.dispute(stripe.standIn.books.get('charge', intent.latest_charge!));
    stripe.standIn.payments.closeDispute(dispute, 'lost');
    await stripe.settle();
    const rows = await stripe.gateway.database.asOwner(
      'select amount, refunded, disputed from payments where tenant_id = $1 and external_id = $2 order by carried_by nulls first',
      [client.uuid, intent.id],
    );
    // 31.10 went back: 31.00 and 0.10; the bank took the 0.20 that were left.
    expect(rows.map(Object.values)).toEqual([
      ['3100', '3100', '0'],
      ['30', '10', '20'],
    ]);
    expect(await brokenInvariants(stripe)).toEqual([]);
    expect((await findings(stripe.gateway)).filter((found) => !found.startsWith('check_overdue:'))).toEqual([]);
  } finally {
    await stripe.stop();
  }
});

test('money of one charge is spread in the order of its payments', () => {
  const bounds = [
    { first: 600n, most: 3100n },
    { first: 30n, most: 30n },
  ];
  // 600 are left of the first and 30 of the second; of 2,000 the other 1,370 are asked of the first again.
  expect(spread(2_000n, bounds)).toEqual([1_970n, 30n]);
  expect(spread(3_130n, bounds)).toEqual([3_100n, 30n]);
  expect(spread(500n, bounds)).toEqual([500n, 0n]);
  expect(() => spread(3_131n, bounds)).toThrow('more is spread');
});
