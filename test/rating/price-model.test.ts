import { type DecimalValue, decimal } from '../../src/core/decimal';
import { compareExact, type Exact, exactOf, minus, plus } from '../../src/core/exact';
import { amountText } from '../../src/core/money';
import {
  type Climb,
  exactPrice,
  mostTiers,
  type PriceModel,
  priceModelProblem,
  priceOf,
  type Tier,
} from '../../src/rating/price-model';
import { checkExplanation } from '../core/recalculate';
import { percent, type Random, randomFrom, seed } from '../support/arbitraries';

const d = (text: string | number) => decimal(text);
const climb = (to: string, from = '0'): Climb => ({ from: d(from), to: d(to), opening: from === '0' });
const about = { name: 'calls', unit: 'calls' };

function amountOf(model: PriceModel, to: string, from?: string, currency: 'EUR' | 'JPY' | 'KWD' = 'EUR'): string {
  const { amount, explanation } = priceOf(model, climb(to, from), currency, about);
  checkExplanation(explanation);
  return amountText(amount);
}

const tier = (upTo: string | undefined, unitPrice: string, flat?: string): Tier => ({
  upTo: upTo === undefined ? undefined : d(upTo),
  unitPrice: d(unitPrice),
  flat: flat === undefined ? undefined : d(flat),
});
const perUnit = (price: string): PriceModel => ({ kind: 'PER_UNIT', unitPrice: d(price) });
const tiered = (kind: 'GRADUATED' | 'VOLUME', tiers: Tier[], flatAtZero = false): PriceModel => ({
  ...{ kind, tiers, flatAtZero },
});

describe('what a quantity costs', () => {
  const ladder = [tier('100', '0.10'), tier('1000', '0.05', '5'), tier(undefined, '0.01', '20')];
  test.each<[string, PriceModel, string, string | undefined, string]>([
    ['per unit: 1000 × 0.01', perUnit('0.01'), '1000', undefined, '10.00'],
    ['a rate is finer than a cent: 3 × 0.0015 = 0.0045', perUnit('0.0015'), '3', undefined, '0.00'],
    ['… and is rounded once: 3333 × 0.0015 = 4.9995', perUnit('0.0015'), '3333', undefined, '5.00'],
    ['a measured quantity: 2.5 × 0.333 = 0.8325', perUnit('0.333'), '2.5', undefined, '0.83'],
    ['half a cent goes up: 1 × 0.005', perUnit('0.005'), '1', undefined, '0.01'],
    ['graduated inside the first tier: 100 × 0.10', tiered('GRADUATED', ladder), '100', undefined, '10.00'],
    ['one unit more reaches the next: 10.00 + 1 × 0.05 + 5', tiered('GRADUATED', ladder), '101', undefined, '15.05'],
    ['its last unit: 10.00 + 900 × 0.05 + 5', tiered('GRADUATED', ladder), '1000', undefined, '60.00'],
    ['the last tier: 60.00 + 500 × 0.01 + 20', tiered('GRADUATED', ladder), '1500', undefined, '85.00'],
    ['a way within: 50 × 0.10 + 50 × 0.05 + 5', tiered('GRADUATED', ladder), '150', '50', '12.50'],
    ['a way that reached the tier before: 10 × 0.05', tiered('GRADUATED', ladder), '150', '140', '0.50'],
    ['volume: all at the first tier: 100 × 0.10', tiered('VOLUME', ladder), '100', undefined, '10.00'],
    ['volume: all at the second: 101 × 0.05 + 5', tiered('VOLUME', ladder), '101', undefined, '10.05'],
    ['volume: all at the third: 1500 × 0.01 + 20', tiered('VOLUME', ladder), '1500', undefined, '35.00'],
    ['volume goes on: 500 × 0.01 + 20', tiered('VOLUME', ladder), '1500', '1000', '25.00'],
    ['volume goes on in its tier: 100 × 0.01', tiered('VOLUME', ladder), '1500', '1400', '1.00'],
    [
      'a started package is due whole: 2 × 3.00',
      { kind: 'PACKAGE', packagePrice: d('3'), packageSize: d('100') },
      '101',
      undefined,
      '6.00',
    ],
    [
      'a full one is one: 1 × 3.00',
      { kind: 'PACKAGE', packagePrice: d('3'), packageSize: d('100') },
      '100',
      undefined,
      '3.00',
    ],
    [
      'what is left of a started package is paid: 1 × 3.00',
      { kind: 'PACKAGE', packagePrice: d('3'), packageSize: d('100') },
      '300',
      '101',
      '3.00',
    ],
    ['no unit, no package', { kind: 'PACKAGE', packagePrice: d('3'), packageSize: d('100') }, '0', undefined, '0.00'],
    ['flat with the first unit', { kind: 'FLAT', amount: d('7.5'), flatAtZero: false }, '1', undefined, '7.50'],
    ['flat once', { kind: 'FLAT', amount: d('7.5'), flatAtZero: false }, '9', '1', '0.00'],
    ['flat without a unit', { kind: 'FLAT', amount: d('7.5'), flatAtZero: false }, '0', undefined, '0.00'],
    ['flat at zero', { kind: 'FLAT', amount: d('7.5'), flatAtZero: true }, '0', undefined, '7.50'],
    ["a tier's fee at zero", tiered('GRADUATED', [tier(undefined, '1', '4')], true), '0', undefined, '4.00'],
    ['… and not otherwise', tiered('GRADUATED', [tier(undefined, '1', '4')]), '0', undefined, '0.00'],
    [
      '2.9 % of 100 + 0.30',
      { kind: 'PERCENTAGE', percent: percent('2.9'), fixedFee: d('0.30') },
      '100',
      undefined,
      '3.20',
    ],
    ['at least 1.00', { kind: 'PERCENTAGE', percent: percent('1'), minimum: d('1') }, '50', undefined, '1.00'],
    ['at most 5.00', { kind: 'PERCENTAGE', percent: percent('10'), maximum: d('5') }, '80', undefined, '5.00'],
    ['of nothing is nothing', { kind: 'PERCENTAGE', percent: percent('10'), minimum: d('5') }, '0', undefined, '0.00'],
    ['goes on: 10 % of 80 − 10 % of 30', { kind: 'PERCENTAGE', percent: percent('10') }, '80', '30', '5.00'],
    [
      'goes on up to its most: 5.00 − 3.00',
      { kind: 'PERCENTAGE', percent: percent('10'), maximum: d('5') },
      '80',
      '30',
      '2.00',
    ],
  ])('%s', (_sum, model, to, from, expected) => {
    expect(amountOf(model, to, from)).toBe(expected);
  });

  test('a flat fee at zero is due where a window opens, and only there', () => {
    const model: PriceModel = { kind: 'FLAT', amount: d('7.5'), flatAtZero: true };
    const later: Climb = { from: d(0), to: d(10), opening: false };
    expect(amountText(priceOf(model, later, 'EUR', about).amount)).toBe('0.00');
  });

  test('the currency says where rounding happens: 100 × 0.0015', () => {
    expect(amountOf(perUnit('0.0015'), '100', undefined, 'JPY')).toBe('0');
    expect(amountOf(perUnit('0.0015'), '100', undefined, 'KWD')).toBe('0.150');
  });

  test('a line explains itself', () => {
    const { explanation } = priceOf(tiered('GRADUATED', ladder), climb('150', '50'), 'EUR', {
      ...about,
      source: { kind: 'PLAN', id: 'plan', name: 'Pro' },
    });
    expect(explanation.sentence).toBe('calls, from 50 calls on: 50 calls × 0.1 + 50 calls × 0.05 + 5 = 12.50 EUR.');
    expect(explanation.formula).toBe('tier1Units * tier1Price + tier2Units * tier2Price + tier2Flat');
    expect(explanation.operands[0]).toEqual({
      name: 'tier1Units',
      value: '50',
      unit: 'calls',
      source: { kind: 'PLAN', id: 'plan', name: 'Pro' },
    });
    expect(explanation.rule).toBe('USAGE_GRADUATED');
  });
});

test.each<[string, PriceModel]>([
  ['a negative price', perUnit('-1')],
  ['no tier', tiered('GRADUATED', [])],
  ['a last tier that ends', tiered('GRADUATED', [tier('10', '1')])],
  ['an inner tier without an end', tiered('VOLUME', [tier(undefined, '1'), tier(undefined, '1')])],
  ['tiers that do not rise', tiered('GRADUATED', [tier('10', '1'), tier('10', '1'), tier(undefined, '1')])],
  ['a tier that ends at 0', tiered('GRADUATED', [tier('0', '1'), tier(undefined, '1')])],
  [
    'too many tiers',
    tiered('GRADUATED', [
      ...Array.from({ length: mostTiers }, (_, index) => tier(String(index + 1), '1')),
      tier(undefined, '1'),
    ]),
  ],
  ['a package of nothing', { kind: 'PACKAGE', packagePrice: d(1), packageSize: d(0) }],
  ['a maximum below the minimum', { kind: 'PERCENTAGE', percent: percent('1'), minimum: d(2), maximum: d(1) }],
])('%s is no price', (_what, model) => {
  expect(priceModelProblem(model)).toBeDefined();
});

describe('laws', () => {
  const text = (random: Random, digits: number, decimals: number) => {
    const whole = random.minorUnits(digits).toString();
    return random.chance(0.5)
      ? whole
      : `${whole}.${String(random.whole(0, 10 ** decimals - 1)).padStart(decimals, '0')}`;
  };
  const price = (random: Random) => d(text(random, 3, random.whole(1, 6)));
  const quantity = (random: Random) => d(text(random, 5, random.whole(1, 3)));
  function tiers(random: Random): Tier[] {
    let upTo: DecimalValue = d(0);
    const inner = Array.from({ length: random.whole(0, 4) }, () => {
      upTo = upTo.plus(quantity(random)).plus(1);
      return { upTo, unitPrice: price(random), flat: random.chance(0.3) ? price(random) : undefined };
    });
    return [...inner, { unitPrice: price(random), flat: random.chance(0.3) ? price(random) : undefined }];
  }
  const models: Readonly<Record<PriceModel['kind'], (random: Random) => PriceModel>> = {
    FLAT: (random) => ({ kind: 'FLAT', amount: price(random), flatAtZero: random.chance(0.5) }),
    PER_UNIT: (random) => ({ kind: 'PER_UNIT', unitPrice: price(random) }),
    GRADUATED: (random) => ({ kind: 'GRADUATED', tiers: tiers(random), flatAtZero: random.chance(0.5) }),
    VOLUME: (random) => ({ kind: 'VOLUME', tiers: tiers(random), flatAtZero: random.chance(0.5) }),
    PACKAGE: (random) => ({ kind: 'PACKAGE', packagePrice: price(random), packageSize: quantity(random).plus(1) }),
    PERCENTAGE: (random) => {
      const minimum = random.chance(0.5) ? price(random) : undefined;
      return {
        kind: 'PERCENTAGE',
        percent: percent(String(random.whole(1, 100))),
        fixedFee: random.chance(0.5) ? price(random) : undefined,
        minimum,
        maximum: random.chance(0.5) ? price(random).plus(minimum ?? 0) : undefined,
      };
    },
  };
  const isEqual = (first: Exact, second: Exact) => compareExact(first, second) === 0;
  const whole = (to: DecimalValue): Climb => ({ from: d(0), to, opening: true });
  const rest = (from: DecimalValue, to: DecimalValue): Climb => ({ from, to, opening: false });

  describe.each(Object.keys(models) as PriceModel['kind'][])('%s', (kind) => {
    const cases = 400;
    const random = randomFrom(seed);
    const some = () => {
      const counts = [quantity(random), quantity(random)].sort((first, second) => first.comparedTo(second));
      return { model: models[kind](random), from: counts[0]!, to: counts[1]! };
    };

    test('is never negative, and explains itself to the cent', () => {
      for (let index = 0; index < cases; index += 1) {
        const { model, from, to } = some();
        expect(priceModelProblem(model)).toBeUndefined();
        for (const way of [whole(to), rest(from, to)]) {
          const { amount, explanation } = priceOf(model, way, 'EUR', about);
          expect(amount.minor >= 0n).toBe(true);
          checkExplanation(explanation);
        }
      }
    });

    test(kind === 'VOLUME' ? 'is the price of its last tier' : 'is the same in however many pieces, and grows', () => {
      for (let index = 0; index < cases; index += 1) {
        const { model, from, to } = some();
        const all = exactPrice(model, whole(to), 'EUR');
        if (model.kind === 'VOLUME') {
          const at = model.tiers.find(({ upTo }) => !upTo || to.lessThanOrEqualTo(upTo))!;
          const fee = to.isZero() && !model.flatAtZero ? d(0) : (at.flat ?? d(0));
          expect(isEqual(all, exactOf(at.unitPrice.times(to).plus(fee).times(100)))).toBe(true);
          continue;
        }
        const first = exactPrice(model, whole(from), 'EUR');
        expect(isEqual(all, plus(first, exactPrice(model, rest(from, to), 'EUR')))).toBe(true);
        expect(compareExact(minus(all, first), { numerator: 0n, denominator: 1n })).toBeGreaterThanOrEqual(0);
      }
    });
  });
});
