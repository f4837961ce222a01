import type { CurrencyCode } from '../core/currency';
import type { DecimalValue } from '../core/decimal';
import { parsePercent } from '../core/percent';
import { type PriceModel, type PriceModelKind, type PriceTiming, priceModelProblem, timingOf } from './price-model';
import type { UsagePrice } from './rate-usage';

export interface TierInput {
  readonly upTo?: DecimalValue | undefined;
  readonly unitPrice: DecimalValue;
  readonly flat?: DecimalValue | undefined;
}

/** A price model as it is asked for: which members it takes depends on its kind. */
export interface PriceModelInput {
  readonly kind: PriceModelKind;
  readonly amount?: DecimalValue | undefined;
  readonly packageSize?: DecimalValue | undefined;
  readonly tiers?: readonly TierInput[] | undefined;
  readonly percent?: DecimalValue | undefined;
  readonly fixedFee?: DecimalValue | undefined;
  readonly minimum?: DecimalValue | undefined;
  readonly maximum?: DecimalValue | undefined;
  readonly flatAtZero?: boolean | undefined;
  readonly timing?: PriceTiming | undefined;
}

export interface UsagePriceInput {
  readonly currency: CurrencyCode;
  readonly inside?: PriceModelInput | undefined;
  readonly overage?: PriceModelInput | undefined;
}

/** A usage price of one currency, as it is sold. */
export interface CurrencyUsagePrice extends UsagePrice {
  readonly currency: CurrencyCode;
}

type Member = Exclude<keyof PriceModelInput, 'kind' | 'timing'>;
const membersOf: Readonly<
  Record<PriceModelKind, { readonly required: readonly Member[]; readonly optional: readonly Member[] }>
> = {
  FLAT: { required: ['amount'], optional: ['flatAtZero'] },
  PER_UNIT: { required: ['amount'], optional: [] },
  GRADUATED: { required: ['tiers'], optional: ['flatAtZero'] },
  VOLUME: { required: ['tiers'], optional: ['flatAtZero'] },
  PACKAGE: { required: ['amount', 'packageSize'], optional: [] },
  PERCENTAGE: { required: ['percent'], optional: ['fixedFee', 'minimum', 'maximum'] },
};

/** The model, or what is wrong with it, for people. */
export function parsePriceModel(input: PriceModelInput): PriceModel | string {
  const { required, optional } = membersOf[input.kind];
  const missing = required.filter((member) => input[member] === undefined);
  if (missing.length > 0) return `A ${input.kind} price needs ${missing.join(' and ')}.`;
  const given = (Object.keys(input) as (keyof PriceModelInput)[]).filter(
    (member): member is Member => member !== 'kind' && member !== 'timing' && input[member] !== undefined,
  );
  const strange = given.filter((member) => !required.includes(member) && !optional.includes(member));
  if (strange.length > 0) return `A ${input.kind} price has no ${strange.join(', ')}.`;
  if (input.timing === 'IN_ADVANCE') {
    if (input.kind !== 'FLAT') return 'Only a FLAT price is known in advance: the others wait for the count.';
    if (input.flatAtZero !== undefined) return 'What is due in advance is due without usage: leave flatAtZero out.';
  }
  const model = modelOf(input);
  return typeof model === 'string' ? model : (priceModelProblem(model) ?? model);
}

function modelOf(input: PriceModelInput): PriceModel | string {
  const { kind, amount, tiers, packageSize, percent, fixedFee, minimum, maximum, flatAtZero = false, timing } = input;
  switch (kind) {
    case 'FLAT':
      return timing === 'IN_ADVANCE'
        ? { kind, amount: amount!, flatAtZero: true, inAdvance: true }
        : { kind, amount: amount!, flatAtZero };
    case 'PER_UNIT':
      return { kind, unitPrice: amount! };
    case 'PACKAGE':
      return { kind, packagePrice: amount!, packageSize: packageSize! };
    case 'PERCENTAGE': {
      const parsed = parsePercent(percent!.toFixed());
      return parsed
        ? { kind, percent: parsed, fixedFee, minimum, maximum }
        : 'A percentage is above 0 and at most 100.';
    }
    default:
      return { kind, tiers: tiers!, flatAtZero };
  }
}

export type ParsedUsagePrices =
  | { readonly ok: true; readonly prices: readonly CurrencyUsagePrice[] }
  | { readonly ok: false; readonly path: readonly string[]; readonly message: string };

/** At most one usage price for each currency. */
export function parseUsagePrices(inputs: readonly UsagePriceInput[]): ParsedUsagePrices {
  const prices: CurrencyUsagePrice[] = [];
  for (const [index, { currency, inside, overage }] of inputs.entries()) {
    const at = (...path: string[]) => [String(index), ...path];
    if (prices.some((other) => other.currency === currency)) {
      return { ok: false, path: at('currency'), message: `There are two usage prices in ${currency}.` };
    }
    if (!inside && !overage) {
      return {
        ok: false,
        path: at(),
        message: 'A usage price says what units cost inside the limit, beyond it, or both.',
      };
    }
    const models: { inside?: PriceModel; overage?: PriceModel } = {};
    for (const [name, model] of [
      ['inside', inside],
      ['overage', overage],
    ] as const) {
      if (!model) continue;
      const parsed = parsePriceModel(model);
      if (typeof parsed === 'string') return { ok: false, path: at(name), message: parsed };
      if (name === 'overage' && timingOf(parsed) === 'IN_ADVANCE') {
        return { ok: false, path: at(name), message: 'Nobody knows in advance that a limit will be passed.' };
      }
      models[name] = parsed;
    }
    prices.push({ currency, ...models });
  }
  return { ok: true, prices };
}

/** What one feature's units cost who bought it: a snapshot, in the currency of the purchase. */
export interface FeatureUsagePrice extends UsagePrice {
  readonly featureId: string;
}

/** The usage prices of a plan version or an add-on for who buys in this currency. */
export function usagePricesIn(
  allowances: readonly {
    readonly featureId: string;
    readonly usagePrices?: readonly CurrencyUsagePrice[] | undefined;
  }[],
  currency: CurrencyCode,
): FeatureUsagePrice[] {
  return allowances.flatMap(({ featureId, usagePrices = [] }) =>
    usagePrices
      .filter((price) => price.currency === currency)
      .map(({ inside, overage }) => ({ featureId, inside, overage })),
  );
}

/** Equal text: the same price, in whichever order its members were read. */
export function usagePriceText(price: UsagePrice | undefined): string {
  return JSON.stringify(price ?? null, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([first], [second]) => (first < second ? -1 : 1)))
      : member,
  );
}
