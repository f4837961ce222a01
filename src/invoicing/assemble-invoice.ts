import type { CouponOrder } from '../access/partner';
import { type Instant, isAtOrBefore, isBefore, laterOf, type TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { invariant } from '../core/invariant';
import { add, type Money, negate, sum } from '../core/money';
import type { Period } from '../core/period';
import { type ProrationBasis, remainingShare } from '../core/proration';
import { type Coupon, type CouponReason, couponProblems, isTargeted, takesFrom } from '../coupons/coupon';
import { inCouponOrder } from '../coupons/coupon-order';
import { discountLines } from '../coupons/discount-line';
import type { PendingCoupon } from '../coupons/pending-coupon';
import { addonEndLines, addonStartLines } from '../proration/addon-change';
import { type ChargedItem, chargeLine } from '../proration/charged-item';
import type { AllowanceLeft } from '../proration/unused-allowance';
import type { UsageBill } from '../rating/usage-bill';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import type { SubscriptionItem } from '../subscriptions/subscription';
import { type TaxedLines, type TaxInput, taxLines } from '../tax/tax-lines';
import { type InvoiceTotals, type LineDraft, totalsOf } from './invoice';

export interface QueuedCoupon {
  readonly pending: PendingCoupon;
  readonly coupon: Coupon;
  /** What the tenant's past says of one that waits; it is judged again when it is used. */
  readonly past?: { readonly usedByTenant: number; readonly hasPurchased: boolean } | undefined;
}

export interface JoinedAddon {
  readonly attachment: AddonSubscription;
  readonly name: string;
}

export interface PeriodInvoiceInput {
  readonly currency: CurrencyCode;
  readonly timeZone: TimeZone;
  readonly basis: ProrationBasis;
  readonly couponOrder: CouponOrder;
  readonly period: Period;
  /** Later than the period's start only for a first, shorter period. */
  readonly from: Instant;
  readonly plan: { readonly item: SubscriptionItem; readonly name: string };
  readonly addons: readonly JoinedAddon[];
  /** The period that has ended. */
  readonly closed?: Period | undefined;
  /** Nothing begins any more: no fixed price is billed. */
  readonly closing?: boolean | undefined;
  /** Attached within the period that has ended, and not invoiced yet. */
  readonly joined: readonly JoinedAddon[];
  /** What is left of what those include that have ended again. */
  readonly allowances?: ReadonlyMap<string, AllowanceLeft> | undefined;
  readonly usage: UsageBill;
  /** Oldest first. */
  readonly coupons: readonly QueuedCoupon[];
  readonly tax: Omit<TaxInput, 'accounts'>;
}

export interface CouponUse {
  readonly queued: QueuedCoupon;
  readonly discount: Money;
  readonly lines: readonly LineDraft[];
}

export interface PeriodInvoice {
  readonly lines: readonly LineDraft[];
  readonly totals: InvoiceTotals;
  readonly uses: readonly CouponUse[];
  /** Queued coupons whose time ran out before their first use: their reservation goes back. */
  readonly expired: readonly QueuedCoupon[];
  readonly taxes: TaxedLines['taxes'];
}

interface Draft {
  readonly lines: readonly LineDraft[];
  readonly taxes: TaxedLines['taxes'];
  readonly uses: readonly CouponUse[];
  readonly expired: readonly QueuedCoupon[];
}

type Step = (draft: Draft, input: PeriodInvoiceInput) => Draft;

const spanOf = (input: PeriodInvoiceInput) => ({ start: input.period.start, end: input.period.end });

function fixedLine(
  input: PeriodInvoiceInput,
  kind: 'PLAN_FIXED' | 'ADDON_FIXED',
  item: Pick<ChargedItem, 'itemId' | 'kind' | 'name' | 'catalogId' | 'unitAmount' | 'quantity'>,
): LineDraft[] {
  const whole = isAtOrBefore(input.from, input.period.start);
  const share = whole
    ? remainingShare('DAY', input.period, input.period.start, input.timeZone)
    : remainingShare(input.basis, input.period, input.from, input.timeZone);
  if (share.remaining === 0n) return [];
  const covers = { start: laterOf(input.from, input.period.start), end: input.period.end };
  return [chargeLine(kind, item, share, covers, spanOf(input))];
}

/** Fixed prices are billed in advance for the new period. */
const planFixed: Step = (draft, input) => {
  if (input.closing) return draft;
  const { item, name } = input.plan;
  const lines = fixedLine(input, 'PLAN_FIXED', {
    ...item,
    itemId: item.id,
    kind: 'PLAN',
    name,
    catalogId: item.planId,
  });
  return { ...draft, lines: [...draft.lines, ...lines] };
};

const withLines = (draft: Draft, lines: readonly LineDraft[]): Draft => ({
  ...draft,
  lines: [...draft.lines, ...lines],
});

/** What a provider bills has been paid there; what its units cost beyond that is billed here. */
const addonsFixed: Step = (draft, input) =>
  withLines(
    draft,
    input.closing
      ? []
      : input.addons.flatMap(({ attachment, name }) =>
          attachment.billedBy !== 'TOLLGATE'
            ? []
            : fixedLine(input, 'ADDON_FIXED', {
                ...attachment,
                ...{ itemId: attachment.id, kind: 'ADDON', name, catalogId: attachment.addonId },
              }),
        ),
  );

/** What joined within the closed period pays from then on; what left it again gets back what it did not use. */
const addonsJoined: Step = (draft, { joined, allowances, closed: period, closing, from, basis, timeZone, currency }) =>
  withLines(
    draft,
    joined.flatMap(({ attachment, name }) => {
      if (!period) return [];
      const { id: itemId, unitAmount, quantity, startedAt, endedAt } = attachment;
      const moment = { at: startedAt, basis, timeZone, period, trialing: false };
      const item = { itemId, name, catalogId: attachment.addonId, unitAmount, quantity };
      const started = addonStartLines(moment, item);
      const charged = sum(
        started.map((line) => line.amount),
        currency,
      );
      if (charged.minor === 0n) return [];
      const ended = endedAt ?? (closing ? from : undefined);
      if (!ended || !isBefore(ended, period.end)) return started;
      const leaving = { ...item, kind: 'ADDON' as const, discounts: [], charged };
      return [...started, ...addonEndLines({ ...moment, at: ended }, leaving, allowances?.get(itemId))];
    }),
  );

/** Usage is billed in arrears: that of the closed period, then what came late of those before. */
const usageOf =
  (kind: LineDraft['kind']): Step =>
  (draft, { usage }) =>
    withLines(
      draft,
      usage.lines.filter((line) => line.kind === kind),
    );

const lateUsage: Step = (draft, { usage }) => withLines(draft, usage.late);

const discountable = new Set<LineDraft['kind']>(['PLAN_FIXED', 'ADDON_FIXED', 'PLAN_USAGE', 'ADDON_USAGE', 'OVERAGE']);

function targetsOf(coupon: Coupon, lines: readonly LineDraft[], input: PeriodInvoiceInput): number[] {
  return lines.flatMap((line, index) => {
    if (!discountable.has(line.kind)) return [];
    // Free periods are the fixed price's alone.
    if (coupon.kind === 'FREE_PERIODS' && line.kind !== 'PLAN_FIXED') return [];
    if (line.source.kind === 'PLAN') {
      return takesFrom(coupon, { kind: 'PLAN', id: input.plan.item.planId }) ? [index] : [];
    }
    const addonId = input.addons.find(({ attachment }) => attachment.id === line.source.id)?.attachment.addonId;
    // Usage of one that has left since is of no add-on that a coupon could name.
    return (addonId ? takesFrom(coupon, { kind: 'ADDON', id: addonId }) : !isTargeted(coupon)) ? [index] : [];
  });
}

/** Why it takes nothing from this invoice; empty: it does. */
function problemsOf({ coupon, pending, past }: QueuedCoupon, base: Money, input: PeriodInvoiceInput): CouponReason[] {
  return couponProblems(coupon, {
    stage: pending.status === 'PENDING' ? 'WAITING' : 'RUNNING',
    now: laterOf(input.from, input.period.start),
    currency: input.currency,
    planId: input.plan.item.planId,
    addonIds: input.addons.map(({ attachment }) => attachment.addonId),
    interval: input.plan.item.interval,
    countsIn: pending.countsIn,
    base,
    usedByTenant: past?.usedByTenant ?? 1,
    liveForTenant: true,
    hasPurchased: past?.hasPurchased ?? false,
  });
}

/** What waited for these will never come. */
const neverAgain: readonly CouponReason[] = ['COUPON_EXPIRED', 'COUPON_FIRST_PURCHASE_ONLY'];

/**
 * Each coupon takes from what the ones before it left: never below zero, before tax (billing rules §4). One that takes
 * nothing is not used: it waits, or goes on, for the next invoice.
 */
const discounts: Step = (draft, input) => {
  const lines = [...draft.lines];
  const left = lines.map((line) => line.amount);
  const uses: CouponUse[] = [];
  const expired: QueuedCoupon[] = [];
  for (const queued of inCouponOrder(input.couponOrder, input.coupons)) {
    const { coupon } = queued;
    const targets = targetsOf(coupon, draft.lines, input);
    const base = sum(
      targets.map((index) => left[index]!),
      input.currency,
    );
    const problems = problemsOf(queued, base, input);
    if (problems.some((problem) => neverAgain.includes(problem))) expired.push(queued);
    if (problems.length > 0) continue;
    const drafted = discountLines(coupon, draft.lines, targets, left, undefined);
    if (drafted.length === 0) continue;
    for (const line of drafted) {
      left[line.discountsLine!] = add(left[line.discountsLine!]!, line.amount);
      lines.push(line);
    }
    const discount = negate(
      sum(
        drafted.map((line) => line.amount),
        input.currency,
      ),
    );
    uses.push({ queued, discount, lines: drafted });
  }
  return { ...draft, lines, uses, expired };
};

/** Last: on what is left after discounts. */
const taxes: Step = (draft, input) => ({
  ...draft,
  ...taxLines(draft.lines, { ...input.tax, accounts: new Map() }, input.currency),
});

const steps: readonly Step[] = [
  planFixed,
  addonsFixed,
  addonsJoined,
  usageOf('PLAN_USAGE'),
  usageOf('ADDON_USAGE'),
  usageOf('OVERAGE'),
  lateUsage,
  discounts,
  taxes,
];

/** The invoice of one period, as an ordered list of small pure steps. The same code previews and bills. */
export function assemblePeriodInvoice(input: PeriodInvoiceInput): PeriodInvoice {
  const draft = steps.reduce<Draft>((current, step) => step(current, input), {
    lines: [],
    taxes: [],
    uses: [],
    expired: [],
  });
  const totals = totalsOf(draft.lines, input.currency);
  invariant(totals.total.minor >= 0n, 'a period invoice is negative');
  return { ...draft, totals };
}
