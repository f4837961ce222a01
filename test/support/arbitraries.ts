import type { Addon } from '../../src/catalog/addon';
import type { Feature } from '../../src/catalog/feature';
import type { Plan, PlanVersion } from '../../src/catalog/plan';
import { type Instant, instant, localDate, type TimeZone, timeZone } from '../../src/core/calendar';
import type { CurrencyCode } from '../../src/core/currency';
import type { Id, IdKind } from '../../src/core/ids';
import { type Money, money, parseMoney, zero } from '../../src/core/money';
import { type Percent, parsePercent } from '../../src/core/percent';
import { type IntervalUnit, type Period, periodAt } from '../../src/core/period';
import { fullShare, type Share } from '../../src/core/proration';
import type { Coupon } from '../../src/coupons/coupon';
import type { PendingCoupon } from '../../src/coupons/pending-coupon';
import { type AccountEntry, accountEntriesOf, type LineDraft } from '../../src/invoicing/invoice';
import type { ChargedItem } from '../../src/proration/charged-item';
import type { PlanChange, PlanChangeInput } from '../../src/proration/plan-change';
import type { AddonSubscription } from '../../src/subscriptions/addon-subscription';
import { noTax } from '../../src/tax/tax';

/** The same cases on every run; `SEED=7 npx jest …` tries others. */
export const seed = Number(process.env.SEED ?? 20_260_117);

export interface Random {
  /** A whole number, both ends included. */
  whole(from: number, to: number): number;
  /** Few or many digits alike: small amounts, where rounding shows, are as likely as large ones. */
  minorUnits(mostDigits: number): bigint;
  pick<T>(values: readonly T[]): T;
  chance(probability: number): boolean;
}

/** xorshift32: fast, and the same on every machine. fast-check spends more time on a case than the code it tests. */
export function randomFrom(start: number): Random {
  let state = Math.imul(start, 2_654_435_761) | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
  const whole = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    whole,
    minorUnits: (mostDigits) => BigInt(whole(0, 10 ** whole(1, mostDigits) - 1)),
    pick: (values) => values[whole(0, values.length - 1)]!,
    chance: (probability) => next() < probability,
  };
}

export function amount<C extends CurrencyCode>(text: string, currency: C): Money<C> {
  const parsed = parseMoney(text, currency);
  if (!parsed) throw new Error(`not an amount in ${currency}: ${text}`);
  return parsed;
}

export const eur = (text: string): Money<'EUR'> => amount(text, 'EUR');

export function percent(text: string): Percent {
  const parsed = parsePercent(text);
  if (!parsed) throw new Error(`not a percentage: ${text}`);
  return parsed;
}

/** A readable stand-in for a UUID; the pure rules only compare ids. */
export const id = <Kind extends IdKind>(name: string): Id<Kind> => name as Id<Kind>;

const longAgo = instant('2020-01-01T00:00:00Z');

export function somePlan(change: Partial<Plan> & { readonly code: string }): Plan {
  return {
    id: id<'Plan'>(`plan-${change.code}`),
    partnerId: id<'Partner'>('partner'),
    name: change.code,
    description: '',
    rank: 0,
    status: 'ACTIVE',
    version: 1,
    createdAt: longAgo,
    ...change,
  };
}

export function someVersion(change: Partial<PlanVersion> = {}): PlanVersion {
  return {
    id: id<'PlanVersion'>('version'),
    planId: id<'Plan'>('plan'),
    number: 1,
    includesAllAddons: false,
    includedAddonIds: [],
    prices: [],
    allowances: [],
    createdAt: longAgo,
    ...change,
  };
}

export function someAddon(change: Partial<Addon> & { readonly code: string }): Addon {
  return {
    id: id<'Addon'>(`addon-${change.code}`),
    partnerId: id<'Partner'>('partner'),
    name: change.code,
    description: '',
    status: 'ACTIVE',
    prices: [],
    allowances: [],
    requiredAddonIds: [],
    version: 1,
    createdAt: longAgo,
    ...change,
  };
}

export function someFeature(change: Partial<Feature> & { readonly code: string }): Feature {
  return {
    id: id<'Feature'>(`feature-${change.code}`),
    partnerId: id<'Partner'>('partner'),
    name: change.code,
    description: '',
    kind: 'BOOLEAN',
    valueOrder: [],
    createdAt: longAgo,
    ...change,
  };
}

export function someAttachment(
  addon: Addon,
  unitAmount: Money,
  change: Partial<AddonSubscription> = {},
): AddonSubscription {
  return {
    id: id<'AddonSubscription'>(`attachment-${addon.code}`),
    originId: id<'AddonSubscription'>(`attachment-${addon.code}`),
    tenantId: id<'Tenant'>('tenant'),
    partnerId: id<'Partner'>('partner'),
    subscriptionId: id<'Subscription'>('subscription'),
    addonId: addon.id,
    priceId: `price-${addon.code}-snapshot`,
    interval: 'MONTH',
    unitAmount,
    usagePrices: [],
    quantity: 1n,
    billedBy: 'TOLLGATE',
    startedAt: longAgo,
    version: 1,
    createdAt: longAgo,
    ...change,
  };
}

export function someCoupon(change: Partial<Coupon> & Pick<Coupon, 'kind'>): Coupon {
  return {
    id: id<'Coupon'>(`coupon-${change.code ?? 'CODE'}`),
    partnerId: id<'Partner'>('partner'),
    code: 'CODE',
    name: 'A coupon',
    amounts: [],
    duration: 'ONCE',
    scaled: false,
    maxRedemptionsPerTenant: 1,
    minimumAmounts: [],
    firstPurchaseOnly: false,
    planIds: [],
    addonIds: [],
    intervals: [],
    status: 'ACTIVE',
    reservedCount: 0,
    version: 1,
    createdAt: longAgo,
    ...change,
  };
}

export const percentOff = (text: string, change: Partial<Coupon> = {}): Coupon =>
  someCoupon({ kind: 'PERCENT', percent: percent(text), ...change });
export const fixedOff = (value: Money, change: Partial<Coupon> = {}): Coupon =>
  someCoupon({ kind: 'FIXED', amounts: [value], ...change });

export function somePending(coupon: Coupon, change: Partial<PendingCoupon> = {}): PendingCoupon {
  return {
    id: id<'PendingCoupon'>(`pending-${coupon.code}`),
    tenantId: id<'Tenant'>('tenant'),
    partnerId: id<'Partner'>('partner'),
    couponId: coupon.id,
    status: 'PENDING',
    periodsApplied: 0,
    periodsReturned: 0,
    createdAt: longAgo,
    ...change,
  };
}

/** An item that was charged whole for the current period, without a discount. */
export function chargedWhole(unitAmount: Money, change: Partial<ChargedItem> = {}): ChargedItem {
  const quantity = change.quantity ?? 1n;
  return {
    itemId: 'old-item',
    kind: 'PLAN',
    name: 'Old plan',
    unitAmount,
    quantity,
    discounts: [],
    charged: money(unitAmount.minor * quantity, unitAmount.currency),
    ...change,
  };
}

export const utc = timeZone('UTC');

/** Period 0 of a subscription that is anchored on a date. */
export function periodFrom(date: string, interval: IntervalUnit = 'MONTH', zone: TimeZone = utc): Period {
  return periodAt({ anchor: localDate(date), interval, zone }, 0);
}

/** Noon, so that no rule can depend on the change being at midnight. */
export const noon = (date: string): Instant => instant(`${date}T12:00:00Z`);

/** A change of plan in January 2026, UTC, by days; each test says what differs. */
export function changeOf(
  current: ChargedItem,
  target: { readonly unitAmount: Money; readonly quantity?: bigint; readonly interval?: IntervalUnit },
  change: Partial<Omit<PlanChangeInput, 'current' | 'target'>> & {
    readonly plan?: Plan;
    readonly version?: PlanVersion;
  } = {},
): PlanChangeInput {
  const { plan = somePlan({ code: 'new', name: 'New plan' }), version = someVersion(), ...rest } = change;
  const period = rest.period ?? periodFrom('2026-01-01');
  return {
    at: noon('2026-01-21'),
    currency: current.unitAmount.currency,
    timeZone: utc,
    basis: 'DAY',
    trialing: false,
    period,
    anchorDate: period.startDate,
    interval: 'MONTH',
    current,
    attachments: [],
    requiredAddons: [],
    orders: [],
    planGoesOn: false,
    target: {
      itemId: id<'SubscriptionItem'>('new-item'),
      plan,
      version,
      interval: target.interval ?? rest.interval ?? 'MONTH',
      unitAmount: target.unitAmount,
      quantity: target.quantity ?? 1n,
    },
    anchor: 'KEEP',
    coupons: [],
    couponOrder: 'TARGETED_FIRST',
    unavailableAddons: 'CANCEL_AND_CREDIT',
    ...rest,
  };
}

/**
 * What an item's account says after some documents, by the definition in `ChargedItem`: everything that moved it, summed,
 * and the discounts and waivers with the part of the period they were given for.
 */
export function accountAfter(
  itemId: string,
  currency: CurrencyCode,
  entries: readonly AccountEntry[],
): Pick<ChargedItem, 'charged' | 'discounts'> {
  const own = entries.filter((entry) => entry.itemId === itemId);
  return {
    charged: own.reduce<Money>(
      (total, entry) => money(total.minor + entry.amount.minor, total.currency),
      zero(currency),
    ),
    discounts: own
      .filter((entry) => entry.kind === 'DISCOUNT' || entry.kind === 'WAIVED')
      .map((entry) => ({ amount: money(-entry.amount.minor, currency), share: entry.share })),
  };
}

/** The new item as the next change finds it: what this change charged for it, once its document is written. */
export function itemAfter(
  input: PlanChangeInput,
  change: PlanChange,
  entries: readonly AccountEntry[] = accountEntriesOf(change.lines),
): ChargedItem {
  const { itemId, plan, unitAmount, quantity } = input.target;
  return {
    ...{ itemId, kind: 'PLAN', name: plan.name, unitAmount, quantity },
    ...accountAfter(itemId, input.currency, entries),
  };
}

/** Kind and signed amount of each line: what a table of an example holds. */
export const amountsOf = (lines: readonly LineDraft[]): (readonly [LineDraft['kind'], string])[] =>
  lines.map((line) => [line.kind, textOf(line.amount)]);

/** In major units, written by other code than the code under test. */
export function textOf({ minor, currency }: Money): string {
  const digits = { JPY: 0, EUR: 2, USD: 2, KWD: 3 }[currency as string];
  if (digits === undefined) throw new Error(`how many decimals has ${currency}?`);
  const size = String(minor < 0n ? -minor : minor).padStart(digits + 1, '0');
  const cut = size.length - digits;
  return `${minor < 0n ? '-' : ''}${size.slice(0, cut)}${digits > 0 ? '.' : ''}${size.slice(cut)}`;
}

export const shareOf = (remaining: number, total: number): Share =>
  remaining === total ? fullShare : { basis: 'DAY', remaining: BigInt(remaining), total: BigInt(total) };

/** What an invoice is assembled with where nobody is taxed. */
export const untaxed = { decision: noTax, categories: new Map<string, string>() };
