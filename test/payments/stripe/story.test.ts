import { type StripeGateway, StripeTenant, startStripeGateway } from '../../support/stripe/gateway';

let stripe: StripeGateway;
beforeAll(async () => {
  stripe = await startStripeGateway();
});
afterAll(() => stripe.stop());

const plans = [
  { code: 'starter', rank: 10, month: '49.00' },
  { code: 'growth', rank: 20, month: '199.00' },
];

/** A tenant on Growth that buys an add-on of 149.00 at Stripe's page. */
async function withTrack(): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, plans);
  await tenant.world.addon('track', '149.00', { minimumPlan: 'growth', features: [{ feature: 'tracks' }] });
  await tenant.start('growth');
  return tenant;
}

const cardOf = async (tenant: StripeTenant, card: string) => {
  const client = stripe.standIn.client();
  const subscription = stripe.standIn.books.all('subscription')[0]!;
  const method = await client.paymentMethods.attach(card, { customer: subscription.customer });
  await client.subscriptions.update(subscription.id, { default_payment_method: method.id });
  await stripe.settle();
  return tenant;
};

test('checkout → signed webhook → attachment and entitlement live → renewal → failed payment → recovery → cancellation', async () => {
  const tenant = await withTrack();
  expect(await tenant.allowed('tracks')).toBe(false);

  // Checkout: the page is open, nothing is attached.
  const { checkout } = await tenant.offerAddon('track');
  expect(checkout).toMatchObject({ status: 'OPEN', total: { amount: '149.00', currency: 'EUR' } });
  expect(await tenant.allowed('tracks')).toBe(false);

  // The customer pays; Stripe's signed events arrive over HTTP.
  expect((await stripe.standIn.fillIn(checkout.url)).status).toBe(200);
  await stripe.settle();
  expect(stripe.standIn.hooks.deliveries.every(({ status }) => status === 200)).toBe(true);
  expect(await tenant.attachments()).toMatchObject([
    { status: 'ACTIVE', billedBy: 'STRIPE', addon: { code: 'track' }, checkout: { providerStatus: 'active' } },
  ]);
  expect(await tenant.allowed('tracks')).toBe(true);
  const [first] = await tenant.checkouts();
  expect(first).toMatchObject({ status: 'COMPLETED', url: null, collected: [{ amount: { amount: '149.00' } }] });
  // What Stripe bills is on none of our invoices: only the plan was.
  expect((await tenant.invoices()).map(({ total }) => total.amount)).toEqual(['199.00']);

  // Renewal: Stripe collects the next month; ours has the plan alone.
  await stripe.advanceDays(32);
  await tenant.bill();
  const [renewed] = await tenant.checkouts();
  expect(renewed.collected.map(({ amount }: { amount: { amount: string } }) => amount.amount)).toEqual([
    '149.00',
    '149.00',
  ]);
  const [attachment] = await tenant.attachments();
  expect(attachment.providerPeriod.start).toBe(renewed.collected[0].period.start);
  expect((await tenant.invoices()).map(({ total }) => total.amount)).toEqual(['199.00', '199.00']);

  // A payment fails: access goes on while Stripe tries again.
  await cardOf(tenant, 'pm_card_chargeCustomerFail');
  await stripe.advanceDays(31);
  expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE', checkout: { providerStatus: 'past_due' } }]);
  expect(await tenant.allowed('tracks')).toBe(true);

  // Recovery: another card, the retry succeeds.
  await cardOf(tenant, 'pm_card_visa');
  await stripe.advanceDays(4);
  expect(await tenant.attachments()).toMatchObject([{ status: 'ACTIVE', checkout: { providerStatus: 'active' } }]);
  expect((await tenant.checkouts())[0].collected).toHaveLength(3);

  // Cancellation: to the end of the period that is paid, at Stripe too.
  const { id } = (await tenant.attachments())[0];
  const cancelled = await tenant.act(
    'cancelAddon',
    { addonSubscriptionId: id, reason: 'no longer needed' },
    'addonSubscription { status endsAt providerPeriod { end } } creditNote { number }',
  );
  expect(cancelled).toMatchObject({ addonSubscription: { status: 'CANCELLING' }, creditNote: null });
  expect(cancelled.addonSubscription.endsAt).toBe(cancelled.addonSubscription.providerPeriod.end);
  await stripe.settle();
  expect(stripe.standIn.books.all('subscription')[0]).toMatchObject({ cancel_at_period_end: true, status: 'active' });
  await stripe.advanceDays(31);
  await tenant.bill();
  expect(stripe.standIn.books.all('subscription')[0]!.status).toBe('canceled');
  expect(await tenant.attachments()).toMatchObject([{ status: 'ENDED', endKind: 'CANCELLED' }]);
  expect(await tenant.allowed('tracks')).toBe(false);

  const told = (await tenant.told()).filter(
    (type) => type.startsWith('addon_subscription') || type.startsWith('checkout'),
  );
  expect(told).toEqual([
    'checkout.created',
    'addon_subscription.created',
    'checkout.paid',
    'checkout.completed',
    'checkout.paid',
    'addon_subscription.renewed',
    'addon_subscription.renewed',
    'addon_subscription.past_due',
    'checkout.paid',
    'addon_subscription.recovered',
    'addon_subscription.cancelled',
    'addon_subscription.ended',
  ]);
  // Three months, and not one charge more.
  expect(
    stripe.standIn.taken().filter(({ customer }) => customer === stripe.standIn.books.all('subscription')[0]!.customer)
      .length,
  ).toBe(3);
});
