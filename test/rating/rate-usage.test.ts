import { decimal, decimalText } from '../../src/core/decimal';
import { amountText } from '../../src/core/money';
import { type PriceModel, priceOf } from '../../src/rating/price-model';
import { overageSource, rateUsage, type UsageSource } from '../../src/rating/rate-usage';
import { randomFrom, seed } from '../support/arbitraries';

const d = (text: string | number) => decimal(text);
const perUnit = (price: string): PriceModel => ({ kind: 'PER_UNIT', unitPrice: d(price) });

interface Named extends UsageSource {
  readonly name: string;
}
const source = (
  name: string,
  sourceKind: UsageSource['sourceKind'],
  limit: string | undefined,
  inside?: string,
  overage?: string,
): Named => ({
  ...{ name, sourceKind },
  unlimited: limit === undefined,
  limit: d(limit ?? 0),
  price: { inside: inside ? perUnit(inside) : undefined, overage: overage ? perUnit(overage) : undefined },
});

/** Each share that bears units, with its amount. */
function ratedBy(sources: readonly Named[], to: string, from = '0'): string[] {
  return rateUsage(sources, d(from), d(to)).flatMap(({ part, source: by, quantity, price, ...way }) => {
    if (quantity.isZero()) return [];
    const climb = { ...way, opening: from === '0' };
    const amount = price ? amountText(priceOf(price, climb, 'EUR', { name: 'calls', unit: 'calls' }).amount) : '0';
    return [`${part} ${by?.name ?? 'nobody'} ${decimalText(quantity)} = ${amount}`];
  });
}

describe('the example of the accounting flow: 1000 calls at 0.01 in the plan, 500 at 0.01 in the add-on', () => {
  const plan = source('plan', 'PLAN', '1000', '0.01');
  const addon = source('addon', 'ADDON', '500', '0.01', '0.02');

  test('1500 calls: 1000 × 0.01 + 500 × 0.01, no overage', () => {
    expect(ratedBy([plan, addon], '1500')).toEqual(['INSIDE plan 1000 = 10.00', 'INSIDE addon 500 = 5.00']);
  });

  test('1700 calls: + 200 × 0.02, attributed to the add-on', () => {
    expect(ratedBy([plan, addon], '1700')).toEqual([
      'INSIDE plan 1000 = 10.00',
      'INSIDE addon 500 = 5.00',
      'OVERAGE addon 200 = 4.00',
    ]);
  });
});

test('overage has the price of the last attached add-on that has one, else of the plan, else of nobody', () => {
  const plan = source('plan', 'PLAN', '10', undefined, '1');
  const first = source('first', 'ADDON', '10', undefined, '2');
  const second = source('second', 'ADDON', '10', undefined, '3');
  const silent = source('silent', 'ADDON', '10');
  const grant = source('grant', 'GRANT', '10');
  expect(overageSource([plan, first, second, silent, grant])?.name).toBe('second');
  expect(overageSource([plan, first, silent])?.name).toBe('first');
  expect(overageSource([plan, silent, grant])?.name).toBe('plan');
  expect(overageSource([silent, grant])).toBeUndefined();
  expect(ratedBy([silent, grant], '30')).toEqual([
    'INSIDE silent 10 = 0',
    'INSIDE grant 10 = 0',
    'OVERAGE nobody 10 = 0',
  ]);
});

test('an unlimited source bears all that comes to it', () => {
  const sources = [source('plan', 'PLAN', '10'), source('addon', 'ADDON', undefined, '0.5', '9')];
  expect(ratedBy(sources, '1000000')).toEqual(['INSIDE plan 10 = 0', 'INSIDE addon 999990 = 499995.00']);
});

test('a plan change keeps the count: 600 of the old plan stay, the new one bears what comes after', () => {
  const before = [source('old', 'PLAN', '1000', '0.01', '0.05')];
  const after = [source('new', 'PLAN', '2000', '0.02', '0.10')];
  // 600 × 0.01; then 600 → 2100: 1400 × 0.02 up to the new limit, 100 × 0.10 beyond it.
  expect(ratedBy(before, '600')).toEqual(['INSIDE old 600 = 6.00']);
  expect(ratedBy(after, '2100', '600')).toEqual(['INSIDE new 1400 = 28.00', 'OVERAGE new 100 = 10.00']);
});

test('laws: the shares are the whole, two pieces are one, more usage bears more', () => {
  const random = randomFrom(seed);
  for (let index = 0; index < 1_000; index += 1) {
    const sources = Array.from({ length: random.whole(0, 5) }, (_, position) =>
      source(
        String(position),
        position === 0 ? 'PLAN' : random.pick(['ADDON', 'GRANT'] as const),
        random.chance(0.05) ? undefined : String(random.whole(0, 50)),
        random.chance(0.5) ? '0.01' : undefined,
        random.chance(0.5) ? '0.02' : undefined,
      ),
    );
    const [from, middle, to] = [random.whole(0, 150), random.whole(0, 150), random.whole(0, 150)]
      .sort((first, second) => first - second)
      .map(d) as [ReturnType<typeof d>, ReturnType<typeof d>, ReturnType<typeof d>];
    const all = rateUsage(sources, from, to);
    const total = all.reduce((units, share) => units.plus(share.quantity), d(0));
    expect(total.equals(to.minus(from))).toBe(true);
    const [first, second] = [rateUsage(sources, from, middle), rateUsage(sources, middle, to)];
    for (const [position, share] of all.entries()) {
      expect(share.quantity.isNegative()).toBe(false);
      expect(share.quantity.equals(share.to.minus(share.from))).toBe(true);
      if (!sources[position]?.unlimited && position < sources.length) {
        expect(share.to.lessThanOrEqualTo(sources[position]!.limit)).toBe(true);
      }
      expect(share.quantity.equals(first[position]!.quantity.plus(second[position]!.quantity))).toBe(true);
      expect(first[position]!.to.equals(second[position]!.from)).toBe(true);
    }
  }
});
