import type { TenantContext } from '../access/tenant';
import type { Addon } from '../catalog/addon';
import { findPlan } from '../catalog/find-catalog.query';
import { type Plan, type PlanVersion, priceFor } from '../catalog/plan';
import { requiredBeside } from '../catalog/required-addons.query';
import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import { exactOf, multiply } from '../core/exact';
import type { Id } from '../core/ids';
import { invariant } from '../core/invariant';
import { add, exactMinorUnits, type Money, negate, roundToMoney } from '../core/money';
import type { IntervalUnit } from '../core/period';
import { parseSeats } from '../core/quantity';
import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import { refuseCoupon } from '../coupons/apply-coupon.command';
import { appliesToPlan, type Coupon, type CouponReason, couponReasons } from '../coupons/coupon';
import type { PendingCoupon } from '../coupons/pending-coupon';
import { findCouponByCode, pastOf } from '../coupons/validate-coupon.query';
import { isActiveAt } from '../entitlements/entitlement';
import { resetMismatch } from '../entitlements/reset-mismatch';
import type { ItemAccount } from '../invoicing/item-charge';
import { openInvoicesOf } from '../invoicing/open-invoices.query';
import { type AssembledClosing, assembleReset, type PeriodInvoiceTx } from '../invoicing/period-invoice.query';
import { payableOf } from '../invoicing/planned-document';
import { grossOf, type SplitDocument, splitDocument } from '../invoicing/split-document';
import { refundProblem } from '../payments/refund-credit.command';
import { mayBeTooLarge, tooLargeToCharge } from '../payments/too-large.query';
import { type AddonSubscription, providerPeriodAt } from '../subscriptions/addon-subscription';
import { currentPeriod, type Subscription } from '../subscriptions/subscription';
import { addedTax } from '../tax/tax-lines';
import { type TaxedDocument, taxesOfLines } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import { addonOrderRefusals, loadAddonOrders, orderedRequirementProblem } from './addon-orders.query';
import type { ChangeCoupon } from './change-coupons';
import type { ChargedItem } from './charged-item';
import {
  type AddonOrder,
  type AttachedAddon,
  decidePlanChange,
  type PlanChange,
  type PlanChangeInput,
  type PlanChangeRequest,
} from './plan-change';
import { type PricedChange, plannedDocuments, settledAs } from './plan-change-documents';
import { endingRefusal, isOnlyAddons, momentOf, obstacleTo } from './plan-change-moment.query';
import { afterChange } from './source-change';
import { type LoadedSources, loadSources } from './source-change.query';
import { type AllowanceTx, loadAllowancesLeft } from './unused-allowance.query';
import { type UnusedCredit, unusedCreditsOf } from './unused-credit';

export const planChangeRefusals = [
  'TENANT_NOT_FOUND',
  'SUBSCRIPTION_REQUIRED',
  'PLAN_NOT_FOUND',
  'PLAN_ARCHIVED',
  'PRICE_NOT_FOUND',
  'NO_CHANGE',
  'PERIOD_NOT_BILLED',
  'EFFECTIVE_DATE_OUTSIDE_PERIOD',
  'CHANGE_ALREADY_SCHEDULED',
  'SUBSCRIPTION_ENDING',
  'ADDON_NOT_AVAILABLE_WITH_PLAN',
  'RESET_PERIOD_MISMATCH',
  'REFUND_NOT_AVAILABLE',
  'AMOUNT_NOT_CHARGEABLE',
  'INVALID_INPUT',
  ...addonOrderRefusals,
  ...couponReasons,
] as const;
export type PlanChangeRefusal = (typeof planChangeRefusals)[number];

/** What providers were paid for the attachments that they bill, each in its own period. */
export async function providerAccounts(
  tx: Pick<Tx, 'itemCharges'>,
  { tenantId, id, currency, prorationBasis }: Subscription,
  attachments: readonly AddonSubscription[],
): Promise<Map<string, ItemAccount>> {
  const found = new Map<string, ItemAccount>();
  for (const { id: itemId, providerPeriod } of attachments) {
    if (!providerPeriod) continue;
    const accounts = await tx.itemCharges.accounts(tenantId, id, providerPeriod.start, currency, prorationBasis);
    const account = accounts.get(itemId);
    if (account) found.set(itemId, account);
  }
  return found;
}

/** The order in which coupons take: oldest first. */
const byAge = (one: PendingCoupon, other: PendingCoupon): number =>
  one.createdAt.epochMilliseconds - other.createdAt.epochMilliseconds || (one.id < other.id ? -1 : 1);

/** Add-ons in one change. */
const maximumOrders = 20;

/** Everything a plan change was decided from, and the decision. */
export interface LoadedPlanChange extends LoadedSources {
  readonly subscription: Subscription;
  readonly planBefore: Plan;
  readonly target: {
    readonly itemId: Id<'SubscriptionItem'>;
    readonly plan: Plan;
    readonly version: PlanVersion;
    readonly priceId: Id<'PlanPrice'>;
    readonly interval: IntervalUnit;
    readonly unitAmount: Money;
    readonly quantity: bigint;
  };
  /** Only add-ons change. */
  readonly planGoesOn: boolean;
  readonly orders: readonly AddonOrder[];
  /** It waits: for the period's end, or a date. */
  readonly waits: boolean;
  readonly coupon?: Coupon | undefined;
  readonly change: PlanChange;
  /** The change's lines with their tax. */
  readonly document: TaxedDocument;
  /** By item that goes on or begins: its plan or add-on. */
  readonly catalogIds: ReadonlyMap<string, string>;
  /** The same by the documents that they go on: what is not paid yet comes off the open invoices. */
  readonly split: SplitDocument;
  /** The net of those lines with the tax that comes on top of it; negative: in the tenant's favour. */
  readonly gross: Money;
  /** A new period begins: what is left to bill of the one that ends, usage and add-ons that waited for an invoice. */
  readonly closing?: AssembledClosing | undefined;
  readonly accounts: ReadonlyMap<string, ItemAccount>;
  /** What it credits of items with limited allowances. */
  readonly unused: readonly Omit<UnusedCredit, 'id'>[];
  /** What each full period costs from then on, before coupons and add-ons. */
  readonly recurring: Money;
}

export type PlanChangeTx = PeriodInvoiceTx &
  AllowanceTx &
  Pick<
    Tx,
    | 'partners'
    | 'plans'
    | 'addons'
    | 'coupons'
    | 'pendingCoupons'
    | 'couponDiscounts'
    | 'subscriptions'
    | 'addonSubscriptions'
    | 'itemCharges'
    | 'invoices'
    | 'taxes'
    | 'payments'
    | 'paymentMethods'
    | 'creditNotes'
    | 'tenantFor'
    | 'newId'
  >;

export interface LoadOptions {
  /** A quote pins the instant; a scheduled change has its own. */
  readonly at?: Instant | undefined;
  /** A scheduled change was judged when it was made and pins the version it was promised. */
  readonly pinned?:
    | {
        readonly planVersionId: Id<'PlanVersion'>;
        readonly priceId: Id<'PlanPrice'>;
        readonly coupon?: Coupon | undefined;
        /** The reservation of that coupon; it is judged again. */
        readonly reserved?: PendingCoupon | undefined;
        /** The one who asked for it has credits that go by time. */
        readonly creditsByTime?: boolean | undefined;
      }
    | undefined;
  /** It is done, not previewed: no event is added to what was used until then. */
  readonly lock?: boolean | undefined;
}

/** What a full period costs. */
const perPeriod = ({ unitAmount, quantity }: { readonly unitAmount: Money; readonly quantity: bigint }): Money =>
  roundToMoney(multiply(exactMinorUnits(unitAmount), exactOf(quantity)), unitAmount.currency);

/** What the change asks for now, or what is sold for each full period, is more than the tenant's provider charges in one go. */
async function tooLargeChange(
  tx: PlanChangeTx,
  tenant: TenantContext,
  priced: PricedChange,
  request: PlanChangeRequest,
  sold: readonly Money[],
) {
  const documents = plannedDocuments(priced, settledAs(request));
  // What a coupon leaves of the next full period is not known yet.
  const later = priced.change.couponUses.length > 0 ? [] : sold;
  if (![...documents.map(({ total }) => total), ...later].some(mayBeTooLarge)) return undefined;
  const balance = await tx.creditNotes.balance(tenant.id, tenant.currency);
  return tooLargeToCharge(tx, tenant.id, [...payableOf(documents, balance).dues, ...later]);
}

/** What is left of the allowances of what a change ends. In a trial nothing is credited. */
async function allowancesLeft(
  tx: AllowanceTx,
  subscription: Subscription,
  {
    input,
    change,
    sourcesAround,
    options,
  }: {
    readonly input: PlanChangeInput;
    readonly change: PlanChange;
    readonly sourcesAround: LoadedSources;
    readonly options: LoadOptions;
  },
) {
  const { at, period, timeZone, attachments, planGoesOn, basis } = input;
  const { item } = subscription;
  const own = attachments.flatMap(({ attachment: { id, startedAt, ...rest } }) => {
    const paid = providerPeriodAt(rest, timeZone, at)?.period;
    return [{ itemId: id, startedAt, period: paid ?? period }];
  });
  const items = input.trialing
    ? []
    : [...(planGoesOn ? [] : [{ itemId: item.id, startedAt: item.startedAt, period }]), ...own];
  const left = await loadAllowancesLeft(tx, subscription, {
    ...{ at, basis, items },
    windows: change.anchor === 'RESET' ? 'ANCHOR' : 'NONE',
    after: (held) => afterChange(held, sourcesAround.sources),
    isChange: true,
    byActor: !options.pinned,
    byTime: options.pinned?.creditsByTime,
    lock: options.lock ?? false,
  });
  return { ...left, items };
}

/**
 * Load and decide: what preview and execution share. Reads the subscription as it stands, what its items were really
 * charged, the target's current version and price, and the coupons; then one pure decision.
 */
export async function loadPlanChange(
  tx: PlanChangeTx,
  tenant: TenantContext,
  request: PlanChangeRequest,
  options: LoadOptions = {},
): Promise<Result<LoadedPlanChange, PlanChangeRefusal>> {
  // What needs only the tenant is asked at once, on one connection.
  const [subscription, named, live, pendings] = await Promise.all([
    tx.subscriptions.live(tenant.id),
    request.plan === undefined ? undefined : findPlan({ plans: tx.plans, partnerId: tenant.partnerId }, request.plan),
    tx.addonSubscriptions.live(tenant.id),
    tx.pendingCoupons.live(tenant.id),
  ]);
  if (!subscription) return refuse('SUBSCRIPTION_REQUIRED', 'The tenant has no subscription.');
  const { item, currency, timeZone } = subscription;
  const now = options.at ?? tenant.now;
  const moment = options.pinned ? done({ at: now, waits: false }) : momentOf(request, subscription, now);
  if (!moment.ok) return moment;
  if (
    isBefore(subscription.periodEnd, moment.value.at) ||
    (!options.pinned && isAtOrBefore(subscription.periodEnd, now))
  ) {
    return refuse('PERIOD_NOT_BILLED', 'The period has ended and is about to be billed; try again in a moment.', {
      facts: { periodEnd: subscription.periodEnd.toString() },
    });
  }
  const asked = request.addons ?? [];
  if (asked.length > maximumOrders) return invalid(['addons'], `At most ${maximumOrders} add-ons at once.`);
  const onlyAddons = isOnlyAddons(request, subscription);
  const obstacle = options.pinned ? undefined : await obstacleTo(tx, subscription, now, onlyAddons);
  if (obstacle) return obstacle;
  if (asked.length > 0 && moment.value.waits) return invalid(['addons'], 'Add-ons change at once: effective is NOW.');
  const plan = request.plan === undefined ? (await tx.plans.byIds([item.planId]))[0] : named;
  if (!plan) return refuse('PLAN_NOT_FOUND', 'No such plan.', { path: ['input', 'plan'] });
  const samePlan = plan.id === item.planId;
  if (plan.status === 'ARCHIVED' && !samePlan && !options.pinned) {
    return refuse('PLAN_ARCHIVED', `${plan.name} is no longer sold.`, { path: ['input', 'plan'] });
  }
  // What has come to its end by then is not the change's to judge. What was cancelled to a later date is, like the others.
  const continuing = live.filter(({ endsAt }) => !endsAt || isBefore(moment.value.at, endsAt));
  const running = pendings.filter((pending) => pending.status === 'RUNNING');
  const { pinned } = options;
  const [[version], [planBefore], accounts, ofAddons, given, partner] = await Promise.all([
    pinned || request.plan === undefined
      ? tx.plans.versionsByIds([pinned?.planVersionId ?? item.planVersionId])
      : tx.plans.currentVersions([plan.id]),
    tx.plans.byIds([item.planId]),
    tx.itemCharges.accounts(
      tenant.id,
      subscription.id,
      subscription.periodStart,
      currency,
      subscription.prorationBasis,
    ),
    tx.addons.byIds(continuing.map((attachment) => attachment.addonId)),
    tx.couponDiscounts.ofPeriod(tenant.id, subscription.id, subscription.periodStart),
    tx.partners.byId(tenant.partnerId),
  ]);
  invariant(planBefore, 'a subscription has a plan');
  // One that was used up in this period may give again what goes back.
  const finished = await tx.pendingCoupons.finishedOf(tenant.id, [
    ...new Set(given.map(({ pendingCouponId }) => pendingCouponId)),
  ]);
  const ofCoupons = await tx.coupons.byIds([...running, ...finished].map((pending) => pending.couponId));
  const interval = request.interval ?? subscription.interval;
  // A plan that is not named is the one that was sold, at its price.
  const price =
    request.plan === undefined && interval === subscription.interval
      ? { id: item.priceId, amount: item.unitAmount }
      : version && priceFor(version.prices, interval, currency);
  if (!version || !price) {
    return refuse('PRICE_NOT_FOUND', `${plan.name} has no price per ${interval.toLowerCase()} in ${currency}.`, {
      path: ['input', 'interval'],
      facts: { interval, currency },
    });
  }
  const quantity = request.quantity === undefined ? item.quantity : parseSeats(request.quantity);
  if (quantity === undefined) return invalid(['quantity'], 'A quantity is a whole number from 1 to 2147483647.');
  const anchor = request.anchor ?? 'KEEP';
  const unchanged =
    version.id === item.planVersionId && interval === subscription.interval && quantity === item.quantity;
  const planGoesOn = unchanged && anchor === 'KEEP' && !options.pinned;
  if (planGoesOn && asked.length === 0) {
    return refuse('NO_CHANGE', 'The subscription has this plan, interval and quantity already.');
  }

  const chargedItem = (
    kind: ChargedItem['kind'],
    itemId: string,
    name: string,
    catalogId: string,
    source: { readonly unitAmount: Money; readonly quantity: bigint },
  ): ChargedItem => {
    const account = accounts.get(itemId);
    return {
      ...{ kind, itemId, name, catalogId, unitAmount: source.unitAmount, quantity: source.quantity },
      charged: account?.charged ?? { minor: 0n, currency },
      discounts: account?.discounts ?? [],
    };
  };
  const addons = new Map<string, Addon>(ofAddons.map((addon) => [addon.id, addon]));
  const requiredAddons = await requiredBeside(tx, ofAddons);
  for (const [itemId, account] of await providerAccounts(tx, subscription, continuing)) accounts.set(itemId, account);
  const attachments: AttachedAddon[] = continuing.map((attachment) => {
    const addon = addons.get(attachment.addonId)!;
    return { attachment, addon, charged: chargedItem('ADDON', attachment.id, addon.name, addon.id, attachment) };
  });

  const unitAmount = price.amount;
  const coupon = options.pinned
    ? options.pinned.coupon
    : request.coupon === undefined
      ? undefined
      : await findCouponByCode(tx, tenant, request.coupon);
  if (request.coupon !== undefined && !options.pinned && !coupon) return refuseCoupon(['COUPON_NOT_FOUND'], 'coupon');
  const past = await pastOf(tx, tenant.id, coupon ? [coupon] : []);
  const byId = new Map(ofCoupons.map((row) => [row.id, row]));
  const coupons: ChangeCoupon[] = [...running, ...finished].sort(byAge).map((pending) => {
    const runningCoupon = byId.get(pending.couponId)!;
    const isOfPlan = appliesToPlan(runningCoupon, item.planId) && !planGoesOn;
    const kept = isOfPlan ? (request.keepRunningDiscounts ?? false) : undefined;
    return {
      ...{ coupon: runningCoupon, pending, running: true, kept, finished: pending.status === 'FINISHED' },
      given: given.filter(({ pendingCouponId }) => pendingCouponId === pending.id),
    };
  });
  if (coupon) coupons.push({ coupon, pending: options.pinned?.reserved, running: false, past: past(coupon) });

  const target = {
    itemId: planGoesOn ? item.id : tx.newId<'SubscriptionItem'>(),
    ...{ plan, version, interval, unitAmount, quantity },
    priceId: price.id,
  };
  const ordered = { subscription, target, planGoesOn, at: moment.value.at, attached: attachments, accounts };
  const orders = await loadAddonOrders(tx, asked, ordered);
  if (!orders.ok) return orders;
  const withoutRequired = await orderedRequirementProblem(tx, orders.value, ordered);
  if (withoutRequired) return withoutRequired;
  const adds = orders.value.some(({ before, next }) => !before || next.quantity > before.attachment.quantity);
  if (subscription.cancelAt && adds && !options.pinned) return endingRefusal(subscription.cancelAt);
  const input: PlanChangeInput = {
    at: moment.value.at,
    ...{ currency, timeZone, anchor, target, attachments, requiredAddons, coupons, planGoesOn, orders: orders.value },
    basis: (planGoesOn ? undefined : plan.prorationBasis) ?? subscription.prorationBasis,
    trialing: subscription.status === 'TRIALING',
    period: currentPeriod(subscription),
    anchorDate: subscription.anchorDate,
    interval: subscription.interval,
    current: chargedItem('PLAN', item.id, planBefore.name, planBefore.id, item),
    couponOrder: partner!.couponOrder,
    unavailableAddons: request.unavailableAddons ?? 'CANCEL_AND_CREDIT',
    waived: request.waived,
  };
  const byTime = decidePlanChange(input);
  if (!byTime.ok) return byTime;
  const sourcesAround = await loadSources(tx, subscription, { ...target, goesOn: planGoesOn }, byTime.value);
  // What ends does so whatever its credit is: what was used decides only that.
  const left = await allowancesLeft(tx, subscription, { input, change: byTime.value, sourcesAround, options });
  const decided = left.shares.size > 0 ? decidePlanChange({ ...input, allowances: left.shares }) : byTime;
  if (!decided.ok) return decided;
  const change = decided.value;
  if (coupon && !options.pinned) {
    const reasons: CouponReason[] = [...change.couponProblems];
    if (!planGoesOn && !appliesToPlan(coupon, plan.id)) reasons.push('COUPON_PLAN_NOT_ELIGIBLE');
    if (reasons.length > 0) return refuseCoupon([...new Set(reasons)], 'coupon');
  }
  const mismatch = resetMismatch(
    afterChange(sourcesAround.sourcesBefore, sourcesAround.sources).filter((one) => isActiveAt(one, change.at)),
  );
  if (mismatch && !options.pinned) return mismatch;
  const catalogIds = new Map<string, string>([
    [target.itemId, plan.id],
    ...[...continuing, ...orders.value.map(({ next }) => next)].map(({ id, addonId }) => [id, addonId] as const),
  ]);
  const unused = unusedCreditsOf({
    ...{ at: change.at, basis: input.basis, timeZone, lines: change.lines, uses: left.uses },
    charged: [input.current, ...attachments.map(({ charged }) => charged)],
    // What a provider bills has periods of its own.
    items: left.items.filter(({ period }) => period === input.period),
  });
  const document = await taxesOfLines(tx, subscription, change.at, change.lines, { catalogIds, accounts });
  const split = splitDocument(document, accounts, await openInvoicesOf(tx, tenant.id, accounts));
  const gross = add(change.net, addedTax(document.lines, currency));
  const closing = change.anchor === 'RESET' ? await assembleReset(tx, subscription, change) : undefined;
  if (!options.pinned) {
    const priced = { subscription, change, planGoesOn, document, split, gross, closing };
    const sold = [...(planGoesOn ? [] : [target]), ...orders.value.map(({ next }) => next)].map(perPeriod);
    const problem = await tooLargeChange(tx, tenant, priced, request, sold);
    if (problem) return problem;
  }
  const toTenant = negate(grossOf(split.rest, currency));
  // What was scheduled goes into the credit balance where it cannot go back any more: there is nobody left to ask.
  if (request.settlement === 'REFUND' && toTenant.minor > 0n && !options.pinned) {
    const problem = await refundProblem(tx, tenant.id, toTenant);
    if (problem) return problem;
  }
  return done({
    ...{ subscription, planBefore, target, coupon },
    waits: moment.value.waits,
    ...{
      change,
      document,
      catalogIds,
      split,
      accounts,
      gross,
      closing,
      unused,
      planGoesOn,
      orders: orders.value,
      ...sourcesAround,
    },
    recurring: perPeriod(target),
  });
}
