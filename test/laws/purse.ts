import { dateAt, type Instant, instantFromMilliseconds } from '../../src/core/calendar';
import { decimal } from '../../src/core/decimal';
import { type Money, money, zero } from '../../src/core/money';
import { type IntervalUnit, type Period, periodAfter, periodAt, type Schedule } from '../../src/core/period';
import { type EntitlementSource, gate, isActiveAt, mergeEntitlement } from '../../src/entitlements/entitlement';
import { assemblePeriodInvoice } from '../../src/invoicing/assemble-invoice';
import { type AccountEntry, accountEntriesOf, type Invoice, type LineDraft } from '../../src/invoicing/invoice';
import { lotsOf } from '../../src/invoicing/lot';
import { dueByLine, type OpenInvoice } from '../../src/invoicing/split-credit';
import { grossOf, splitDocument } from '../../src/invoicing/split-document';
import { addonEndLines } from '../../src/proration/addon-change';
import { accountsWithoutMoney } from '../../src/proration/carry-over';
import type { ChargedItem } from '../../src/proration/charged-item';
import { endKindOf } from '../../src/proration/judge-attachments';
import {
  type AddonOrder,
  decidePlanChange,
  type PlanChange,
  type PlanChangeInput,
} from '../../src/proration/plan-change';
import { plannedChange } from '../../src/proration/plan-change-documents';
import { type AllowanceLeft, type CreditedItem, smallestAllowances } from '../../src/proration/unused-allowance';
import { carriedOn, cutWindows } from '../../src/rating/carried-usage.query';
import { drawn } from '../../src/rating/usage-pieces';
import type { AddonSubscription } from '../../src/subscriptions/addon-subscription';
import type { SubscriptionItem } from '../../src/subscriptions/subscription';
import { noTax } from '../../src/tax/tax';
import { type CarriedUsage, carriedInto, lessCarried } from '../../src/usage/carried-usage';
import { countedIn, type MeteringSpan, windowAt, withNewAnchor } from '../../src/usage/metering-window';
import { id, someAddon, someAttachment, somePlan, someVersion, untaxed, utc } from '../support/arbitraries';
import {
  type Act,
  type Addon,
  addons,
  type Billed,
  begin,
  type Counted,
  day,
  gift,
  type Held,
  type Plan,
  plans,
} from './greedy';

const currency = 'EUR' as const;
const euros = (minor: number | bigint): Money => money(BigInt(minor), currency);
const calls = id<'Feature'>('calls');
const at = (milliseconds: number): Instant => instantFromMilliseconds(milliseconds);
const graceDays = 7;

const prices = ({ month, year }: { readonly month: number; readonly year: number }) => [
  { id: id<'PlanPrice'>('month'), interval: 'MONTH' as const, amount: euros(month) },
  { id: id<'PlanPrice'>('year'), interval: 'YEAR' as const, amount: euros(year) },
];
const allowances = (limit: number) =>
  limit === 0 ? [] : [{ featureId: calls, unlimited: false, limit: decimal(limit), resetPeriod: 'MONTH' as const }];
const soldPlans = new Map(
  Object.entries(plans).map(([code, offer]) => [
    code as Plan,
    {
      plan: somePlan({ code, rank: offer.month }),
      version: someVersion({ id: id(`version-${code}`), prices: prices(offer), allowances: allowances(offer.calls) }),
    },
  ]),
);
const soldAddons = new Map(
  Object.entries(addons).map(([code, offer]) => [
    code as Addon,
    someAddon({
      ...{ code, prices: prices(offer), allowances: allowances(offer.calls) },
      requiredAddonIds: code === 'y' ? [id<'Addon'>('addon-x')] : [],
    }),
  ]),
);

interface OwnInvoice {
  readonly id: string;
  readonly lines: readonly LineDraft[];
  due: bigint;
}

interface Live {
  readonly id: string;
  readonly started: Instant;
  item: SubscriptionItem & { readonly code: Plan };
  interval: IntervalUnit;
  schedule: Schedule;
  period: Period;
  attachments: AddonSubscription[];
  cancelAt?: Instant | undefined;
  scheduled?: Extract<Act, { do: 'change' }> | undefined;
}

/** An entry as it is stored: it names the line that asks for its money. */
type Entry = AccountEntry & { readonly origin?: string | undefined };

/**
 * One tenant and its partner's books, with the product's own rules (who decides, credits, splits, assembles, counts) and books of the
 * test's own around them: no database, no HTTP, some thousand acts a second.
 */
export class Purse {
  now = begin;
  private serial = 0;
  private live: Live | undefined;
  private entries: Entry[] = [];
  private invoices: OwnInvoice[] = [];
  private spans: MeteringSpan[] = [];
  private sources: EntitlementSource[] = this.sourcesOf('GRANT', 'gift', gift, 1n, at(begin), true);
  private readonly counted = new Map<number, Counted>();
  private debtSince: number | undefined;
  /** Without access for debt. */
  private locked: { starts: number; ends: number }[] = [];
  private readonly periods: Billed[] = [];
  private readonly holdings: (Held & { readonly itemId: string; ends: number })[] = [];
  readonly used: { readonly at: number; readonly calls: number }[] = [];
  balance = 0n;
  paidIn = 0n;
  done = 0;

  constructor(private card: boolean) {}

  private next(kind: string): string {
    this.serial += 1;
    return `${kind}${this.serial}`;
  }

  /** What came in and was not given back, and what is still asked for: cents. */
  get paid(): bigint {
    return this.paidIn - this.balance + this.due;
  }

  get due(): bigint {
    return this.invoices.reduce((sum, { due }) => sum + due, 0n);
  }

  get movements(): number {
    return this.entries.length;
  }

  get billed(): readonly Billed[] {
    return this.periods;
  }

  /** What it had, without the time that it was locked out for debt. */
  get held(): Held[] {
    const locked = [
      ...this.locked,
      ...(this.lockedSince === undefined ? [] : [{ starts: this.lockedSince, ends: Number.POSITIVE_INFINITY }]),
    ];
    return locked.reduce<Held[]>(
      (rows, { starts, ends }) =>
        rows.flatMap((row) =>
          row.ends <= starts || row.starts >= ends
            ? [row]
            : [
                { ...row, ends: Math.max(row.starts, starts) },
                { ...row, starts: Math.min(row.ends, ends) },
              ],
        ),
      this.holdings,
    );
  }

  /** What a change now would begin with, and whether more is used than the smaller plan includes. */
  current(): { plan: Plan | undefined; wide: boolean } {
    const window = windowAt(this.spans, 'MONTH', at(this.now));
    const used = this.countIn(countedIn(window)).plus(window.carried?.get(calls)?.sold ?? 0);
    return { plan: this.live?.item.code, wide: used.greaterThan(plans.small.calls) };
  }

  private get lockedSince(): number | undefined {
    return this.debtSince === undefined ? undefined : this.debtSince + graceDays * day;
  }

  private get isLocked(): boolean {
    return this.lockedSince !== undefined && this.lockedSince <= this.now;
  }

  // ---- books

  private accountOf(itemId: string, starts: Instant) {
    const own = this.entries.filter(
      (entry) => entry.itemId === itemId && entry.period.start.epochMilliseconds === starts.epochMilliseconds,
    );
    const charged = euros(own.reduce((sum, { amount }) => sum + amount.minor, 0n));
    if (charged.minor < 0n) throw new Error(`the account of ${itemId} stands at ${charged.minor}`);
    return {
      charged,
      tax: zero(currency),
      lots: lotsOf(own.map(({ origin, amount }) => ({ originLineId: origin, amount: amount.minor, tax: 0n }))),
      discounts: own
        .filter(({ kind }) => kind === 'DISCOUNT' || kind === 'WAIVED')
        .map(({ amount, share }) => ({ amount: euros(-amount.minor), share, kind: 'WAIVED' as const })),
    };
  }

  private charged(item: Pick<ChargedItem, 'itemId' | 'kind' | 'name' | 'unitAmount' | 'quantity'>): ChargedItem {
    const { charged, discounts } = this.accountOf(item.itemId, this.live!.period.start);
    const { itemId, kind, name, unitAmount, quantity } = item;
    return { itemId, kind, name, unitAmount, quantity, charged, discounts };
  }

  private get charge(): ChargedItem {
    const { item } = this.live!;
    return this.charged({ ...item, itemId: item.id, kind: 'PLAN', name: item.code });
  }

  private chargeOf(attachment: AddonSubscription): ChargedItem {
    const { unitAmount, quantity } = attachment;
    return this.charged({ itemId: attachment.id, kind: 'ADDON', name: attachment.addonId, unitAmount, quantity });
  }

  private openOf(
    accounts: ReadonlyMap<string, { readonly lots: readonly { originLineId?: string | undefined }[] }>,
  ): OpenInvoice[] {
    const lines = new Set([...accounts.values()].flatMap(({ lots }) => lots.map(({ originLineId }) => originLineId)));
    return this.invoices
      .filter(
        ({ due, id: invoice, lines: own }) => due > 0n && own.some((_line, index) => lines.has(`${invoice} ${index}`)),
      )
      .map((invoice) => {
        const standing = new Map(
          invoice.lines.map((_line, index) => {
            const line = `${invoice.id} ${index}`;
            const stands = this.entries
              .filter(({ origin }) => origin === line)
              .reduce((sum, { amount }) => sum + amount.minor, 0n);
            return [line, stands] as const;
          }),
        );
        const known = { id: invoice.id, number: invoice.id, total: euros(invoice.due), amountDue: euros(invoice.due) };
        return { invoice: known as unknown as Invoice, due: dueByLine(invoice.due, standing) };
      });
  }

  private record(entries: readonly AccountEntry[], invoice?: string): void {
    for (const entry of entries) {
      const own =
        entry.originIndex === undefined || invoice === undefined ? undefined : `${invoice} ${entry.originIndex}`;
      this.entries.push({ ...entry, origin: entry.originLineId ?? own });
    }
  }

  private issue(lines: readonly LineDraft[]): void {
    const total = grossOf({ lines }, currency).minor;
    const invoice: OwnInvoice = { id: this.next('invoice'), lines, due: 0n };
    this.record(accountEntriesOf(lines), invoice.id);
    const applied = total < this.balance ? total : this.balance;
    this.balance -= applied;
    invoice.due = total - applied;
    this.invoices.push(invoice);
    if (invoice.due === 0n) return;
    if (this.card) {
      this.paidIn += invoice.due;
      invoice.due = 0n;
    } else this.debtSince ??= this.now;
  }

  private lower(invoiceId: string, by: bigint): void {
    const invoice = this.invoices.find((each) => each.id === invoiceId)!;
    invoice.due -= by;
    if (invoice.due < 0n) throw new Error('less than nothing is due');
    this.endDebt();
  }

  private endDebt(): void {
    if (this.debtSince === undefined || this.due > 0n) return;
    const starts = this.debtSince + graceDays * day;
    if (starts < this.now) this.locked.push({ starts, ends: this.now });
    this.debtSince = undefined;
  }

  /** Off what is open, then into the balance or against the charge: as the product splits it. */
  private settle(
    lines: readonly LineDraft[],
    planGoesOn: boolean,
    settlement: 'CREDIT_BALANCE' | 'NONE' = 'CREDIT_BALANCE',
  ): void {
    const { period } = this.live!;
    const items = new Set(lines.filter(({ kind }) => kind === 'PRORATION_CREDIT').map(({ itemId }) => itemId));
    const accounts = new Map([...items].map((itemId) => [itemId, this.accountOf(itemId, period.start)]));
    const split = splitDocument({ lines, taxes: [] }, accounts, this.openOf(accounts));
    const document = { lines, taxes: [], decision: noTax };
    const gross = grossOf({ lines }, currency);
    const planned = plannedChange(
      { subscription: { currency, periodEnd: period.end }, planGoesOn, document, split, gross },
      { waived: false, settlement },
    );
    if (!planned.moves) {
      this.record(accountsWithoutMoney({ lines }, currency, accounts));
      return;
    }
    for (const { document: note, invoice, total } of planned.offDue) {
      this.record(accountEntriesOf(note.lines));
      this.lower(invoice!.id, -total.minor);
    }
    const { own } = planned;
    if (!own) {
      this.record(accountsWithoutMoney(split.rest, currency, accounts));
      return;
    }
    if (own.kind === 'INVOICE') {
      this.issue(own.document.lines);
      return;
    }
    this.record(accountEntriesOf(own.document.lines));
    this.balance -= own.total.minor;
  }

  // ---- what it has

  private sourcesOf(
    kind: 'PLAN' | 'ADDON' | 'GRANT',
    itemId: string,
    limit: number,
    quantity: bigint,
    startsAt: Instant,
    free: boolean,
  ): EntitlementSource[] {
    if (limit === 0) return [];
    return [
      {
        ...{
          featureId: calls,
          featureCode: 'calls',
          kind: 'METERED',
          sourceKind: kind,
          sourceId: itemId,
          sourceName: itemId,
        },
        ...{
          catalogId: itemId,
          quantity,
          free,
          unlimited: false,
          limit: decimal(limit),
          resetPeriod: 'MONTH',
          startsAt,
        },
      },
    ];
  }

  private hold(
    kind: 'PLAN' | 'ADDON',
    code: Plan | Addon,
    itemId: string,
    quantity: bigint,
    interval: IntervalUnit,
  ): void {
    const offer = kind === 'PLAN' ? plans[code as Plan] : addons[code as Addon];
    // A plan's limits are the subscription's, an add-on's count for each of it.
    const units = kind === 'PLAN' ? 1n : quantity;
    this.sources.push(...this.sourcesOf(kind, itemId, offer.calls, units, at(this.now), offer.month === 0));
    this.holdings.push({
      ...{ subscription: this.live!.id, code, quantity: Number(quantity), interval: interval as Held['interval'] },
      ...{ starts: this.now, ends: Number.POSITIVE_INFINITY, itemId },
    });
  }

  private drop(itemId: string): void {
    this.sources = this.sources.map((source) =>
      source.sourceId === itemId && !source.endsAt ? { ...source, endsAt: at(this.now) } : source,
    );
    for (const row of this.holdings) if (row.itemId === itemId && row.ends > this.now) row.ends = this.now;
  }

  private countIn({ start, end }: { readonly start: Instant; readonly end: Instant }) {
    const count = this.used
      .filter((one) => one.at >= start.epochMilliseconds && one.at < end.epochMilliseconds)
      .reduce((sum, one) => sum + one.calls, 0);
    return decimal(count);
  }

  get windows(): readonly Counted[] {
    return [...this.counted.values()];
  }

  /** As `loadCarried`: what is free goes on where it stood. */
  private carriedOn(anchor: boolean): CarriedUsage {
    const features = cutWindows(this.sources, this.spans, { at: at(this.now), anchor });
    return carriedOn(features, ({ window }) => this.countIn(window));
  }

  /** As `loadAllowancesLeft`: what is left of what these include, where it may be less than the time. */
  private allowancesLeft(
    items: readonly CreditedItem[],
    windows: 'SUBSCRIPTION' | 'ANCHOR' | 'NONE',
    after: readonly EntitlementSource[],
  ): ReadonlyMap<string, AllowanceLeft> {
    const now = at(this.now);
    const held = this.sources.filter((source) => isActiveAt(source, now));
    if (held.length === 0) return new Map();
    const window = windowAt(this.spans, 'MONTH', now);
    const counted = countedIn(window);
    const ends = windows !== 'NONE';
    const used = this.countIn({ start: counted.start, end: ends && windows === 'ANCHOR' ? now : counted.end });
    const carried = window.carried?.get(calls);
    const left = ends ? [] : lessCarried(drawn(after.filter((source) => isActiveAt(source, now))), carried);
    const use = { window, held: lessCarried(drawn(held), carried), after: left, used };
    return smallestAllowances(items, [use], { at: now, basis: 'DAY', timeZone: utc, currency });
  }

  // ---- acts

  act(act: Act): void {
    const before = this.serial;
    this.perform(act);
    if (this.serial > before) this.done += 1;
    // No two acts of a live tenant happen in one millisecond.
    this.now += 1;
  }

  private perform(act: Act): void {
    switch (act.do) {
      case 'wait':
        this.wait(this.now + act.hours * 3_600_000 + 60_000);
        return;
      case 'start':
        this.start(act.plan === 'tried' ? 'small' : act.plan, act.interval, BigInt(act.quantity));
        return;
      case 'change':
        this.change(act);
        return;
      case 'attach':
        this.order(act.addon, BigInt(act.quantity), false);
        return;
      case 'resize':
        this.order(act.addon, BigInt(act.quantity), true);
        return;
      case 'detach':
        this.detach(act.addon, act.now);
        return;
      case 'use':
        this.use(act.calls);
        return;
      case 'cancel':
        this.cancel(act.now);
        return;
      case 'card':
        this.card = act.token === 'card_ok';
        return;
      case 'pay':
        this.pay();
        return;
      case 'undo':
        if (this.live) this.live.scheduled = undefined;
        return;
      case 'coupon':
        return;
    }
  }

  private start(code: Plan, interval: 'MONTH' | 'YEAR', quantity: bigint): void {
    if (this.live) return;
    const now = at(this.now);
    const schedule: Schedule = { anchor: dateAt(now, utc), interval, zone: utc };
    const subscription = this.next('subscription');
    const item = this.itemOf(code, interval, quantity);
    const period = periodAt(schedule, 0);
    this.live = { id: subscription, started: now, item, interval, schedule, period, attachments: [] };
    const span = { subscriptionId: id<'Subscription'>(subscription), start: now, anchorDate: schedule.anchor };
    this.spans.push({ ...span, timeZone: utc, trial: false, countFrom: now, carried: this.carriedOn(false) });
    this.hold('PLAN', code, item.id, quantity, interval);
    this.bill(undefined);
  }

  private itemOf(code: Plan, interval: IntervalUnit, quantity: bigint): Live['item'] {
    const { plan, version } = soldPlans.get(code)!;
    const price = version.prices.find((one) => one.interval === interval)!;
    return {
      ...{
        id: id<'SubscriptionItem'>(this.next('item')),
        code,
        planId: plan.id,
        planVersionId: version.id,
        priceId: price.id,
      },
      ...{ interval, unitAmount: price.amount, quantity, startedAt: at(this.now) },
    };
  }

  /** The invoice of the period that begins. */
  private bill(closed: Period | undefined): void {
    const live = this.live!;
    const { lines } = assemblePeriodInvoice({
      ...{
        currency,
        timeZone: utc,
        basis: 'DAY',
        couponOrder: 'TARGETED_FIRST',
        period: live.period,
        from: live.period.start,
      },
      plan: { item: live.item, name: live.item.code },
      addons: live.attachments.map((attachment) => ({ attachment, name: attachment.addonId })),
      ...{ closed, joined: [], coupons: [], tax: untaxed },
      usage: { lines: [], late: [], billed: [], charges: [] },
    });
    this.issue(lines);
    const { start, end } = live.period;
    const [starts, ends] = [start.epochMilliseconds, end.epochMilliseconds];
    this.periods.push({ subscription: live.id, from: this.now, starts, ends });
  }

  private wait(until: number): void {
    while (this.live && this.live.period.end.epochMilliseconds <= until) {
      const live = this.live;
      this.now = live.period.end.epochMilliseconds;
      if (live.cancelAt) {
        this.close();
        break;
      }
      if (live.scheduled) {
        const scheduled = live.scheduled;
        live.scheduled = undefined;
        this.change({ ...scheduled, when: 'NOW' });
      }
      for (const attachment of live.attachments.filter(({ endsAt }) => endsAt)) this.drop(attachment.id);
      live.attachments = live.attachments.filter(({ endsAt }) => !endsAt);
      this.dropDependents();
      const closed = live.period;
      live.period = periodAfter(live.schedule, closed.index);
      if (live.period.start.epochMilliseconds !== closed.end.epochMilliseconds && live.period.index !== 0) {
        throw new Error('a period does not begin where the last one ended');
      }
      this.bill(closed);
    }
    this.now = until;
  }

  /** What required what has gone ends with it, with a credit. */
  private dropDependents(): void {
    const live = this.live!;
    const codes = new Set(live.attachments.map(({ addonId }) => addonId as string));
    const orphans = live.attachments.filter(({ addonId }) => addonId === 'addon-y' && !codes.has('addon-x'));
    this.end(orphans);
  }

  /** These attachments end now, and what is unused of them is credited. */
  private end(ending: readonly AddonSubscription[]): void {
    const live = this.live!;
    if (ending.length === 0) return;
    const ids = ending.map(({ id: one }) => one as string);
    const items = ending.map(({ id: itemId, startedAt }) => ({ itemId, startedAt, period: live.period }));
    const left = this.sources.filter(({ sourceId }) => !ids.includes(sourceId));
    const shares = this.allowancesLeft(items, 'NONE', left);
    const moment = { at: at(this.now), basis: 'DAY' as const, timeZone: utc, period: live.period, trialing: false };
    this.settle(
      ending.flatMap((attachment) => addonEndLines(moment, this.chargeOf(attachment), shares.get(attachment.id))),
      true,
    );
    for (const one of ids) this.drop(one);
    live.attachments = live.attachments.filter(({ id: one }) => !ids.includes(one));
    this.next('ended');
  }

  private detach(code: Addon, now: boolean): void {
    const attachment = this.live?.attachments.find(({ addonId }) => addonId === `addon-${code}`);
    if (!this.live || !attachment) return;
    if (!now) {
      this.live.attachments = this.live.attachments.map((one) =>
        one === attachment ? { ...one, endsAt: this.live!.period.end } : one,
      );
      return;
    }
    this.end([attachment]);
    this.dropDependents();
  }

  private order(code: Addon, quantity: bigint, again: boolean): void {
    const { live } = this;
    if (!live || live.cancelAt) return;
    const addon = soldAddons.get(code)!;
    const before = live.attachments.find(({ addonId }) => addonId === addon.id);
    if ((before !== undefined) !== again || before?.quantity === quantity || before?.endsAt) return;
    if (code === 'y' && !live.attachments.some(({ addonId, endsAt }) => addonId === 'addon-x' && !endsAt)) return;
    const price = addon.prices.find(({ interval }) => interval === live.interval)!;
    const next = someAttachment(addon, before?.unitAmount ?? price.amount, {
      ...{
        id: id(this.next('attachment')),
        interval: live.interval,
        quantity,
        startedAt: at(this.now),
        priceId: price.id,
      },
      originId: before?.originId ?? id(`origin${this.serial}`),
    });
    const attached = before && { attachment: before, addon, charged: this.chargeOf(before) };
    this.decide({ planGoesOn: true, orders: [{ addon, before: attached, next, chargedLater: false }] });
  }

  private change(act: Extract<Act, { do: 'change' }>): void {
    const { live } = this;
    if (!live) return;
    if (act.when === 'PERIOD_END') {
      if (!live.scheduled && !live.cancelAt) live.scheduled = act;
      return;
    }
    const interval = act.interval ?? (live.interval as 'MONTH' | 'YEAR');
    if (live.scheduled || (act.plan === live.item.code && interval === live.interval && act.anchor !== 'RESET')) return;
    this.decide({
      planGoesOn: false,
      orders: [],
      ...{ plan: act.plan, interval, anchor: act.anchor ?? 'KEEP', settlement: act.settlement },
    });
  }

  private decide(asked: {
    readonly planGoesOn: boolean;
    readonly orders: readonly AddonOrder[];
    readonly plan?: Plan;
    readonly interval?: IntervalUnit;
    readonly anchor?: 'KEEP' | 'RESET';
    readonly settlement?: 'NONE' | undefined;
  }): void {
    const live = this.live!;
    const { planGoesOn, orders, plan: code = live.item.code, interval = live.interval, anchor = 'KEEP' } = asked;
    const { plan, version } = soldPlans.get(code)!;
    const item = planGoesOn ? live.item : this.itemOf(code, interval, live.item.quantity);
    const attached = live.attachments.map((attachment) => ({
      attachment,
      addon: soldAddons.get(attachment.addonId.slice('addon-'.length) as Addon)!,
      charged: this.chargeOf(attachment),
    }));
    const input: PlanChangeInput = {
      ...{ at: at(this.now), currency, timeZone: utc, basis: 'DAY', trialing: false, period: live.period },
      ...{ anchorDate: live.schedule.anchor, interval: live.interval, current: this.charge, attachments: attached },
      ...{
        orders,
        planGoesOn,
        anchor,
        coupons: [],
        couponOrder: 'TARGETED_FIRST',
        requiredAddons: [...soldAddons.values()],
      },
      unavailableAddons: 'CANCEL_AND_CREDIT',
      target: { itemId: item.id, plan, version, interval, unitAmount: item.unitAmount, quantity: item.quantity },
    };
    const byTime = decidePlanChange(input);
    if (!byTime.ok) throw new Error(JSON.stringify(byTime));
    const items = [
      ...(planGoesOn ? [] : [{ itemId: live.item.id, startedAt: live.item.startedAt, period: live.period }]),
      ...live.attachments.map(({ id: itemId, startedAt }) => ({ itemId, startedAt, period: live.period })),
    ];
    const shares = this.allowancesLeft(
      items,
      byTime.value.anchor === 'RESET' ? 'ANCHOR' : 'NONE',
      this.sourcesAfter(byTime.value, item, code, planGoesOn),
    );
    const decided = decidePlanChange({ ...input, allowances: shares });
    if (!decided.ok) throw new Error(JSON.stringify(decided));
    this.apply(decided.value, item, code, planGoesOn, asked.settlement);
  }

  private sourcesAfter(change: PlanChange, item: Live['item'], code: Plan, planGoesOn: boolean): EntitlementSource[] {
    const live = this.live!;
    const gone = new Set<string>([
      ...(planGoesOn ? [] : [live.item.id]),
      ...change.attachments
        .filter(({ outcome }) => endKindOf[outcome] || outcome === 'QUANTITY_CHANGED')
        .map(({ attachment }) => attachment.id),
    ]);
    const now = at(this.now);
    return [
      ...this.sources.filter(({ sourceId }) => !gone.has(sourceId)),
      ...(planGoesOn ? [] : this.sourcesOf('PLAN', item.id, plans[code].calls, 1n, now, plans[code].month === 0)),
      ...change.attachments.flatMap(({ next, addon }) =>
        next ? this.sourcesOf('ADDON', next.id, addons[addon.code as Addon].calls, next.quantity, now, false) : [],
      ),
    ];
  }

  private apply(
    change: PlanChange,
    item: Live['item'],
    code: Plan,
    planGoesOn: boolean,
    settlement: 'NONE' | undefined,
  ): void {
    const live = this.live!;
    this.settle(change.lines, planGoesOn, settlement);
    const { anchorDate, interval, index, span } = change.after;
    if (change.anchor === 'RESET') {
      this.spans = withNewAnchor(this.spans, at(this.now), anchorDate, this.carriedOn(true));
    }
    if (!planGoesOn) {
      this.drop(live.item.id);
      live.item = item;
      this.hold('PLAN', code, item.id, item.quantity, interval);
      live.interval = interval;
      live.schedule = { anchor: anchorDate, interval, zone: utc };
      // At a period's very end the renewal bills what begins.
      live.period = index < 0 ? { ...live.period, index } : periodAt(live.schedule, index);
      if (change.newPeriod) {
        this.periods.push({
          subscription: live.id,
          from: this.now,
          starts: span.start.epochMilliseconds,
          ends: span.end.epochMilliseconds,
        });
      }
    }
    live.attachments = change.attachments.flatMap(({ attachment, outcome, next, price, addon }) => {
      const own = addon.code as Addon;
      if (endKindOf[outcome]) {
        this.drop(attachment.id);
        return [];
      }
      if (next) {
        if (outcome === 'QUANTITY_CHANGED') this.drop(attachment.id);
        this.hold('ADDON', own, next.id, next.quantity, interval);
        return [next];
      }
      if (!price) return [attachment];
      // Dearer or cheaper from now on: valued by what it costs then.
      const row = this.holdings.find(({ itemId, ends }) => itemId === attachment.id && ends > this.now)!;
      row.ends = this.now;
      this.holdings.push({
        ...row,
        starts: this.now,
        ends: Number.POSITIVE_INFINITY,
        interval: interval as Held['interval'],
      });
      return [{ ...attachment, interval, unitAmount: price.amount }];
    });
  }

  private use(count: number): void {
    const now = at(this.now);
    const held = this.sources.filter((source) => isActiveAt(source, now));
    if (this.isLocked || held.length === 0) return;
    const window = windowAt(this.spans, 'MONTH', now);
    const used = this.countIn(countedIn(window)).plus(carriedInto(window.carried, calls, held));
    const { allowed } = gate('METERED', mergeEntitlement(held, []), used, decimal(count));
    if (!allowed) return;
    const start = window.start.epochMilliseconds;
    const counted = this.counted.get(start) ?? { start, used: 0, paid: 0 };
    const paid = drawn(held.filter(({ free }) => !free)).reduce((sum, { limit }) => sum + limit.toNumber(), 0);
    this.counted.set(start, { start, used: counted.used + count, paid: Math.max(counted.paid, paid) });
    this.used.push({ at: this.now, calls: count });
    this.next('event');
  }

  private pay(): void {
    if (!this.card) return;
    this.paidIn += this.due;
    for (const invoice of this.invoices) invoice.due = 0n;
    this.endDebt();
  }

  private cancel(now: boolean): void {
    const { live } = this;
    if (!live) return;
    if (!now) {
      live.cancelAt = live.period.end;
      return;
    }
    const attachments = live.attachments.filter(({ endsAt }) => !endsAt);
    const items = [
      { itemId: live.item.id, startedAt: live.item.startedAt, period: live.period },
      ...attachments.map(({ id: itemId, startedAt }) => ({ itemId, startedAt, period: live.period })),
    ];
    const shares = this.allowancesLeft(items, 'SUBSCRIPTION', []);
    const moment = { at: at(this.now), basis: 'DAY' as const, timeZone: utc, period: live.period, trialing: false };
    this.settle(
      [
        ...addonEndLines(moment, this.charge, shares.get(live.item.id)),
        ...attachments.flatMap((attachment) =>
          addonEndLines(moment, this.chargeOf(attachment), shares.get(attachment.id)),
        ),
      ],
      true,
    );
    this.close();
  }

  private close(): void {
    const live = this.live!;
    for (const invoice of this.invoices) {
      const part = invoice.due < this.balance ? invoice.due : this.balance;
      if (part > 0n) {
        this.balance -= part;
        invoice.due -= part;
      }
    }
    this.endDebt();
    const carriedAfter = this.carriedOn(false);
    for (const itemId of [live.item.id, ...live.attachments.map(({ id: one }) => one)]) this.drop(itemId);
    this.spans = this.spans.map((span) => (span.end ? span : { ...span, end: at(this.now), carriedAfter }));
    this.live = undefined;
    this.next('closed');
  }
}
