import { type AddonAvailability, addonAvailability } from '../../src/catalog/addon';
import { type AllowanceProblem, allowanceProblem, type FeatureAllowance } from '../../src/catalog/feature';
import { priceFor } from '../../src/catalog/plan';
import { instant } from '../../src/core/calendar';
import { decimal } from '../../src/core/decimal';
import { money } from '../../src/core/money';
import { mergeEntitlement } from '../../src/entitlements/entitlement';
import { eur, id, someAddon, someFeature, somePlan, someVersion } from '../support/arbitraries';

describe('which plan sells which add-on', () => {
  const importer = someAddon({ code: 'importer_distributor', minimumPlanRank: 1 });
  const provider = someAddon({ code: 'provider_track', minimumPlanRank: 2 });
  const assurance = someAddon({ code: 'provider_assurance', minimumPlanRank: 3 });
  const anywhere = someAddon({ code: 'extra_seats' });
  const plans = {
    free: [somePlan({ code: 'free', rank: 0 }), someVersion()],
    starter: [somePlan({ code: 'starter', rank: 1 }), someVersion()],
    growth: [somePlan({ code: 'growth', rank: 2 }), someVersion()],
    pro: [somePlan({ code: 'pro', rank: 3 }), someVersion({ includedAddonIds: [importer.id] })],
    enterprise: [somePlan({ code: 'enterprise', rank: 4 }), someVersion({ includesAllAddons: true })],
    // Included, although its own rank would be too low to buy it.
    special: [somePlan({ code: 'special', rank: 0 }), someVersion({ includedAddonIds: [assurance.id] })],
  } as const;
  const [no, may, has]: AddonAvailability[] = ['NOT_AVAILABLE', 'AVAILABLE', 'INCLUDED'];

  // S001: importer_distributor from Starter, provider_track from Growth, provider_assurance from Pro; Enterprise has all.
  test.each<[keyof typeof plans, ...(AddonAvailability | undefined)[]]>([
    ['free', no, no, no, may],
    ['starter', may, no, no, may],
    ['growth', may, may, no, may],
    ['pro', has, may, may, may],
    ['enterprise', has, has, has, has],
    ['special', no, no, has, may],
  ])('%s: importer %s, provider %s, assurance %s, seats %s', (name, ...expected) => {
    const [plan, version] = plans[name];
    expect([importer, provider, assurance, anywhere].map((addon) => addonAvailability(plan, version, addon))).toEqual(
      expected,
    );
  });
});

describe('the price of an interval and a currency', () => {
  const prices = [
    { interval: 'MONTH' as const, amount: eur('49.00') },
    { interval: 'YEAR' as const, amount: eur('490.00') },
    { interval: 'MONTH' as const, amount: money(5900n, 'USD') },
  ];
  test('is one of those that are there, or none', () => {
    expect(priceFor(prices, 'MONTH', 'EUR')).toBe(prices[0]);
    expect(priceFor(prices, 'YEAR', 'EUR')).toBe(prices[1]);
    expect(priceFor(prices, 'MONTH', 'USD')).toBe(prices[2]);
    expect(priceFor(prices, 'YEAR', 'USD')).toBeUndefined();
    expect(priceFor([], 'MONTH', 'EUR')).toBeUndefined();
  });
});

describe('what is wrong with an allowance', () => {
  const calls = someFeature({ code: 'calls', kind: 'METERED' });
  const sso = someFeature({ code: 'sso', kind: 'BOOLEAN' });
  const tier = someFeature({ code: 'tier', kind: 'CONFIG', valueOrder: ['silver', 'gold'] });
  const retention = someFeature({ code: 'retention', kind: 'CONFIG' });
  const ten = decimal('10');

  test.each<[string, typeof calls, Partial<FeatureAllowance>, AllowanceProblem | undefined]>([
    ['a limit and a reset period', calls, { limit: ten, resetPeriod: 'MONTH' }, undefined],
    ['a limit of 0', calls, { limit: decimal('0'), resetPeriod: 'NEVER' }, undefined],
    ['unlimited', calls, { unlimited: true, resetPeriod: 'MONTH' }, undefined],
    ['no limit', calls, { resetPeriod: 'MONTH' }, 'LIMIT_REQUIRED'],
    ['a limit and unlimited', calls, { limit: ten, unlimited: true, resetPeriod: 'MONTH' }, 'LIMIT_REQUIRED'],
    ['no reset period', calls, { limit: ten }, 'RESET_PERIOD_REQUIRED'],
    ['unlimited without a reset period', calls, { unlimited: true }, 'RESET_PERIOD_REQUIRED'],
    ['a metered value', calls, { limit: ten, resetPeriod: 'MONTH', value: '5' }, 'VALUE_NOT_APPLICABLE'],
    ['a flag', sso, {}, undefined],
    ['a flag with a limit', sso, { limit: ten }, 'LIMIT_NOT_APPLICABLE'],
    ['a flag without a limit, said so', sso, { unlimited: true }, 'LIMIT_NOT_APPLICABLE'],
    ['a flag that starts over', sso, { resetPeriod: 'MONTH' }, 'LIMIT_NOT_APPLICABLE'],
    ['a flag with a value', sso, { value: 'yes' }, 'VALUE_NOT_APPLICABLE'],
    ['a value of the order', tier, { value: 'gold' }, undefined],
    ['a value that is not of the order', tier, { value: 'platinum' }, 'VALUE_UNKNOWN'],
    ['a property name', tier, { value: '__proto__' }, 'VALUE_UNKNOWN'],
    ['no value', tier, {}, 'VALUE_REQUIRED'],
    ['an empty value', tier, { value: '' }, 'VALUE_REQUIRED'],
    ['a value with a limit', tier, { value: 'gold', limit: ten }, 'LIMIT_NOT_APPLICABLE'],
    ['a number', retention, { value: '30' }, undefined],
    ['a decimal', retention, { value: '-0.5' }, undefined],
    ['a word where there is no order', retention, { value: 'thirty' }, 'VALUE_UNKNOWN'],
    ['an exponent', retention, { value: '1e9' }, 'VALUE_UNKNOWN'],
    ['a number with a leading zero', retention, { value: '030' }, 'VALUE_UNKNOWN'],
    ['negative zero', retention, { value: '-0' }, 'VALUE_UNKNOWN'],
    ['13 fraction digits', retention, { value: '0.0000000000001' }, 'VALUE_UNKNOWN'],
    ['400 digits', retention, { value: '9'.repeat(400) }, 'VALUE_UNKNOWN'],
  ])('%s', (_name, feature, allowance, problem) => {
    expect(allowanceProblem(feature, { featureId: feature.id, unlimited: false, ...allowance })).toBe(problem);
  });

  test.each(['7', '007', '-0', '-0.0', '00.5', '1.50', '0.000000000001', '-3'])(
    'a value that may be published can be compared with others: %s',
    (value) => {
      const allowance = { featureId: retention.id, unlimited: false, value };
      if (allowanceProblem(retention, allowance) !== undefined) return;
      const source = (sourceId: string, given: string) => ({
        ...{ featureId: retention.id, featureCode: retention.code, kind: 'CONFIG' as const, sourceId },
        ...{ sourceKind: 'ADDON' as const, sourceName: sourceId, catalogId: id<'Addon'>(sourceId), quantity: 1n },
        ...{ unlimited: false, value: given, startsAt: instant('2026-01-01T00:00:00Z') },
      });
      expect(mergeEntitlement([source('one', value), source('two', '100')], [])!.value).toBe('100');
    },
  );
});
