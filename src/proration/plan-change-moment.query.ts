import { compareDates, dateAt, type Instant, isAtOrBefore, isBefore, startOfDay } from '../core/calendar';
import { done, type Refused, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import type { Subscription } from '../subscriptions/subscription';
import type { Tx } from '../tx';
import type { PlanChangeRequest } from './plan-change';

/** Nothing but add-ons is asked for: the plan goes on as it was sold, also where it is not sold any more. */
export function isOnlyAddons(request: PlanChangeRequest, { item, interval }: Subscription): boolean {
  return (
    request.plan === undefined &&
    (request.addons ?? []).length > 0 &&
    (request.interval ?? interval) === interval &&
    (request.quantity === undefined || BigInt(request.quantity) === item.quantity) &&
    request.anchor !== 'RESET'
  );
}

export const endingRefusal = (cancelAt: Instant) =>
  refuse('SUBSCRIPTION_ENDING', 'The subscription is cancelled to a date; nothing is added or changed any more.', {
    facts: { cancelAt: cancelAt.toString() },
  });

/** What has been decided already and stands in the way of any change; of add-ons alone, what is about to be carried out. */
export async function obstacleTo(
  tx: Pick<Tx, 'subscriptions'>,
  { id, tenantId, cancelAt }: Subscription,
  now: Instant,
  onlyAddons: boolean,
): Promise<Refused<'SUBSCRIPTION_ENDING' | 'CHANGE_ALREADY_SCHEDULED' | 'PERIOD_NOT_BILLED'> | undefined> {
  if (cancelAt && !onlyAddons) return endingRefusal(cancelAt);
  const waiting = await tx.subscriptions.scheduled(tenantId, id);
  if (!waiting) return undefined;
  const effectiveAt = waiting.effectiveAt.toString();
  return isAtOrBefore(waiting.effectiveAt, now)
    ? refuse('PERIOD_NOT_BILLED', 'A plan change is about to be carried out; try again in a moment.', {
        facts: { effectiveAt },
      })
    : onlyAddons
      ? undefined
      : refuse('CHANGE_ALREADY_SCHEDULED', 'Another plan change waits already; cancel it first.', {
          facts: { effectiveAt },
        });
}

/** When the change takes place, or why it cannot. */
export function momentOf(
  request: PlanChangeRequest,
  subscription: Subscription,
  now: Instant,
): Result<{ at: Instant; waits: boolean }, 'EFFECTIVE_DATE_OUTSIDE_PERIOD' | 'INVALID_INPUT'> {
  const effective = request.effective ?? 'NOW';
  if ((effective === 'DATE') !== (request.effectiveDate !== undefined)) {
    return invalid(['effectiveDate'], 'A date goes with effective: DATE, and only with that.');
  }
  if (effective === 'NOW') return done({ at: now, waits: false });
  if (effective === 'PERIOD_END') return done({ at: subscription.periodEnd, waits: true });
  const date = request.effectiveDate!;
  const today = dateAt(now, subscription.timeZone);
  if (compareDates(date, today) === 0) return done({ at: now, waits: false });
  const at = startOfDay(date, subscription.timeZone);
  if (isAtOrBefore(at, now) || !isBefore(at, subscription.periodEnd)) {
    return refuse('EFFECTIVE_DATE_OUTSIDE_PERIOD', 'The date is not in the rest of the current period.', {
      path: ['input', 'effectiveDate'],
      facts: { from: today.toString(), before: dateAt(subscription.periodEnd, subscription.timeZone).toString() },
    });
  }
  return done({ at, waits: true });
}
