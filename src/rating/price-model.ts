import type { CurrencyCode } from '../core/currency';
import { type DecimalValue, decimal, decimalText } from '../core/decimal';
import { compareExact, type Exact, exactOf, minus, multiply, plus, zeroExact } from '../core/exact';
import { type Explained, explain, type Operand, type OperandSource } from '../core/explain';
import { amountText, exactMinorUnits, exactMinorUnitsOf, type Money, moneyText } from '../core/money';
import type { Percent } from '../core/percent';

export const priceModelKinds = ['FLAT', 'PER_UNIT', 'GRADUATED', 'VOLUME', 'PACKAGE', 'PERCENTAGE'] as const;
export type PriceModelKind = (typeof priceModelKinds)[number];

export interface Tier {
  /** The last unit that belongs to the tier; only the last tier has none. */
  readonly upTo?: DecimalValue | undefined;
  readonly unitPrice: DecimalValue;
  /** Due once the tier is reached. */
  readonly flat?: DecimalValue | undefined;
}

/** What units cost, in major units of a currency. Rates may be finer than a minor unit; only a line is rounded. */
export type PriceModel =
  /** Due once a window: with its first unit, at zero too, or (in advance) before it begins. */
  | {
      readonly kind: 'FLAT';
      readonly amount: DecimalValue;
      readonly flatAtZero: boolean;
      readonly inAdvance?: boolean | undefined;
    }
  | { readonly kind: 'PER_UNIT'; readonly unitPrice: DecimalValue }
  /** GRADUATED: each slice at its own tier. VOLUME: all units at the tier in which they end. */
  | { readonly kind: 'GRADUATED' | 'VOLUME'; readonly tiers: readonly Tier[]; readonly flatAtZero: boolean }
  /** Started packages. */
  | { readonly kind: 'PACKAGE'; readonly packagePrice: DecimalValue; readonly packageSize: DecimalValue }
  /** Of the amount that is measured, e.g. of the turnover. */
  | {
      readonly kind: 'PERCENTAGE';
      readonly percent: Percent;
      readonly fixedFee?: DecimalValue | undefined;
      readonly minimum?: DecimalValue | undefined;
      readonly maximum?: DecimalValue | undefined;
    };

export const mostTiers = 50;

/** IN_ADVANCE: with the invoice of the new period. IN_ARREARS: with the count of the closed one. */
export const priceTimings = ['IN_ADVANCE', 'IN_ARREARS'] as const;
export type PriceTiming = (typeof priceTimings)[number];

export function timingOf(model: PriceModel): PriceTiming {
  return model.kind === 'FLAT' && model.inAdvance ? 'IN_ADVANCE' : 'IN_ARREARS';
}

/** What is wrong with a price, for people; `undefined`: nothing. */
export function priceModelProblem(model: PriceModel): string | undefined {
  const negative = (...values: readonly (DecimalValue | undefined)[]) => values.some((value) => value?.isNegative());
  const wrong = 'A price is not negative.';
  switch (model.kind) {
    case 'FLAT':
      return negative(model.amount) ? wrong : undefined;
    case 'PER_UNIT':
      return negative(model.unitPrice) ? wrong : undefined;
    case 'PACKAGE':
      if (model.packageSize.lessThan(1)) return 'A package holds at least one unit.';
      return negative(model.packagePrice) ? wrong : undefined;
    case 'PERCENTAGE':
      if (model.minimum && model.maximum?.lessThan(model.minimum)) {
        return 'The maximum is below the minimum.';
      }
      return negative(model.fixedFee, model.minimum, model.maximum) ? wrong : undefined;
    default:
      return tiersProblem(model.tiers);
  }
}

function tiersProblem(tiers: readonly Tier[]): string | undefined {
  if (tiers.length === 0 || tiers.length > mostTiers) return `There are 1 to ${mostTiers} tiers.`;
  let below = decimal(0);
  for (const [index, { upTo, unitPrice, flat }] of tiers.entries()) {
    if (unitPrice.isNegative() || flat?.isNegative()) return 'A price is not negative.';
    const isLast = index === tiers.length - 1;
    if (isLast !== (upTo === undefined))
      return 'Every tier but the last ends at a quantity (upTo); the last has no end.';
    if (upTo && !upTo.greaterThan(below)) return 'Each tier ends above the one before it.';
    below = upTo ?? below;
  }
  return undefined;
}

/** From one quantity to another on a ladder that was climbed before: what is charged is the way between the two. */
export interface Climb {
  readonly from: DecimalValue;
  /** Not below `from`. */
  readonly to: DecimalValue;
  /** The window begins here, so that what is due at zero is due. */
  readonly opening: boolean;
}

interface Sum {
  readonly exact: Exact;
  readonly formula: string;
  readonly operands: readonly Operand[];
  /** The sum in words: `1000 calls × 0.01`. */
  readonly text: string;
}

/** Collects a formula's terms together with their exact sum. */
class Terms {
  private exact: Exact = zeroExact;
  private readonly formula: string[] = [];
  private readonly operands: Operand[] = [];
  private readonly texts: string[] = [];

  constructor(
    private readonly currency: CurrencyCode,
    private readonly unit: string,
  ) {}

  price(name: string, value: DecimalValue): Exact {
    this.operands.push({ name, value: decimalText(value), unit: this.currency });
    return exactMinorUnitsOf(value, this.currency);
  }

  count(name: string, value: DecimalValue, unit = this.unit): Exact {
    this.operands.push({ name, value: decimalText(value), unit });
    return exactOf(value);
  }

  add(exact: Exact, formula: string, text: string): void {
    this.exact = plus(this.exact, exact);
    this.formula.push(formula);
    this.texts.push(text);
  }

  sum(): Sum {
    return {
      exact: this.exact,
      formula: this.formula.join(' + ') || '0',
      operands: this.operands,
      text: this.texts.join(' + ') || '0',
    };
  }
}

const smallerOf = (first: DecimalValue, second: DecimalValue | undefined) => (second?.lessThan(first) ? second : first);
const largerOf = (first: DecimalValue, second: DecimalValue) => (second.greaterThan(first) ? second : first);

/** The tier that a quantity has reached: −1 is none, since nothing was used and nothing is due at zero. */
function reachedTier(tiers: readonly Tier[], quantity: DecimalValue, flatAtZero: boolean): number {
  if (quantity.isZero()) return flatAtZero ? 0 : -1;
  return tiers.findIndex(({ upTo }) => upTo === undefined || quantity.lessThanOrEqualTo(upTo));
}

const startedPackages = (quantity: DecimalValue, size: DecimalValue): DecimalValue => {
  const [count, by] = [exactOf(quantity), exactOf(size)];
  const above = count.numerator * by.denominator;
  const below = count.denominator * by.numerator;
  return decimal((above + below - 1n) / below);
};

function tieredSum(model: Extract<PriceModel, { tiers: unknown }>, climb: Climb, terms: Terms, unit: string): void {
  const { tiers, flatAtZero } = model;
  const before = climb.opening ? -1 : reachedTier(tiers, climb.from, flatAtZero);
  const after = reachedTier(tiers, climb.to, flatAtZero);
  const fee = (index: number) => {
    const flat = tiers[index]!.flat;
    if (!flat || flat.isZero()) return;
    terms.add(terms.price(`tier${index + 1}Flat`, flat), `tier${index + 1}Flat`, decimalText(flat));
  };
  const slice = (index: number, units: DecimalValue) => {
    const name = `tier${index + 1}`;
    const { unitPrice } = tiers[index]!;
    const exact = multiply(terms.count(`${name}Units`, units), terms.price(`${name}Price`, unitPrice));
    terms.add(exact, `${name}Units * ${name}Price`, `${decimalText(units)} ${unit} × ${decimalText(unitPrice)}`);
  };
  if (model.kind === 'VOLUME') {
    if (climb.to.greaterThan(climb.from)) slice(after, climb.to.minus(climb.from));
    if (after > before) fee(after);
    return;
  }
  let below = decimal(0);
  for (const [index, { upTo }] of tiers.entries()) {
    const units = smallerOf(climb.to, upTo).minus(largerOf(climb.from, below));
    if (units.greaterThan(0)) slice(index, units);
    if (index > before && index <= after) fee(index);
    below = upTo ?? below;
  }
}

/** The fee at a quantity, written with operands that are given once: what percentages are summed from. */
function percentageOf(
  model: Extract<PriceModel, { kind: 'PERCENTAGE' }>,
  quantity: DecimalValue,
  name: string,
  currency: CurrencyCode,
): { exact: Exact; formula: string } {
  const { percent, fixedFee, minimum, maximum } = model;
  const rate = exactOf(percent);
  let exact = multiply(exactMinorUnitsOf(quantity, currency), {
    numerator: rate.numerator,
    denominator: rate.denominator * 100n,
  });
  let formula = `${name} * percent / 100`;
  if (fixedFee) {
    exact = plus(exact, exactMinorUnitsOf(fixedFee, currency));
    formula += ' + fixedFee';
  }
  if (maximum) {
    const most = exactMinorUnitsOf(maximum, currency);
    if (compareExact(exact, most) > 0) exact = most;
    formula = `min(${formula}, maximum)`;
  }
  if (minimum) {
    const least = exactMinorUnitsOf(minimum, currency);
    if (compareExact(exact, least) < 0) exact = least;
    formula = `max(${formula}, minimum)`;
  }
  return { exact, formula };
}

function percentageSum(
  model: Extract<PriceModel, { kind: 'PERCENTAGE' }>,
  { from, to }: Climb,
  terms: Terms,
  currency: CurrencyCode,
): void {
  const { percent, fixedFee, minimum, maximum } = model;
  if (to.isZero()) return;
  terms.count('amount', to, currency);
  terms.count('percent', percent, '%');
  if (fixedFee) terms.price('fixedFee', fixedFee);
  if (maximum) terms.price('maximum', maximum);
  if (minimum) terms.price('minimum', minimum);
  const bounds = [
    fixedFee ? ` + ${decimalText(fixedFee)}` : '',
    minimum ? `, at least ${decimalText(minimum)}` : '',
    maximum ? `, at most ${decimalText(maximum)}` : '',
  ].join('');
  const whole = percentageOf(model, to, 'amount', currency);
  const text = `${decimalText(percent)} % of ${decimalText(to)}${bounds}`;
  if (from.isZero()) {
    terms.add(whole.exact, whole.formula, text);
    return;
  }
  terms.count('before', from, currency);
  const before = percentageOf(model, from, 'before', currency);
  terms.add(
    minus(whole.exact, before.exact),
    `${whole.formula} - (${before.formula})`,
    `${text}, less the same of the ${decimalText(from)} before`,
  );
}

/**
 * What the units between two quantities cost, exactly and not rounded. For every model but VOLUME the cost of a way is
 * the difference of the costs at its ends, so it does not matter in how many pieces a quantity is charged. VOLUME prices
 * the units of the way at the tier in which they end: what was charged before stays as it was.
 */
function climbSum(model: PriceModel, climb: Climb, currency: CurrencyCode, unit: string): Sum {
  const { from, to, opening } = climb;
  const terms = new Terms(currency, unit);
  const units = to.minus(from);
  switch (model.kind) {
    case 'FLAT': {
      const tiers = [{ unitPrice: decimal(0) }];
      const before = opening ? -1 : reachedTier(tiers, from, model.flatAtZero);
      if (reachedTier(tiers, to, model.flatAtZero) > before) {
        terms.add(terms.price('price', model.amount), 'price', decimalText(model.amount));
      }
      break;
    }
    case 'PER_UNIT':
      terms.add(
        multiply(terms.count('units', units), terms.price('price', model.unitPrice)),
        'units * price',
        `${decimalText(units)} ${unit} × ${decimalText(model.unitPrice)}`,
      );
      break;
    case 'PACKAGE': {
      const { packagePrice, packageSize } = model;
      const packages = startedPackages(to, packageSize).minus(startedPackages(from, packageSize));
      terms.add(
        multiply(terms.count('packages', packages, 'packages'), terms.price('price', packagePrice)),
        'packages * price',
        `${decimalText(packages)} × ${decimalText(packageSize)} ${unit} for ${decimalText(packagePrice)}`,
      );
      break;
    }
    case 'PERCENTAGE':
      percentageSum(model, climb, terms, currency);
      break;
    default:
      tieredSum(model, climb, terms, unit);
  }
  return terms.sum();
}

/** The exact cost of a way on the ladder, in minor units: what the laws are tested on. */
export function exactPrice(model: PriceModel, climb: Climb, currency: CurrencyCode): Exact {
  return climbSum(model, climb, currency, 'units').exact;
}

/** What a price comes to before it is rounded, with its account. */
export interface UnroundedPrice {
  readonly exact: Exact;
  readonly rule: string;
  readonly formula: string;
  readonly operands: readonly Operand[];
  /** The sum in words, up to the equals sign. */
  readonly words: string;
}

/** The cost of a way on the ladder, with its account. */
export function unroundedPrice(
  model: PriceModel,
  climb: Climb,
  currency: CurrencyCode,
  about: { readonly name: string; readonly unit: string; readonly source?: OperandSource | undefined },
): UnroundedPrice {
  const sum = climbSum(model, climb, currency, about.unit);
  const position = climb.from.isZero() ? '' : `, from ${decimalText(climb.from)} ${about.unit} on`;
  const source = about.source;
  return {
    exact: sum.exact,
    rule: `USAGE_${model.kind}`,
    formula: sum.formula,
    operands: source
      ? sum.operands.map((operand, index) => (index === 0 ? { ...operand, source } : operand))
      : sum.operands,
    words: `${about.name}${position}: ${sum.text}`,
  };
}

/** The same, less what was billed for it before. */
export function lessBilled(price: UnroundedPrice, billed: Money): UnroundedPrice {
  if (billed.minor === 0n) return price;
  return {
    ...price,
    exact: minus(price.exact, exactMinorUnits(billed)),
    formula: `${price.formula} - billed`,
    operands: [...price.operands, { name: 'billed', value: amountText(billed), unit: billed.currency }],
    words: `${price.words}, less ${moneyText(billed)} that was billed before`,
  };
}

/** Rounded once. */
export function explainPrice({ exact, words, ...because }: UnroundedPrice, currency: CurrencyCode): Explained {
  return explain(exact, currency, { ...because, sentence: (amount) => `${words} = ${amount}.` });
}

/** The cost of a way on the ladder, rounded once, with its account. */
export function priceOf(...given: Parameters<typeof unroundedPrice>): Explained {
  return explainPrice(unroundedPrice(...given), given[2]);
}
