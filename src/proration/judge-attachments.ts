import { type Addon, addonAvailability, includesAddon } from '../catalog/addon';
import { withoutRequirement } from '../catalog/addon-requirement';
import { type Plan, type PlanVersion, priceFor } from '../catalog/plan';
import type { CurrencyCode } from '../core/currency';
import type { Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { AddonEndKind, AddonSubscription } from '../subscriptions/addon-subscription';

export const unavailableAddonPolicies = ['CANCEL_AND_CREDIT', 'REFUSE', 'KEEP'] as const;
/** What happens to an attachment that the target plan does not sell. */
export type UnavailableAddonPolicy = (typeof unavailableAddonPolicies)[number];

export const attachmentOutcomes = [
  'CONTINUES',
  'REPRICED',
  'KEPT',
  'ADDED',
  'QUANTITY_CHANGED',
  'ENDS_INCLUDED',
  'ENDS_NOT_AVAILABLE',
  'ENDS_REQUIREMENT_MISSING',
  'ENDS_CANCELLED',
] as const;
/**
 * CONTINUES: unchanged. REPRICED: a new full period at the price of the new interval. KEPT: the plan does not sell it, and
 * the caller keeps it. ADDED, QUANTITY_CHANGED: as the call asks for. ENDS_INCLUDED: the plan has it now. ENDS_NOT_AVAILABLE: the plan does not sell it.
 * ENDS_REQUIREMENT_MISSING: an add-on that it requires is neither attached any more nor in the plan. ENDS_CANCELLED: it was
 * cancelled to the end of the period, which ends now.
 */
export type AttachmentOutcomeKind = (typeof attachmentOutcomes)[number];

/** How the end of an attachment is recorded; `undefined`: it goes on. */
export const endKindOf: Readonly<Partial<Record<AttachmentOutcomeKind, AddonEndKind>>> = {
  ENDS_INCLUDED: 'INCLUDED_IN_PLAN',
  ENDS_NOT_AVAILABLE: 'NOT_AVAILABLE',
  ENDS_REQUIREMENT_MISSING: 'REQUIREMENT_MISSING',
  ENDS_CANCELLED: 'CANCELLED',
};

export interface JudgedPlan {
  readonly plan: Pick<Plan, 'rank'>;
  readonly version: Pick<PlanVersion, 'includesAllAddons' | 'includedAddonIds'>;
  readonly interval: IntervalUnit;
  readonly currency: CurrencyCode;
  readonly unavailableAddons: UnavailableAddonPolicy;
  /** A new period begins. */
  readonly resets: boolean;
  /** Each price is chosen again: a new period begins, or another interval (also in a trial, which goes on). */
  readonly reprices: boolean;
  /** The add-ons that the attached ones require, where they are not attached themselves. */
  readonly required: readonly Pick<Addon, 'id' | 'status'>[];
}

export interface Judged {
  readonly attachment: Pick<AddonSubscription, 'billedBy' | 'interval' | 'priceId' | 'unitAmount' | 'endsAt'>;
  readonly addon: Addon;
}

export interface Judgement {
  readonly outcome: AttachmentOutcomeKind;
  readonly price?: { readonly id: string; readonly amount: Money } | undefined;
  /** ENDS_REQUIREMENT_MISSING. */
  readonly requiredAddonId?: Addon['id'] | undefined;
}

/** One attachment by itself. */
function judgeAlone(to: JudgedPlan, { attachment, addon }: Judged): Judgement {
  const availability = addonAvailability(to.plan, to.version, addon);
  if (availability === 'INCLUDED') return { outcome: 'ENDS_INCLUDED' };
  const isSold = availability === 'AVAILABLE';
  if (!isSold && to.unavailableAddons !== 'KEEP') return { outcome: 'ENDS_NOT_AVAILABLE' };
  // A provider bills it in periods of its own: the plan's interval does not touch it.
  if (attachment.billedBy !== 'TOLLGATE') return { outcome: isSold ? 'CONTINUES' : 'KEPT' };
  if (attachment.endsAt && to.resets) return { outcome: 'ENDS_CANCELLED' };
  if (!to.reprices || attachment.endsAt) return { outcome: isSold ? 'CONTINUES' : 'KEPT' };
  const outcome = isSold ? 'REPRICED' : 'KEPT';
  if (attachment.interval === to.interval) {
    return { outcome, price: { id: attachment.priceId, amount: attachment.unitAmount } };
  }
  const price = priceFor(addon.prices, to.interval, to.currency);
  return price ? { outcome, price } : { outcome: 'ENDS_NOT_AVAILABLE' };
}

/**
 * What becomes of everything attached under a plan (billing rules §6 and §12): each by itself, then all that hangs on what
 * ends. In the order of the attachments; one that was cancelled to a date is judged like the others.
 */
export function judgeAttachments<T extends Judged>(to: JudgedPlan, attached: readonly T[]): (T & Judgement)[] {
  const alone = attached.map((member) => ({ ...member, ...judgeAlone(to, member) }));
  const known = new Map([...to.required, ...attached.map(({ addon }) => addon)].map((addon) => [addon.id, addon]));
  const staying = alone.filter(({ outcome }) => !endKindOf[outcome]);
  const missing = new Map(
    withoutRequirement(staying, (id) => includesAddon(to.version, known.get(id) ?? { id, status: 'ARCHIVED' })).map(
      ({ member, requiredAddonId }) => [member, requiredAddonId],
    ),
  );
  return alone.map((member) => {
    const requiredAddonId = missing.get(member);
    if (!requiredAddonId) return member;
    return { ...member, outcome: 'ENDS_REQUIREMENT_MISSING', requiredAddonId, price: undefined };
  });
}
