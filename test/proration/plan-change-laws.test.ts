import {
  type Instant,
  instantFromMilliseconds,
  type LocalDate,
  localDate,
  startOfDay,
  type TimeZone,
  timeZone,
} from '../../src/core/calendar';
import type { CurrencyCode } from '../../src/core/currency';
import { type Money, money } from '../../src/core/money';
import { type Percent, parsePercent } from '../../src/core/percent';
import { type IntervalUnit, type Period, periodAt } from '../../src/core/period';
import { fullShare, type Share } from '../../src/core/proration';
import { accountsWithoutMoney } from '../../src/proration/carry-over';
import type { ChangeCoupon } from '../../src/proration/change-coupons';
import type { ChargedItem } from '../../src/proration/charged-item';
import {
  type AttachedAddon,
  decidePlanChange,
  type PlanChange,
  type PlanChangeInput,
} from '../../src/proration/plan-change';
import { checkExplanation } from '../core/recalculate';
import {
  changeOf,
  id,
  itemAfter,
  type Random,
  randomFrom,
  seed,
  someAddon,
  someAttachment,
  someCoupon,
  somePlan,
  someVersion,
  textOf,
} from '../support/arbitraries';

const random: Random = randomFrom(seed);
/** `CHANGES=200000 npx jest test/proration/plan-change-laws` is the long form. */
const count = Number(process.env.CHANGES ?? 20_000);
const currencies: readonly CurrencyCode[] = ['JPY', 'EUR', 'KWD'];

/** A place in time; made once and drawn from often, because calendars are the slow part. */
interface Moment {
  readonly zone: TimeZone;
  readonly interval: IntervalUnit;
  readonly anchorDate: LocalDate;
  readonly period: Period;
  readonly at: Instant;
  /** Days from the change to the period's end and of the whole period, counted by `Date` in UTC. */
  readonly daysLeft: number;
  readonly days: number;
}

const dayNumber = ({ year, month, day }: LocalDate) => Date.UTC(year, month - 1, day) / 86_400_000;

function somewhereInTime(): Moment {
  const zone = timeZone(
    random.pick(['UTC', 'Europe/Berlin', 'Pacific/Auckland', 'America/Santiago', 'Asia/Kathmandu']),
  );
  const interval = random.pick<IntervalUnit>(['MONTH', 'MONTH', 'MONTH', 'YEAR', 'QUARTER', 'WEEK']);
  const anchorDate = localDate('2023-01-01').add({ days: random.whole(0, 2_000) });
  const period = periodAt({ anchor: anchorDate, interval, zone }, random.whole(0, 14));
  const days = dayNumber(period.endDate) - dayNumber(period.startDate);
  const past = random.chance(0.1) ? 0 : random.whole(0, days - 1);
  const dayStart = startOfDay(period.startDate.add({ days: past }), zone);
  // Within the first 22 hours: no day is shorter.
  const at = instantFromMilliseconds(dayStart.epochMilliseconds + random.whole(0, 22 * 3_600_000));
  return { zone, interval, anchorDate, period, at, daysLeft: days - past, days };
}

const moments = Array.from({ length: 4_000 }, somewhereInTime);
const percents = Array.from(
  { length: 200 },
  () =>
    parsePercent(random.pick(['100', '50', '20', '33.333333333333', '0.000000000001', `${random.whole(1, 99)}.5`]))!,
) as Percent[];

const roundedShare = (amount: bigint, share: Share) =>
  (2n * amount * share.remaining + share.total) / (2n * share.total);

function charged(currency: CurrencyCode, itemId: string, kind: ChargedItem['kind'], moment: Moment): ChargedItem {
  const unitAmount = money(random.minorUnits(7), currency);
  const quantity = BigInt(random.chance(0.7) ? 1 : random.whole(1, 5_000));
  const item = { itemId, kind, name: itemId, unitAmount, quantity };
  // Charged for the whole period or, after a late start, from a day at or before the change.
  const late = random.chance(0.3) && moment.daysLeft < moment.days;
  const share: Share = late
    ? { basis: 'DAY', remaining: BigInt(random.whole(moment.daysLeft, moment.days - 1)), total: BigInt(moment.days) }
    : fullShare;
  const price = roundedShare(unitAmount.minor * quantity, share);
  if (random.chance(0.6) || price === 0n) {
    return { ...item, discounts: [], charged: money(price, currency) };
  }
  const discount = (price * BigInt(random.whole(0, 100))) / 100n;
  // Something may have been credited before, so that less is left than the discount explains.
  const credited = random.chance(0.2) ? ((price - discount) * BigInt(random.whole(0, 100))) / 100n : 0n;
  return {
    ...item,
    discounts: [{ amount: money(discount, currency), share }],
    charged: money(price - discount - credited, currency),
  };
}

function someChangeCoupon(currency: CurrencyCode, number: number): ChangeCoupon {
  const code = `COUPON${number}`;
  const running = random.chance(0.3);
  const kind = random.pick(['PERCENT', 'PERCENT', 'FIXED', 'FIXED', 'FREE_PERIODS'] as const);
  if (kind === 'PERCENT') return { coupon: someCoupon({ kind, code, percent: random.pick(percents) }), running };
  if (kind === 'FREE_PERIODS') return { coupon: someCoupon({ kind, code }), running };
  const amounts: Money[] = [money(random.minorUnits(7) + 1n, currency)];
  return { coupon: someCoupon({ kind, code, amounts, scaled: random.chance(0.5) }), running };
}

const plan = somePlan({ code: 'new', rank: 1 });
const included = someAddon({ code: 'included' });
const version = someVersion({ includedAddonIds: [included.id] });

function someAttached(currency: CurrencyCode, moment: Moment, number: number): AttachedAddon {
  const prices = (['WEEK', 'MONTH', 'QUARTER', 'YEAR'] as const)
    .filter(() => random.chance(0.8))
    .map((interval) => ({ id: `price-${interval}`, interval, amount: money(random.minorUnits(6), currency) }));
  const addon = random.chance(0.3)
    ? included
    : someAddon({ code: `addon${number}`, prices, minimumPlanRank: random.pick([undefined, 1, 2]) });
  const account = charged(currency, `attachment${number}`, 'ADDON', moment);
  const attachment = someAttachment(addon, account.unitAmount, {
    id: id(account.itemId),
    interval: moment.interval,
    quantity: account.quantity,
  });
  return { attachment, addon, charged: account };
}

function someChange(): { input: PlanChangeInput; moment: Moment } {
  const moment = random.pick(moments);
  const currency = random.pick(currencies);
  const basis = random.pick(['DAY', 'DAY', 'DAY', 'SECOND', 'NONE'] as const);
  const current = charged(currency, 'old-item', 'PLAN', moment);
  const input = changeOf(
    current,
    {
      unitAmount: money(random.minorUnits(7), currency),
      quantity: BigInt(random.chance(0.7) ? 1 : random.whole(1, 5_000)),
      interval: random.chance(0.05) ? random.pick(['MONTH', 'YEAR']) : moment.interval,
    },
    {
      ...{ basis, plan, version, currency },
      at: moment.at,
      timeZone: moment.zone,
      period: moment.period,
      anchorDate: moment.anchorDate,
      interval: moment.interval,
      anchor: random.chance(0.1) ? 'RESET' : 'KEEP',
      trialing: random.chance(0.02),
      coupons: random.chance(0.4)
        ? Array.from({ length: random.whole(1, 3) }, (_, number) => someChangeCoupon(currency, number))
        : [],
      attachments: random.chance(0.2)
        ? Array.from({ length: random.whole(1, 2) }, (_, number) => someAttached(currency, moment, number))
        : [],
      unavailableAddons: random.pick(['CANCEL_AND_CREDIT', 'KEEP']),
    },
  );
  return { input, moment };
}

const minor = (amounts: readonly Money[]) => amounts.reduce((sum, amount) => sum + amount.minor, 0n);

/** The first law that is broken, if one is. */
function brokenLaw(input: PlanChangeInput, change: PlanChange, moment: Moment): string | undefined {
  const { lines, net, newCharge, unusedCredit, discount } = change;
  if (minor(lines.map(({ amount }) => amount)) !== net.minor) return 'the lines do not sum to the net';
  if (newCharge.minor - unusedCredit.minor - discount.minor !== net.minor)
    return 'net is not charge − credit − discount';
  if (net.minor < -unusedCredit.minor) return 'the net is below −credit';
  const accounts = new Map(
    [input.current, ...input.attachments.map((attached) => attached.charged)].map((item) => [item.itemId, item]),
  );
  const left = lines.map(({ amount }) => amount.minor);
  for (const line of lines) {
    const { kind, amount, explanation } = line;
    checkExplanation(explanation);
    const size = textOf({ ...amount, minor: kind === 'PRORATION_CHARGE' ? amount.minor : -amount.minor });
    if (explanation.result !== size) return `the ${kind} line of ${size} is explained as ${explanation.result}`;
    if (kind === 'PRORATION_CREDIT') {
      if (amount.minor > 0n) return 'a credit costs something';
      if (-amount.minor > accounts.get(line.itemId)!.charged.minor) return 'a credit is larger than what was charged';
    } else if (amount.minor < 0n !== (kind === 'DISCOUNT')) {
      if (amount.minor !== 0n) return `a ${kind} line has the wrong sign`;
    }
    if (line.discountsLine !== undefined) left[line.discountsLine] = left[line.discountsLine]! + amount.minor;
  }
  if (lines.some(({ kind }, index) => kind === 'PRORATION_CHARGE' && left[index]! < 0n))
    return 'discounts exceed a charge';
  if (minor(change.couponUses.map((use) => use.discount)) !== discount.minor)
    return 'the coupons’ discounts do not sum up';
  const planCredit = lines.find(({ kind, source }) => kind === 'PRORATION_CREDIT' && source.kind === 'PLAN');
  const attachmentCredit = minor(change.attachments.map(({ credit }) => credit));
  if (attachmentCredit - (planCredit?.amount.minor ?? 0n) !== unusedCredit.minor) return 'the credits do not sum up';
  if (input.basis === 'DAY' && !input.trialing) {
    const { remaining, total } = change.share;
    if (Number(remaining) !== moment.daysLeft || Number(total) !== moment.days) return 'the days are miscounted';
  }
  const carried = accountsWithoutMoney(change, input.currency);
  if (minor(carried.map(({ amount }) => amount)) !== 0n) return 'money appears or vanishes where none moves';
  return undefined;
}

/** Change, with a coupon or without, and change back at the same instant: 0, where the anchor stays. */
function brokenReturn(input: PlanChangeInput, change: PlanChange, waived: boolean): string | undefined {
  const entries = waived ? accountsWithoutMoney(change, input.currency) : undefined;
  const back = decidePlanChange({
    ...input,
    coupons: [],
    current: itemAfter(input, change, entries),
    target: {
      ...input.target,
      itemId: id('back-item'),
      unitAmount: input.current.unitAmount,
      quantity: input.current.quantity,
    },
  });
  if (!back.ok) return 'the way back is refused';
  // An upgrade for which nothing was charged: the way back gives nothing either.
  const moved = waived ? 0n : change.net.minor;
  return moved + back.value.net.minor === 0n ? undefined : `there ${moved} and back ${back.value.net.minor}`;
}

const shown = (value: unknown) =>
  JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}n` : part), 1);

test(
  `${count} random plan changes keep the laws of money`,
  () => {
    const seen = { lines: 0, returns: 0, waivedReturns: 0, discounts: 0, resets: 0 };
    for (let number = 0; number < count; number += 1) {
      const { input, moment } = someChange();
      const decided = decidePlanChange(input);
      if (!decided.ok) throw new Error(`seed ${seed}, case ${number}: refused`);
      const change = decided.value;
      let broken = brokenLaw(input, change, moment);
      // A discount of the old plan ends with it, and an attachment that ended does not come back: neither can net to 0.
      const returns =
        change.anchor === 'KEEP' &&
        !input.trialing &&
        input.current.discounts.length === 0 &&
        change.attachments.every(({ outcome }) => outcome === 'CONTINUES' || outcome === 'KEPT');
      if (!broken && returns) {
        seen.returns += 1;
        broken = brokenReturn(input, change, false);
        if (!broken && change.net.minor > 0n) {
          seen.waivedReturns += 1;
          broken = brokenReturn(input, change, true);
        }
      }
      if (broken) throw new Error(`seed ${seed}, case ${number}: ${broken}\n${shown({ input, change })}`);
      seen.lines += change.lines.length;
      seen.discounts += change.discount.minor > 0n ? 1 : 0;
      seen.resets += change.anchor === 'RESET' ? 1 : 0;
    }
    // The laws were really tried, each many times.
    expect(seen.lines).toBeGreaterThan(count * 1.5);
    expect(seen.returns).toBeGreaterThan(count / 10);
    expect(seen.waivedReturns).toBeGreaterThan(count / 25);
    expect(seen.discounts).toBeGreaterThan(count / 10);
    expect(seen.resets).toBeGreaterThan(count / 20);
  },
  60_000 + count * 3,
);
