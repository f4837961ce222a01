import { type Addon, type AddonPrice, addonAvailability, includesAddon } from '../catalog/addon';
import { withoutRequirement } from '../catalog/addon-requirement';
import { type PlanVersion, priceFor } from '../catalog/plan';
import { requiredBeside } from '../catalog/required-addons.query';
import { type Instant, isAtOrBefore } from '../core/calendar';
import { done, type Refused, type Result, refuse } from '../core/result';
import { judgeAttachments } from '../proration/judge-attachments';
import type { Tx } from '../tx';
import type { AddonBiller, AddonSubscription } from './addon-subscription';
import type { Subscription } from './subscription';

export const addonRefusals = [
  'ADDON_ARCHIVED',
  'ADDON_INCLUDED_IN_PLAN',
  'ADDON_NOT_AVAILABLE_WITH_PLAN',
  'ADDON_REQUIRES_ADDON',
  'PRICE_NOT_FOUND',
] as const;
export type AddonRefusal = (typeof addonRefusals)[number];

export type AddonSaleTx = Pick<Tx, 'plans' | 'addons' | 'subscriptions' | 'addonSubscriptions'>;

/** What is attached, each with its add-on. */
async function attachedTo(
  tx: AddonSaleTx,
  tenantId: string,
): Promise<{ readonly attachment: AddonSubscription; readonly addon: Addon }[]> {
  const live = await tx.addonSubscriptions.live(tenantId);
  const addons = new Map((await tx.addons.byIds(live.map(({ addonId }) => addonId))).map((addon) => [addon.id, addon]));
  return live.map((attachment) => ({ attachment, addon: addons.get(attachment.addonId)! }));
}

/** Does the add-on miss another one, now or (as long as it is not cancelled itself) when that one ends? */
export async function requirementProblem(
  tx: AddonSaleTx,
  subscription: Subscription,
  addon: Addon,
  options: {
    /** Default: what is cancelled to a date is as good as gone. */
    readonly endings?: 'ARE_THERE' | undefined;
    /** Default: the plan's as it is. */
    readonly version?: PlanVersion | undefined;
    /** What is added with it. */
    readonly beside?: readonly Addon[] | undefined;
  } = {},
): Promise<Refused<'ADDON_REQUIRES_ADDON'> | undefined> {
  if (addon.requiredAddonIds.length === 0) return undefined;
  const attached = await attachedTo(tx, subscription.tenantId);
  const beside = (options.beside ?? []).map((other) => ({ addon: other }));
  const lasting = attached.filter(({ attachment }) => options.endings === 'ARE_THERE' || !attachment.endsAt);
  const members = [...[...lasting, ...beside].filter((other) => other.addon.id !== addon.id), { addon }];
  const addons = [...attached, ...beside, { addon }].map((other) => other.addon);
  const known = new Map([...addons, ...(await requiredBeside(tx, addons))].map((row) => [row.id, row]));
  const version = options.version ?? (await tx.plans.versionById(subscription.item.planVersionId))!;
  const missing = withoutRequirement(members, (id) => includesAddon(version, known.get(id)!)).find(
    ({ member }) => member.addon.id === addon.id,
  );
  if (!missing) return undefined;
  const needed = known.get(missing.requiredAddonId)!;
  const endsAt = attached.find((other) => other.addon.id === needed.id)?.attachment.endsAt;
  return refuse(
    'ADDON_REQUIRES_ADDON',
    `${addon.name} needs ${needed.name}${endsAt ? ', which is cancelled to a date' : ''}.`,
    { facts: { addon: needed.code, ...(endsAt && { endsAt: endsAt.toString() }) } },
  );
}

async function sellersOf(tx: AddonSaleTx, { partnerId, minimumPlanRank = 0 }: Addon) {
  return (await tx.plans.onSale(partnerId)).filter(({ rank }) => rank >= minimumPlanRank);
}

/** Would it live on when the plan changes that waits? That change judges it like all that is attached. */
async function waitingProblem(
  tx: AddonSaleTx,
  subscription: Subscription,
  addon: Addon,
  attachment: Pick<AddonSubscription, 'billedBy' | 'interval' | 'priceId' | 'unitAmount'>,
): Promise<Refused<'ADDON_NOT_AVAILABLE_WITH_PLAN' | 'ADDON_REQUIRES_ADDON'> | undefined> {
  const scheduled = await tx.subscriptions.scheduled(subscription.tenantId, subscription.id);
  if (!scheduled) return undefined;
  const version = (await tx.plans.versionById(scheduled.planVersionId))!;
  const plan = (await tx.plans.byIds([version.planId]))[0]!;
  const interval = version.prices.find(({ id }) => id === scheduled.priceId)!.interval;
  const isThereThen = ({ endsAt }: { readonly endsAt?: Instant | undefined }) =>
    !endsAt || !isAtOrBefore(endsAt, scheduled.effectiveAt);
  const attached = (await attachedTo(tx, subscription.tenantId)).filter((other) => isThereThen(other.attachment));
  const all = [...attached, { attachment, addon }];
  const resets = scheduled.options.anchor === 'RESET';
  const { outcome, requiredAddonId } = judgeAttachments(
    {
      ...{ plan, version, interval, currency: subscription.currency, resets },
      reprices: resets || interval !== subscription.interval,
      unavailableAddons: scheduled.options.unavailableAddons,
      required: await requiredBeside(
        tx,
        all.map((one) => one.addon),
      ),
    },
    all,
  ).at(-1)!;
  const effectiveAt = scheduled.effectiveAt.toString();
  if (outcome === 'ENDS_REQUIREMENT_MISSING') {
    const required = (await tx.addons.byIds([requiredAddonId!]))[0]!;
    return refuse(
      'ADDON_REQUIRES_ADDON',
      `${addon.name} needs ${required.name}, which ends with the plan change that waits.`,
      {
        facts: { addon: required.code, effectiveAt },
      },
    );
  }
  if (outcome !== 'ENDS_NOT_AVAILABLE' && outcome !== 'KEPT') return undefined;
  const availableFrom = (await sellersOf(tx, addon))[0]?.code;
  return refuse('ADDON_NOT_AVAILABLE_WITH_PLAN', `${addon.name} is not available with ${plan.name}, which waits.`, {
    facts: { plan: plan.code, availableFrom, minimumPlanRank: addon.minimumPlanRank, effectiveAt },
  });
}

/** May this add-on be bought with this subscription, and at which price? */
export async function judgeAddon(
  tx: AddonSaleTx,
  subscription: Subscription,
  addon: Addon,
  { billedBy = 'TOLLGATE', beside }: { readonly billedBy?: AddonBiller; readonly beside?: readonly Addon[] } = {},
): Promise<Result<AddonPrice, AddonRefusal>> {
  if (addon.status === 'ARCHIVED') return refuse('ADDON_ARCHIVED', `${addon.name} is no longer sold.`);
  const { item, interval, currency } = subscription;
  const version = (await tx.plans.versionById(item.planVersionId))!;
  const plan = (await tx.plans.byIds([item.planId]))[0]!;
  const availability = addonAvailability(plan, version, addon);
  if (availability === 'INCLUDED') {
    return refuse('ADDON_INCLUDED_IN_PLAN', `${plan.name} includes ${addon.name}.`, { facts: { plan: plan.code } });
  }
  if (availability === 'NOT_AVAILABLE') {
    return refuse('ADDON_NOT_AVAILABLE_WITH_PLAN', `${addon.name} is not available with ${plan.name}.`, {
      facts: {
        plan: plan.code,
        availableFrom: (await sellersOf(tx, addon))[0]?.code,
        minimumPlanRank: addon.minimumPlanRank,
      },
    });
  }
  const required = await requirementProblem(tx, subscription, addon, { beside });
  if (required) return required;
  const price = priceFor(addon.prices, interval, currency);
  if (!price) {
    return refuse('PRICE_NOT_FOUND', `${addon.name} has no price per ${interval.toLowerCase()} in ${currency}.`, {
      facts: { interval, currency },
    });
  }
  const sold = { billedBy, interval, priceId: price.id, unitAmount: price.amount };
  const waiting = await waitingProblem(tx, subscription, addon, sold);
  return waiting ?? done(price);
}
