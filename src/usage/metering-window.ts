import { type ResetPeriod, resetInterval } from '../catalog/feature';
import {
  earlierOf,
  type Instant,
  instant,
  isAtOrBefore,
  isBefore,
  type LocalDate,
  laterOf,
  localDate,
  type TimeZone,
  timeZone,
} from '../core/calendar';
import type { Id } from '../core/ids';
import { periodContaining } from '../core/period';
import type { CarriedUsage } from './carried-usage';
import type { UsageWindow } from './meter';

/**
 * A stretch of a tenant's time in which limits start over by one anchor. One begins with a subscription, one at its trial's
 * end, one at each new anchor. What a check, an enforced batch, a threshold and a bill count is cut by these.
 */
export interface MeteringSpan {
  readonly subscriptionId: Id<'Subscription'>;
  readonly start: Instant;
  /** None: it goes on. */
  readonly end?: Instant | undefined;
  readonly anchorDate: LocalDate;
  readonly timeZone: TimeZone;
  /** Free: nothing that is used in it is billed. */
  readonly trial: boolean;
  /** From where a limit that never starts over counts: the subscription's start, or the end of its trial. */
  readonly countFrom: Instant;
  /** What counts in the windows that it begins with, beside what is used in them. */
  readonly carried?: CarriedUsage | undefined;
  /** The same after it, where no subscription follows at once. */
  readonly carriedAfter?: CarriedUsage | undefined;
}

/** Where a limit counts. */
export interface MeteringWindow {
  readonly start: Instant;
  /** None: it never starts over. */
  readonly end?: Instant | undefined;
  /** None: between subscriptions, where only grants and licences give anything. */
  readonly span?: MeteringSpan | undefined;
  readonly carried?: CarriedUsage | undefined;
}

/** Where a limit that never starts over counts, with no subscription to begin with. */
export const ever: UsageWindow = { start: instant('1970-01-01T00:00:00Z'), end: instant('2200-01-01T00:00:00Z') };

/** Without a subscription limits count by the calendar: this is the first day of a year, and a Monday. */
const calendar = { anchorDate: localDate('2001-01-01'), timeZone: timeZone('UTC') };

function regularWindow(
  { anchorDate: anchor, timeZone: zone }: Pick<MeteringSpan, 'anchorDate' | 'timeZone'>,
  resetPeriod: ResetPeriod | undefined,
  at: Instant,
): Pick<MeteringWindow, 'start' | 'end'> | undefined {
  const interval = resetInterval(resetPeriod);
  return interval && periodContaining({ anchor, interval, zone }, at);
}

/** Not before and not after what cuts it. */
function within(
  { start, end, span }: MeteringWindow,
  [from, until]: readonly [Instant, Instant | undefined],
  carried: CarriedUsage | undefined,
): MeteringWindow {
  return {
    start: laterOf(start, from),
    end: end && until ? earlierOf(end, until) : (end ?? until),
    span,
    carried: isAtOrBefore(start, from) ? carried : undefined,
  };
}

/** Where a subscription's time ends: the one instant that ends a limit which never starts over. */
function endOfSubscription(spans: readonly MeteringSpan[], { subscriptionId }: MeteringSpan): Instant | undefined {
  return spans.findLast((span) => span.subscriptionId === subscriptionId)?.end;
}

/**
 * In which window does a limit count at an instant? Checks, bills and previews all use this one rule.
 *
 * @param spans in order of their starts; all that touch the time asked about, and the last one before it
 */
export function windowAt(
  spans: readonly MeteringSpan[],
  resetPeriod: ResetPeriod | undefined,
  at: Instant,
): MeteringWindow {
  const span = spans.findLast(({ start }) => isAtOrBefore(start, at));
  if (span && (!span.end || isBefore(at, span.end))) {
    const regular = regularWindow(span, resetPeriod, at);
    const { carried } = span;
    if (regular) return within({ ...regular, span }, [span.start, span.end], carried);
    return { start: span.countFrom, end: span.trial ? span.end : endOfSubscription(spans, span), span, carried };
  }
  const next = spans.find(({ start }) => isBefore(at, start));
  const window = regularWindow(calendar, resetPeriod, at) ?? { start: ever.start };
  return within(window, [span?.end ?? ever.start, next?.start], span?.carriedAfter);
}

/** The windows that meet a time, in order. */
export function* windowsBetween(
  spans: readonly MeteringSpan[],
  resetPeriod: ResetPeriod | undefined,
  time: UsageWindow,
): Generator<MeteringWindow> {
  let at = time.start;
  while (isBefore(at, time.end)) {
    const window = windowAt(spans, resetPeriod, at);
    yield window;
    if (!window.end) return;
    at = window.end;
  }
}

/** A window as it is counted: half-open, with an end in any case. */
export function countedIn({ start, end }: Pick<MeteringWindow, 'start' | 'end'>): UsageWindow {
  return { start, end: end ?? ever.end };
}

/**
 * An act ended the window before its time, and what was left of it was credited: nothing is let into it any more. A trial is
 * free.
 */
export function wasCutShort(
  spans: readonly MeteringSpan[],
  resetPeriod: ResetPeriod | undefined,
  at: Instant,
  now: Instant,
): boolean {
  const span = spans.findLast(({ start }) => isAtOrBefore(start, at));
  if (!span?.end || span.trial || !isBefore(at, span.end) || isBefore(now, span.end)) return false;
  const regular = regularWindow(span, resetPeriod, at);
  const end = regular ? regular.end : endOfSubscription(spans, span);
  return regular ? isBefore(span.end, regular.end!) : end !== undefined && isAtOrBefore(end, now);
}

/** As the spans will be after a new anchor. */
export function withNewAnchor(
  spans: readonly MeteringSpan[],
  at: Instant,
  anchorDate: LocalDate,
  carried?: CarriedUsage,
): MeteringSpan[] {
  return spans.flatMap((span) =>
    isAtOrBefore(span.start, at) && (!span.end || isBefore(at, span.end))
      ? [
          { ...span, end: at },
          { ...span, start: at, anchorDate, carried },
        ]
      : [span],
  );
}
