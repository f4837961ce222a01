import type { Instant } from '../core/calendar';
import { isAtOrBefore } from '../core/calendar';
import type { DeliveryProblem } from './webhook-delivery';
import type { DisabledReason } from './webhook-endpoint';

/** What became of one attempt. */
export interface AttemptResult {
  readonly responseStatus?: number | undefined;
  readonly problem?: DeliveryProblem | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly milliseconds: number;
}

const minute = 60;
const hour = 60 * minute;
/** Seconds between an attempt and the next: ten attempts in three days, as Standard Webhooks suggests. */
export const retryDelays: readonly number[] = [
  5,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];
export const mostAttempts = retryDelays.length + 1;

export const succeeded = ({ responseStatus }: AttemptResult) =>
  responseStatus !== undefined && responseStatus >= 200 && responseStatus < 300;

/** Between 80 % and 120 %, so that what failed together does not come back together. `random`: 0 to 1. */
const spread = (seconds: number, random: number) => Math.round(seconds * 1_000 * (0.8 + 0.4 * random));

const later = (now: Instant, milliseconds: number) => now.add({ milliseconds });

/** When to try again after the given number of attempts; `undefined`: not any more. An endpoint may ask for more time. */
export function nextAttemptAt(
  attempts: number,
  result: AttemptResult,
  now: Instant,
  random: number,
): Instant | undefined {
  const delay = retryDelays[attempts - 1];
  if (delay === undefined) return undefined;
  const asked = Math.min(result.retryAfterSeconds ?? 0, 24 * hour) * 1_000;
  return later(now, Math.max(spread(delay, random), asked));
}

/** What is known of an endpoint's health. */
export interface Health {
  /** Attempts that failed, one after the other. */
  readonly failures: number;
  readonly failingSince?: Instant | undefined;
}

export interface HealthAfter extends Health {
  /** Nothing at all is sent until then: an endpoint that is down is not asked once for each event that waits. */
  readonly pausedUntil?: Instant | undefined;
  readonly disabled?: DisabledReason | undefined;
}

/** An endpoint that failed for so long, and not just a few times, is given up. */
export const longestFailingDays = 5;
const fewestFailures = 10;
const longestPause = hour;

/** The endpoint after these attempts. One that succeeded shows that it is alive. */
export function healthAfter(
  before: Health,
  results: readonly AttemptResult[],
  now: Instant,
  random: number,
): HealthAfter {
  const gone = results.some(({ responseStatus }) => responseStatus === 410);
  if (!gone && results.some(succeeded)) return { failures: 0 };
  const failures = before.failures + results.length;
  const failingSince = before.failingSince ?? now;
  if (gone) return { failures, failingSince, disabled: 'GONE' };
  const giveUpAt = failingSince.add({ hours: 24 * longestFailingDays });
  if (failures >= fewestFailures && isAtOrBefore(giveUpAt, now)) return { failures, failingSince, disabled: 'FAILING' };
  const asked = Math.max(0, ...results.map(({ retryAfterSeconds }) => retryAfterSeconds ?? 0));
  const own = failures < 3 ? 0 : 10 * 2 ** Math.min(failures - 3, 20);
  const pause = Math.min(Math.max(own, asked), longestPause);
  return { failures, failingSince, pausedUntil: pause === 0 ? undefined : later(now, spread(pause, random)) };
}
