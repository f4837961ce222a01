import {
  compareDates,
  dateAt,
  daysBetween,
  instant,
  instantText,
  localDate,
  localDays,
  parseTimeZone,
  startOfDay,
  timeZone,
} from '../../src/core/calendar';
import { InvariantViolation } from '../../src/core/invariant';
import {
  anchorFor,
  type IntervalUnit,
  periodAfter,
  periodAt,
  periodContaining,
  periodIndexOf,
  periodStartDate,
} from '../../src/core/period';
import { prorationBases, remainingShare, shareFraction } from '../../src/core/proration';

const startsOf = (anchor: string, interval: IntervalUnit, count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => periodStartDate(localDate(anchor), interval, from + index).toString());

describe('periods are computed from the anchor', () => {
  test('31 Jan is clamped to the month’s end and comes back to the 31st', () => {
    expect(startsOf('2026-01-31', 'MONTH', 7)).toEqual([
      '2026-01-31',
      '2026-02-28', // stepping from here would stay on the 28th for good
      '2026-03-31',
      '2026-04-30',
      '2026-05-31',
      '2026-06-30',
      '2026-07-31',
    ]);
  });

  test('31 Jan in a leap year', () => {
    expect(startsOf('2028-01-31', 'MONTH', 4)).toEqual(['2028-01-31', '2028-02-29', '2028-03-31', '2028-04-30']);
  });

  test('30 and 29 Jan', () => {
    expect(startsOf('2026-01-30', 'MONTH', 3)).toEqual(['2026-01-30', '2026-02-28', '2026-03-30']);
    expect(startsOf('2026-01-29', 'MONTH', 3)).toEqual(['2026-01-29', '2026-02-28', '2026-03-29']);
    expect(startsOf('2028-01-29', 'MONTH', 3)).toEqual(['2028-01-29', '2028-02-29', '2028-03-29']);
  });

  test('29 Feb yearly: 28 Feb in common years, and 29 Feb again', () => {
    expect(startsOf('2024-02-29', 'YEAR', 6)).toEqual([
      '2024-02-29',
      '2025-02-28',
      '2026-02-28',
      '2027-02-28',
      '2028-02-29',
      '2029-02-28',
    ]);
  });

  test('there is no 29 Feb in 2100', () => {
    expect(startsOf('2096-02-29', 'YEAR', 2, 4)).toEqual(['2100-02-28', '2101-02-28']);
    expect(startsOf('2096-02-29', 'YEAR', 1, 8)).toEqual(['2104-02-29']);
  });

  test('quarters from 30 Nov', () => {
    expect(startsOf('2025-11-30', 'QUARTER', 5)).toEqual([
      '2025-11-30',
      '2026-02-28',
      '2026-05-30',
      '2026-08-30',
      '2026-11-30',
    ]);
  });

  test('days and weeks', () => {
    expect(startsOf('2028-02-28', 'DAY', 3)).toEqual(['2028-02-28', '2028-02-29', '2028-03-01']);
    expect(startsOf('2026-12-28', 'WEEK', 3)).toEqual(['2026-12-28', '2027-01-04', '2027-01-11']);
  });

  test('periods before the anchor, which a trial is', () => {
    expect(startsOf('2026-03-31', 'MONTH', 3, -2)).toEqual(['2026-01-31', '2026-02-28', '2026-03-31']);
  });

  test.each<[string, IntervalUnit, string, number]>([
    ['2026-01-31', 'MONTH', '2026-02-27', 0],
    ['2026-01-31', 'MONTH', '2026-02-28', 1],
    ['2026-01-31', 'MONTH', '2026-03-30', 1],
    ['2026-01-31', 'MONTH', '2026-03-31', 2],
    ['2026-01-31', 'MONTH', '2026-01-30', -1],
    ['2024-02-29', 'YEAR', '2025-02-27', 0],
    ['2024-02-29', 'YEAR', '2025-02-28', 1],
    ['2024-02-29', 'YEAR', '2028-02-28', 3],
    ['2024-02-29', 'YEAR', '2028-02-29', 4],
    ['2024-02-29', 'YEAR', '2024-02-28', -1],
    ['2025-11-30', 'QUARTER', '2026-02-27', 0],
    ['2025-11-30', 'QUARTER', '2026-02-28', 1],
    ['2026-01-05', 'WEEK', '2026-01-04', -1],
    ['2026-01-05', 'WEEK', '2026-01-11', 0],
    ['2026-01-05', 'WEEK', '2026-01-12', 1],
    ['2026-01-05', 'DAY', '2026-01-05', 0],
  ])('anchor %s per %s: %s lies in period %s', (anchor, interval, date, index) => {
    expect(periodIndexOf(localDate(anchor), interval, localDate(date))).toBe(index);
  });
});

describe('periods begin at local midnight', () => {
  test.each([
    // 13 hours ahead: the day begins at 11:00 UTC of the day before.
    ['Pacific/Tongatapu', '2026-02-01', '2026-01-31T11:00:00Z'],
    // 10 hours behind.
    ['Pacific/Honolulu', '2026-02-01', '2026-02-01T10:00:00Z'],
    ['UTC', '2026-02-01', '2026-02-01T00:00:00Z'],
    ['Asia/Kathmandu', '2026-02-01', '2026-01-31T18:15:00Z'],
    // Winter and summer.
    ['Europe/Berlin', '2026-03-01', '2026-02-28T23:00:00Z'],
    ['Europe/Berlin', '2026-04-01', '2026-03-31T22:00:00Z'],
    ['America/New_York', '2026-03-08', '2026-03-08T05:00:00Z'],
    ['America/New_York', '2026-03-09', '2026-03-09T04:00:00Z'],
    ['Pacific/Auckland', '2026-04-05', '2026-04-04T11:00:00Z'],
    ['Pacific/Auckland', '2026-04-06', '2026-04-05T12:00:00Z'],
    // The clock goes from 24:00 to 01:00: there is no midnight, the day begins at 01:00.
    ['America/Santiago', '2024-09-08', '2024-09-08T04:00:00Z'],
    ['Asia/Beirut', '2022-03-27', '2022-03-26T22:00:00Z'],
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00Z'],
    // Samoa left out 30 December 2011; the day after it begins where it would have.
    ['Pacific/Apia', '2011-12-29', '2011-12-29T10:00:00Z'],
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00Z'],
    ['Pacific/Apia', '2011-12-31', '2011-12-30T10:00:00Z'],
  ])('%s: %s begins at %s', (zone, date, start) => {
    expect(startOfDay(localDate(date), timeZone(zone)).toString()).toBe(start);
  });

  test.each([
    ['Pacific/Tongatapu', '2026-01-31T10:59:59.999Z', '2026-01-31'],
    ['Pacific/Tongatapu', '2026-01-31T11:00:00Z', '2026-02-01'],
    ['Pacific/Honolulu', '2026-02-01T09:59:59.999Z', '2026-01-31'],
    ['Pacific/Honolulu', '2026-02-01T10:00:00Z', '2026-02-01'],
  ])('%s: at %s it is %s', (zone, at, date) => {
    expect(dateAt(instant(at), timeZone(zone)).toString()).toBe(date);
  });

  test('a change of clocks neither adds nor loses a day', () => {
    const days = (from: string, to: string) => daysBetween(localDate(from), localDate(to));
    expect(days('2026-03-01', '2026-04-01')).toBe(31); // 743 hours in Berlin
    expect(days('2026-10-01', '2026-11-01')).toBe(31); // 745 hours in Berlin
    expect(days('2024-01-01', '2025-01-01')).toBe(366);
    expect(days('2026-02-01', '2026-01-01')).toBe(-31);
    const berlin = timeZone('Europe/Berlin');
    const march = periodAt({ anchor: localDate('2026-03-01'), interval: 'MONTH', zone: berlin }, 0);
    expect((march.end.epochMilliseconds - march.start.epochMilliseconds) / 3_600_000).toBe(743); // 31 × 24 − 1
    const october = periodAt({ anchor: localDate('2026-10-01'), interval: 'MONTH', zone: berlin }, 0);
    expect((october.end.epochMilliseconds - october.start.epochMilliseconds) / 3_600_000).toBe(745); // 31 × 24 + 1
  });

  test('half-open: the last millisecond belongs to the period, its end to the next', () => {
    const schedule = {
      anchor: localDate('2026-01-31'),
      interval: 'MONTH' as const,
      zone: timeZone('Pacific/Tongatapu'),
    };
    expect(periodContaining(schedule, instant('2026-02-27T10:59:59.999Z')).index).toBe(0);
    expect(periodContaining(schedule, instant('2026-02-27T11:00:00Z')).index).toBe(1); // 28 Feb 00:00 in Tonga
  });

  test('an account made at 23:30 before a change of clocks keeps its day', () => {
    const zone = timeZone('Europe/Berlin');
    const anchor = dateAt(instant('2026-03-28T22:30:00Z'), zone); // 23:30 local; the clocks change that night
    expect(anchor.toString()).toBe('2026-03-28');
    const period = periodContaining({ anchor, interval: 'MONTH', zone }, instant('2026-03-28T22:30:00Z'));
    expect([period.index, period.start.toString(), period.end.toString()]).toEqual([
      0,
      '2026-03-27T23:00:00Z',
      '2026-04-27T22:00:00Z',
    ]);
  });

  test('a clock that is put back across midnight brings no instant into two periods', () => {
    // St John's, 7 Nov 2010, 00:01 → 6 Nov, 23:01: the 7th has begun, and then it is the 6th again for 59 minutes.
    const schedule = {
      anchor: localDate('2010-10-07'),
      interval: 'MONTH' as const,
      zone: timeZone('America/St_Johns'),
    };
    const [october, november] = [periodAt(schedule, 0), periodAt(schedule, 1)];
    expect(october.end.toString()).toBe('2010-11-07T02:30:00Z'); // 00:00 at −02:30, for the first time
    const again = instant('2010-11-07T03:00:00Z');
    expect(dateAt(again, schedule.zone).toString()).toBe('2010-11-06'); // 23:30 at −03:30
    expect(periodContaining(schedule, again)).toEqual(november);
    expect(remainingShare('DAY', november, again, schedule.zone)).toEqual({ basis: 'DAY', remaining: 30n, total: 30n });
  });
});

describe('time zones', () => {
  test.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+10'])('%s is one', (text) =>
    expect(parseTimeZone(text)).toBe(text),
  );

  test.each([
    '',
    'Nowhere/Land',
    '+02:00',
    '-10',
    'Europe/Berlin\n',
    'Europe/Berlin; drop table',
    '../../etc/passwd',
    'constructor',
    '__proto__',
    'A'.repeat(1_000_000),
  ])('%p is none', (text) => {
    expect(parseTimeZone(text)).toBeUndefined();
    expect(() => timeZone(text)).toThrow(RangeError);
  });
});

describe('the anchor of a subscription with a billing day', () => {
  test.each([
    // start, day, anchor, first full period it lies in
    ['2026-01-16', undefined, '2026-01-16', '2026-01-16', '2026-02-16'],
    ['2026-01-16', 16, '2026-01-16', '2026-01-16', '2026-02-16'],
    ['2026-01-16', 1, '2026-01-01', '2026-01-01', '2026-02-01'],
    ['2026-01-16', 20, '2025-12-20', '2025-12-20', '2026-01-20'],
    ['2026-01-31', 31, '2026-01-31', '2026-01-31', '2026-02-28'],
    // Day 31 stays 31: the anchor lies in a month that has it.
    ['2026-03-15', 31, '2026-01-31', '2026-02-28', '2026-03-31'],
    ['2026-02-28', 31, '2026-01-31', '2026-02-28', '2026-03-31'],
    ['2026-02-28', 30, '2026-01-30', '2026-02-28', '2026-03-30'],
    ['2026-03-01', 29, '2026-01-29', '2026-02-28', '2026-03-29'],
    ['2028-03-01', 29, '2028-02-29', '2028-02-29', '2028-03-29'],
    ['2026-05-30', 31, '2026-03-31', '2026-04-30', '2026-05-31'],
    ['2026-01-05', 31, '2025-12-31', '2025-12-31', '2026-01-31'],
  ])('started %s, billed on day %s: anchor %s', (start, day, anchor, from, to) => {
    const date = localDate(start);
    expect(anchorFor(date, day).toString()).toBe(anchor);
    const schedule = { anchor: anchorFor(date, day), interval: 'MONTH' as const, zone: timeZone('Europe/Berlin') };
    const period = periodContaining(schedule, startOfDay(date, schedule.zone));
    expect([period.startDate.toString(), period.endDate.toString()]).toEqual([from, to]);
  });

  test.each([
    // The next such day after the start, and the year or quarter that ends there.
    ['YEAR', '2026-01-10', 17, '2025-01-17', '2025-01-17', '2026-01-17'],
    ['YEAR', '2026-01-17', 17, '2026-01-17', '2026-01-17', '2027-01-17'],
    ['YEAR', '2026-01-20', 17, '2025-02-17', '2025-02-17', '2026-02-17'],
    ['YEAR', '2026-03-31', 15, '2025-04-15', '2025-04-15', '2026-04-15'],
    ['YEAR', '2026-12-31', 1, '2026-01-01', '2026-01-01', '2027-01-01'],
    // A February has the 29th at most, and only in leap years: 28 February 2026 and 2027, 29 February 2028.
    ['YEAR', '2026-02-10', 30, '2024-02-29', '2025-02-28', '2026-02-28'],
    ['YEAR', '2026-02-28', 29, '2024-02-29', '2026-02-28', '2027-02-28'],
    ['YEAR', '2026-04-10', 31, '2025-04-30', '2025-04-30', '2026-04-30'],
    ['QUARTER', '2026-01-10', 9, '2025-11-09', '2025-11-09', '2026-02-09'],
    ['QUARTER', '2026-01-10', 17, '2025-10-17', '2025-10-17', '2026-01-17'],
    // February, May, August, November: the 31st of August is the latest that is there.
    ['QUARTER', '2026-02-10', 31, '2025-08-31', '2025-11-30', '2026-02-28'],
  ] as const)('%s started %s, billed on day %s: anchor %s', (interval, start, day, anchor, from, to) => {
    const date = localDate(start);
    expect(anchorFor(date, day, interval).toString()).toBe(anchor);
    const schedule = { anchor: anchorFor(date, day, interval), interval, zone: timeZone('Europe/Berlin') };
    const period = periodContaining(schedule, startOfDay(date, schedule.zone));
    expect([period.startDate.toString(), period.endDate.toString()]).toEqual([from, to]);
  });

  test.each(['QUARTER', 'YEAR'] as const)('%s: the first period ends within a month, as the day says', (interval) => {
    for (let day = 1; day <= 31; day += 1) {
      for (let start = localDate('2027-12-01'); start.year < 2029; start = start.add({ days: 1 })) {
        const anchor = anchorFor(start, day, interval);
        const index = periodIndexOf(anchor, interval, start);
        const next = periodStartDate(anchor, interval, index + 1);
        const whole = compareDates(periodStartDate(anchor, interval, index), start) === 0;
        expect(whole || compareDates(next, start.add({ months: 1, days: 3 })) <= 0).toBe(true);
        expect(next.day).toBe(Math.min(day, next.daysInMonth));
      }
    }
  });

  test('is never after the start, and on the day or at the month’s end ever after', () => {
    for (let day = 1; day <= 31; day += 1) {
      for (let start = localDate('2027-12-01'); start.year < 2029; start = start.add({ days: 1 })) {
        const anchor = anchorFor(start, day);
        expect(anchor.day).toBe(day);
        expect(compareDates(anchor, start)).toBeLessThanOrEqual(0);
        const next = periodStartDate(anchor, 'MONTH', periodIndexOf(anchor, 'MONTH', start) + 1);
        expect(next.day).toBe(Math.min(day, next.daysInMonth));
      }
    }
  });

  test.each([0, 32, -1])('%s is no day of a month', (day) => {
    expect(() => anchorFor(localDate('2026-01-16'), day)).toThrow(InvariantViolation);
  });
});

describe('the share of a period that is left', () => {
  const zone = timeZone('Europe/Berlin');
  const january = periodAt({ anchor: localDate('2026-01-01'), interval: 'MONTH', zone }, 0);
  const share = (at: string, basis: 'DAY' | 'SECOND' | 'NONE' = 'DAY', period = january) => {
    const { remaining, total } = remainingShare(basis, period, instant(at), zone);
    return `${remaining}/${total}`;
  };

  test('DAY: the day of the change belongs to the new state', () => {
    expect(share('2026-01-16T11:00:00Z')).toBe('16/31'); // 16 … 31 January
    expect(share('2026-01-15T23:00:00Z')).toBe('16/31'); // 16 January, 00:00 in Berlin
    expect(share('2026-01-15T22:59:59.999Z')).toBe('17/31'); // still the 15th there
    expect(share('2025-12-31T23:00:00Z')).toBe('31/31');
    expect(share('2026-01-31T22:59:59.999Z')).toBe('1/31');
    expect(share('2026-01-31T23:00:00Z')).toBe('0/31'); // the end
  });

  test('DAY: a day with 23 or 25 hours is one day', () => {
    const march = periodAt({ anchor: localDate('2026-03-01'), interval: 'MONTH', zone }, 0);
    expect(share('2026-03-29T11:00:00Z', 'DAY', march)).toBe('3/31'); // the day with 23 hours, 30 and 31 March
    const october = periodAt({ anchor: localDate('2026-10-01'), interval: 'MONTH', zone }, 0);
    expect(share('2026-10-25T11:00:00Z', 'DAY', october)).toBe('7/31');
  });

  test('DAY: a year has its own length', () => {
    const year = periodAt({ anchor: localDate('2028-01-01'), interval: 'YEAR', zone }, 0);
    expect(share('2028-12-31T11:00:00Z', 'DAY', year)).toBe('1/366');
  });

  test('SECOND: the exact fraction of the instants, an hour less in March', () => {
    expect(share('2026-01-16T11:00:00Z', 'SECOND')).toBe(`${15.5 * 86_400_000}/${31 * 86_400_000}`);
    const march = periodAt({ anchor: localDate('2026-03-01'), interval: 'MONTH', zone }, 0);
    expect(share('2026-03-31T21:59:59.999Z', 'SECOND', march)).toBe(`1/${743 * 3_600_000}`);
  });

  test('NONE: nothing is prorated', () => expect(share('2026-01-16T11:00:00Z', 'NONE')).toBe('0/1'));

  test('outside its period a change has no share', () => {
    for (const basis of prorationBases) {
      expect(() => share('2025-12-31T22:59:59.999Z', basis)).toThrow(InvariantViolation);
      expect(() => share('2026-01-31T23:00:00.001Z', basis)).toThrow(InvariantViolation);
    }
  });

  test('a period that begins or ends on the day that Samoa left out is whole at its start and over at its end', () => {
    const apia = timeZone('Pacific/Apia');
    const schedule = { anchor: localDate('2011-11-30'), interval: 'MONTH' as const, zone: apia };
    const [before, after] = [periodAt(schedule, 0), periodAt(schedule, 1)];
    expect(shareFraction(remainingShare('DAY', after, after.start, apia))).toEqual({ numerator: 1n, denominator: 1n });
    expect(remainingShare('DAY', before, before.end, apia).remaining).toBe(0n);
  });

  test.each([
    ['Pacific/Apia', '2011-12-29', '2011-12-31', 1], // the 29th
    ['Pacific/Apia', '2011-12-30', '2011-12-31', 0], // did not happen
    ['Pacific/Apia', '2011-12-01', '2012-01-01', 30],
    ['Pacific/Apia', '2011-01-01', '2012-01-01', 364],
    ['Pacific/Fakaofo', '2011-12-29', '2012-01-01', 2], // the 29th and the 31st
    ['Pacific/Kwajalein', '1993-08-20', '1993-08-22', 1], // the 21st did not happen
    ['Pacific/Kiritimati', '1994-12-01', '1995-02-01', 61], // 31 + 31 − 1
    ['Europe/Berlin', '2026-03-29', '2026-03-30', 1], // 23 hours
    ['Europe/Berlin', '2026-10-25', '2026-10-26', 1], // 25 hours
    ['Europe/Berlin', '2024-01-01', '2025-01-01', 366],
    ['UTC', '2026-02-01', '2026-01-01', -31],
  ])('%s had from %s to %s %s days', (name, from, to, days) => {
    expect(localDays(localDate(from), localDate(to), timeZone(name))).toBe(days);
  });

  test('DAY: a day that did not happen is in no share', () => {
    const apia = timeZone('Pacific/Apia');
    const december = periodAt({ anchor: localDate('2011-12-01'), interval: 'MONTH', zone: apia }, 0);
    const left = (at: string) => {
      const { remaining, total } = remainingShare('DAY', december, instant(at), apia);
      return `${remaining}/${total}`;
    };
    expect(left('2011-12-16T10:00:00Z')).toBe('15/30'); // 16 … 31 December without the 30th
    expect(left('2011-12-29T10:00:00Z')).toBe('2/30');
    expect(left('2011-12-30T10:00:00Z')).toBe('1/30'); // the 31st
  });

  test.each([
    ['DAY', '2011-12-29T10:00:00Z', '2011-12-30T10:00:00.000Z', '2011-12-31T10:00:00.000Z'],
    ['WEEK', '2011-12-29T10:00:00Z', '2012-01-04T10:00:00.000Z', '2012-01-11T10:00:00.000Z'],
    ['MONTH', '2011-11-30T11:00:00Z', '2011-12-30T10:00:00.000Z', '2012-01-29T10:00:00.000Z'],
  ] as const)('per %s: what follows begins where the last one ended, and has time', (interval, at, start, end) => {
    const zone = timeZone('Pacific/Apia');
    const schedule = { anchor: dateAt(instant(at), zone), interval, zone };
    const next = periodAfter(schedule, periodContaining(schedule, instant(at)).index);
    expect([instantText(next.start), instantText(next.end)]).toEqual([start, end]);
    expect(periodContaining(schedule, next.start)).toEqual(next);
  });
});
