import {
  compareDates,
  dateAt,
  daysBetween,
  type Instant,
  isAtOrBefore,
  isBefore,
  isSameInstant,
  type LocalDate,
  startOfDay,
  type TimeZone,
} from './calendar';
import { invariant } from './invariant';

export const intervalUnits = ['DAY', 'WEEK', 'MONTH', 'QUARTER', 'YEAR'] as const;
export type IntervalUnit = (typeof intervalUnits)[number];

/** When periods begin: local midnight of anchor + n × interval. */
export interface Schedule {
  readonly anchor: LocalDate;
  readonly interval: IntervalUnit;
  readonly zone: TimeZone;
}

/** Half-open: `start` belongs to it, `end` to the next one. Dates are days in the billing zone. */
export interface Period {
  /** 0 is the period that begins on the anchor. */
  readonly index: number;
  readonly startDate: LocalDate;
  readonly endDate: LocalDate;
  readonly start: Instant;
  readonly end: Instant;
}

const monthsOf = { MONTH: 1, QUARTER: 3, YEAR: 12 } as const;

/**
 * The first date of period `index`, always computed from the anchor and clamped to the month's end, never stepped from
 * the period before: 31 Jan → 28 Feb → 31 Mar. Stepping would drift to the 28th for good.
 */
export function periodStartDate(anchor: LocalDate, interval: IntervalUnit, index: number): LocalDate {
  switch (interval) {
    case 'DAY':
      return anchor.add({ days: index });
    case 'WEEK':
      return anchor.add({ days: 7 * index });
    default:
      return anchor.add({ months: monthsOf[interval] * index }, { overflow: 'constrain' });
  }
}

/** Calendar arithmetic is dear, and one anchor serves many subscriptions: it is remembered as long as the date itself. */
interface KnownPeriods {
  readonly byIndex: Map<number, Period>;
  last?: Period;
}
const known = new WeakMap<LocalDate, Map<string, KnownPeriods>>();
const mostPeriods = 1_000;

function knownPeriods({ anchor, interval, zone }: Schedule): KnownPeriods {
  let ofAnchor = known.get(anchor);
  if (!ofAnchor) {
    ofAnchor = new Map();
    known.set(anchor, ofAnchor);
  }
  const key = `${interval} ${zone}`;
  let periods = ofAnchor.get(key);
  if (!periods) {
    periods = { byIndex: new Map() };
    ofAnchor.set(key, periods);
  }
  return periods;
}

export function periodAt(schedule: Schedule, index: number): Period {
  const { byIndex } = knownPeriods(schedule);
  let period = byIndex.get(index);
  if (!period) {
    const startDate = periodStartDate(schedule.anchor, schedule.interval, index);
    const endDate = periodStartDate(schedule.anchor, schedule.interval, index + 1);
    const [start, end] = [startOfDay(startDate, schedule.zone), startOfDay(endDate, schedule.zone)];
    period = { index, startDate, endDate, start, end };
    if (byIndex.size >= mostPeriods) byIndex.clear();
    byIndex.set(index, period);
  }
  return period;
}

/**
 * The period that begins where another ends. A period of one day that the zone left out has no time, and is none: after 29
 * December 2011 in Samoa comes the 31st.
 */
export function periodAfter(schedule: Schedule, index: number): Period {
  let period = periodAt(schedule, index + 1);
  while (isSameInstant(period.start, period.end)) period = periodAt(schedule, period.index + 1);
  return period;
}

export function periodIndexOf(anchor: LocalDate, interval: IntervalUnit, date: LocalDate): number {
  let index: number;
  if (interval === 'DAY' || interval === 'WEEK') {
    index = Math.floor(daysBetween(anchor, date) / (interval === 'DAY' ? 1 : 7));
  } else {
    const months = (date.year - anchor.year) * 12 + (date.month - anchor.month);
    index = Math.floor(months / monthsOf[interval]);
  }
  // The month alone says which period it is but for the day in the month: at most one step off.
  while (compareDates(periodStartDate(anchor, interval, index), date) > 0) index -= 1;
  while (compareDates(periodStartDate(anchor, interval, index + 1), date) <= 0) index += 1;
  return index;
}

/** The period in which an instant lies. */
export function periodContaining(schedule: Schedule, at: Instant): Period {
  const periods = knownPeriods(schedule);
  const { last } = periods;
  if (last && isAtOrBefore(last.start, at) && isBefore(at, last.end)) return last;
  let period = periodAt(schedule, periodIndexOf(schedule.anchor, schedule.interval, dateAt(at, schedule.zone)));
  // A clock that is put back across midnight repeats the end of a day whose next has begun: the instants decide.
  while (isAtOrBefore(period.end, at)) period = periodAfter(schedule, period.index);
  invariant(period.start.epochMilliseconds <= at.epochMilliseconds, 'a period begins after an instant in it');
  periods.last = period;
  return period;
}

/**
 * The anchor for a subscription that starts on a date and is billed on a given day of the month: periods begin on the
 * next such day from the start on and every interval after it, so a year or a quarter begins with a part of one as a
 * month does. Counted back to a month that has the day, so that day 31 stays 31 for all periods to come.
 */
export function anchorFor(
  start: LocalDate,
  anchorDay: number | undefined,
  interval: IntervalUnit = 'MONTH',
): LocalDate {
  if (anchorDay === undefined || anchorDay === start.day) return start;
  invariant(anchorDay >= 1 && anchorDay <= 31, 'an anchor day is between 1 and 31');
  invariant(interval !== 'DAY' && interval !== 'WEEK', 'only periods of months have an anchor day');
  const months = monthsOf[interval];
  let month = start.toPlainYearMonth();
  if (Math.min(anchorDay, month.daysInMonth) < start.day) month = month.add({ months: 1 });
  // A year that begins in February has no day 30 ever.
  const day = months === 12 ? Math.min(anchorDay, daysAtMost(month.month)) : anchorDay;
  while (month.daysInMonth < day || compareDates(month.toPlainDate({ day }), start) > 0) {
    month = month.subtract({ months });
  }
  return month.toPlainDate({ day });
}

/** How many days a month has in the longest of years. */
const daysAtMost = (month: number) => (month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31);
