import { type CurrencyCode, fractionDigitsOf } from './currency';
import { type Exact, exactText, fraction } from './exact';
import { type Money, moneyText, roundToMoney } from './money';
import type { RoundingMode } from './rounding';

export const operandSourceKinds = [
  'PLAN',
  'ADDON',
  'COUPON',
  'TAX_RATE',
  'INVOICE',
  'LICENCE_PRODUCT',
  'FEATURE',
] as const;

/** What an operand comes from. */
export interface OperandSource {
  readonly kind: (typeof operandSourceKinds)[number];
  readonly id: string;
  /** Of what belongs to a tenant. */
  readonly tenantId?: string | undefined;
  /** For people. */
  readonly name: string;
}

/** A plan or an add-on; none where it is not known which. */
export function catalogSource(
  kind: 'PLAN' | 'ADDON',
  { catalogId, name }: { readonly catalogId?: string | undefined; readonly name: string },
): { readonly source?: OperandSource } {
  if (catalogId === undefined) return {};
  return { source: { kind, id: catalogId, name } };
}

/**
 * One operand of a formula. `value` is a plain decimal or a fraction `a/b`; `unit` says what is counted (`EUR`, `days`,
 * `seats`, `%`, `1` for a ratio); `source` is what it came from.
 */
export interface Operand {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly source?: OperandSource | undefined;
}

/** Why a line has its amount: enough to calculate it again outside the system (billing rules §11). */
export interface Explanation {
  /** The rule of the billing rules that produced the line. */
  readonly rule: string;
  /**
   * Operand names with `+ - * /`, brackets, `min(a, b)` and `max(a, b)`, in major units of the currency. `spread(a)`
   * rounds `a` and takes the part of line number `position` of it: by largest remainder over `line1`, `line2` and so on.
   */
  readonly formula: string;
  readonly operands: readonly Operand[];
  /** The exact value before rounding, in major units, cut off with `…` where it does not end. */
  readonly exact: string;
  readonly rounding: RoundingMode;
  /** The rounded amount in major units. */
  readonly result: string;
  readonly sentence: string;
}

export interface Explained<C extends CurrencyCode = CurrencyCode> {
  readonly amount: Money<C>;
  readonly explanation: Explanation;
}

/** An exact number of minor units as `Explanation.exact` shows it. */
export function majorText(exactMinor: Exact, currency: CurrencyCode): string {
  const scale = 10n ** BigInt(fractionDigitsOf(currency));
  return exactText(fraction(exactMinor.numerator, exactMinor.denominator * scale), 12);
}

/**
 * Rounds an exact number of minor units to an amount and keeps the account of how it came about. Every line's amount is
 * made here, so no amount can exist without its explanation.
 */
export function explain<C extends CurrencyCode>(
  exactMinor: Exact,
  currency: C,
  because: Pick<Explanation, 'rule' | 'formula' | 'operands'> & { readonly sentence: (amount: string) => string },
): Explained<C> {
  const amount = roundToMoney(exactMinor, currency);
  const text = moneyText(amount);
  return {
    amount,
    explanation: {
      rule: because.rule,
      formula: because.formula,
      operands: because.operands,
      exact: majorText(exactMinor, currency),
      rounding: 'HALF_AWAY_FROM_ZERO',
      result: text.slice(0, text.indexOf(' ')),
      sentence: because.sentence(text),
    },
  };
}
