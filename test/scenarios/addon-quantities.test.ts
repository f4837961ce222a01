import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const january = '2026-01-01T00:00:00Z';
const the16th = '2026-01-16T00:00:00Z';

/** x costs 3.10 a month, 0.10 a day, and gives 10 calls each; top is sold from plan b. */
async function selling(): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR', paysAtOnce: true });
  await world.feature('calls');
  const calls = [{ feature: 'calls', limit: '10', resetPeriod: 'MONTH' }];
  await world.plan({ code: 'a', rank: 1, month: '31.00', year: '365.00' });
  await world.plan({ code: 'b', rank: 2, month: '62.00', year: '730.00' });
  await world.addon('x', '3.10', { features: calls }, '36.50');
  await world.addon('top', '6.20', { minimumPlan: 'b' });
  await world.addon('beside', '9.30', { requires: ['top'] });
  return world;
}

async function withX(world: World, quantity = 1, options: object = {}) {
  const tenant = await world.tenant(january);
  await tenant.start('a', { interval: 'MONTH' });
  const { addonSubscription } = await tenant.subscribe('x', { quantity, ...options });
  await tenant.advance(the16th);
  return { tenant, id: addonSubscription.id as string };
}

const attached = async (tenant: TenantOfWorld) => {
  const { nodes } = await gateway.get(
    'super-admin',
    'query ($id: ID) { addonSubscriptions(tenantId: $id, first: 50) { nodes { id status quantity endKind } } }',
    { id: tenant.id },
  );
  return nodes;
};

describe('a quantity change is its own act', () => {
  test('more: charged for the rest at once, as previewed; the same attachment goes on and is billed in full later', async () => {
    const { tenant, id } = await withX(await selling());
    const preview = await tenant.preview({ addons: [{ addon: 'x', quantity: 3 }] });
    // 16 of 31 days: 3.10 × 3 × 16/31 = 4.80, less 3.10 × 16/31 = 1.60
    expect(preview).toMatchObject({
      ...{ newCharge: { amount: '4.80' }, unusedCredit: { amount: '1.60' }, net: { amount: '3.20' } },
      documents: [{ kind: 'INVOICE', reason: 'ADDON', total: { amount: '3.20' } }],
      addons: [{ addon: { code: 'x' }, outcome: 'QUANTITY_CHANGED', credit: { amount: '1.60' } }],
      differences: [{ feature: { code: 'calls' }, before: '10 per month', after: '30 per month' }],
    });
    const dry = await tenant.changeQuantity(id, 3, { dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, changed: true, invoices: [{ total: { amount: '3.20' } }] });
    const changed = await tenant.changeQuantity(id, 3, { quote: preview.quote.token });
    expect(changed).toMatchObject({ changed: true, creditNotes: [], addonSubscription: { id, quantity: '3' } });
    expect(amountsOf(changed.invoices[0])).toEqual(['PRORATION_CREDIT -1.60', 'PRORATION_CHARGE 4.80']);
    expect(await tenant.check('calls')).toMatchObject({ limit: '30' });
    expect(await attached(tenant)).toEqual([{ id, status: 'ACTIVE', quantity: '3', endKind: null }]);
    const found = await gateway.get(
      'super-admin',
      'query ($id: ID!) { node(id: $id) { ... on AddonSubscription { id quantity } } }',
      { id },
    );
    expect(found).toEqual({ id, quantity: '3' });

    // The quantity that it has already is the same act.
    expect(await tenant.changeQuantity(id, 3)).toMatchObject({ changed: false, invoices: [], creditNotes: [] });
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 31.00', 'ADDON_FIXED 9.30']); // 3.10 × 3
    const history = await gateway.get(
      'super-admin',
      'query ($id: ID) { subscription(tenantId: $id) { history(last: 2) { nodes { kind facts } } } }',
      { id: tenant.id },
    );
    expect(history.history.nodes[0]).toMatchObject({ kind: 'ADDON_QUANTITY_CHANGED', facts: { from: '1', to: '3' } });
  });

  test('fewer: credited; there and back at one instant is nothing', async () => {
    const { tenant, id } = await withX(await selling(), 3);
    const lowered = await tenant.changeQuantity(id, 1);
    // 9.30 × 16/31 = 4.80 comes back, 3.10 × 16/31 = 1.60 is charged
    const given = lowered.creditNotes.reduce(
      (sum: number, note: { total: { amount: string } }) => sum + Number(note.total.amount),
      0,
    );
    const taken = lowered.invoices.reduce(
      (sum: number, one: { total: { amount: string } }) => sum + Number(one.total.amount),
      0,
    );
    expect((given - taken).toFixed(2)).toBe('3.20');
    const raised = await tenant.preview({ addons: [{ addon: 'x', quantity: 3 }] });
    expect(raised.net.amount).toBe('3.20');
    const ended = await tenant.cancelAddon(id, { when: 'NOW' });
    expect(ended.addonSubscription).toMatchObject({ id, status: 'ENDED' });
    expect(await attached(tenant)).toMatchObject([{ id, status: 'ENDED', endKind: 'CANCELLED' }]);
  });

  test('what waits for the next invoice goes on waiting, each quantity for its own days', async () => {
    const { tenant, id } = await withX(await selling(), 1, { charge: 'NEXT_INVOICE' });
    const changed = await tenant.changeQuantity(id, 3);
    expect(changed).toMatchObject({ changed: true, invoices: [], creditNotes: [] });
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    // 15 days of one unit, 16 of three: 3.10 − 1.60 and 4.80
    expect(amountsOf(invoices[0]).sort()).toEqual(
      [
        'ADDON_FIXED 9.30',
        'PLAN_FIXED 31.00',
        'PRORATION_CHARGE 3.10',
        'PRORATION_CHARGE 4.80',
        'PRORATION_CREDIT -1.60',
      ].sort(),
    );
  });

  test('in a trial nothing is charged; a discount that runs goes on with the add-on', async () => {
    const world = await selling();
    const trial = await world.tenant(january);
    await trial.start('a', { interval: 'MONTH', trialDays: 20 });
    const { addonSubscription } = await trial.subscribe('x');
    await trial.changeQuantity(addonSubscription.id, 4);
    const { invoices } = await trial.advance('2026-01-21T00:00:00Z');
    expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 31.00', 'ADDON_FIXED 12.40']); // 4 × 3.10

    await world.coupon('HALF', { kind: 'PERCENT', percent: '50', duration: 'FOREVER' });
    const tenant = await world.tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    const { addonSubscription: x } = await tenant.subscribe('x');
    await tenant.apply('HALF');
    await tenant.advance('2026-02-15T00:00:00Z');
    // Half of February: the credit is at half the price, and so is the charge: 3.10 × 2 × 14/28 ÷ 2 − 3.10 × 14/28 ÷ 2
    expect((await tenant.preview({ addons: [{ addon: 'x', quantity: 2 }] })).net.amount).toBe('0.77'); // 1.55 − 0.78, each rounded
    expect((await tenant.changeQuantity(x.id, 2)).changed).toBe(true);
  });

  test('refusals', async () => {
    const world = await selling();
    const { tenant, id } = await withX(world);
    expect(await tenant.changeQuantity(id, 0)).toMatchObject({ code: 'INVALID_INPUT' });
    const { quote } = await tenant.preview({ addons: [{ addon: 'x', quantity: 3 }] });
    expect(await tenant.changeQuantity(id, 4, { quote: quote.token })).toMatchObject({ code: 'QUOTE_INVALID' });
    const ending = await withX(world);
    await ending.tenant.cancel();
    expect(await ending.tenant.changeQuantity(ending.id, 2)).toMatchObject({ code: 'SUBSCRIPTION_ENDING' });
    await world.act('archiveAddon', { partnerId: world.partnerId, addon: 'x' }, 'addon { id }');
    expect(await tenant.changeQuantity(id, 2)).toMatchObject({ code: 'ADDON_ARCHIVED' });
    await tenant.cancelAddon(id, { when: 'NOW' });
    expect(await tenant.changeQuantity(id, 2)).toMatchObject({ code: 'ADDON_SUBSCRIPTION_ENDED' });
  });

  test('fifty at once are one change', async () => {
    const { tenant, id } = await withX(await selling());
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        for (;;) {
          const answer = await tenant.changeQuantity(id, 2);
          if (answer.code !== 'BUSY') return answer;
        }
      }),
    );
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1);
    expect(
      (await tenant.invoices()).filter(({ lines }) => lines.some(({ kind }) => kind === 'PRORATION_CREDIT')),
    ).toHaveLength(1);
  });
});

describe('no silent no', () => {
  test('subscribing again in another quantity, or charged at another time, says so', async () => {
    const { tenant, id } = await withX(await selling());
    expect(await tenant.subscribe('x', { quantity: 3 })).toMatchObject({
      code: 'ADDON_QUANTITY_DIFFERS',
      path: ['input', 'quantity'],
      facts: [
        { name: 'quantity', value: '1' },
        { name: 'addonSubscriptionId', value: id },
      ],
    });
    expect(await tenant.subscribe('x', { charge: 'NEXT_INVOICE' })).toMatchObject({ code: 'ADDON_CHARGE_DIFFERS' });
    for (const same of [{}, { quantity: 1 }, { charge: 'NOW' }]) {
      expect(await tenant.subscribe('x', same)).toMatchObject({ created: false, addonSubscription: { id } });
    }
    await tenant.cancelAddon(id);
    expect(await tenant.subscribe('x', { quantity: 2 })).toMatchObject({ code: 'ADDON_QUANTITY_DIFFERS' });
    const waits = await withX(await selling(), 2, { charge: 'NEXT_INVOICE' });
    expect(await waits.tenant.subscribe('x', { charge: 'NOW' })).toMatchObject({ code: 'ADDON_CHARGE_DIFFERS' });
    expect(await waits.tenant.subscribe('x')).toMatchObject({ created: false, addonSubscription: { quantity: '2' } });
  });

  test('a refund of what ends with its period', async () => {
    const { tenant, id } = await withX(await selling());
    expect(await tenant.cancelAddon(id, { settlement: 'REFUND' })).toMatchObject({ code: 'INVALID_INPUT' });
    expect(await tenant.cancel({ settlement: 'REFUND' })).toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('plan and add-ons in one act', () => {
  test('one quote, one invoice, all or nothing', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.advance(the16th);
    const order = { plan: 'b', addons: [{ addon: 'top' }, { addon: 'beside', quantity: 2 }] };
    const preview = await tenant.preview(order);
    // (62.00 − 31.00 + 6.20 + 2 × 9.30) × 16/31
    expect(preview).toMatchObject({ net: { amount: '28.80' }, total: { amount: '28.80' } });
    const changed = await tenant.change(order, { quote: preview.quote.token });
    expect(amountsOf(changed.invoices[0])).toEqual([
      ...['PRORATION_CREDIT -16.00', 'PRORATION_CHARGE 32.00', 'PRORATION_CHARGE 3.20', 'PRORATION_CHARGE 9.60'],
    ]);
    expect(changed.addonSubscriptions.map(({ addon }: { addon: { code: string } }) => addon.code)).toEqual([
      'top',
      'beside',
    ]);
    const { invoices } = await tenant.advance('2026-02-01T00:00:00Z');
    expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 62.00', 'ADDON_FIXED 6.20', 'ADDON_FIXED 18.60']);
  });

  test('a new period charges what is added whole; what cannot be with the plan refuses all', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    const yearly = await tenant.preview({ plan: 'a', interval: 'YEAR', addons: [{ addon: 'x', quantity: 2 }] });
    expect(yearly.net.amount).toBe('407.00'); // 365.00 + 2 × 36.50 − 31.00
    expect(await tenant.preview({ plan: 'a', interval: 'YEAR', addons: [{ addon: 'top' }] })).toMatchObject({
      code: 'PRICE_NOT_FOUND',
    });
    expect(await tenant.change({ addons: [{ addon: 'top' }] })).toMatchObject({
      code: 'ADDON_NOT_AVAILABLE_WITH_PLAN',
    });
    expect(await tenant.change({ plan: 'b', addons: [{ addon: 'beside' }] })).toMatchObject({
      code: 'ADDON_REQUIRES_ADDON',
    });
    expect(await tenant.change({ plan: 'b', addons: [{ addon: 'top' }, { addon: 'top' }] })).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await tenant.change({ plan: 'b', effective: 'PERIOD_END', addons: [{ addon: 'top' }] })).toMatchObject({
      code: 'INVALID_INPUT',
    });
    expect(await tenant.change({ addons: [] })).toMatchObject({ code: 'NO_CHANGE' });
  });

  test('the quote of one add-on alone is taken by subscribeAddon', async () => {
    const tenant = await (await selling()).tenant(january);
    await tenant.start('a', { interval: 'MONTH' });
    await tenant.advance(the16th);
    const { quote, total } = await tenant.preview({ addons: [{ addon: 'x' }] });
    expect(total.amount).toBe('1.60');
    expect(await tenant.subscribe('x', { quantity: 2 }, quote.token)).toMatchObject({ code: 'QUOTE_INVALID' });
    const { invoices, created } = await tenant.subscribe('x', {}, quote.token);
    expect([created, invoices[0].total.amount]).toEqual([true, '1.60']);
  });
});
