import { type Addon, addonAvailability } from '../catalog/addon';
import type { Plan } from '../catalog/plan';
import { decimal } from '../core/decimal';
import { encodeId } from '../core/ids';
import { AmountOutOfRange, add, type Money, money, sum, zero } from '../core/money';
import type { IntervalUnit } from '../core/period';
import type { Result } from '../core/result';
import type { Invoice } from '../invoicing/invoice';
import { yearlyPriceIn } from '../licences/licence-product';
import { type LicenceQuoted, licenceQuote } from '../licences/licence-quote.query';
import { chargeableMethod, type IsUsable } from '../payments/pay-invoice.command';
import type { PlanChangeRequest } from '../proration/plan-change';
import { type ProrationPreview, prorationPreview } from '../proration/proration-preview.query';
import { afterChange } from '../proration/source-change';
import { loadCarried } from '../rating/carried-usage.query';
import type { AddonSubscription } from '../subscriptions/addon-subscription';
import { type StartPreview, startPreview } from '../subscriptions/start-preview.query';
import { fullPeriodAmount, type Subscription } from '../subscriptions/subscription';
import { type MeteringSpan, withNewAnchor } from '../usage/metering-window';
import { type EntitlementSource, entitlementSources, resetPeriodClash } from './entitlement';
import type { EntitlementAnswer } from './entitlement-check';
import { holdingOncePaid, isCutOff, usedBy } from './holding.query';
import type { TenantReads } from './tenant-reads.query';
import {
  type AddonsOrdered,
  addonOrders,
  type BuyingWith,
  cheapest,
  gateWith,
  gives,
  type Holding,
  mostTried,
  type OrderedAddon,
  offered,
  planGives,
  type SoldPlan,
  soldPlan,
  type UnlockKind,
  unitsFor,
  type Wanted,
} from './unlock';

interface Offer {
  /** All documents of the act, with tax; negative: in the tenant's favour. */
  readonly dueNow: Money;
  /** Each full period of what is offered, before coupons. */
  readonly recurring: Money;
}

/** `changePlan` does it. */
export interface ChangeOffer extends Offer {
  readonly act: 'CHANGE_PLAN';
  readonly kind: Extract<UnlockKind, 'MORE_UNITS' | 'ADDON' | 'PLAN' | 'PLAN_WITH_ADDON'>;
  /** `undefined`: the plan goes on. */
  readonly plan?: Plan | undefined;
  readonly interval: IntervalUnit;
  readonly addons: readonly OrderedAddon[];
  readonly preview: ProrationPreview;
}

/** `startSubscription` does it. */
export interface StartOffer extends Offer {
  readonly act: 'START_SUBSCRIPTION';
  readonly kind: 'PLAN';
  readonly plan: Plan;
  readonly interval: IntervalUnit;
  readonly preview: StartPreview;
}

/** `buyLicences` does it. */
export interface LicenceOffer extends Offer {
  readonly act: 'BUY_LICENCES';
  readonly kind: 'LICENCE';
  readonly quoted: LicenceQuoted;
}

/** `payInvoice` does it, for each of them. */
export interface PaymentOffer extends Offer {
  readonly act: 'PAY_INVOICE';
  readonly kind: 'PAYMENT';
  /** Oldest first. */
  readonly invoices: readonly Invoice[];
}

/** One way to get what was denied: it was tried. */
export type Unlock = ChangeOffer | StartOffer | LicenceOffer | PaymentOffer;

/** Which providers are connected. */
export interface Connected {
  readonly isUsable: IsUsable;
  /** Through one of these licences are bought. */
  readonly sellsLicences: (sandbox: boolean) => boolean;
}

/** Everything that is tried is tried on this. */
interface Trying {
  readonly tx: TenantReads;
  readonly wanted: Wanted;
  readonly onSale: readonly Addon[];
  readonly plans: readonly SoldPlan[];
  readonly attached: readonly AddonSubscription[];
  readonly spans: readonly MeteringSpan[];
  readonly holding: Holding;
  readonly used: (spans: readonly MeteringSpan[]) => Promise<Holding['used']>;
}

/** What was denied; `undefined`: nothing that anything now could give. */
export async function wantedOf(tx: TenantReads, answer: EntitlementAnswer): Promise<Wanted | undefined> {
  const { allowed, featureId, requested, asOf } = answer;
  if (allowed || !featureId) return undefined;
  const [feature] = await tx.features.byIds([featureId]);
  return feature && { feature, quantity: requested ?? decimal(1), at: asOf ?? tx.tenant.now, asOf };
}

/** Is it denied because of what is due, and for nothing else? */
export async function allowedOncePaid(tx: TenantReads, answer: EntitlementAnswer): Promise<boolean> {
  if (!(await isCutOff(tx, answer.asOf ?? tx.tenant.now))) return false;
  const wanted = await wantedOf(tx, answer);
  return wanted !== undefined && gateWith(wanted, await holdingOncePaid(tx, wanted)).allowed;
}

/**
 * A way out is a way out (billing rules §12): of what might unlock the feature by the catalog, the best few of each kind are
 * tried, each by the very decision of the act, and the check is run over what the tenant would have then. What would be
 * accepted and would help is offered. For now only: what was denied at another instant is not to be bought.
 */
export async function unlockOptions(
  tx: TenantReads,
  answer: EntitlementAnswer,
  connected: Connected,
): Promise<Unlock[]> {
  const wanted = answer.asOf ? undefined : await wantedOf(tx, answer);
  if (!wanted) return [];
  const { tenant } = tx;
  const subscription = await tx.subscriptions.live(tenant.id);
  const trying = await loadTrying(tx, wanted, subscription);
  const cutOff = await isCutOff(tx, wanted.at);
  const ways: Unlock[] = [
    ...(cutOff ? await payment(trying, connected) : []),
    // What hangs on a subscription gives nothing while the tenant is cut off for its debts, however much of it is bought.
    ...(cutOff ? [] : subscription ? await changes(trying, subscription) : await starts(trying)),
    ...(connected.sellsLicences(tenant.sandbox) ? await licences(trying) : []),
  ];
  return offered(ways);
}

async function loadTrying(tx: TenantReads, wanted: Wanted, subscription: Subscription | undefined): Promise<Trying> {
  const { id, partnerId, currency } = tx.tenant;
  const [onSale, plans, attached, spans] = await Promise.all([
    tx.addons.onSale(partnerId),
    tx.plans.onSale(partnerId),
    tx.addonSubscriptions.live(id),
    tx.meteringSpans.since(id, wanted.at),
  ]);
  const versions = new Map(
    (await tx.plans.currentVersions(plans.map((plan) => plan.id))).map((version) => [version.planId, version]),
  );
  const sold = plans.flatMap((plan) => {
    const version = versions.get(plan.id);
    return (version && soldPlan(plan, version, subscription?.interval ?? 'MONTH', currency)) ?? [];
  });
  const allowances = [...onSale, ...versions.values()].flatMap((one) => one.allowances);
  const held = await tx.entitlements.activeAt(id, wanted.at, wanted.feature.code);
  const resetPeriods = [...held, ...allowances.filter(({ featureId }) => featureId === wanted.feature.id)].flatMap(
    ({ resetPeriod }) => resetPeriod ?? [],
  );
  const used = (by: readonly MeteringSpan[]) => usedBy(tx, id, wanted, { spans: by, resetPeriods });
  const holding = { sources: held, used: await used(spans) };
  return { tx, wanted, onSale, plans: sold, attached, spans, holding, used };
}

/** Amounts beyond what can be kept are no price. */
async function inRange<T, C extends string>(tried: () => Promise<Result<T, C>>): Promise<T | undefined> {
  try {
    const result = await tried();
    return result.ok ? result.value : undefined;
  } catch (error) {
    if (error instanceof AmountOutOfRange) return undefined;
    throw error;
  }
}

interface TriedChange {
  readonly preview: ProrationPreview;
  readonly holding: Holding;
  readonly allowed: boolean;
}

async function tryChange(trying: Trying, request: PlanChangeRequest): Promise<TriedChange | undefined> {
  const { tx, wanted, spans } = trying;
  const preview = await inRange(() => prorationPreview(tx, tx.tenant.id, request));
  if (!preview) return undefined;
  const { change, sources, sourcesBefore } = preview.loaded;
  const { at, anchor, after } = change;
  const cut = async () => withNewAnchor(spans, at, after.anchorDate, await loadCarried(tx, { at, anchor: true }));
  const spansAfter = anchor === 'RESET' ? await cut() : spans;
  const holding = { sources: afterChange(sourcesBefore, sources), used: await trying.used(spansAfter) };
  return { preview, holding, allowed: gateWith(wanted, holding).allowed };
}

const ordersOf = (addons: readonly OrderedAddon[]) =>
  addons.map(({ addon, quantity }) => ({ addon: encodeId('Addon', addon.id), quantity: Number(quantity) }));

function requestOf({ interval }: Subscription, sold: SoldPlan): PlanChangeRequest {
  const plan = encodeId('Plan', sold.plan.id);
  return sold.interval === interval ? { plan } : { plan, interval: sold.interval };
}

function changeOffer(
  kind: ChangeOffer['kind'],
  { preview }: TriedChange,
  addons: readonly OrderedAddon[],
  sold: SoldPlan | undefined,
): ChangeOffer {
  const { loaded, quoted } = preview;
  const ordered = loaded.change.attachments.flatMap(({ next }) => (next ? [fullPeriodAmount(next)] : []));
  const recurring = sum(ordered, quoted.total.currency);
  return {
    ...{ act: 'CHANGE_PLAN', kind, plan: sold?.plan, interval: loaded.target.interval, addons, preview },
    dueNow: quoted.total,
    recurring: sold ? add(recurring, loaded.recurring) : recurring,
  };
}

/** Add-ons, more of what is attached, other plans, and other plans with add-ons. */
async function changes(trying: Trying, subscription: Subscription): Promise<ChangeOffer[]> {
  const { tx, wanted, onSale, plans, attached, holding } = trying;
  const { item, interval, currency } = subscription;
  const [[plan], [version]] = await Promise.all([
    tx.plans.byIds([item.planId]),
    tx.plans.versionsByIds([item.planVersionId]),
  ]);
  const offers: ChangeOffer[] = [];
  const buying = { plan: plan!, version: version!, interval, currency, onSale, attached, holding };
  for (const { addons, more } of addonOrders(wanted, buying)) {
    const tried = await tryChange(trying, { addons: ordersOf(addons) });
    if (tried?.allowed) offers.push(changeOffer(more ? 'MORE_UNITS' : 'ADDON', tried, addons, undefined));
  }
  const others = priced(plans.filter((sold) => sold.version.id !== item.planVersionId));
  const giving = cheapest(
    others.filter((sold) => planGives(sold, onSale, wanted)),
    mostTried,
  );
  const selling = cheapest(
    others.filter((sold) => sellsAddon(sold, trying)),
    mostTried,
  );
  const bases: { readonly sold: SoldPlan; readonly tried: TriedChange }[] = [];
  for (const sold of new Set([...giving, ...selling])) {
    const tried = await tryChange(trying, requestOf(subscription, sold));
    if (tried?.allowed) offers.push(changeOffer('PLAN', tried, [], sold));
    else if (tried) bases.push({ sold, tried });
  }
  const both = bases.flatMap(({ sold, tried }) =>
    addonOrders(wanted, buyingWith(trying, sold, tried)).flatMap((order) => withPlan(sold, order)),
  );
  for (const { sold, addons } of cheapest(both, mostTried)) {
    const tried = await tryChange(trying, { ...requestOf(subscription, sold), addons: ordersOf(addons) });
    if (tried?.allowed) offers.push(changeOffer('PLAN_WITH_ADDON', tried, addons, sold));
  }
  return offers;
}

const priced = (plans: readonly SoldPlan[]) => plans.map((sold) => ({ ...sold, recurring: sold.price }));

const sellsAddon = ({ plan, version }: SoldPlan, { onSale, wanted }: Trying) =>
  onSale.some((addon) => gives(addon.allowances, wanted) && addonAvailability(plan, version, addon) === 'AVAILABLE');

/** Beside a plan that was tried, with what goes on under it. */
function buyingWith({ onSale, attached }: Trying, sold: SoldPlan, { preview, holding }: TriedChange): BuyingWith {
  const { plan, version, interval, price } = sold;
  const going = new Set(
    preview.loaded.change.attachments.flatMap(({ attachment, outcome }) =>
      ['CONTINUES', 'REPRICED', 'KEPT'].includes(outcome) ? [attachment.id] : [],
    ),
  );
  const lasting = attached.filter(({ id }) => going.has(id));
  return { plan, version, interval, currency: price.currency, onSale, attached: lasting, holding };
}

function withPlan(sold: SoldPlan, { addons, recurring }: AddonsOrdered) {
  try {
    return [{ sold, addons, recurring: add(sold.price, recurring) }];
  } catch (error) {
    if (error instanceof AmountOutOfRange) return [];
    throw error;
  }
}

/** Without a subscription: plans to begin with. */
async function starts(trying: Trying): Promise<StartOffer[]> {
  const { tx, wanted, onSale, plans } = trying;
  const offers: StartOffer[] = [];
  const giving = priced(plans).filter((sold) => planGives(sold, onSale, wanted));
  for (const { plan, interval, price } of cheapest(giving, mostTried)) {
    const preview = await inRange(() => startPreview(tx, { plan: encodeId('Plan', plan.id), interval }));
    if (!preview) continue;
    const { sources, spans, quote } = preview;
    if (!gateWith(wanted, { sources, used: await trying.used(spans) }).allowed) continue;
    const dueNow = money(quote.totalMinor, price.currency);
    offers.push({ act: 'START_SUBSCRIPTION', kind: 'PLAN', plan, interval, preview, dueNow, recurring: price });
  }
  return offers;
}

/** Seats of a licence that gives the feature. They are the organisation's: each of its people may use it. */
async function licences(trying: Trying): Promise<LicenceOffer[]> {
  const { tx, wanted, holding } = trying;
  const { id: tenantId, partnerId, currency } = tx.tenant;
  const [onSale, terms] = await Promise.all([tx.licenceProducts.onSale(partnerId), tx.licences.all(tenantId)]);
  // More seats of a term are sold as long as it runs, also where no new ones are.
  const had = await tx.licenceProducts.byIds([...new Set(terms.map(({ productId }) => productId))]);
  const products = new Map([...had, ...onSale].map((product) => [product.id, product]));
  const giving = [...products.values()].flatMap((product) => {
    const price = yearlyPriceIn(product, currency);
    return price && gives(product.allowances, wanted) ? [{ product, recurring: price.yearly }] : [];
  });
  const offers: LicenceOffer[] = [];
  for (const { product, recurring } of cheapest(giving, mostTried)) {
    // A purchase ends the trial of its licence.
    const ended = new Set<string>(
      terms.filter((term) => term.productId === product.id && term.trial).map((term) => term.id),
    );
    const kept = { ...holding, sources: holding.sources.filter(({ sourceId }) => !ended.has(sourceId)) };
    const seats = (quantity: bigint): EntitlementSource[] =>
      entitlementSources([], [], [], new Map([[wanted.feature.id, wanted.feature]]), [
        {
          ...{ sourceId: product.id, sourceName: product.name, catalogId: product.id, quantity },
          ...{ startsAt: wanted.at, allowances: product.allowances },
        },
      ]);
    const quantity = unitsFor(wanted, kept, seats);
    if (quantity === undefined || resetPeriodClash([...kept.sources, ...seats(quantity)])) continue;
    const request = { product: encodeId('LicenceProduct', product.id), quantity: Number(quantity) };
    const quoted = await inRange(() => licenceQuote(tx, tenantId, request));
    if (!quoted) continue;
    const yearly = fullPeriodAmount({ unitAmount: recurring, quantity });
    offers.push({ act: 'BUY_LICENCES', kind: 'LICENCE', quoted, dueNow: quoted.decision.amount, recurring: yearly });
  }
  return offers;
}

/** The invoices of which a payment failed, oldest first: access comes back when all of them are paid. */
async function debtsOf(tx: TenantReads): Promise<Invoice[]> {
  const { id } = tx.tenant;
  const failed = new Set((await tx.collections.failed(id)).map(({ invoiceId }) => invoiceId));
  return (await tx.invoices.unpaid(id)).filter((invoice) => failed.has(invoice.id));
}

/** What is due, where that alone is in the way. */
async function payment({ tx, wanted }: Trying, { isUsable }: Connected): Promise<PaymentOffer[]> {
  const { tenant } = tx;
  if (!gateWith(wanted, await holdingOncePaid(tx, wanted)).allowed) return [];
  const method = await tx.paymentMethods.defaultOf(tenant.id);
  if (!chargeableMethod(method, tenant, isUsable).ok) return [];
  const invoices = await debtsOf(tx);
  const dueNow = sum(
    invoices.map(({ amountDue }) => amountDue),
    tenant.currency,
  );
  return [{ act: 'PAY_INVOICE', kind: 'PAYMENT', invoices, dueNow, recurring: zero(tenant.currency) }];
}
