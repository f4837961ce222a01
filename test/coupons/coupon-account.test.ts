import fc from 'fast-check';
import { instant } from '../../src/core/calendar';
import { compareExact, type Exact, exactOf, fraction, minus, multiply, plus, zeroExact } from '../../src/core/exact';
import { type Money, money } from '../../src/core/money';
import { parsePercent } from '../../src/core/percent';
import type { Share } from '../../src/core/proration';
import type { Coupon } from '../../src/coupons/coupon';
import { type CouponDiscount, couponDiscountsOf } from '../../src/coupons/coupon-discount';
import { assemblePeriodInvoice } from '../../src/invoicing/assemble-invoice';
import { type AccountEntry, accountEntriesOf, type LineDraft } from '../../src/invoicing/invoice';
import { addonEndLines } from '../../src/proration/addon-change';
import type { ChangeCoupon } from '../../src/proration/change-coupons';
import type { ChargedItem } from '../../src/proration/charged-item';
import { type AttachedAddon, decidePlanChange, type PlanChange } from '../../src/proration/plan-change';
import type { AddonSubscription } from '../../src/subscriptions/addon-subscription';
import { type TaxInput, taxLines } from '../../src/tax/tax-lines';
import { checkExplanation } from '../core/recalculate';
import {
  accountAfter,
  changeOf,
  id,
  periodFrom,
  someAddon,
  someAttachment,
  someCoupon,
  somePending,
  somePlan,
  untaxed,
  utc,
} from '../support/arbitraries';

/*
 * Random months of one tenant, with no database: the decisions alone, one after the other, each on the accounts that the ones
 * before it left. SEQUENCES=10000 npx jest test/coupons/coupon-account tries more; a failure prints its seed.
 */
const sequences = Number(process.env.SEQUENCES ?? 400);
const seed = Number(process.env.SEED ?? 20_261_130);

const eur = (minor: bigint) => money(minor, 'EUR');
const january = periodFrom('2026-01-01');
const plans = ['small', 'middle', 'large', 'free'].map((code, rank) => somePlan({ code, rank }));
const addons = ['extra', 'seats'].map((code) => someAddon({ code }));

interface Item {
  readonly itemId: string;
  readonly plan: number;
  readonly unitAmount: Money;
  readonly quantity: bigint;
}
interface Held {
  readonly coupon: Coupon;
  readonly given: CouponDiscount[];
}
type Taxes = 'none' | 'on top' | 'within';

const rates = (taxes: Taxes): TaxInput['decision'] => {
  if (taxes === 'none') return untaxed.decision;
  const rate = { id: id<'TaxRate'>('vat'), name: 'VAT', percent: parsePercent('19')!, inclusive: taxes === 'within' };
  return { treatment: 'TAXABLE', rates: new Map([['STANDARD', rate]]) } as unknown as TaxInput['decision'];
};

class Month {
  private serial = 0;
  private rows = 0;
  private day = 1;
  private plan: Item;
  private attached: AddonSubscription[];
  private entries: AccountEntry[] = [];
  readonly held: Held[];

  constructor(
    readonly prices: readonly bigint[],
    readonly addonPrices: readonly bigint[],
    coupons: readonly Coupon[],
    attachedAtStart: number,
    private readonly taxes: Taxes,
  ) {
    this.plan = { itemId: 'item-0', plan: 0, unitAmount: eur(prices[0]!), quantity: 1n };
    this.attached = addons.slice(0, attachedAtStart).map((_addon, index) => this.attachment(index, 1n));
    this.held = coupons.map((coupon) => ({ coupon, given: [] }));
    const { itemId, unitAmount, quantity } = this.plan;
    const invoice = assemblePeriodInvoice({
      ...{ currency: 'EUR', timeZone: utc, basis: 'DAY', couponOrder: 'TARGETED_FIRST', tax: untaxed },
      ...{ period: january, from: january.start, joined: [] },
      plan: {
        name: 'small',
        item: {
          ...{ id: id<'SubscriptionItem'>(itemId), planId: plans[0]!.id, planVersionId: id<'PlanVersion'>('version') },
          ...{ priceId: id<'PlanPrice'>('price'), interval: 'MONTH', startedAt: january.start, unitAmount, quantity },
        },
      },
      addons: this.attached.map((attachment) => ({ attachment, name: attachment.addonId })),
      usage: { lines: [], late: [], billed: [], charges: [] },
      coupons: this.held.map(({ coupon }) => ({ coupon, pending: somePending(coupon) })),
    });
    this.write(invoice.lines.filter(({ kind }) => kind !== 'TAX'));
    for (const { queued, lines } of invoice.uses) {
      this.given(queued.coupon, lines, invoice.lines, true);
    }
  }

  private attachment(index: number, quantity: bigint): AddonSubscription {
    this.serial += 1;
    const number = id<'AddonSubscription'>(`attachment-${index}-${this.serial}`);
    return someAttachment(addons[index]!, eur(this.addonPrices[index]!), { id: number, originId: number, quantity });
  }

  private get catalogIds(): Map<string, string> {
    const all = [[this.plan.itemId, plans[this.plan.plan]!.id]] as [string, string][];
    return new Map([...all, ...this.attached.map(({ id: itemId, addonId }) => [itemId, addonId] as [string, string])]);
  }

  /** Writes a document with its tax; answers what it comes to, before tax and with it. */
  private write(lines: readonly LineDraft[]): { net: bigint; gross: bigint } {
    for (const line of lines) checkExplanation(line.explanation);
    const accounts = new Map(
      lines.map(({ itemId }) => {
        const own = this.entries.filter((entry) => entry.itemId === itemId);
        const tax = own.reduce((total, entry) => total + (entry.tax?.minor ?? 0n), 0n);
        const taxRate = own.findLast((entry) => entry.taxRate)?.taxRate;
        return [itemId, { charged: this.charged(itemId).charged, tax: eur(tax), taxRate }];
      }),
    );
    const taxed = taxLines(lines, { decision: rates(this.taxes), categories: new Map(), accounts }, 'EUR').lines;
    this.entries.push(...accountEntriesOf(taxed));
    const sumOf = (some: readonly LineDraft[]) => some.reduce((total, { amount }) => total + amount.minor, 0n);
    return { net: sumOf(lines), gross: sumOf(taxed) };
  }

  private charged(itemId: string): Pick<ChargedItem, 'charged' | 'discounts'> {
    return accountAfter(itemId, 'EUR', this.entries);
  }

  private given(coupon: Coupon, drafted: readonly LineDraft[], lines: readonly LineDraft[], counts: boolean) {
    const held = this.held.find((one) => one.coupon === coupon)!;
    const use = { pendingCouponId: id<'PendingCoupon'>(coupon.code), periodNumber: 1, counts };
    for (const entry of couponDiscountsOf(drafted, lines, this.catalogIds, use)) {
      this.rows += 1;
      held.given.push({ ...entry, id: String(this.rows).padStart(4, '0') });
    }
  }

  private goesBack(itemIds: readonly string[], share: Share) {
    for (const { given } of this.held) {
      for (const [index, entry] of given.entries()) {
        if (!entry.returned && entry.item && itemIds.includes(entry.item.id))
          given[index] = { ...entry, returned: share };
      }
    }
  }

  private get at() {
    return instant(`2026-01-${String(this.day).padStart(2, '0')}T12:00:00Z`);
  }
  get share(): Share {
    return { basis: 'DAY', remaining: BigInt(32 - this.day), total: 31n };
  }

  pass(days: number) {
    this.day = Math.min(31, this.day + days);
  }

  private decide(target: Item, orders: Parameters<typeof changeOf>[2] = {}, named?: Coupon): PlanChange {
    const current: ChargedItem = { ...this.plan, kind: 'PLAN', name: 'old', ...this.charged(this.plan.itemId) };
    const coupons: ChangeCoupon[] = this.held.map(({ coupon, given }) =>
      coupon === named
        ? { coupon, running: false }
        : { coupon, running: true, kept: true, finished: coupon.duration === 'ONCE', given },
    );
    const attachments: AttachedAddon[] = this.attached.map((attachment) => this.known(attachment));
    const change = changeOf(
      current,
      { unitAmount: target.unitAmount, quantity: target.quantity },
      { plan: plans[target.plan]!, at: this.at, period: january, attachments, coupons, ...orders },
    );
    const decided = decidePlanChange({ ...change, target: { ...change.target, itemId: id(target.itemId) } });
    if (!decided.ok) throw new Error('refused');
    return decided.value;
  }

  private known(attachment: AddonSubscription): AttachedAddon {
    const addon = addons.find((one) => one.id === attachment.addonId)!;
    const item = { itemId: attachment.id, kind: 'ADDON' as const, name: addon.code };
    const { unitAmount, quantity } = attachment;
    return { attachment, addon, charged: { ...item, unitAmount, quantity, ...this.charged(attachment.id) } };
  }

  private save(change: PlanChange) {
    const credited = change.lines.filter(({ kind }) => kind === 'PRORATION_CREDIT').map(({ itemId }) => itemId);
    this.goesBack(credited, change.share);
    const written = this.write(change.lines);
    for (const { coupon, lines, counts } of change.couponUses) this.given(coupon, lines, change.lines, counts);
    return written;
  }

  change(plan: number, quantity: bigint, named?: Coupon) {
    this.serial += 1;
    const unitAmount = eur(this.prices[plan]!);
    const target: Item = { itemId: `item-${this.serial}`, plan, unitAmount, quantity };
    if (named) this.held.push({ coupon: named, given: [] });
    const change = this.decide(target, {}, named);
    this.plan = target;
    return this.save(change);
  }

  isAttached(index: number) {
    return this.attached.some(({ addonId }) => addonId === addons[index]!.id);
  }

  /** Attaches it, or changes how many there are. */
  order(index: number, quantity: bigint) {
    const addon = addons[index]!;
    const before = this.attached.find(({ addonId }) => addonId === addon.id);
    const next = this.attachment(index, quantity);
    const orders = [{ addon, next, chargedLater: false, before: before && this.known(before) }];
    const change = this.decide(this.plan, { orders, planGoesOn: true });
    this.attached = [...this.attached.filter((one) => one !== before), next];
    return this.save(change);
  }

  cancel(index: number) {
    const attachment = this.attached.find(({ addonId }) => addonId === addons[index]!.id)!;
    const moment = { at: this.at, basis: 'DAY' as const, timeZone: utc, period: january, trialing: false };
    const lines = addonEndLines(moment, this.known(attachment).charged);
    this.goesBack([attachment.id], this.share);
    this.attached = this.attached.filter((one) => one !== attachment);
    return this.write(lines);
  }

  current() {
    return { plan: this.plan.plan, quantity: this.plan.quantity };
  }
  quantityOf(index: number) {
    return this.attached.find(({ addonId }) => addonId === addons[index]!.id)!.quantity;
  }

  /** Per coupon and period: given − given back ≤ what it gives for that period. Each amount was rounded once, by less than a unit. */
  brokenLaw(): string | undefined {
    for (const { coupon, given } of this.held) {
      let stands: Exact = zeroExact;
      for (const { amount, share, returned, wholePeriod } of given) {
        const whole = exactOf(amount.minor);
        const rate = fraction(amount.minor * share.total, share.remaining);
        const back = returned ? multiply(rate, fraction(returned.remaining, returned.total)) : zeroExact;
        stands = plus(stands, minus(whole, back));
        if (coupon.kind === 'FIXED') continue;
        const percent = coupon.percent ? exactOf(coupon.percent) : exactOf(100n);
        const due = multiply(
          exactOf(wholePeriod.minor),
          fraction(share.remaining, share.total),
          percent,
          fraction(1n, 100n),
        );
        if (compareExact(whole, plus(due, exactOf(2n))) > 0) return `${coupon.code} gave ${amount.minor} on a line`;
      }
      const first = given.filter(({ counts }) => counts);
      if (given.length > first.length && first.length === 0)
        return `${coupon.code} gave in a period it was not counted in`;
      const due = coupon.amounts[0]?.minor;
      if (due !== undefined && compareExact(stands, exactOf(due + BigInt(given.length))) >= 0)
        return `${coupon.code} gave more than ${due}`;
    }
    return undefined;
  }
}

const amount = fc.oneof(fc.bigInt(1n, 500n), fc.bigInt(500n, 40_000n), fc.constantFrom(3_100n, 10_000n, 30_000n));
const someCoupons = fc
  .array(
    fc.record({
      kind: fc.constantFrom('PERCENT', 'FIXED', 'FIXED', 'FREE_PERIODS'),
      percent: fc.constantFrom('10', '33.3', '50', '100'),
      off: amount,
      duration: fc.constantFrom('ONCE', 'REPEATING', 'FOREVER'),
      scaled: fc.boolean(),
      target: fc.constantFrom('all', 'all', 'extra', 'plans'),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((drawn) =>
    drawn.map(({ kind, percent, off, duration, scaled, target }, index) =>
      someCoupon({
        ...{ kind, code: `C${index}`, scaled, duration, durationPeriods: duration === 'REPEATING' ? 2 : undefined },
        percent: kind === 'PERCENT' ? parsePercent(percent)! : undefined,
        amounts: kind === 'FIXED' ? [eur(off)] : [],
        addonIds: target === 'extra' && kind !== 'FREE_PERIODS' ? [addons[0]!.id] : [],
        planIds: target === 'plans' ? plans.map((plan) => plan.id) : [],
      } as Parameters<typeof someCoupon>[0]),
    ),
  );
const step = fc.oneof(
  fc.record({ act: fc.constant('pass' as const), days: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ act: fc.constant('plan' as const), plan: fc.nat(3), quantity: fc.bigInt(1n, 3n), back: fc.boolean() }),
  fc.record({ act: fc.constant('addon' as const), addon: fc.nat(1), quantity: fc.bigInt(1n, 3n), back: fc.boolean() }),
  fc.record({ act: fc.constant('cancel' as const), addon: fc.nat(1), back: fc.boolean() }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const life = fc.record({
  prices: fc.tuple(amount, amount, amount, fc.constant(0n)),
  addonPrices: fc.tuple(amount, amount),
  coupons: someCoupons,
  attached: fc.nat(2),
  taxes: fc.constantFrom<Taxes>('none', 'none', 'on top', 'within'),
  steps: fc.array(step, { minLength: 1, maxLength: 10 }),
});

/** Does it, and back where that is asked; answers what both together come to. */
function act(month: Month, one: Step): { net: bigint; gross: bigint } | undefined {
  const there: { net: bigint; gross: bigint }[] = [];
  if (one.act === 'pass') month.pass(one.days);
  else if (one.act === 'plan') {
    const { plan, quantity } = month.current();
    there.push(month.change(one.plan, one.quantity));
    if (one.back) there.push(month.change(plan, quantity));
  } else if (one.act === 'addon') {
    const before = month.isAttached(one.addon) ? month.quantityOf(one.addon) : undefined;
    there.push(month.order(one.addon, one.quantity));
    if (one.back) there.push(before === undefined ? month.cancel(one.addon) : month.order(one.addon, before));
  } else if (month.isAttached(one.addon)) {
    const quantity = month.quantityOf(one.addon);
    there.push(month.cancel(one.addon));
    if (one.back) there.push(month.order(one.addon, quantity));
  }
  if (there.length < 2) return undefined;
  return { net: there[0]!.net + there[1]!.net, gross: there[0]!.gross + there[1]!.gross };
}

test(`${sequences} random months: no coupon gives more than its due, and there and back is 0 (seed ${seed})`, () => {
  let [returns, taxed, again] = [0, 0, 0];
  fc.assert(
    fc.property(life, ({ prices, addonPrices, coupons, attached, taxes, steps }) => {
      const month = new Month(prices, addonPrices, coupons, attached, taxes);
      for (const one of steps) {
        const both = act(month, one);
        expect(month.brokenLaw()).toBeUndefined();
        if (!both) continue;
        returns += 1;
        expect(both.net).toBe(0n);
        if (taxes === 'none') continue;
        taxed += 1;
        // Tax is rounded once a document: what is left is at most that.
        const left = taxes === 'within' ? both.net : both.gross;
        expect(left >= -2n && left <= 2n ? 0n : left).toBe(0n);
      }
      again += month.held.filter(({ given }) => given.some(({ counts }) => !counts)).length;
    }),
    { numRuns: sequences, seed },
  );
  // They were really tried.
  expect(returns).toBeGreaterThan(sequences / 2);
  expect(taxed).toBeGreaterThan(sequences / 8);
  expect(again).toBeGreaterThan(sequences / 8);
}, 600_000);
