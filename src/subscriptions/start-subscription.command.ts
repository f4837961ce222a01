import { findPlan } from '../catalog/find-catalog.query';
import { priceFor } from '../catalog/plan';
import { dateAt, type Instant, isBefore, startOfDay } from '../core/calendar';
import { anchorFor, type IntervalUnit, periodContaining } from '../core/period';
import { parseSeats } from '../core/quantity';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import { resetClash } from '../entitlements/reset-clash.query';
import { billPeriod } from '../invoicing/bill-period.command';
import { billTenant } from '../invoicing/bill-tenant.command';
import type { MadeDocuments } from '../invoicing/made-documents';
import { tellStanding } from '../payments/apply-standing.command';
import { standingOfTenant } from '../payments/standing.query';
import type { Tx } from '../tx';
import type { Subscription } from './subscription';
import type { Trial } from './trial';
import { offeredTrial, trialFor } from './trial.query';

export interface StartSubscriptionInput {
  /** Id or code. */
  readonly plan: string;
  readonly interval?: IntervalUnit | undefined;
  readonly quantity?: number | undefined;
  /** In the sandbox any instant up to the tenant's now; elsewhere not given: now. */
  readonly startAt?: Instant | undefined;
  /** Day of the month that periods begin on, 1–31; the first period is then shorter. Default: the start's own day. */
  readonly anchorDay?: number | undefined;
  /** Free days, 1 to 730; 0: none. Default: the plan's own trial, where the tenant had none before. */
  readonly trialDays?: number | undefined;
}

export const startSubscriptionRefusals = [
  'ALREADY_SUBSCRIBED',
  'PLAN_NOT_FOUND',
  'PLAN_ARCHIVED',
  'PRICE_NOT_FOUND',
  'START_NOT_ALLOWED',
  'RESET_PERIOD_MISMATCH',
  'TRIAL_USED',
  'INVALID_INPUT',
] as const;
type Code = (typeof startSubscriptionRefusals)[number];

/** How far back a sandbox may start: ten years of months, daily intervals less. */
const earliestStart = { hours: 24 * 366 * 10 };

/**
 * Starts the tenant's subscription, bills its first period, and every further one that has begun since.
 *
 * @param offered what the tenant was offered at a checkout: that is what is sold, whatever the catalog says meanwhile
 * @param offered.trial the trial that was offered; `undefined`: none
 */
export async function startSubscription(
  tx: Tx,
  input: StartSubscriptionInput,
  offered?: { readonly planVersionId: string; readonly priceId: string; readonly trial: Trial | undefined },
): Promise<Result<{ subscription: Subscription; documents: MadeDocuments }, Code>> {
  const { tenant } = tx;
  await tx.tenants.lock(tenant.id);
  const live = await tx.subscriptions.live(tenant.id);
  if (live) return refuse('ALREADY_SUBSCRIBED', 'The tenant has a subscription; change its plan instead.');
  const plan = await findPlan(tx, input.plan);
  if (!plan) return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'plan'] });
  if (plan.status === 'ARCHIVED' && !offered) {
    return refuse('PLAN_ARCHIVED', `${plan.name} is no longer sold.`, { path: ['input', 'plan'] });
  }
  const version = (
    offered ? await tx.plans.versionById(offered.planVersionId) : await tx.plans.currentVersion(plan.id)
  )!;
  const interval = input.interval ?? 'MONTH';
  const price = offered
    ? version.prices.find(({ id }) => id === offered.priceId)
    : priceFor(version.prices, interval, tenant.currency);
  if (!price) {
    return refuse('PRICE_NOT_FOUND', `${plan.name} has no price per ${interval.toLowerCase()} in ${tenant.currency}.`, {
      path: ['input', 'interval'],
      facts: { interval, currency: tenant.currency },
    });
  }
  const quantity = parseSeats(input.quantity ?? 1);
  if (quantity === undefined) return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  const { anchorDay } = input;
  if (anchorDay !== undefined && (anchorDay < 1 || anchorDay > 31)) return invalid(['anchorDay'], 'Between 1 and 31.');
  if (anchorDay !== undefined && !['MONTH', 'QUARTER', 'YEAR'].includes(interval)) {
    return invalid(['anchorDay'], 'Only periods of months have an anchor day.');
  }
  const foundTrial = offered ? await offeredTrial(tx, offered.trial) : await trialFor(tx, input.trialDays, version);
  if (!foundTrial.ok) return foundTrial;
  const trial = foundTrial.value;
  if (trial && anchorDay !== undefined) {
    return invalid(
      ['anchorDay'],
      `After a trial, periods begin on the day the trial ends.${trial.ofPlan ? ' trialDays 0 starts without the trial of the plan.' : ''}`,
    );
  }
  const now = tx.now;
  const startedAt = input.startAt ?? now;
  if (input.startAt && !tenant.sandbox) {
    return refuse('START_NOT_ALLOWED', 'Only a sandbox tenant can start at another time than now.', {
      path: ['input', 'startAt'],
    });
  }
  const earliest = now.subtract(interval === 'DAY' || interval === 'WEEK' ? { hours: 24 * 366 } : earliestStart);
  if (isBefore(now, startedAt) || isBefore(startedAt, earliest)) {
    return refuse('START_NOT_ALLOWED', 'The start is in the future, or too long ago.', {
      path: ['input', 'startAt'],
      facts: { earliest: earliest.toString(), latest: now.toString() },
    });
  }

  if (tenant.sandbox) tx.atTime(startedAt);
  const { timeZone } = tenant;
  const startDate = dateAt(startedAt, timeZone);
  const trialEnd = trial && startOfDay(startDate.add({ days: trial.days }), timeZone);
  const anchorDate = trialEnd ? dateAt(trialEnd, timeZone) : anchorFor(startDate, anchorDay);
  const period = periodContaining({ anchor: anchorDate, interval, zone: timeZone }, trialEnd ?? startedAt);
  // Starting again pays nothing: what the tenant owes keeps its standing, its grace and its access as they were.
  const standing = await standingOfTenant(tx);
  const subscription: Subscription = {
    id: tx.newId<'Subscription'>(),
    tenantId: tenant.id,
    partnerId: tenant.partnerId,
    status: trialEnd ? 'TRIALING' : standing.status,
    accessUntil: standing.accessUntil,
    item: {
      id: tx.newId<'SubscriptionItem'>(),
      planId: plan.id,
      planVersionId: version.id,
      priceId: price.id,
      interval,
      unitAmount: price.amount,
      quantity,
      startedAt,
    },
    currency: tenant.currency,
    ...{ interval, anchorDate, timeZone, startedAt, trialEnd, planTrial: trial?.ofPlan ?? false },
    prorationBasis: plan.prorationBasis ?? (await tx.partners.byId(tenant.partnerId))!.prorationBasis,
    // The trial is period −1: it ends where period 0 begins, and nothing is charged for it.
    periodIndex: trialEnd ? -1 : period.index,
    periodStart: trialEnd ? startedAt : period.start,
    periodEnd: trialEnd ?? period.end,
    version: 1,
    createdAt: now,
  };
  await tx.subscriptions.insert(subscription);
  await tx.subscriptions.recordChange(subscription, {
    id: tx.newId<'SubscriptionChange'>(),
    kind: 'STARTED',
    happenedAt: startedAt,
    actorId: tx.actorId,
    facts: { plan: plan.name, interval, ...(trialEnd ? { trialEnd: trialEnd.toString() } : {}) },
  });
  // What was offered at a checkout has been paid: it is given, whatever else the tenant has.
  const clash = offered ? undefined : await resetClash(tx);
  if (clash) return clash;
  await tx.emit({ type: 'subscription.started', payload: { subscription } });
  if (standing.status !== 'ACTIVE') await tellStanding(tx, subscription);
  // First what the tenant may use: some of it is billed before it is used.
  await rebuildEntitlements(tx);
  if (!trialEnd) await billPeriod(tx, subscription, { period, from: startedAt }, 'START');
  await billTenant(tx, now);
  if (tenant.sandbox) tx.atTime(now);
  return done({ subscription: (await tx.subscriptions.live(tenant.id))!, documents: tx.documents.made() });
}
