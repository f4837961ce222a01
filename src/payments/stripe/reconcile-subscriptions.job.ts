import { type Instant, instantFromDate, isSameInstant } from '../../core/calendar';
import type { CurrencyCode } from '../../core/currency';
import { decodeId, encodeId, type Id } from '../../core/ids';
import { type Money, money, moneyText } from '../../core/money';
import { NoSuchAccount } from '../../platform/database';
import type { System } from '../../system';
import { type Drift, mended, type Reconciliation, type Repairing } from '../drift';
import { ownRows, pagesOf } from '../reconcile-payments.job';
import type { SeenSubscription, Terms } from '../stripe-checkout';
import { StripeBilling } from './stripe-billing';
import type { StripeCheckouts } from './stripe-checkouts.job';
import type { StripeProvider } from './stripe-provider';
import { standingOf } from './stripe-status';

interface OwnSubscription {
  readonly tenantId: Id<'Tenant'>;
  readonly id: Id<'Checkout'>;
  readonly externalId: string;
  readonly status: string | undefined;
  readonly endsAt: Instant | undefined;
  readonly periodEnd: Instant | undefined;
  readonly terms: Terms;
}

interface OwnSubscriptionRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly external_id: string;
  readonly status: string | null;
  readonly period_end: Date | null;
  readonly ends_at: Date | null;
  readonly quantity: string;
  readonly unit_amount: string;
  readonly currency: string;
}

const subscriptionsList = { name: 'stripe-subscriptions', text: 'select * from app.stripe_subscriptions($1, $2, $3)' };

async function* ownSubscriptions(system: System, live: boolean): AsyncGenerator<OwnSubscription> {
  for await (const row of ownRows<OwnSubscriptionRow>(system, subscriptionsList, [live])) {
    yield {
      externalId: row.external_id,
      tenantId: row.tenant_id as Id<'Tenant'>,
      id: row.id as Id<'Checkout'>,
      status: row.status ?? undefined,
      periodEnd: row.period_end ? instantFromDate(row.period_end) : undefined,
      endsAt: row.ends_at ? instantFromDate(row.ends_at) : undefined,
      terms: {
        quantity: BigInt(row.quantity),
        unitAmount: money(BigInt(row.unit_amount), row.currency as CurrencyCode),
      },
    };
  }
}

async function* theirSubscriptions(provider: StripeProvider): AsyncGenerator<SeenSubscription> {
  const billing = new StripeBilling(provider);
  const pages = pagesOf(provider, (after) => billing.subscriptions(after));
  for await (const { subscriptions } of pages) yield* subscriptions;
}

const seconds = (at: Instant | undefined) => at?.toString({ smallestUnit: 'second' }) ?? '?';
const until = (endsAt: Instant | undefined, periodEnd: Instant | undefined) =>
  endsAt ? `ends ${seconds(endsAt)}` : `renews ${seconds(periodEnd)}`;

const termsText = ({ quantity, unitAmount }: { quantity: bigint; unitAmount: Money | undefined }) =>
  `${quantity} × ${unitAmount ? moneyText(unitAmount) : '?'}`;

const isOver = (status: string | undefined) => standingOf(status) === 'ENDED';

/** How a subscription that both sides know differs; `undefined`: it does not. */
function differenceOf(
  own: OwnSubscription,
  seen: SeenSubscription,
): Pick<Drift, 'kind' | 'here' | 'there'> | undefined {
  if (own.status !== seen.status) {
    return { kind: 'STATUS_DIFFERS', here: own.status ?? 'nothing', there: seen.status };
  }
  if (isOver(seen.status)) return undefined;
  const [here, there] = [termsText(own.terms), seen.items.map(termsText).join(' + ')];
  if (here !== there) return { kind: 'AMOUNT_DIFFERS', here, there };
  const theirEnd = seen.items[0]?.period?.end;
  // What was never attached has no period here.
  const isSamePeriod = own.periodEnd === undefined || isSameInstant(own.periodEnd, theirEnd);
  if (isSameInstant(own.endsAt, seen.endsAt) && isSamePeriod) return undefined;
  return { kind: 'PERIOD_DIFFERS', here: until(own.endsAt, own.periodEnd), there: until(seen.endsAt, theirEnd) };
}

/**
 * Compares what Stripe bills itself with what was last seen of it here. With `repair` Stripe is asked about each that differs,
 * as an event would have had it asked: what contradicts the offer waits for a person then, and differs until that one decides.
 */
export async function reconcileSubscriptions(
  system: System,
  provider: StripeProvider,
  checkouts: StripeCheckouts,
  options: Repairing,
): Promise<Reconciliation> {
  const own = new Map<string, OwnSubscription>();
  for await (const one of ownSubscriptions(system, provider.live)) own.set(one.externalId, one);
  const drift: Drift[] = [];
  const matched = new Set<string>();
  let there = 0;
  for await (const seen of theirSubscriptions(provider)) {
    there += 1;
    const { externalId } = seen;
    const known = own.get(externalId);
    if (!known) {
      // Another product's of the same account, where it names none of ours.
      if (seen.reference !== undefined && !isOver(seen.status)) {
        const can = await takeIn(system, checkouts, seen, options);
        drift.push({ kind: 'MISSING_HERE', externalId, here: 'nothing', there: seen.status, ...mended(can, options) });
      }
      continue;
    }
    matched.add(externalId);
    const difference = differenceOf(known, seen);
    if (!difference) continue;
    const { tenantId, id } = known;
    // What it is sold for is a person's to accept or to refuse.
    const isPersons = difference.kind === 'AMOUNT_DIFFERS';
    const asked = options.repair ? await askAgain(system, checkouts, known) : true;
    const can = asked && !isPersons;
    drift.push({ ...difference, ownId: encodeId('Checkout', id, tenantId), externalId, ...mended(can, options) });
  }
  for (const { tenantId, id, externalId, status } of own.values()) {
    if (matched.has(externalId) || isOver(status)) continue;
    const ownId = encodeId('Checkout', id, tenantId);
    drift.push({ kind: 'MISSING_THERE', ownId, externalId, here: status ?? 'nothing', there: 'nothing' });
  }
  return { provider: provider.name, of: 'SUBSCRIPTIONS', here: own.size, there, drift };
}

/** The checkout that it says it came from has not heard of it yet: an event was lost. One that has another is a person's. */
async function takeIn(system: System, checkouts: StripeCheckouts, seen: SeenSubscription, { repair }: Repairing) {
  const named = decodeId(seen.reference!);
  if (named?.kind !== 'Checkout' || !named.tenantUuid) return false;
  const { tenantUuid, uuid } = named;
  const read = () => system.asTenant(tenantUuid, (tx) => tx.stripeCheckouts.find(tenantUuid, { id: uuid }));
  const known = await read().catch((error) => {
    if (error instanceof NoSuchAccount) return undefined;
    throw error;
  });
  if (!known || known.subscriptionExternalId) return false;
  if (!repair) return true;
  return (await checkouts.look(known))?.subscriptionExternalId === seen.externalId;
}

/** False: Stripe did not answer, and it differs as before. */
async function askAgain(system: System, checkouts: StripeCheckouts, { tenantId, id }: OwnSubscription) {
  const { epochMilliseconds: began } = system.clock.now();
  const seen = await checkouts.look({ tenantId, id });
  return (seen?.seenAt?.epochMilliseconds ?? 0) >= began;
}
