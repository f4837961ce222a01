import { brokenInvariants, type StripeGateway, StripeTenant, startStripeGateway } from '../../support/stripe/gateway';

let stripe: StripeGateway;
beforeAll(async () => {
  stripe = await startStripeGateway({ at: '2027-03-01T12:00:00Z' });
});
afterAll(() => stripe.stop());
afterEach(() => {
  stripe.standIn.hooks.behave();
  stripe.standIn.calm();
});

const plans = [
  { code: 'starter', rank: 10, month: '49.00', year: '490.00' },
  { code: 'growth', rank: 20, month: '199.00', year: '1990.00' },
  { code: 'enterprise', rank: 40, month: '1499.00', includesAllAddons: true },
];
const newestSubscription = () => stripe.standIn.books.all('subscription')[0]!;
const previewFields = `net { amount } addons { addon { code } outcome credit { amount } }
  lines { kind amount { amount } explanation { sentence } }`;

/** On Growth since now, with an add-on of 149.00 that Stripe bills since now. */
async function withTrack(): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, plans);
  await tenant.world.addon('track', '149.00', { minimumPlan: 'growth', features: [{ feature: 'tracks' }] }, '1490.00');
  await tenant.start('growth');
  await tenant.payAll();
  const { checkout } = await tenant.offerAddon('track');
  await stripe.standIn.fillIn(checkout.url);
  await stripe.settle();
  return tenant;
}

const preview = (tenant: StripeTenant, input: object) =>
  stripe.gateway.get(
    'super-admin',
    `query ($input: PlanChangeInput!) { prorationPreview(input: $input) {
      ... on ProrationPreview { ${previewFields} } ... on Refused { code message } } }`,
    { input: { tenantId: tenant.id, ...input } },
  );

let serial = 0;
const change = (tenant: StripeTenant, input: object, fields = 'net { amount }') => {
  serial += 1;
  return tenant.act('changePlan', input, fields, `, idempotencyKey: "plan-change-${serial}"`);
};

describe('a plan change with an add-on that Stripe bills', () => {
  test('downgrade: the preview lists what ends and what is credited; Stripe follows after the commit', async () => {
    const tenant = await withTrack();
    const began = stripe.now();
    await stripe.advanceDays(10);
    const { providerPeriod } = (await tenant.attachments())[0];
    const day = 86_400_000;
    const total = Math.round((Date.parse(providerPeriod.end) - Date.parse(providerPeriod.start)) / day);
    const left = total - 10;
    // Both periods began on the same day and have the same days: the plan's, and Stripe's.
    const cents = (amount: number) => Math.round((amount * 100 * left) / total);
    const credit = cents(149);
    const net = cents(49) - cents(199) - credit;

    const shown = await preview(tenant, { plan: 'starter' });
    expect(shown.addons).toEqual([
      { addon: { code: 'track' }, outcome: 'ENDS_NOT_AVAILABLE', credit: { amount: (credit / 100).toFixed(2) } },
    ]);
    expect(shown.net.amount).toBe((net / 100).toFixed(2));
    expect(shown.lines.map(({ explanation }: { explanation: { sentence: string } }) => explanation.sentence)).toContain(
      `Unused time on track: 149.00 EUR × 1 × ${left}/${total} = ${(credit / 100).toFixed(2)} EUR.`,
    );
    expect(newestSubscription().status).toBe('active');

    // Stripe does not answer: the change commits all the same, and nothing there has changed yet.
    stripe.standIn.trouble(`DELETE /v1/subscriptions`, 'HANG_BEFORE', 1);
    const changed = await change(tenant, { plan: 'starter' }, 'net { amount } creditNote { total { amount } }');
    expect(changed).toMatchObject({ net: shown.net, creditNote: { total: { amount: (-net / 100).toFixed(2) } } });
    expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED', endKind: 'NOT_AVAILABLE' }]);
    expect(await tenant.allowed('tracks')).toBe(false);
    expect(newestSubscription().status).toBe('active');
    await stripe.settle();
    expect(newestSubscription().status).toBe('active');
    // Asked again, it follows; it credits nothing, because we did.
    await stripe.advanceDays(0.05);
    expect(newestSubscription()).toMatchObject({ status: 'canceled' });
    expect(stripe.standIn.books.all('refund')).toEqual([]);
    expect(Date.parse(stripe.now())).toBeGreaterThan(Date.parse(began));
  });

  test('upgrade to a plan that includes it: it ends with a credit, access goes on', async () => {
    const tenant = await withTrack();
    await stripe.advanceDays(5);
    const shown = await preview(tenant, { plan: 'enterprise' });
    expect(shown.addons).toMatchObject([{ outcome: 'ENDS_INCLUDED' }]);
    expect(Number(shown.addons[0].credit.amount)).toBeGreaterThan(0);
    expect((await change(tenant, { plan: 'enterprise' })).net).toEqual(shown.net);
    await stripe.settle();
    expect(newestSubscription().status).toBe('canceled');
    expect(await tenant.allowed('tracks')).toBe(true);
  });

  test('kept, or another interval: Stripe goes on billing it as it did, and we charge and credit nothing for it', async () => {
    const tenant = await withTrack();
    await stripe.advanceDays(5);
    const kept = await preview(tenant, { plan: 'starter', unavailableAddons: 'KEEP' });
    expect(kept.addons).toMatchObject([{ outcome: 'KEPT', credit: { amount: '0.00' } }]);
    const yearly = await preview(tenant, { plan: 'growth', interval: 'YEAR' });
    expect(yearly.addons).toMatchObject([{ outcome: 'CONTINUES', credit: { amount: '0.00' } }]);
    expect(yearly.lines.filter(({ kind }: { kind: string }) => kind === 'PRORATION_CHARGE')).toHaveLength(1);
    expect((await change(tenant, { plan: 'growth', interval: 'YEAR' })).net).toEqual(yearly.net);
    await stripe.settle();
    expect(newestSubscription().status).toBe('active');
    expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE', billedBy: 'STRIPE' }]);
  });

  test('refused where the caller asks for that', async () => {
    const tenant = await withTrack();
    const refused = await preview(tenant, { plan: 'starter', unavailableAddons: 'REFUSE' });
    expect(refused.code).toBe('ADDON_NOT_AVAILABLE_WITH_PLAN');
  });
});

describe('a plan at a checkout', () => {
  test('the page saves a card; what was offered starts, and its invoice is paid off session', async () => {
    const tenant = await StripeTenant.create(stripe, plans);
    const { checkout } = await tenant.offerPlan('growth', { quantity: 2 });
    expect(checkout).toMatchObject({ kind: 'PLAN', status: 'OPEN', total: { amount: '398.00' } });
    expect(await tenant.invoices()).toEqual([]);
    // The price rises before the customer accepts: the offer stands.
    await tenant.world.act(
      'publishPlanVersion',
      {
        partnerId: tenant.world.partnerId,
        plan: 'growth',
        prices: [{ interval: 'MONTH', price: { amount: '999.00', currency: 'EUR' } }],
      },
      'plan { id }',
    );
    const taken = stripe.standIn.taken().length;
    expect((await stripe.standIn.fillIn(checkout.url)).status).toBe(200);
    await stripe.settle();
    expect(await tenant.checkouts()).toMatchObject([{ status: 'COMPLETED', subscriptionId: expect.any(String) }]);
    // 2 × 199.00
    expect(await tenant.invoices()).toMatchObject([{ status: 'PAID', total: { amount: '398.00' } }]);
    expect(stripe.standIn.taken().length).toBe(taken + 1);
    expect(stripe.standIn.taken()[0]).toMatchObject({ amount: 39_800, currency: 'eur' });
    expect((await tenant.offerPlan('starter')).code).toBe('ALREADY_SUBSCRIBED');
    expect((await tenant.told()).filter((type) => type === 'payment_method.added')).toHaveLength(1);
  });

  test('renewed and paid off session; a declined card makes it past due; another card, and it recovers', async () => {
    const tenant = await StripeTenant.create(stripe, plans);
    const { checkout } = await tenant.offerPlan('starter');
    await stripe.standIn.fillIn(checkout.url, 'pm_card_chargeCustomerFail');
    await stripe.settle();
    const status = async () =>
      (
        await stripe.gateway.get('super-admin', 'query ($id: ID) { subscription(tenantId: $id) { status } }', {
          id: tenant.id,
        })
      ).status;
    expect(await status()).toBe('PAST_DUE');
    expect(await tenant.invoices()).toMatchObject([{ status: 'FINALIZED', amountDue: { amount: '49.00' } }]);
    const added = await tenant.act(
      'addPaymentMethod',
      { provider: 'STRIPE', token: 'pm_card_visa', makeDefault: true },
      'paymentMethod { id last4 }',
      ', idempotencyKey: "another-card"',
    );
    expect(added.paymentMethod).toMatchObject({ last4: '4242' });
    await stripe.advanceDays(4);
    expect(await status()).toBe('ACTIVE');
    expect(await tenant.invoices()).toMatchObject([{ status: 'PAID' }]);
    await stripe.advanceDays(32);
    await tenant.bill();
    expect(await tenant.invoices()).toMatchObject([{ status: 'PAID' }, { status: 'PAID' }]);
  });

  test('a trial is charged at its end; a dry run asks nobody; a repeated or lost event starts nothing twice', async () => {
    const tenant = await StripeTenant.create(stripe, plans);
    const requests = stripe.standIn.requests.length;
    expect(await tenant.offerPlan('starter', { trialDays: 14 }, { dryRun: true })).toMatchObject({
      checkout: { status: 'PENDING' },
    });
    expect(stripe.standIn.requests.length).toBe(requests);
    const { checkout } = await tenant.offerPlan('starter', { trialDays: 14 });
    stripe.standIn.hooks.misbehave({ repeat: 5 });
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    expect(await tenant.invoices()).toEqual([]);
    expect((await tenant.told()).filter((type) => type === 'subscription.started')).toHaveLength(1);
    await stripe.advanceDays(15);
    await tenant.bill();
    expect(await tenant.invoices()).toMatchObject([{ status: 'PAID', total: { amount: '49.00' } }]);
  });

  test('the plan’s own trial is offered once, and one that was used up meanwhile is not given again', async () => {
    const tenant = await StripeTenant.create(stripe, [{ code: 'tried', month: '49.00', trialDays: 14 }]);
    expect(await tenant.offerPlan('tried', { trialDays: 0 }, { dryRun: true })).toMatchObject({
      checkout: { trialDays: null },
    });
    const { checkout } = await tenant.offerPlan('tried');
    expect(checkout).toMatchObject({ trialDays: 14 });
    expect((await tenant.start('tried')).subscription.status).toBe('TRIALING');
    await tenant.act('cancelSubscription', { reason: 'no', when: 'NOW' }, 'subscription { status }');
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    expect(await tenant.checkouts(true)).toMatchObject([{ parkedReason: 'TRIAL_USED' }]);
    expect(await tenant.offerPlan('tried')).toMatchObject({ checkout: { trialDays: null } });

    const other = await StripeTenant.of(stripe, tenant.world);
    const offered = await other.offerPlan('tried');
    await stripe.standIn.fillIn(offered.checkout.url);
    await stripe.settle();
    expect(await other.invoices()).toEqual([]);
    await other.act('cancelSubscription', { reason: 'no', when: 'NOW' }, 'subscription { status }');
    expect((await other.start('tried')).subscription.status).toBe('ACTIVE');
  });

  test('subscribed in another way meanwhile: the card is kept, the checkout is parked', async () => {
    const tenant = await StripeTenant.create(stripe, plans);
    const { checkout } = await tenant.offerPlan('growth');
    await tenant.start('starter');
    await stripe.standIn.fillIn(checkout.url);
    await stripe.settle();
    expect(await tenant.checkouts(true)).toMatchObject([{ parkedReason: 'ALREADY_SUBSCRIBED' }]);
    expect(await tenant.invoices()).toMatchObject([{ total: { amount: '49.00' } }]);
  });

  test('each refusal', async () => {
    const tenant = await StripeTenant.create(stripe, plans);
    const code = async (plan: string, input: object = {}) => (await tenant.offerPlan(plan, input)).code;
    expect(await code('nothing')).toBe('PLAN_NOT_FOUND');
    expect(await code('enterprise', { interval: 'YEAR' })).toBe('PRICE_NOT_FOUND');
    expect(await code('starter', { quantity: 0 })).toBe('INVALID_INPUT');
    expect(await code('starter', { trialDays: 731 })).toBe('INVALID_INPUT');
    expect(await code('starter', { cancelUrl: 'ftp://shop.example' })).toBe('INVALID_INPUT');
    expect(await code('starter', { quantity: 2_147_483_647 })).toBe('AMOUNT_NOT_CHARGEABLE');
  });
});

describe('the portal', () => {
  test('a link for who Stripe knows, none for who it does not, and none while it does not answer', async () => {
    const tenant = await StripeTenant.create(stripe, plans);
    const link = (options = '') =>
      tenant.act('createPortalLink', { returnUrl: 'https://shop.example/' }, 'url dryRun', options);
    expect((await link()).code).toBe('CUSTOMER_NOT_FOUND');
    await tenant.offerPlan('starter');
    expect((await link()).url).toContain('/p/session/');
    expect(await link(', dryRun: true')).toEqual({ url: null, dryRun: true });
    stripe.standIn.trouble('POST /v1/billing_portal/sessions', 'ERROR_500_BEFORE');
    expect(await link()).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true });
  });
});

test('what must always hold, holds', async () => {
  expect(await brokenInvariants(stripe)).toEqual([]);
});
