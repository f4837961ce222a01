import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway({ world: 'demo' });
  world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls', 'METERED', { unit: 'calls' });
  await world.feature('sso', 'BOOLEAN');
});
afterAll(() => gateway.stop());

const model = `kind timing amount packageSize tiers { upTo unitPrice flat } percent fixedFee minimum maximum flatAtZero`;
const allowances = `allowances { feature { code } limit usagePrices { currency inside { ${model} } overage { ${model} } } }`;

let serial = 0;
const month = (amount = '10', currency = 'EUR') => ({ interval: 'MONTH', price: { amount, currency } });
const calls = (usagePrices: object[], extra: object = {}) => ({
  ...{ feature: 'calls', limit: '1000', resetPeriod: 'MONTH', usagePrices },
  ...extra,
});

function createPlan(features: object[], prices = [month()]) {
  serial += 1;
  const input = { partnerId: world.partnerId, code: `plan${serial}`, name: 'Plan', rank: serial, prices, features };
  return world.act('createPlan', input, `plan { code currentVersion { ${allowances} } }`);
}

function createAddon(features: object[], prices = [month()]) {
  serial += 1;
  const input = { partnerId: world.partnerId, code: `addon${serial}`, name: 'Addon', prices, features };
  return world.act('createAddon', input, `addon { code ${allowances} }`);
}

const empty = {
  ...{ timing: 'IN_ARREARS', amount: null, packageSize: null, tiers: null, percent: null, fixedFee: null },
  ...{ minimum: null, maximum: null, flatAtZero: null },
};
const tiers = [
  { upTo: '100', unitPrice: '0.1', flat: null },
  { upTo: null, unitPrice: '0.0000012345', flat: '5' },
];

describe('what units cost is sold with a plan or an add-on, and shown as it was given', () => {
  test.each<[string, object, object]>([
    ['FLAT', { kind: 'FLAT', amount: '7.50' }, { kind: 'FLAT', amount: '7.5', flatAtZero: false }],
    [
      'FLAT in advance',
      { kind: 'FLAT', amount: '7', timing: 'IN_ADVANCE' },
      { kind: 'FLAT', amount: '7', flatAtZero: true, timing: 'IN_ADVANCE' },
    ],
    ['PER_UNIT', { kind: 'PER_UNIT', amount: '0.0015' }, { kind: 'PER_UNIT', amount: '0.0015' }],
    ['GRADUATED', { kind: 'GRADUATED', tiers }, { kind: 'GRADUATED', tiers, flatAtZero: false }],
    ['VOLUME', { kind: 'VOLUME', tiers, flatAtZero: true }, { kind: 'VOLUME', tiers, flatAtZero: true }],
    [
      'PACKAGE',
      { kind: 'PACKAGE', amount: '3', packageSize: '100' },
      { kind: 'PACKAGE', amount: '3', packageSize: '100' },
    ],
    [
      'PERCENTAGE',
      { kind: 'PERCENTAGE', percent: '2.9', fixedFee: '0.30', maximum: '50' },
      { kind: 'PERCENTAGE', percent: '2.9', fixedFee: '0.3', maximum: '50' },
    ],
  ])('%s', async (_kind, given, shown) => {
    const sold = calls([{ currency: 'EUR', inside: given }]);
    const expected = [
      {
        feature: { code: 'calls' },
        limit: '1000',
        usagePrices: [{ currency: 'EUR', inside: { ...empty, ...shown }, overage: null }],
      },
    ];
    const { plan } = await createPlan([sold]);
    expect(plan.currentVersion.allowances).toEqual(expected);
    const { addon } = await createAddon([sold]);
    expect(addon.allowances).toEqual(expected);
    const again = await gateway.get(
      'super-admin',
      `query ($partnerId: ID, $code: ID!) { addon(id: $code, partnerId: $partnerId) { ${allowances} } }`,
      { partnerId: world.partnerId, code: addon.code },
    );
    expect(again.allowances).toEqual(expected);
  });

  const perUnit = { kind: 'PER_UNIT', amount: '0.01' };
  const eur = (inside: object) => [{ currency: 'EUR', inside }];
  test.each<[string, object, string[], RegExp]>([
    ['a member that is missing', calls(eur({ kind: 'PACKAGE', amount: '1' })), ['0', 'inside'], /needs packageSize/],
    ['a member of another kind', calls(eur({ ...perUnit, percent: '5' })), ['0', 'inside'], /has no percent/],
    ['a negative price', calls(eur({ kind: 'PER_UNIT', amount: '-1' })), ['0', 'inside'], /not negative/],
    [
      'tiers without an end',
      calls(eur({ kind: 'VOLUME', tiers: [{ upTo: '5', unitPrice: '1' }] })),
      ['0', 'inside'],
      /the last has no end/,
    ],
    ['no tiers', calls(eur({ kind: 'GRADUATED', tiers: [] })), ['0', 'inside'], /1 to 50 tiers/],
    ['101 %', calls(eur({ kind: 'PERCENTAGE', percent: '101' })), ['0', 'inside'], /at most 100/],
    [
      'a package of less than one',
      calls(eur({ kind: 'PACKAGE', amount: '1', packageSize: '0.5' })),
      ['0', 'inside'],
      /at least one unit/,
    ],
    ['a count in advance', calls(eur({ ...perUnit, timing: 'IN_ADVANCE' })), ['0', 'inside'], /known in advance/],
    [
      'overage in advance',
      calls([{ currency: 'EUR', overage: { kind: 'FLAT', amount: '5', timing: 'IN_ADVANCE' } }]),
      ['0', 'overage'],
      /Nobody knows in advance/,
    ],
    [
      'two prices in one currency',
      calls([...eur(perUnit), ...eur(perUnit)]),
      ['1', 'currency'],
      /two usage prices in EUR/,
    ],
    ['a price that says nothing', calls([{ currency: 'EUR' }]), ['0'], /inside the limit, beyond it, or both/],
    ['no price in the currency it is sold in', calls([{ currency: 'USD', inside: perUnit }]), [], /sold in EUR/],
  ])('%s is refused, and says where', async (_what, feature, path, message) => {
    const refusal = {
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
      path: ['input', 'features', '0', 'usagePrices', ...path],
    };
    expect(await createPlan([feature])).toMatchObject(refusal);
    expect(await createAddon([feature])).toMatchObject(refusal);
  });

  test('what is not metered has no units to price', async () => {
    expect(await createPlan([{ feature: 'sso', usagePrices: eur(perUnit) }])).toMatchObject({
      code: 'INVALID_INPUT',
      path: ['input', 'features', '0'],
      message: 'Only the units of metered features have prices.',
    });
  });

  test('an add-on that is to be sold in a second currency needs its units priced there first', async () => {
    const { addon } = await createAddon([calls(eur(perUnit))]);
    const update = (input: object) =>
      world.act('updateAddon', { partnerId: world.partnerId, addon: addon.code, ...input }, `addon { ${allowances} }`);
    const prices = [month(), month('11', 'USD')];
    expect(await update({ prices })).toMatchObject({ code: 'INVALID_INPUT', path: ['input', 'prices'] });
    const both = [...eur(perUnit), { currency: 'USD', inside: { kind: 'PER_UNIT', amount: '0.011' } }];
    const updated = await update({ prices, features: [calls(both)] });
    expect(updated.addon.allowances[0].usagePrices.map((price: { currency: string }) => price.currency)).toEqual([
      'EUR',
      'USD',
    ]);
  });
});

test('a tenant has the prices it bought, whatever the catalog says later', async () => {
  const price = (amount: string) => ({ kind: 'PER_UNIT', amount });
  const { plan } = await createPlan([calls([{ currency: 'EUR', inside: price('0.01') }])]);
  const sold = [calls([{ currency: 'EUR', inside: price('0.01'), overage: price('0.02') }], { limit: '500' })];
  const { addon } = await createAddon(sold);
  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  await tenant.start(plan.code);
  await tenant.subscribe(addon.code);
  const dearer = [calls([{ currency: 'EUR', inside: price('9'), overage: price('9') }], { limit: '500' })];
  await world.act('updateAddon', { partnerId: world.partnerId, addon: addon.code, features: dearer }, 'addon { id }');
  await world.act(
    'publishPlanVersion',
    { partnerId: world.partnerId, plan: plan.code, prices: [month()], features: [calls([])] },
    'plan { id }',
  );
  await world.act('rebuildEntitlements', { tenantId: tenant.id }, 'changed');
  const [entitlement] = await gateway.get(
    'super-admin',
    `query ($id: ID) { entitlements(tenantId: $id) { limit sources { kind limit insidePrice { amount } overagePrice { amount } } } }`,
    { id: tenant.id },
  );
  expect(entitlement).toEqual({
    limit: '1500', // 1000 + 500
    sources: [
      { kind: 'PLAN', limit: '1000', insidePrice: { amount: '0.01' }, overagePrice: null },
      { kind: 'ADDON', limit: '500', insidePrice: { amount: '0.01' }, overagePrice: { amount: '0.02' } },
    ],
  });
  expect(await world.act('rebuildEntitlements', { tenantId: tenant.id }, 'changed')).toEqual({ changed: 0 });
});
