import type { CouponOrder } from '../access/partner';
import type { Addon } from '../catalog/addon';
import type { Plan, PlanVersion } from '../catalog/plan';
import { dateAt, type Instant, type LocalDate, type TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { type Money, negate, subtract, sum, zero } from '../core/money';
import { type IntervalUnit, type Period, periodAt } from '../core/period';
import { type ProrationBasis, remainingShare, type Share } from '../core/proration';
import { done, type Result, refuse } from '../core/result';
import type { CouponReason } from '../coupons/coupon';
import type { Settlement } from '../invoicing/credit-note';
import type { LineDraft, TimeSpan } from '../invoicing/invoice';
import { type AddonCharge, type AddonSubscription, providerPeriodAt } from '../subscriptions/addon-subscription';
import {
  type ChangeCoupon,
  type ChangeCouponUse,
  changeDiscounts,
  itemsAfter,
  judgeChangeCoupons,
  unused,
} from './change-coupons';
import { type ChargedItem, chargeLine, creditLine } from './charged-item';
import {
  type AttachmentOutcomeKind,
  endKindOf,
  type Judgement,
  judgeAttachments,
  type UnavailableAddonPolicy,
} from './judge-attachments';
import type { AllowanceLeft } from './unused-allowance';

export const anchorModes = ['KEEP', 'RESET'] as const;
/** KEEP prorates the target for the rest of the period; RESET starts a full period today and charges it whole. */
export type AnchorMode = (typeof anchorModes)[number];

/** What is asked for: the same for a preview and for the change itself. */
export interface PlanChangeRequest {
  /** Id or code. `undefined`: the plan as it is. */
  readonly plan?: string | undefined;
  /** `undefined`: as it is. */
  readonly interval?: IntervalUnit | undefined;
  readonly quantity?: number | undefined;
  readonly coupon?: string | undefined;
  readonly anchor?: AnchorMode | undefined;
  readonly effective?: 'NOW' | 'PERIOD_END' | 'DATE' | undefined;
  /** With `effective: DATE`: a day of the current period, in the billing zone. */
  readonly effectiveDate?: LocalDate | undefined;
  readonly keepRunningDiscounts?: boolean | undefined;
  readonly unavailableAddons?: UnavailableAddonPolicy | undefined;
  readonly waived?: boolean | undefined;
  readonly settlement?: Settlement | undefined;
  /** How many of which add-ons there are from now on; those that are not named stay as they are. */
  readonly addons?: readonly AddonQuantity[] | undefined;
}

export interface AddonQuantity {
  /** Id or code. */
  readonly addon: string;
  readonly quantity?: number | undefined;
  /** Of one that is added; default: NOW. */
  readonly charge?: AddonCharge | undefined;
}

/** An attachment at the time of the change. */
export interface AttachedAddon {
  readonly attachment: AddonSubscription;
  readonly addon: Addon;
  readonly charged: ChargedItem;
}

/** An add-on that is added, or goes on in another quantity. */
export interface AddonOrder {
  readonly addon: Addon;
  /** What is attached already. */
  readonly before?: AttachedAddon | undefined;
  /** The phase that begins. */
  readonly next: AddonSubscription;
  /** The rest of this period is a line of the next invoice. */
  readonly chargedLater: boolean;
}

export interface PlanChangeInput {
  readonly at: Instant;
  readonly currency: CurrencyCode;
  readonly timeZone: TimeZone;
  readonly basis: ProrationBasis;
  /** Nothing was charged yet and nothing is until the trial's end. */
  readonly trialing: boolean;
  readonly period: Period;
  readonly anchorDate: LocalDate;
  readonly interval: IntervalUnit;
  readonly current: ChargedItem;
  readonly attachments: readonly AttachedAddon[];
  readonly orders: readonly AddonOrder[];
  /** Only add-ons change: plan, interval, quantity and period stay as they are, and what is attached is not judged again. */
  readonly planGoesOn: boolean;
  /** Add-ons that attached ones require and that are not attached themselves. */
  readonly requiredAddons: readonly Addon[];
  readonly target: {
    readonly itemId: Id<'SubscriptionItem'>;
    readonly plan: Plan;
    readonly version: PlanVersion;
    readonly interval: IntervalUnit;
    readonly unitAmount: Money;
    readonly quantity: bigint;
  };
  readonly anchor: AnchorMode;
  /** Oldest first. */
  readonly coupons: readonly ChangeCoupon[];
  readonly couponOrder: CouponOrder;
  readonly unavailableAddons: UnavailableAddonPolicy;
  /** No money moves: no coupon is used. */
  readonly waived?: boolean | undefined;
  /** By item: what is left of what it includes, where the change ends that. */
  readonly allowances?: ReadonlyMap<string, AllowanceLeft> | undefined;
}

/** What becomes of one attachment. */
export interface AttachmentOutcome {
  readonly attachment: AddonSubscription;
  readonly addon: Addon;
  readonly outcome: AttachmentOutcomeKind;
  readonly credit: Money;
  readonly price?: { readonly id: string; readonly amount: Money } | undefined;
  /** ADDED, QUANTITY_CHANGED: the phase that begins. */
  readonly next?: AddonSubscription | undefined;
}

/** Where the subscription stands after the change. */
export interface PeriodAfter {
  readonly anchorDate: LocalDate;
  readonly interval: IntervalUnit;
  readonly index: number;
  readonly span: TimeSpan;
}

export interface PlanChange {
  readonly at: Instant;
  /** As it is applied: an interval change forces RESET. */
  readonly anchor: AnchorMode;
  readonly share: Share;
  readonly lines: readonly LineDraft[];
  readonly unusedCredit: Money;
  readonly newCharge: Money;
  readonly discount: Money;
  /** Negative: in the tenant's favour. */
  readonly net: Money;
  /** What each coupon takes; those that take nothing are not used. */
  readonly couponUses: readonly ChangeCouponUse[];
  /** Running coupons that the change ends. */
  readonly endingCoupons: readonly ChangeCoupon[];
  /** Used up in this period and not kept: they give nothing again. */
  readonly lapsingCoupons: readonly ChangeCoupon[];
  /** Why the coupon that was named may not be used; empty: it may. */
  readonly couponProblems: readonly CouponReason[];
  readonly attachments: readonly AttachmentOutcome[];
  readonly after: PeriodAfter;
  /** The full period that it begins and charges; none where the period is kept, or has ended. */
  readonly newPeriod?: TimeSpan | undefined;
}

const spanOf = (period: Period): TimeSpan => ({ start: period.start, end: period.end });

/** An attachment, or one that is ordered. */
type Member = AttachedAddon & { readonly order?: AddonOrder | undefined };
type JudgedMember = Member & Judgement;

/** Why an attachment cannot be with the plan. */
function notWith(input: PlanChangeInput, { addon, requiredAddonId }: JudgedMember, all: readonly JudgedMember[]) {
  const { plan } = input.target;
  const required = [...input.requiredAddons, ...all.map((other) => other.addon)].find(
    ({ id }) => id === requiredAddonId,
  );
  return required
    ? refuse('ADDON_NOT_AVAILABLE_WITH_PLAN', `${addon.name} needs ${required.name}, which ${plan.name} leaves out.`, {
        facts: { addon: addon.code, plan: plan.code, requires: required.code },
      })
    : refuse('ADDON_NOT_AVAILABLE_WITH_PLAN', `${addon.name} is not available with ${plan.name}.`, {
        facts: { addon: addon.code, plan: plan.code },
      });
}

/** Everything that is attached, and all that is ordered, judged at once. What is ordered goes on, or the change is refused. */
function judgeMembers(
  input: PlanChangeInput,
  resets: boolean,
): Result<JudgedMember[], 'ADDON_NOT_AVAILABLE_WITH_PLAN' | 'ADDON_INCLUDED_IN_PLAN'> {
  const { target, currency, interval, orders, planGoesOn } = input;
  const orderOf = new Map(orders.flatMap((order) => (order.before ? [[order.before.attachment.id, order]] : [])));
  const members: Member[] = [
    ...input.attachments.map((attached) => ({ ...attached, order: orderOf.get(attached.attachment.id) })),
    ...orders.flatMap((order) => {
      const { addon, next, before } = order;
      const item = {
        itemId: next.id,
        kind: 'ADDON' as const,
        name: addon.name,
        catalogId: addon.id,
        discounts: [],
        charged: zero(currency),
      };
      const { unitAmount, quantity } = next;
      return before ? [] : [{ attachment: next, addon, charged: { ...item, unitAmount, quantity }, order }];
    }),
  ];
  const judged: JudgedMember[] = planGoesOn
    ? members.map((member) => ({ ...member, outcome: 'CONTINUES' }))
    : judgeAttachments(
        {
          ...{ plan: target.plan, version: target.version, interval: target.interval, currency, resets },
          // In a trial nothing is reset, but another interval needs another price all the same.
          reprices: resets || target.interval !== interval,
          ...{ unavailableAddons: input.unavailableAddons, required: input.requiredAddons },
        },
        members,
      );
  const refused = judged.find(({ order, outcome }) =>
    order
      ? !['CONTINUES', 'REPRICED'].includes(outcome)
      : input.unavailableAddons === 'REFUSE' && ['ENDS_NOT_AVAILABLE', 'ENDS_REQUIREMENT_MISSING'].includes(outcome),
  );
  if (refused?.outcome === 'ENDS_INCLUDED') {
    const { plan } = target;
    return refuse('ADDON_INCLUDED_IN_PLAN', `${plan.name} includes ${refused.addon.name}.`, {
      facts: { plan: plan.code },
    });
  }
  if (refused) return notWith(input, refused, judged);
  return done(
    judged.map((member) =>
      member.order ? { ...member, outcome: member.order.before ? 'QUANTITY_CHANGED' : 'ADDED' } : member,
    ),
  );
}

/** The phase of an ordered attachment that begins, at the price of a new period where one begins. */
function nextOf({ order, price }: JudgedMember, interval: IntervalUnit): AddonSubscription | undefined {
  if (!order) return undefined;
  return price ? { ...order.next, interval, priceId: price.id, unitAmount: price.amount } : order.next;
}

/**
 * What a plan change costs and does (billing rules §3 and §6). Preview and execution call this same function; nothing
 * here reads a clock or a database.
 */
export function decidePlanChange(
  input: PlanChangeInput,
): Result<PlanChange, 'ADDON_NOT_AVAILABLE_WITH_PLAN' | 'ADDON_INCLUDED_IN_PLAN'> {
  const { at, currency, timeZone, target } = input;
  const intervalChanges = target.interval !== input.interval;
  const reset = !input.trialing && (intervalChanges || input.anchor === 'RESET');
  const oldSpan = spanOf(input.period);
  const oldShare = remainingShare(input.trialing ? 'NONE' : input.basis, input.period, at, timeZone);

  // At the period's very end nothing is left to credit, and the renewal charges what follows.
  const atPeriodEnd = at.epochMilliseconds >= input.period.end.epochMilliseconds;

  const anchorDate = reset ? dateAt(at, timeZone) : input.anchorDate;
  const newPeriod = reset
    ? periodAt({ anchor: anchorDate, interval: target.interval, zone: timeZone }, 0)
    : input.period;
  const newSpan = spanOf(newPeriod);
  const newShare = reset && !atPeriodEnd ? remainingShare('DAY', newPeriod, newPeriod.start, timeZone) : oldShare;
  const rest = { start: at, end: newPeriod.end };

  const members = judgeMembers(input, reset);
  if (!members.ok) return members;

  const credit = (item: ChargedItem, ...time: [Share, TimeSpan, TimeSpan]) =>
    creditLine(item, ...time, input.allowances?.get(item.itemId));
  const lines: LineDraft[] = [];
  const isCharged = oldShare.remaining > 0n;
  if (isCharged && !input.planGoesOn) {
    lines.push(credit(input.current, oldShare, { start: at, end: oldSpan.end }, oldSpan));
  }
  const attachments: AttachmentOutcome[] = members.value.map((member) => {
    const { attachment, addon, charged, outcome, price, order } = member;
    const next = nextOf(member, target.interval);
    const unchanged = { attachment, addon, outcome, price, next, credit: zero(currency) };
    const ends = endKindOf[outcome] !== undefined;
    const own = providerPeriodAt(attachment, timeZone, at);
    if (own) {
      const share = remainingShare(input.basis, own.period, own.at, timeZone);
      if (!ends || share.remaining === 0n) return unchanged;
      const line = credit(charged, share, { start: own.at, end: own.period.end }, spanOf(own.period));
      lines.push(line);
      return { ...unchanged, credit: negate(line.amount) };
    }
    const leavesPeriod = outcome !== 'ADDED' && (reset || ends || outcome === 'QUANTITY_CHANGED');
    if (!leavesPeriod || !isCharged || order?.chargedLater) return unchanged;
    const line = credit(charged, oldShare, { start: at, end: oldSpan.end }, oldSpan);
    lines.push(line);
    return { ...unchanged, credit: negate(line.amount) };
  });
  const charges = lines.length;
  if (newShare.remaining > 0n) {
    const { itemId, plan, unitAmount, quantity } = target;
    const newItem = { itemId, kind: 'PLAN' as const, name: plan.name, catalogId: plan.id, unitAmount, quantity };
    if (!input.planGoesOn) lines.push(chargeLine('PRORATION_CHARGE', newItem, newShare, rest, newSpan));
    for (const [index, { attachment, addon, price, next }] of attachments.entries()) {
      const isRepriced = reset && price !== undefined;
      if (!next && !isRepriced) continue;
      if (next && !reset && members.value[index]!.order?.chargedLater) continue;
      const phase = next ?? { ...attachment, unitAmount: price!.amount };
      const item = { ...phase, itemId: phase.id, kind: 'ADDON' as const, name: addon.name, catalogId: addon.id };
      lines.push(chargeLine('PRORATION_CHARGE', item, newShare, rest, newSpan));
    }
  }
  const phases = attachments.map((outcome) => ({ ...outcome, attachment: outcome.next ?? outcome.attachment }));
  const coupled = { ...input, attachments: phases };

  const judged = judgeChangeCoupons(input.coupons, itemsAfter(input, phases));
  const taken =
    newShare.remaining > 0n && !input.waived
      ? changeDiscounts(coupled, judged.taking, { lines, from: charges, share: newShare, newPeriod: reset })
      : { lines: [], uses: judged.taking.map((entry) => unused(entry, currency)) };
  lines.push(...taken.lines);

  const amountOf = (kind: LineDraft['kind']) =>
    sum(
      lines.filter((line) => line.kind === kind).map((line) => line.amount),
      currency,
    );
  const unusedCredit = negate(amountOf('PRORATION_CREDIT'));
  const newCharge = amountOf('PRORATION_CHARGE');
  const discount = negate(amountOf('DISCOUNT'));
  return done({
    at,
    anchor: reset ? 'RESET' : 'KEEP',
    share: oldShare,
    lines,
    unusedCredit,
    newCharge,
    discount,
    net: subtract(subtract(newCharge, unusedCredit), discount),
    couponUses: taken.uses,
    endingCoupons: judged.ending,
    lapsingCoupons: judged.lapsing,
    couponProblems: judged.namedProblems,
    attachments,
    after: {
      anchorDate,
      interval: target.interval,
      // The renewal at a period's end begins the next index: after a reset that is 0.
      index: reset ? (atPeriodEnd ? -1 : 0) : input.period.index,
      span: atPeriodEnd ? oldSpan : newSpan,
    },
    newPeriod: reset && !atPeriodEnd ? newSpan : undefined,
  });
}
