import fc from 'fast-check';

/**
 * What the greedy tenant is sold, what it may do by itself, and what it had (billing rules §12): shared by the test that attacks the
 * gateway and by the one that attacks the rules alone.
 */
export const day = 86_400_000;
export const begin = Date.parse('2026-01-01T10:00:00Z');

/** List prices in cents, and the calls that they include each month. A plan's unit of time and its unit of calls cost the same. */
export const plans = {
  small: { month: 3_100, year: 36_500, calls: 20 },
  big: { month: 31_000, year: 365_000, calls: 200 },
  free: { month: 0, year: 0, calls: 20 },
} as const;
export const addons = { x: { month: 310, year: 3_650, calls: 10 }, y: { month: 620, year: 7_300, calls: 0 } } as const;
export type Plan = keyof typeof plans;
export type Addon = keyof typeof addons;

export type Act =
  | { readonly do: 'wait'; readonly hours: number }
  | {
      readonly do: 'start';
      readonly plan: Plan | 'tried';
      readonly interval: 'MONTH' | 'YEAR';
      readonly quantity: number;
    }
  | {
      readonly do: 'change';
      readonly plan: Plan;
      readonly interval?: 'MONTH' | 'YEAR';
      readonly anchor?: 'KEEP' | 'RESET';
      readonly when?: 'NOW' | 'PERIOD_END';
      readonly settlement?: 'NONE';
    }
  | { readonly do: 'attach'; readonly addon: Addon; readonly quantity: number }
  | { readonly do: 'detach'; readonly addon: Addon; readonly now: boolean }
  | { readonly do: 'resize'; readonly addon: Addon; readonly quantity: number }
  | { readonly do: 'use'; readonly calls: number; readonly enforce: boolean }
  | { readonly do: 'coupon'; readonly code: string }
  | { readonly do: 'cancel'; readonly now: boolean }
  | { readonly do: 'card'; readonly token: string }
  | { readonly do: 'pay' }
  | { readonly do: 'undo' };

/** Calls that the partner gives each month, with a subscription or without. */
export const gift = 5;
const plan = fc.constantFrom<Plan>('small', 'big', 'free');
const addon = fc.constantFrom<Addon>('x', 'y');
const interval = fc.constantFrom('MONTH' as const, 'MONTH' as const, 'YEAR' as const);
const quantity = fc.integer({ min: 1, max: 3 });
export const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      hours: fc.oneof(
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 24, max: 900 }),
        fc.integer({ min: 600, max: 2_000 }),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      plan: fc.constantFrom<Plan | 'tried'>('small', 'big', 'tried', 'free', 'free'),
      interval,
      quantity: fc.constantFrom(1, 1, 2),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record(
      {
        do: fc.constant('change' as const),
        plan,
        interval,
        anchor: fc.constantFrom('KEEP' as const, 'RESET' as const),
        when: fc.constantFrom('NOW' as const, 'PERIOD_END' as const),
        settlement: fc.constant('NONE' as const),
      },
      { requiredKeys: ['do', 'plan'] },
    ),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('attach' as const), addon, quantity }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('detach' as const), addon, now: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), addon, quantity }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('use' as const),
      calls: fc.constantFrom(1, 5, 10, 20, 100, 200),
      enforce: fc.constant(true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('coupon' as const), code: fc.constantFrom('HALF', 'TEN', 'THRICE') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), now: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('card' as const),
      token: fc.constantFrom('card_ok', 'card_ok', 'card_no_funds'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'pay' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'undo' as const }) },
);

/** Of one that is after what is free: it begins, ends and begins anew as often as it can, and a paid plan lies between. */
export const freeloading: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 0, max: 400 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      plan: fc.constantFrom<Plan>('free', 'free', 'small'),
      interval,
      quantity: fc.constant(1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      plan: fc.constantFrom<Plan>('free', 'free', 'small'),
      anchor: fc.constantFrom('KEEP' as const, 'RESET' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), now: fc.constant(true) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('use' as const),
      calls: fc.constantFrom(1, 5, 20, 25),
      enforce: fc.constant(true),
    }),
  },
);

/** A billed period; cut short where the next one of its subscription begins earlier. */
export interface Billed {
  readonly subscription: string;
  /** The act that began it; the period itself began at that day's midnight. */
  readonly from: number;
  readonly starts: number;
  readonly ends: number;
}

/** A plan or an add-on, for as long as a check finds it. */
export interface Held {
  readonly subscription: string;
  readonly code: Plan | Addon | 'tried';
  readonly quantity: number;
  readonly interval: 'MONTH' | 'YEAR';
  readonly starts: number;
  readonly ends: number;
}

const dayOf = (at: number) => Math.floor(at / day);

/** Where months begin, counted from a period's start. */
function monthsFrom(start: number, count: number): number {
  const from = new Date(start);
  const first = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + count, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), Math.min(from.getUTCDate(), last));
}

/** What something was worth by its time, and what each further call from it costs beyond those that its time has paid for. */
interface Phase {
  readonly time: number;
  readonly call: number;
  readonly calls: number;
}

/**
 * What it had, in cents at list prices: of everything that it held in a period, the larger of the time that it had access, by days, and
 * of the calls that it used, by their share of what was included for the price of that time. Which calls came from what is not
 * asked: the cheapest way counts, so that what is left then is a leak in any case.
 */
export function worthOf(
  periods: readonly Billed[],
  held: readonly Held[],
  used: readonly { readonly at: number; readonly calls: number }[],
  now: number,
): number {
  let total = 0;
  for (const [index, { subscription, from: began, starts, ends }] of periods.entries()) {
    const next = periods[index + 1];
    const cut = next?.subscription === subscription ? next.from : Number.POSITIVE_INFINITY;
    const rows = held.filter((row) => row.subscription === subscription);
    const until = Math.min(ends, cut, now, Math.max(...rows.map((row) => row.ends)));
    const days = dayOf(ends) - dayOf(starts);
    for (let month = 0; ; month += 1) {
      const from = Math.max(monthsFrom(starts, month), began);
      const to = Math.min(monthsFrom(starts, month + 1), ends);
      if (from >= until || from >= to) break;
      const phases = rows.flatMap((row): Phase[] => {
        const [first, last] = [Math.max(row.starts, from), Math.min(row.ends, to, until)];
        if (last < first) return [];
        const offer = { ...plans, ...addons, tried: plans.small }[row.code];
        const price = ((row.interval === 'YEAR' ? offer.year : offer.month) * row.quantity) / days;
        // An add-on's calls count for each of it, a plan's once.
        const calls = offer.calls * (row.code in addons ? row.quantity : 1);
        // The day of a change belongs to what follows; what was bought lasts until the month's end.
        const bought = price * (dayOf(to) - dayOf(first));
        return [{ time: price * (dayOf(last) - dayOf(first)), call: calls === 0 ? 0 : bought / calls, calls }];
      });
      let count = used
        .filter(({ at }) => at >= from && at < Math.min(to, until))
        .reduce((sum, one) => sum + one.calls, 0);
      count -= gift;
      for (const { time, call, calls } of phases) {
        // What is free bears what it can, and is worth nothing; how much of it there was is another law's.
        if (call === 0) count -= calls;
        total += time;
        if (call > 0) count -= Math.min(calls, time / call);
      }
      for (const { time, call, calls } of phases
        .filter((one) => one.call > 0)
        .sort((one, two) => one.call - two.call)) {
        const more = Math.min(Math.max(count, 0), calls - Math.min(calls, time / call));
        total += more * call;
        count -= more;
      }
    }
  }
  return total;
}

/** What was used in one window, and the most that what was paid for included in it. */
export interface Counted {
  readonly start: number;
  used: number;
  paid: number;
}

/** The most of what is free that was used in windows that began within 27 days. */
export function mostFree(windows: readonly Counted[]): number {
  const free = windows.map(({ start, used, paid }) => ({ start, calls: Math.max(0, used - paid) }));
  const within = (first: number) => free.filter(({ start }) => start >= first && start < first + 27 * day);
  return Math.max(0, ...free.map(({ start }) => within(start).reduce((sum, { calls }) => sum + calls, 0)));
}

/**
 * A month's of it, at most three times: what was left of a window that ends, of one that a subscription begins at its month's end, and of the
 * calendar's, where the subscription ends with that one.
 */
export const freeAllowed = 3 * (plans.free.calls + gift);
