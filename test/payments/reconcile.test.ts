import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReconcileOptions, reconcile } from '../../src/cli/reconcile';
import { readConfig } from '../../src/config';
import { encodeId } from '../../src/core/ids';
import { type Clock, wallClock } from '../../src/platform/clock';
import { newId } from '../../src/platform/new-id';
import { LicenceShop } from '../licences/licences-of-tests';
import type { TestGateway } from '../support/gateway';
import { type StripeGateway, StripeTenant, startStripeGateway, stripeWebhookSecret } from '../support/stripe/gateway';

const folder = mkdtempSync(join(tmpdir(), 'tollgate-reconcile-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** As `npm run tollgate -- reconcile`, on a test's database. Answers the rows of its tables as well. */
async function reconciled(
  gateway: TestGateway,
  secrets: Record<string, string>,
  options: Partial<ReconcileOptions> = {},
  clock: Clock = wallClock,
) {
  const { ownerUrl, appUrl, jobUrl, queueUrl } = gateway.database;
  const urls = {
    DATABASE_URL: ownerUrl,
    DATABASE_APP_URL: appUrl,
    DATABASE_JOB_URL: jobUrl,
    DATABASE_QUEUE_URL: queueUrl,
  };
  const printed: string[] = [];
  const code = await reconcile(
    readConfig({ ...urls, ...secrets, DATA_DIR: folder, LOG_LEVEL: 'silent' }),
    { days: '30', ...options },
    { line: () => undefined, bar: () => ({ advance: () => undefined, end: () => undefined }) },
    (text) => void printed.push(text),
    clock,
  );
  const text = printed.join('');
  const rows = text
    .split('\n')
    .filter((line) => /^ {2}[A-Z_]+ {2}/.test(line))
    .map((line) => line.trim().split(/ {2,}/))
    .sort();
  const about = text.split('\n').filter((line) => /^[A-Z]+: /.test(line) || line.includes('did not answer'));
  return { code, text, about, rows };
}

describe('Stripe', () => {
  let stripe: StripeGateway;
  let secrets: Record<string, string>;
  beforeAll(async () => {
    stripe = await startStripeGateway();
    const { secretKey, url } = stripe.standIn;
    secrets = { STRIPE_SECRET_KEY: secretKey, STRIPE_WEBHOOK_SECRET: stripeWebhookSecret, STRIPE_API_URL: url };
  });
  afterAll(() => stripe.stop());
  beforeEach(() => {
    stripe.standIn.calm();
    stripe.standIn.hooks.behave();
  });
  const run = (options: Partial<ReconcileOptions> = {}) =>
    reconciled(
      stripe.gateway,
      secrets,
      { provider: 'stripe', ...options },
      {
        now: () => stripe.gateway.app.clock.now(),
      },
    );

  const plans = [{ code: 'basic', rank: 10, month: '30.00' }];
  const fill = async (tenant: StripeTenant, offer: 'offerPlan' | 'offerAddon', code: string) => {
    const { checkout } = await tenant[offer](code);
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
  };
  /** Pays 30.00 a month by a card that its checkout has saved. */
  const paying = async (how: { unheard?: boolean; broken?: boolean } = {}) => {
    const tenant = await StripeTenant.create(stripe, plans);
    if (how.unheard || how.broken) {
      stripe.standIn.trouble('POST /v1/payment_intents', how.unheard ? 'ERROR_500_AFTER' : 'ERROR_500_BEFORE');
      stripe.standIn.hooks.misbehave({ drop: ({ type }) => type.startsWith('payment_intent.') });
    }
    await fill(tenant, 'offerPlan', 'basic');
    stripe.standIn.hooks.behave();
    const [row] = await stripe.gateway.database.asOwner<{ id: string; external_id: string; status: string }>(
      'select id, external_id, status from payments where tenant_id = $1',
      [tenant.uuid],
    );
    return {
      tenant,
      uuid: row!.id,
      status: row!.status,
      ownId: encodeId('Payment', row!.id, tenant.uuid),
      chargeId: row!.external_id,
    };
  };
  const intent = (id: string) => stripe.standIn.books.get('payment_intent', id);

  test('each kind of drift of charges is listed, and after its repair nothing is', async () => {
    const { books } = stripe.standIn;
    const [same, gone, other, refunded] = [await paying(), await paying(), await paying(), await paying()];
    const [unheard, broken] = [await paying({ unheard: true }), await paying({ broken: true })];
    expect([same, gone, other, refunded, unheard, broken].map(({ status }) => status)).toEqual([
      ...['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'],
      ...['PENDING', 'PENDING'],
    ]);
    // What was asked just now is on its way and no drift.
    expect(await run()).toMatchObject({ code: 0, rows: [] });

    books.setNow(books.now() + 3_600);
    const lost = intent(gone.chargeId);
    books.drop('payment_intent', gone.chargeId);
    intent(other.chargeId).amount = 2_999;
    const refund = await stripe.standIn.client().refunds.create({ payment_intent: refunded.chargeId, amount: 1_000 });
    const strange = books.make('payment_intent', {
      ...structuredClone(intent(same.chargeId)),
      ...{ id: books.newId('payment_intent'), metadata: { tollgate: encodeId('Payment', newId(), newId()) } },
    });
    strange.metadata = Object.fromEntries(
      Object.keys(intent(same.chargeId).metadata).map((name) => [name, encodeId('Payment', newId(), newId())]),
    );
    const answer = await run();
    expect(answer.code).toBe(1);
    expect(answer.about).toEqual([
      'STRIPE: 6 payments here, 5 charges there, 5 differ.',
      'STRIPE: 1 of our payments here, 1 refunds and disputes there, 1 differ.',
      'STRIPE: 0 open pages here, 0 of them there, 0 differ.',
      'STRIPE: 0 subscriptions here, 0 subscriptions there, 0 differ.',
    ]);
    const unheardCharge = books
      .all('payment_intent')
      .find(({ metadata }) => Object.values(metadata).includes(unheard.ownId))!;
    const expected = [
      ['AMOUNT_DIFFERS', other.ownId, other.chargeId, '30.00 EUR', '29.99 EUR'],
      ['MISSING_HERE', strange.id, 'nothing', 'SUCCEEDED 30.00 EUR'],
      ['MISSING_THERE', gone.ownId, gone.chargeId, 'SUCCEEDED 30.00 EUR', 'nothing'],
      ['REFUNDS_DIFFER', refunded.ownId, refund.id, 'nothing', 'SUCCEEDED 10.00 EUR', '--repair does'],
      ['STATUS_DIFFERS', unheard.ownId, unheardCharge.id, 'PENDING', 'SUCCEEDED', '--repair does'],
      ['UNKNOWN_FOR_LONG', broken.ownId, 'PENDING 30.00 EUR', 'nothing'],
    ];
    expect(answer.rows).toEqual(expected);
    // Each kind has its advice.
    for (const [kind] of expected) expect(answer.text).toContain(`  ${kind}: `);
    // Reading changes nothing.
    expect((await run()).rows).toEqual(answer.rows);

    // What the provider knows better is taken over, and nothing else.
    const repair = await run({ repair: true });
    expect(repair.code).toBe(1);
    expect(repair.rows.filter((row) => row.includes('repaired'))).toEqual([
      ['REFUNDS_DIFFER', refunded.ownId, refund.id, 'nothing', 'SUCCEEDED 10.00 EUR', 'repaired'],
      ['STATUS_DIFFERS', unheard.ownId, unheardCharge.id, 'PENDING', 'SUCCEEDED', 'repaired'],
    ]);
    expect((await unheard.tenant.invoices())[0]).toMatchObject({ status: 'PAID' });
    expect((await run()).rows).toHaveLength(4);

    // The rest by people: at the provider, or by what asks again.
    books.drop('payment_intent', strange.id);
    books.make('payment_intent', lost);
    intent(other.chargeId).amount = 3_000;
    await stripe.gateway.database.asOwner(`update payments set ask_at = to_timestamp(0) where status = 'PENDING'`);
    await stripe.settle();
    // The refund that was made at Stripe is told late, and was booked before.
    expect(await run()).toMatchObject({ code: 0, rows: [] });
  });

  test('what Stripe bills itself is compared by status, period and whether it renews', async () => {
    const { books, hooks } = stripe.standIn;
    const billed = async () => {
      const tenant = await StripeTenant.create(stripe, plans);
      await tenant.world.addon('track', '15.00', { minimumPlan: 'basic', features: [{ feature: 'tracks' }] });
      await tenant.start('basic');
      await fill(tenant, 'offerAddon', 'track');
      const [checkout] = await tenant.checkouts();
      const subscription = books
        .all('subscription')
        .find(({ metadata }) => Object.values(metadata).includes(checkout.id))!;
      return { tenant, checkout, subscription };
    };
    const [same, cancelled, ending, renewed, gone] = [
      await billed(),
      await billed(),
      await billed(),
      await billed(),
      await billed(),
    ];
    expect(await run()).toMatchObject({
      code: 0,
      about: expect.arrayContaining(['STRIPE: 5 subscriptions here, 5 subscriptions there, 0 differ.']),
    });

    // Events that are lost.
    hooks.misbehave({ drop: () => true });
    const client = stripe.standIn.client();
    await client.subscriptions.cancel(cancelled.subscription.id);
    await client.subscriptions.update(ending.subscription.id, { cancel_at_period_end: true });
    const item = renewed.subscription.items.data[0]!;
    const [start, end] = [item.current_period_start, item.current_period_end];
    Object.assign(item, { current_period_start: end, current_period_end: end + (end - start) });
    books.drop('subscription', gone.subscription.id);
    const strange = books.make('subscription', {
      ...structuredClone(same.subscription),
      ...{ id: books.newId('subscription'), metadata: { ...same.subscription.metadata } },
    });
    // Another product of the same account, without a reference of ours.
    const foreign = books.make('subscription', {
      ...structuredClone(same.subscription),
      ...{ id: books.newId('subscription'), metadata: {} },
    });
    const answer = await run();
    expect(answer.code).toBe(1);
    const at = (seconds: number) => new Date(seconds * 1_000).toISOString().replace('.000', '');
    const endOf = (one: { subscription: typeof strange }) => at(one.subscription.items.data[0]!.current_period_end);
    expect(answer.rows).toEqual(
      [
        ['MISSING_HERE', strange.id, 'nothing', 'active'],
        ['MISSING_THERE', gone.checkout.id, gone.subscription.id, 'active', 'nothing'],
        [
          'PERIOD_DIFFERS',
          ending.checkout.id,
          ending.subscription.id,
          `renews ${endOf(ending)}`,
          `ends ${endOf(ending)}`,
          '--repair does',
        ],
        [
          'PERIOD_DIFFERS',
          renewed.checkout.id,
          renewed.subscription.id,
          `renews ${at(end)}`,
          `renews ${endOf(renewed)}`,
          '--repair does',
        ],
        ['STATUS_DIFFERS', cancelled.checkout.id, cancelled.subscription.id, 'active', 'canceled', '--repair does'],
      ].sort(),
    );

    const repair = await run({ repair: true });
    expect(
      repair.rows
        .filter((row) => row.at(-1) === 'repaired')
        .map(([, id]) => id)
        .sort(),
    ).toEqual([ending, renewed, cancelled].map(({ checkout }) => checkout.id).sort());
    expect((await cancelled.tenant.attachments())[0]).toMatchObject({ status: 'ENDED' });
    expect(await cancelled.tenant.allowed('tracks')).toBe(false);
    expect((await ending.tenant.attachments())[0]).toMatchObject({
      endsAt: expect.stringContaining(endOf(ending).slice(0, 19)),
    });
    expect((await renewed.tenant.attachments())[0].providerPeriod.end).toContain(endOf(renewed).slice(0, 19));
    books.drop('subscription', strange.id);
    books.drop('subscription', foreign.id);
    books.make('subscription', gone.subscription);
    expect(await run()).toMatchObject({ code: 0, rows: [] });
  });

  test('refunds and disputes of any age whose events are lost: listed, booked, and a second run finds nothing', async () => {
    const { books, hooks, payments } = stripe.standIn;
    const client = stripe.standIn.client();
    const [whole, part, lost, won, failed] = [
      await paying(),
      await paying(),
      await paying(),
      await paying(),
      await paying(),
    ];
    const tracked = await StripeTenant.create(stripe, plans);
    await tracked.world.addon('track', '15.00', { minimumPlan: 'basic', features: [{ feature: 'tracks' }] });
    await tracked.start('basic');
    await fill(tracked, 'offerAddon', 'track');
    const [checkout] = await tracked.checkouts();
    const subscription = books
      .all('subscription')
      .find(({ metadata }) => Object.values(metadata).includes(checkout.id))!;
    const billed = books.all('charge').find(({ customer }) => customer === subscription.customer)!;
    hooks.misbehave({ drop: () => true });
    const chargeOf = (one: { chargeId: string }) => books.get('charge', intent(one.chargeId).latest_charge!);
    const disputes = [payments.dispute(chargeOf(lost)), payments.dispute(chargeOf(won))];
    // The charges are forty days old by now, and older than the thirty days that are compared.
    books.setNow(books.now() + 40 * 86_400);
    const refunds = {
      whole: await client.refunds.create({ payment_intent: whole.chargeId }),
      part: await client.refunds.create({ payment_intent: part.chargeId, amount: 1_000 }),
      failed: await client.refunds.create({ payment_intent: failed.chargeId }),
      billed: await client.refunds.create({ charge: billed.id, amount: 500 }),
    };
    payments.closeDispute(disputes[0]!, 'lost');
    payments.closeDispute(disputes[1]!, 'lost');
    const moved = (rows: string[][]) =>
      rows.filter(([kind]) => kind === 'REFUNDS_DIFFER' || kind === 'DISPUTE_DIFFERS').sort();
    const expected = [
      ['DISPUTE_DIFFERS', lost.ownId, disputes[0]!.id, 'nothing', 'LOST 30.00 EUR'],
      ['DISPUTE_DIFFERS', won.ownId, disputes[1]!.id, 'nothing', 'LOST 30.00 EUR'],
      ['REFUNDS_DIFFER', checkout.id, billed.payment_intent, '0.00 EUR', '5.00 EUR'],
      ['REFUNDS_DIFFER', failed.ownId, refunds.failed.id, 'nothing', 'SUCCEEDED 30.00 EUR'],
      ['REFUNDS_DIFFER', part.ownId, refunds.part.id, 'nothing', 'SUCCEEDED 10.00 EUR'],
      ['REFUNDS_DIFFER', whole.ownId, refunds.whole.id, 'nothing', 'SUCCEEDED 30.00 EUR'],
    ].sort();
    expect(moved((await run()).rows)).toEqual(repairable(expected));
    const back = async ({ tenant }: { tenant: StripeTenant }) => {
      const query = 'query ($id: ID) { invoices(tenantId: $id, first: 1) { nodes { refunded { amount } } } }';
      return (await stripe.gateway.get('super-admin', query, { id: tenant.id })).nodes[0].refunded.amount;
    };
    expect(await back(whole)).toBe('0.00');
    expect(moved((await run({ repair: true })).rows)).toEqual(repaired(expected));
    expect(moved((await run()).rows)).toEqual([]);
    expect(await Promise.all([whole, part, lost, won, failed].map(back))).toEqual([
      ...['30.00', '10.00', '30.00', '30.00', '30.00'],
    ]);
    // The bank changes its mind, of a refund and of a dispute.
    payments.finishRefund(books.get('refund', refunds.failed.id), 'failed');
    payments.closeDispute(disputes[1]!, 'won');
    const changed = [
      ['DISPUTE_DIFFERS', won.ownId, disputes[1]!.id, 'LOST 30.00 EUR', 'WON 30.00 EUR'],
      ['REFUNDS_DIFFER', failed.ownId, refunds.failed.id, 'SUCCEEDED 30.00 EUR', 'FAILED 30.00 EUR'],
    ].sort();
    expect(moved((await run()).rows)).toEqual(repairable(changed));
    // Killed in between, or run twice at once: each thing is brought in step once.
    await Promise.all([run({ repair: true }), run({ repair: true })]);
    expect(moved((await run()).rows)).toEqual([]);
    expect(await back(won)).toBe('0.00');
    expect(await back(failed)).toBe('0.00');
    // What is told after all changes nothing more.
    hooks.behave();
    for (const refund of books.all('refund')) books.emit('refund.updated', refund);
    for (const dispute of books.all('dispute')) books.emit('charge.dispute.closed', dispute);
    await stripe.settle();
    expect(await Promise.all([whole, part, lost, won, failed].map(back))).toEqual([
      ...['30.00', '10.00', '30.00', '0.00', '0.00'],
    ]);
    expect(moved((await run()).rows)).toEqual([]);
    books.setNow(books.now() - 40 * 86_400);
  }, 60_000);

  test('a payment that a restored database does not know is taken in, with its refund; a page whose events are lost is looked at', async () => {
    const { books, hooks } = stripe.standIn;
    const forgotten = async () => {
      const payment = await paying({ unheard: true });
      await stripe.gateway.database.asOwner('delete from payments where id = $1', [payment.uuid]);
      const made = books.all('payment_intent').find(({ metadata }) => Object.values(metadata).includes(payment.ownId))!;
      return { ...payment, chargeId: made.id };
    };
    const [known, refunded, other] = [await forgotten(), await forgotten(), await forgotten()];
    hooks.misbehave({ drop: () => true });
    const refund = await stripe.standIn.client().refunds.create({ payment_intent: refunded.chargeId, amount: 700 });
    // It was for an invoice that nobody here knows either.
    intent(other.chargeId).description = 'no-such-invoice';
    const tenant = await StripeTenant.create(stripe, plans);
    const { checkout } = await tenant.offerPlan('basic');
    await stripe.standIn.fillIn(checkout.url);
    books.setNow(books.now() + 3_600);
    const about = (rows: string[][]) =>
      rows.filter(([kind]) => ['MISSING_HERE', 'STATUS_DIFFERS', 'REFUNDS_DIFFER'].includes(kind!)).sort();
    const session = books.all('checkout.session')[0]!.id;
    const rows = [
      ['MISSING_HERE', known.chargeId, 'nothing', 'SUCCEEDED 30.00 EUR'],
      ['MISSING_HERE', refunded.chargeId, 'nothing', 'SUCCEEDED 30.00 EUR'],
      ['STATUS_DIFFERS', checkout.id, session, 'OPEN', 'COMPLETE'],
    ];
    const unfit = ['MISSING_HERE', other.chargeId, 'nothing', 'SUCCEEDED 30.00 EUR'];
    expect(about((await run()).rows)).toEqual([...repairable(rows), unfit].sort());
    const after = [...rows, ['REFUNDS_DIFFER', refunded.ownId, refund.id, 'nothing', 'SUCCEEDED 7.00 EUR']];
    expect(about((await run({ repair: true })).rows)).toEqual([...repaired(after), unfit].sort());
    expect(about((await run()).rows)).toEqual([unfit]);
    for (const one of [known, refunded]) {
      expect((await one.tenant.invoices())[0]).toMatchObject({ status: 'PAID', amountDue: { amount: '0.00' } });
    }
    expect((await tenant.checkouts())[0]).toMatchObject({ status: 'COMPLETED' });
    books.drop('payment_intent', other.chargeId);
    await stripe.settle();
  });

  test('a provider that does not answer is said so, and nothing is taken for missing', async () => {
    stripe.standIn.trouble('GET /v1/payment_intents', 'ERROR_500_BEFORE');
    expect(await run()).toMatchObject({
      ...{ code: 1, rows: [] },
      text: 'STRIPE did not answer (SERVER_ERROR). Nothing was compared; run it again.\n',
    });
    // The SDK asks once more where a connection was closed.
    stripe.standIn.trouble('GET /v1/subscriptions', 'RESET_BEFORE', 2);
    const half = await run();
    expect(half).toMatchObject({
      code: 1,
      about: expect.arrayContaining([expect.stringContaining('CONNECTION_LOST')]),
    });
  });

  test.each([
    [{ days: '0' }, 'give a whole number from 1 to 400'],
    [{ days: 'ten' }, 'give a whole number from 1 to 400'],
    [{ provider: 'paddle' }, 'There is no provider paddle with secrets here. There are: STRIPE, FAKE.'],
  ])('%j is refused', async (options, message) => {
    await expect(run(options)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(message),
    });
  });
});

const repairable = (rows: readonly string[][]) => rows.map((row) => [...row, '--repair does']);
const repaired = (rows: readonly string[][]) => rows.map((row) => [...row, 'repaired']);

describe('Paddle', () => {
  let shop: LicenceShop;
  let product: string;
  const run = (options: Partial<ReconcileOptions> = {}) => {
    const { apiKey, webhookSecret, url } = shop.paddle;
    const secrets = { PADDLE_API_KEY: apiKey, PADDLE_WEBHOOK_SECRET: webhookSecret, PADDLE_API_URL: url };
    // What was made just now counts too.
    const clock = { now: () => wallClock.now().add({ minutes: 30 }) };
    return reconciled(shop.gateway, secrets, { provider: 'paddle', ...options }, clock);
  };
  beforeAll(async () => {
    shop = await LicenceShop.open();
    product = await shop.product('cad', '200.00');
  });
  afterAll(() => shop.close());

  test('licences that were paid at its checkouts are compared with its transactions', async () => {
    const { paddle } = shop;
    const bought = await shop.bought(product, 2);
    // Opened and not paid, or abandoned: nothing to compare.
    await shop.buy(product, 1);
    expect(await run()).toMatchObject({ code: 0, about: ['PADDLE: 2 payments here, 1 charges there, 0 differ.'] });

    const { purchase: unheard } = await shop.buy(product, 1);
    paddle.pay(unheard.checkout.id);
    const lost = paddle.events;
    paddle.events = [];
    const strange = structuredClone(paddle.transactions.get(bought.checkout.id));
    strange.id = `txn_01${'s'.repeat(24)}`;
    // It names a purchase of ours, which was paid through another checkout.
    paddle.transactions.set(strange.id, strange);
    const refund = paddle.refund(bought.checkout.id, 10_000n);
    paddle.decide(refund, 'approved');
    const refunds = paddle.events;
    paddle.events = [];
    const answer = await run();
    expect(answer.code).toBe(1);
    const unasked = ['MISSING_HERE', strange.id, 'nothing', 'SUCCEEDED 400.00 USD'];
    const others = [
      ['REFUNDS_DIFFER', bought.id, bought.checkout.id, '0.00 USD', '100.00 USD'],
      ['STATUS_DIFFERS', unheard.id, unheard.checkout.id, 'OPEN', 'SUCCEEDED'],
    ];
    expect(answer.rows).toEqual([unasked, ...repairable(others)]);
    // Reading changes nothing.
    expect((await run()).rows).toEqual(answer.rows);
    // What Paddle knows is taken over, once; the money that nobody asked for stays for a person.
    expect((await run({ repair: true })).rows).toEqual([unasked, ...repaired(others)]);
    expect((await run({ repair: true })).rows).toEqual([unasked]);
    // 100.00 of 400.00 for two is no whole seat.
    expect(await shop.licence('cad')).toMatchObject({ seats: '3' });
    paddle.events = [...lost, ...refunds];
    await shop.deliver({ repeat: 2 });
    expect(await shop.licence('cad')).toMatchObject({ seats: '3' });
    paddle.transactions.delete(strange.id);
    expect(await run()).toMatchObject({ code: 0, rows: [] });
    const kept = paddle.transactions.get(bought.checkout.id);
    paddle.transactions.delete(bought.checkout.id);
    expect((await run()).rows).toEqual([
      ['MISSING_THERE', bought.id, bought.checkout.id, 'SUCCEEDED 400.00 USD', 'nothing'],
    ]);
    paddle.transactions.set(bought.checkout.id, kept);
  });

  test('another amount was paid and the event was lost: it is repaired by being parked, for a person to accept', async () => {
    const { paddle } = shop;
    await shop.product('less', '200.00');
    const { purchase } = await shop.buy('less', 3);
    paddle.discounts.set(purchase.checkout.id, 10_000n);
    paddle.pay(purchase.checkout.id);
    paddle.events = [];
    // 3 × 200.00 − 100.00
    const differs = ['AMOUNT_DIFFERS', purchase.id, purchase.checkout.id, '600.00 USD', '500.00 USD'];
    expect((await run()).rows).toEqual(repairable([differs]));
    expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'OPEN' });
    expect((await run({ repair: true })).rows).toEqual(repaired([differs]));
    expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'PARKED', parkReason: 'AMOUNT_DIFFERS' });
    expect(await run()).toMatchObject({ code: 0, rows: [] });
    const tenantId = await shop.tenantIdOf('hooli');
    const input = { tenantId, purchaseId: purchase.id };
    await shop.act('other-partner-owner', 'acceptLicencePurchase', input, 'purchase { status }');
    expect(await run()).toMatchObject({ code: 0, rows: [] });
    expect(await shop.licence('less')).toMatchObject({ seats: '3' });
  });

  test('what Paddle bills by itself: lost events, changes in its dashboard, what nothing lives by', async () => {
    const { paddle } = shop;
    await shop.product('auto', '200.00');
    await shop.bought('auto', 2, { autoRenew: true });
    const subscription = [...paddle.subscriptions.keys()].at(-1)!;
    const { id, expiresAt } = await shop.licence('auto');
    // A card change is a transaction of zero, and no drift.
    paddle.changeCard(subscription);
    await shop.deliver();
    expect(await run()).toMatchObject({ code: 0, rows: [] });
    const renewal = paddle.renew(subscription);
    paddle.pause(subscription);
    paddle.events = [];
    const rows = [
      ['MISSING_HERE', renewal, 'nothing', 'SUCCEEDED 400.00 USD'],
      ['STATUS_DIFFERS', id, subscription, 'renews', 'does not renew'],
    ];
    expect((await run()).rows).toEqual(repairable(rows));
    expect((await run({ repair: true })).rows).toEqual(repaired(rows));
    expect(await run()).toMatchObject({ code: 0, rows: [] });
    expect(await shop.licence('auto')).toMatchObject({ autoRenew: false, seats: '2' });
    expect((await shop.licence('auto')).expiresAt > expiresAt).toBe(true);
    // Resumed, and another quantity in the dashboard: Paddle is told again how many seats there are.
    await new Promise((resolve) => setTimeout(resolve, 5));
    paddle.unpause(subscription);
    await shop.deliver();
    paddle.subscriptions.get(subscription).items[0].quantity = 9;
    expect((await run({ repair: true })).rows).toEqual([
      ['QUANTITY_DIFFERS', id, subscription, '2 seats', '9 seats', 'repaired'],
    ]);
    expect(paddle.subscriptions.get(subscription).items[0].quantity).toBe(2);
    // A copy that nothing here lives by, as after a restored backup.
    const stray = `sub_01${'s'.repeat(24)}`;
    paddle.subscriptions.set(stray, { ...structuredClone(paddle.subscriptions.get(subscription)), id: stray });
    expect((await run({ repair: true })).rows).toEqual([
      ['MISSING_HERE', stray, 'nothing lives by it', 'renews', 'repaired'],
    ]);
    expect(paddle.subscriptions.get(stray).status).toBe('canceled');
    expect(paddle.subscriptions.get(subscription).status).toBe('active');
    await shop.deliver();
    expect(await run()).toMatchObject({ code: 0, rows: [] });
    paddle.subscriptions.delete(subscription);
    expect((await run({ repair: true })).rows).toEqual([['MISSING_THERE', id, subscription, 'renews', 'nothing']]);
    expect(await shop.licence('auto')).toMatchObject({ autoRenew: true });
  });

  test('what was parked is listed elsewhere, and what goes back of it is compared', async () => {
    const { purchase } = await shop.buy(product, 3);
    shop.paddle.transactions.get(purchase.checkout.id).items[0].price.unit_price.amount = '1';
    shop.paddle.pay(purchase.checkout.id);
    await shop.deliver();
    expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'PARKED', parkReason: 'AMOUNT_DIFFERS' });
    const others = (await run()).rows.length;
    shop.paddle.chargeBack(purchase.checkout.id);
    shop.paddle.events = [];
    // 3 × 0.01
    expect((await run({ repair: true })).rows).toContainEqual([
      ...['REFUNDS_DIFFER', purchase.id, purchase.checkout.id, '0.00 USD', '0.03 USD', 'repaired'],
    ]);
    expect((await run()).rows).toHaveLength(others);
    expect(await shop.purchase(purchase.id)).toMatchObject({ status: 'REFUNDED' });
  });

  test('it does not answer', async () => {
    shop.paddle.faults = [{ route: 'GET /transactions', kind: 'SERVER_ERROR' }];
    expect(await run()).toMatchObject({
      code: 1,
      text: expect.stringContaining('PADDLE did not answer (SERVER_ERROR)'),
    });
  });
});
