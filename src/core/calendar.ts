import { Temporal } from 'temporal-polyfill';

/** A point in time, UTC. */
export type Instant = Temporal.Instant;
/** A calendar date without a zone; the billing zone says which day it is. */
export type LocalDate = Temporal.PlainDate;
/** An IANA time zone name, e.g. `Europe/Berlin`, checked by `parseTimeZone`. */
export type TimeZone = string & { readonly brand: 'TimeZone' };

const known = new Map<string, TimeZone | undefined>();
const zonePattern = /^[A-Za-z][A-Za-z0-9_+-]{0,30}(?:\/[A-Za-z0-9_+-]{1,30}){0,2}$/;

/** The zone as given, when this machine's time zone data know it; offsets such as `+02:00` are not zones of a business. */
export function parseTimeZone(text: string): TimeZone | undefined {
  if (known.has(text)) return known.get(text);
  let zone: TimeZone | undefined;
  if (zonePattern.test(text)) {
    try {
      new Intl.DateTimeFormat('en', { timeZone: text });
      zone = text as TimeZone;
    } catch {
      zone = undefined;
    }
  }
  if (known.size < 1_000) known.set(text, zone);
  return zone;
}

export function timeZone(text: string): TimeZone {
  const zone = parseTimeZone(text);
  if (!zone) throw new RangeError(`unknown time zone: ${text.slice(0, 40)}`);
  return zone;
}

/** The local date at an instant. */
export function dateAt(instant: Instant, zone: TimeZone): LocalDate {
  return instant.toZonedDateTimeISO(zone).toPlainDate();
}

/** The first instant of a local day: local midnight, or the first instant after a gap that swallows midnight. */
export function startOfDay(date: LocalDate, zone: TimeZone): Instant {
  return date.toZonedDateTime({ timeZone: zone }).toInstant();
}

/** Calendar days from the first date to the second; a day with 23 or 25 hours is one day. */
export function daysBetween(from: LocalDate, to: LocalDate): number {
  return from.until(to, { largestUnit: 'day' }).days;
}

/** The same time of day some calendar days later, in a zone. */
export function daysAfter(at: Instant, days: number, zone: TimeZone): Instant {
  return at.toZonedDateTimeISO(zone).add({ days }).toInstant();
}

const dayLength = 86_400_000;

/**
 * The days from the first date to the second that a zone really had. Samoa went from 29 to 31 December 2011: a date that
 * did not happen is no day of any period.
 */
export function localDays(from: LocalDate, to: LocalDate, zone: TimeZone): number {
  const dates = daysBetween(from, to);
  if (dates <= 0) return dates;
  const elapsed = startOfDay(to, zone).epochMilliseconds - startOfDay(from, zone).epochMilliseconds;
  // Clocks that are changed for the summer move it by hours, a date that is left out by a whole day.
  return Math.min(dates, Math.round(elapsed / dayLength));
}

export function instant(text: string): Instant {
  return Temporal.Instant.from(text);
}

export function instantFromMilliseconds(milliseconds: number): Instant {
  return Temporal.Instant.fromEpochMilliseconds(milliseconds);
}

/** As the driver hands out a timestamptz. */
export function instantFromDate(date: Date): Instant {
  return instantFromMilliseconds(date.getTime());
}

/** As ISO 8601, in the milliseconds that are stored: a tenth of the time that `toString` takes. */
export function instantText(instant: Instant): string {
  return new Date(instant.epochMilliseconds).toISOString();
}

const dates = new Map<string, LocalDate>();
const mostDates = 10_000;

/** The same text is the same object: what is computed of a date can be remembered with it. */
export function localDate(text: string): LocalDate {
  let date = dates.get(text);
  if (!date) {
    date = Temporal.PlainDate.from(text);
    if (dates.size >= mostDates) dates.clear();
    dates.set(text, date);
  }
  return date;
}

export function isBefore(first: Instant, second: Instant): boolean {
  return Temporal.Instant.compare(first, second) < 0;
}

export function isAtOrBefore(first: Instant, second: Instant): boolean {
  return Temporal.Instant.compare(first, second) <= 0;
}

/** To the millisecond that is stored; none is the same as none. */
export function isSameInstant(first: Instant | undefined, second: Instant | undefined): boolean {
  return first?.epochMilliseconds === second?.epochMilliseconds;
}

export function earlierOf(first: Instant, second: Instant): Instant {
  return isBefore(first, second) ? first : second;
}

export function laterOf(first: Instant, second: Instant): Instant {
  return isBefore(first, second) ? second : first;
}

export function compareDates(first: LocalDate, second: LocalDate): number {
  return Temporal.PlainDate.compare(first, second);
}
