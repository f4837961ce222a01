import DataLoader from 'dataloader';
import { inOrder } from '../access/access.loaders';
import type { Instant } from '../core/calendar';
import { groupBy } from '../core/group';
import type { Tx } from '../tx';
import type { Addon } from './addon';
import type { Feature } from './feature';
import type { Plan, PlanVersion } from './plan';

export const featureLoader = (tx: Tx) =>
  new DataLoader<string, Feature | undefined, string>(async (ids) => inOrder(ids, await tx.features.byIds(ids)));

export const planLoader = (tx: Tx) =>
  new DataLoader<string, Plan | undefined, string>(async (ids) => inOrder(ids, await tx.plans.byIds(ids)));

export const planVersionLoader = (tx: Tx) =>
  new DataLoader<string, PlanVersion | undefined, string>(async (ids) =>
    inOrder(ids, await tx.plans.versionsByIds(ids)),
  );

/** By the plan's id: the version that is sold now. */
export const currentVersionLoader = (tx: Tx) =>
  new DataLoader<string, PlanVersion | undefined, string>(async (planIds) => {
    const byPlan = new Map(
      (await tx.plans.currentVersions(planIds)).map((version) => [version.planId as string, version]),
    );
    return planIds.map((planId) => byPlan.get(planId));
  });

/** The version that was sold at an instant. */
export const versionAtLoader = (tx: Tx) =>
  new DataLoader<{ readonly planId: string; readonly at: Instant }, PlanVersion | undefined, string>(
    async (keys) => {
      const found = new Map<string, PlanVersion>();
      for (const [time, group] of groupBy(keys, ({ at }) => at.epochMilliseconds)) {
        const planIds = group.map(({ planId }) => planId);
        for (const version of await tx.plans.versionsAt(planIds, group[0]!.at)) {
          found.set(`${version.planId} ${time}`, version);
        }
      }
      return keys.map(({ planId, at }) => found.get(`${planId} ${at.epochMilliseconds}`));
    },
    { cacheKeyFn: ({ planId, at }) => `${planId} ${at.epochMilliseconds}` },
  );

export const addonLoader = (tx: Tx) =>
  new DataLoader<string, Addon | undefined, string>(async (ids) => inOrder(ids, await tx.addons.byIds(ids)));

/** One grouped count for all add-ons of a partner on the page. */
export const subscriberCountLoader = (tx: Tx) =>
  new DataLoader<{ readonly partnerId: string; readonly addonId: string }, number, string>(
    async (keys) => {
      const counts = new Map<string, number>();
      for (const partnerId of new Set(keys.map((key) => key.partnerId))) {
        const addonIds = keys.filter((key) => key.partnerId === partnerId).map((key) => key.addonId);
        for (const [addonId, count] of await tx.addons.subscriberCounts(partnerId, addonIds))
          counts.set(addonId, count);
      }
      return keys.map((key) => counts.get(key.addonId) ?? 0);
    },
    { cacheKeyFn: (key) => key.addonId },
  );
