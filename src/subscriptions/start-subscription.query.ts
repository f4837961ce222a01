import { findPlan } from '../catalog/find-catalog.query';
import { type Plan, type PlanVersion, priceFor } from '../catalog/plan';
import { dateAt, type Instant, isBefore, startOfDay } from '../core/calendar';
import { type Money, money } from '../core/money';
import { anchorFor, type IntervalUnit, type Period, periodContaining } from '../core/period';
import { parseSeats } from '../core/quantity';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
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

export const startRefusals = [
  'ALREADY_SUBSCRIBED',
  'PLAN_NOT_FOUND',
  'PLAN_ARCHIVED',
  'PRICE_NOT_FOUND',
  'START_NOT_ALLOWED',
  'TRIAL_USED',
  'AMOUNT_NOT_CHARGEABLE',
  'INVALID_INPUT',
] as const;
type Code = (typeof startRefusals)[number];

/** What was offered at a checkout: that is what is sold, whatever the catalog says meanwhile. */
export interface OfferedStart {
  readonly planVersionId: string;
  readonly priceId: string;
  /** `undefined`: none was offered. */
  readonly trial: Trial | undefined;
}

export interface LoadedStart {
  readonly subscription: Subscription;
  readonly plan: Plan;
  readonly version: PlanVersion;
  /** What is billed first: of a trial, when it ends. */
  readonly period: Period;
}

/** What a quote of a start is for. No request of a plan change reads like it. */
export function startRequestText(
  { interval = 'MONTH', quantity = 1, startAt, anchorDay, trialDays }: StartSubscriptionInput,
  plan: Pick<Plan, 'id'>,
): string {
  return JSON.stringify(['start', plan.id, interval, quantity, startAt?.toString(), anchorDay, trialDays]);
}

/** What a start asks for: at once, or with its trial's end. */
export const startSums = ({ subscription: { item, trialEnd } }: LoadedStart, dues: readonly Money[]): Money[] =>
  trialEnd ? [money(item.unitAmount.minor * item.quantity, item.unitAmount.currency)] : [...dues];

/** How far back a sandbox may start: ten years of months, daily intervals less. */
const earliestStart = { hours: 24 * 366 * 10 };

/** Load and decide: the subscription as it would start. What a preview and the start itself share. */
export async function loadStart(
  tx: Pick<Tx, 'tenant' | 'partnerId' | 'plans' | 'partners' | 'subscriptions' | 'collections' | 'newId'>,
  input: StartSubscriptionInput,
  offered?: OfferedStart,
): Promise<Result<LoadedStart, Code>> {
  const { tenant } = tx;
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
  const { now } = tenant;
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
  const { timeZone } = tenant;
  const startDate = dateAt(startedAt, timeZone);
  const trialEnd = trial && startOfDay(startDate.add({ days: trial.days }), timeZone);
  const anchorDate = trialEnd ? dateAt(trialEnd, timeZone) : anchorFor(startDate, anchorDay, interval);
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
  return done({ subscription, plan, version, period });
}
