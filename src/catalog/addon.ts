import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { FeatureAllowance } from './feature';
import type { CatalogStatus, Plan, PlanVersion } from './plan';

export interface AddonPrice {
  readonly id: string;
  readonly interval: IntervalUnit;
  readonly amount: Money;
}

export interface Addon {
  readonly id: Id<'Addon'>;
  readonly partnerId: Id<'Partner'>;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  /** Sold from this plan rank upwards; `undefined`: with every plan. */
  readonly minimumPlanRank?: number | undefined;
  readonly status: CatalogStatus;
  readonly prices: readonly AddonPrice[];
  readonly allowances: readonly FeatureAllowance[];
  /** Add-ons that must be there already: attached, or included in the plan. */
  readonly requiredAddonIds: readonly Id<'Addon'>[];
  readonly version: number;
  readonly createdAt: Instant;
}

/** AVAILABLE: can be bought with the plan. INCLUDED: the plan has it. NOT_AVAILABLE: the plan's rank is too low. */
export type AddonAvailability = 'AVAILABLE' | 'INCLUDED' | 'NOT_AVAILABLE';

type Includes = Pick<PlanVersion, 'includesAllAddons' | 'includedAddonIds'>;

/** A plan that includes all add-ons has those on sale; one that is archived only where it is named. */
export function includesAddon(version: Includes, addon: Pick<Addon, 'id' | 'status'>): boolean {
  return version.includedAddonIds.includes(addon.id) || (version.includesAllAddons && addon.status === 'ACTIVE');
}

/** Billing rules §6: from the plan's included list and the add-on's minimum rank. */
export function addonAvailability(
  plan: Pick<Plan, 'rank'>,
  version: Includes,
  addon: Pick<Addon, 'id' | 'status' | 'minimumPlanRank'>,
): AddonAvailability {
  if (includesAddon(version, addon)) return 'INCLUDED';
  return addon.minimumPlanRank !== undefined && plan.rank < addon.minimumPlanRank ? 'NOT_AVAILABLE' : 'AVAILABLE';
}
