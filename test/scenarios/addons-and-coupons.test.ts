import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** The operator tracks of S001: three add-ons with their floors, Enterprise includes all. */
async function tracks(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', timeZone: 'Europe/Berlin', paysAtOnce: true });
  for (const code of ['importer_distributor', 'provider_track', 'provider_assurance'])
    await world.feature(code, 'BOOLEAN');
  await world.feature('api_calls', 'METERED', { unit: 'calls' });
  await world.plan({ code: 'free', rank: 0, month: '0' });
  await world.plan({
    code: 'starter',
    rank: 10,
    month: '49',
    year: '490',
    features: [{ feature: 'api_calls', limit: '1000', resetPeriod: 'MONTH' }],
  });
  await world.plan({ code: 'growth', rank: 20, month: '149' });
  await world.plan({ code: 'pro', rank: 30, month: '399' });
  await world.plan({ code: 'enterprise', rank: 40, month: '1499', includesAllAddons: true });
  const gives = (feature: string) => [{ feature }];
  await world.addon(
    'importer_distributor',
    '149',
    { minimumPlan: 'starter', features: gives('importer_distributor') },
    '1490',
  );
  await world.addon('provider_track', '499', { minimumPlan: 'growth', features: gives('provider_track') });
  await world.addon('provider_assurance', '899', { minimumPlan: 'pro', features: gives('provider_assurance') });
  return world;
}

const december = '2025-12-01T00:00:00+01:00';
const the21st = '2025-12-21T09:00:00Z';

describe('add-ons', () => {
  test('mid-period: the prorated rest at once, the full price at the renewal, then a price edit does not touch it', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    const first = await tenant.subscribe('importer_distributor');
    expect(amountsOf(first.invoice)).toEqual(['PRORATION_CHARGE 52.87']); // 149.00 × 11/31 = 52.8710
    const again = await tenant.subscribe('importer_distributor');
    expect(again).toMatchObject({
      created: false,
      invoice: null,
      addonSubscription: { id: first.addonSubscription.id },
    });
    await world.act(
      'updateAddon',
      {
        partnerId: world.partnerId,
        addon: 'importer_distributor',
        prices: [{ interval: 'MONTH', price: { amount: '199', currency: 'EUR' } }],
      },
      'addon { id }',
    );
    const { invoices } = await tenant.advance('2026-01-02T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 49.00', 'ADDON_FIXED 149.00']]);
  });

  test('floors: what is not sold with the plan says from which plan it is, and for how much', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    expect(await tenant.subscribe('provider_track')).toMatchObject({
      code: 'ADDON_NOT_AVAILABLE_WITH_PLAN',
      facts: expect.arrayContaining([{ name: 'availableFrom', value: 'growth' }]),
    });
    const denied = await tenant.check('provider_track');
    expect(denied).toMatchObject({ allowed: false, reason: 'NOT_ENTITLED' });
    expect(denied.unlocks).toMatchObject([
      {
        kind: 'PLAN_WITH_ADDON',
        toPlan: { code: 'growth' },
        addons: [{ addon: { code: 'provider_track' }, quantity: '1', addonSubscriptionId: null }],
        dueNow: { amount: '212.54' }, // 149.00 × 11/31 = 52.87, less 17.39 for starter; + 499.00 × 11/31 = 177.06
        recurring: { amount: '648.00' }, // 149.00 + 499.00
      },
      {
        kind: 'PLAN_WITH_ADDON',
        toPlan: { code: 'pro' },
        addons: [{ addon: { code: 'provider_track' } }],
        dueNow: { amount: '301.25' }, // 399.00 × 11/31 = 141.58, less 17.39; + 177.06
        recurring: { amount: '898.00' },
      },
      {
        kind: 'PLAN',
        toPlan: { code: 'enterprise' },
        addons: [],
        dueNow: { amount: '514.51' }, // 1499.00 × 11/31 = 531.90 − 17.39
        recurring: { amount: '1499.00' },
      },
    ]);
    const direct = await tenant.check('importer_distributor');
    expect(direct.unlocks[0]).toMatchObject({
      kind: 'ADDON',
      addons: [{ addon: { code: 'importer_distributor' } }],
      toPlan: null,
      dueNow: { amount: '52.87' },
    });
  });

  test('cancelled to the period end: access until then, no credit; subscribing again goes on with the same attachment', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    const { addonSubscription } = await tenant.subscribe('importer_distributor');
    const cancelled = await tenant.cancelAddon(addonSubscription.id);
    expect(cancelled).toMatchObject({
      creditNote: null,
      addonSubscription: { status: 'CANCELLING', endsAt: '2025-12-31T23:00:00.000Z' },
    });
    expect((await tenant.check('importer_distributor')).allowed).toBe(true);
    const resumed = await tenant.subscribe('importer_distributor');
    expect(resumed).toMatchObject({
      created: false,
      addonSubscription: { id: addonSubscription.id, status: 'ACTIVE' },
    });
    await tenant.cancelAddon(addonSubscription.id);
    const { invoices } = await tenant.advance('2026-01-05T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 49.00']]);
    expect((await tenant.check('importer_distributor')).allowed).toBe(false);
    const bought = await tenant.subscribe('importer_distributor');
    expect(bought.created).toBe(true);
    expect(bought.addonSubscription.id).not.toBe(addonSubscription.id);
  });

  test('cancelled now: a credit for the unused part, never more than was paid, pointing at the line it reverses', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    const { addonSubscription } = await tenant.subscribe('importer_distributor');
    await tenant.advance('2025-12-26T09:00:00Z');
    const { creditNote } = await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    expect(creditNote.total.amount).toBe('28.84'); // 149.00 × 6/31 = 28.8387
    expect(creditNote.lines[0].invoiceLineId).toMatch(/^line_/);
    expect(await tenant.balance()).toBe('28.84');
    expect((await tenant.check('importer_distributor')).allowed).toBe(false);
    // Cancelling again is the same act: nothing more is credited.
    await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    expect(await tenant.balance()).toBe('28.84');
  });

  test('on a plan change each attachment is judged again: included, not available, kept, refused', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('pro', { startAt: december });
    await tenant.subscribe('importer_distributor');
    await tenant.subscribe('provider_assurance');
    const up = await tenant.preview({ plan: 'enterprise' });
    expect(up.addons).toEqual([
      { addon: { code: 'importer_distributor' }, outcome: 'ENDS_INCLUDED', credit: { amount: '52.87' } }, // 149.00 × 11/31
      { addon: { code: 'provider_assurance' }, outcome: 'ENDS_INCLUDED', credit: { amount: '319.00' } }, // 899.00 × 11/31
    ]);
    const down = await tenant.preview({ plan: 'starter' });
    expect(down.addons).toEqual([
      { addon: { code: 'importer_distributor' }, outcome: 'CONTINUES', credit: { amount: '0.00' } },
      { addon: { code: 'provider_assurance' }, outcome: 'ENDS_NOT_AVAILABLE', credit: { amount: '319.00' } },
    ]);
    expect(await tenant.preview({ plan: 'starter', unavailableAddons: 'REFUSE' })).toMatchObject({
      code: 'ADDON_NOT_AVAILABLE_WITH_PLAN',
    });
    expect((await tenant.preview({ plan: 'starter', unavailableAddons: 'KEEP' })).addons[1].outcome).toBe('KEPT');
    await tenant.change({ plan: 'enterprise' });
    // Access goes on, from the plan now.
    expect(await tenant.check('provider_assurance')).toMatchObject({
      allowed: true,
      sources: [{ kind: 'PLAN', name: 'provider_assurance (included in enterprise)' }],
    });
    expect(await tenant.subscribe('provider_assurance')).toMatchObject({ code: 'ADDON_INCLUDED_IN_PLAN' });
  });

  test('add-ons that need another one, both ways', async () => {
    const world = await tracks();
    await world.addon('audit_pack', '20', { requires: ['importer_distributor'] });
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    expect(await tenant.subscribe('audit_pack')).toMatchObject({ code: 'ADDON_REQUIRES_ADDON' });
    const { addonSubscription } = await tenant.subscribe('importer_distributor');
    expect((await tenant.subscribe('audit_pack')).created).toBe(true);
    expect(await tenant.cancelAddon(addonSubscription.id)).toMatchObject({ code: 'ADDON_REQUIRED_BY_ADDON' });
  });

  test('a metered limit is the sum of plan and units; sources that reset at different times are refused by name', async () => {
    const world = await tracks();
    await world.addon('more_calls', '10', { features: [{ feature: 'api_calls', limit: '500', resetPeriod: 'MONTH' }] });
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    await tenant.subscribe('more_calls', { quantity: 3 });
    expect(await tenant.check('api_calls')).toMatchObject({
      allowed: true,
      reason: 'WITHIN_LIMIT',
      limit: '2500', // 1000 + 3 × 500
      sources: [
        { kind: 'PLAN', limit: '1000' },
        { kind: 'ADDON', limit: '1500', quantity: '3' },
      ],
      resetsAt: '2025-12-31T23:00:00.000Z',
    });
    // No plan of this partner includes all add-ons, so that such an add-on can be made at all.
    const apart = await World.create(gateway, { currency: 'EUR' });
    await apart.feature('api_calls');
    const calls = (resetPeriod: string) => [{ feature: 'api_calls', limit: '500', resetPeriod }];
    await apart.plan({ code: 'monthly', month: '10', features: calls('MONTH') });
    await apart.addon('yearly_calls', '10', { features: calls('YEAR') });
    const other = await apart.tenant(the21st);
    await other.start('monthly');
    const refused = await other.subscribe('yearly_calls');
    expect(refused).toMatchObject({ code: 'RESET_PERIOD_MISMATCH' });
    expect(refused.facts).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ value: expect.stringContaining('MONTH') }),
        { name: 'second', value: 'yearly_calls: YEAR' },
      ]),
    );
  });

  test('an interval change begins a new full period for plan and add-ons, at the prices of the new interval', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    await tenant.subscribe('importer_distributor');
    const changed = await tenant.change({ plan: 'starter', interval: 'YEAR' });
    expect(amountsOf(changed.invoice)).toEqual([
      'PRORATION_CREDIT -17.39', // 49.00 × 11/31 = 17.3871
      'PRORATION_CREDIT -52.87', // 149.00 × 11/31
      'PRORATION_CHARGE 490.00',
      'PRORATION_CHARGE 1490.00',
    ]);
    const { invoices } = await tenant.advance('2026-12-22T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 490.00', 'ADDON_FIXED 1490.00']]);
  });
});

describe('coupons', () => {
  test('10 uses under 60 parallel tenants: exactly 10', async () => {
    const world = await tracks();
    await world.coupon('TEN', { kind: 'PERCENT', percent: '10', maxRedemptions: 10 });
    const tenants = await Promise.all(Array.from({ length: 60 }, () => world.tenant(the21st)));
    await Promise.all(tenants.map((tenant) => tenant.start('starter', { startAt: december })));
    const answers = await Promise.all(tenants.map((tenant) => tenant.apply('ten')));
    expect(answers.filter((answer) => answer.created)).toHaveLength(10);
    expect(answers.filter((answer) => answer.code === 'COUPON_USED_UP')).toHaveLength(50);
    const rows = await gateway.database.asOwner<{ reserved_count: number; pending: number }>(
      `select reserved_count, (select count(*)::int from tenant_pending_coupons p where p.coupon_id = c.id) as pending
       from partner_coupons c where code = 'TEN'`,
    );
    expect(rows).toEqual([{ reserved_count: 10, pending: 10 }]);
  });

  test('applied 50 times at once by one tenant: one reservation; taken back, it is free again', async () => {
    const world = await tracks();
    await world.coupon('WELCOME10', {
      kind: 'FIXED',
      amounts: [{ amount: '10.00', currency: 'EUR' }],
      maxRedemptions: 1,
    });
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    const answers = await Promise.all(Array.from({ length: 50 }, () => tenant.apply('WELCOME10')));
    expect(new Set(answers.map((answer) => answer.pendingCoupon.id)).size).toBe(1);
    expect(answers.filter((answer) => answer.created)).toHaveLength(1);
    const other = await world.tenant(the21st);
    await other.start('starter', { startAt: december });
    expect(await other.apply('WELCOME10')).toMatchObject({ code: 'COUPON_USED_UP' });
    const removed = await world.act(
      'removePendingCoupon',
      { tenantId: tenant.id, pendingCouponId: answers[0].pendingCoupon.id },
      'pendingCoupon { status }',
    );
    expect(removed.pendingCoupon.status).toBe('REMOVED');
    expect((await other.apply('WELCOME10')).created).toBe(true);
    const { invoices } = await other.advance('2026-01-02T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 49.00', 'DISCOUNT -10.00']]);
    expect(invoices[0].total.amount).toBe('39.00');
    expect(await other.apply('WELCOME10')).toMatchObject({ code: 'COUPON_USED_UP' });
  });

  test('the order on an invoice is the partner’s, and the total is never below zero', async () => {
    const amounts: Record<string, string[]> = {
      TARGETED_FIRST: ['PLAN_FIXED 49.00', 'DISCOUNT -10.00', 'DISCOUNT -19.50'], // 49 − 10 = 39; 50 % of 39
      PERCENT_FIRST: ['PLAN_FIXED 49.00', 'DISCOUNT -24.50', 'DISCOUNT -10.00'], // 50 % of 49; then 10
      FIXED_FIRST: ['PLAN_FIXED 49.00', 'DISCOUNT -10.00', 'DISCOUNT -19.50'],
    };
    for (const couponOrder of Object.keys(amounts)) {
      const world = await World.create(gateway, {
        currency: 'EUR',
        timeZone: 'Europe/Berlin',
        couponOrder,
        paysAtOnce: true,
      });
      await world.plan({ code: 'starter', month: '49' });
      await world.coupon('HALF', { kind: 'PERCENT', percent: '50' });
      await world.coupon('TENOFF', { kind: 'FIXED', amounts: [{ amount: '10', currency: 'EUR' }], plans: ['starter'] });
      const tenant = await world.tenant(the21st);
      await tenant.start('starter', { startAt: december });
      await tenant.apply('HALF');
      await tenant.apply('TENOFF');
      const { invoices } = await tenant.advance('2026-01-02T00:00:00Z');
      expect(invoices.map(amountsOf)).toEqual([amounts[couponOrder]]);
    }
    const world = await World.create(gateway, { paysAtOnce: true });
    await world.plan({ code: 'starter', month: '49' });
    await world.coupon('ALL', { kind: 'PERCENT', percent: '100' });
    await world.coupon('HUGE', { kind: 'FIXED', amounts: [{ amount: '500', currency: 'USD' }] });
    const tenant = await world.tenant('2025-12-21T00:00:00Z');
    await tenant.start('starter', { startAt: '2025-12-01T00:00:00Z' });
    await tenant.apply('HUGE');
    await tenant.apply('ALL');
    const { invoices } = await tenant.advance('2026-01-02T00:00:00Z');
    expect(invoices[0]).toMatchObject({ total: { amount: '0.00' }, status: 'PAID' });
  });

  test('validation answers every reason at once and changes nothing', async () => {
    const world = await tracks();
    await world.coupon('PICKY', {
      kind: 'FIXED',
      amounts: [{ amount: '5', currency: 'USD' }],
      plans: ['pro'],
      intervals: ['YEAR'],
      validUntil: '2025-12-01T00:00:00Z',
      minimumAmounts: [{ amount: '1000', currency: 'EUR' }],
    });
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    const answer = await gateway.get(
      'super-admin',
      'query ($id: ID) { validateCoupon(code: "picky", tenantId: $id) { valid reasons coupon { code } } }',
      { id: tenant.id },
    );
    expect(answer).toEqual({
      valid: false,
      reasons: [
        'COUPON_EXPIRED',
        'COUPON_PLAN_NOT_ELIGIBLE',
        'COUPON_INTERVAL_NOT_ELIGIBLE',
        'COUPON_CURRENCY_NOT_SUPPORTED',
        'COUPON_MINIMUM_NOT_MET',
      ],
      coupon: { code: 'PICKY' },
    });
  });

  test('free periods take the plan and leave the add-ons', async () => {
    const world = await tracks();
    await world.coupon('TWOFREE', { kind: 'FREE_PERIODS', duration: 'REPEATING', durationPeriods: 2 });
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    await tenant.subscribe('importer_distributor');
    await tenant.apply('TWOFREE');
    const { invoices } = await tenant.advance('2026-03-02T00:00:00Z');
    expect(invoices.map((invoice: { total: { amount: string } }) => invoice.total.amount)).toEqual([
      '149.00', // January: 49 + 149 − 49
      '149.00', // February
      '198.00', // March
    ]);
  });

  test('a queued coupon that runs out before the next invoice gives its redemption back', async () => {
    const world = await tracks();
    await world.coupon('SOON', {
      kind: 'PERCENT',
      percent: '10',
      maxRedemptions: 1,
      validUntil: '2025-12-25T00:00:00Z',
    });
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    expect((await tenant.apply('SOON')).created).toBe(true);
    const { invoices } = await tenant.advance('2026-01-02T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 49.00']]);
    const rows = await gateway.database.asOwner(`select reserved_count from partner_coupons where code = 'SOON'`);
    expect(rows).toEqual([{ reserved_count: 0 }]);
  });
});

describe('subscriptions', () => {
  test('a billing day given: the first, shorter period is divided by the full one it lies in', async () => {
    const world = await tracks();
    const tenant = await world.tenant('2025-12-10T09:00:00Z');
    const { invoices, subscription } = await tenant.start('starter', { anchorDay: 1 });
    expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 34.77']); // 49.00 × 22/31 = 34.7742
    expect(subscription.currentPeriod.end).toBe('2025-12-31T23:00:00.000Z');
  });

  test('a year or a quarter with a billing day begins with the days up to the next such day', async () => {
    const world = await World.create(gateway);
    const price = (interval: string, amount: string) => ({ interval, price: { amount, currency: 'USD' } });
    const prices = [price('QUARTER', '92.00'), price('YEAR', '365.00')];
    const input = { partnerId: world.partnerId, code: 'whole', name: 'whole', rank: 1, prices };
    await world.act('createPlan', input, 'plan { id }');
    const start = async (interval: string) => {
      const { invoices, subscription } = await (await world.tenant('2026-01-10T00:00:00Z')).start('whole', {
        interval,
        anchorDay: 17,
      });
      return [amountsOf(invoices[0]), subscription.currentPeriod.end];
    };
    // 10 to 17 January is 7 of the 365 days to 17 January 2026: 365.00 × 7/365; of the quarter's 92: 92.00 × 7/92.
    expect(await start('YEAR')).toEqual([['PLAN_FIXED 7.00'], '2026-01-17T00:00:00.000Z']);
    expect(await start('QUARTER')).toEqual([['PLAN_FIXED 7.00'], '2026-01-17T00:00:00.000Z']);
  });

  test('a trial costs nothing, and its end begins the first period', async () => {
    const world = await tracks();
    const tenant = await world.tenant('2025-12-10T09:00:00Z');
    const started = await tenant.start('starter', { trialDays: 14 });
    expect(started).toMatchObject({ invoices: [], subscription: { status: 'TRIALING' } });
    expect((await tenant.subscribe('importer_distributor')).invoice).toBeNull();
    expect((await tenant.change({ plan: 'growth' })).net.amount).toBe('0.00');
    const { invoices } = await tenant.advance('2025-12-24T00:00:00Z');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 149.00', 'ADDON_FIXED 149.00']]);
    expect(invoices[0].period).toEqual({ start: '2025-12-23T23:00:00.000Z', end: '2026-01-23T23:00:00.000Z' });
  });

  test('cancelled now: plan and add-ons are credited, access ends; cancelled to the period end: nothing is', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    await tenant.subscribe('importer_distributor');
    const ended = await world.act(
      'cancelSubscription',
      { tenantId: tenant.id, reason: 'closing', when: 'NOW' },
      'subscription { status } creditNote { total { amount } lines { amount { amount } } }',
    );
    expect(ended).toMatchObject({
      subscription: { status: 'CANCELLED' },
      creditNote: {
        total: { amount: '70.26' },
        lines: [{ amount: { amount: '17.39' } }, { amount: { amount: '52.87' } }],
      },
    });
    expect((await tenant.check('importer_distributor')).allowed).toBe(false);
    expect(await tenant.subscribe('importer_distributor')).toMatchObject({ code: 'SUBSCRIPTION_REQUIRED' });
    // A new subscription may follow, and the credit pays for it.
    const again = await tenant.start('starter', { startAt: the21st });
    expect(again.invoices[0]).toMatchObject({
      total: { amount: '49.00' },
      creditApplied: { amount: '49.00' },
      status: 'PAID',
    });

    const other = await world.tenant(the21st);
    await other.start('starter', { startAt: december });
    await world.act('cancelSubscription', { tenantId: other.id, reason: 'closing' }, 'subscription { cancelAt }');
    expect(await other.change({ plan: 'growth' })).toMatchObject({ code: 'SUBSCRIPTION_ENDING' });
    const { invoices } = await other.advance('2026-02-02T00:00:00Z');
    expect(invoices).toEqual([]);
    expect((await other.check('api_calls')).allowed).toBe(false);
  });

  test('entitlements: rebuilding changes nothing where nothing is out of step, and `asOf` reads the past', async () => {
    const world = await tracks();
    const tenant = await world.tenant(the21st);
    await tenant.start('starter', { startAt: december });
    const { addonSubscription } = await tenant.subscribe('importer_distributor');
    await tenant.advance('2025-12-26T00:00:00Z');
    await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    const rebuilt = await world.act('rebuildEntitlements', { tenantId: tenant.id }, 'changed');
    expect(rebuilt.changed).toBe(0);
    expect((await tenant.check('importer_distributor')).allowed).toBe(false);
    expect((await tenant.check('importer_distributor', ', asOf: "2025-12-23T00:00:00Z"')).allowed).toBe(true);
    const granted = await world.act(
      'grantEntitlement',
      { tenantId: tenant.id, feature: 'importer_distributor', reason: 'goodwill', endsAt: '2026-01-15T00:00:00Z' },
      'grant { id }',
    );
    expect((await tenant.check('importer_distributor')).sources).toMatchObject([{ kind: 'GRANT', name: 'goodwill' }]);
    await world.act('revokeEntitlement', { tenantId: tenant.id, grantId: granted.grant.id }, 'grant { endsAt }');
    expect((await tenant.check('importer_distributor')).allowed).toBe(false);
  });
});
