import { type Instant, instantFromDate, isSameInstant } from '../../core/calendar';
import { encodeId, type Id } from '../../core/ids';
import type { System } from '../../system';
import { type Drift, ProviderSilent, type Reconciliation } from '../reconcile-payments.job';
import { isOver, type SeenSubscription } from '../stripe-checkout';
import { StripeBilling } from './stripe-billing';
import type { StripeCheckouts } from './stripe-checkouts.job';
import type { StripeProvider } from './stripe-provider';

interface OwnSubscription {
  readonly tenantId: Id<'Tenant'>;
  readonly id: Id<'Checkout'>;
  readonly externalId: string;
  readonly status: string | undefined;
  readonly cancels: boolean;
  readonly periodEnd: Instant | undefined;
  readonly parked: boolean;
}

const pageSize = 1_000;

async function* ownSubscriptions(system: System, live: boolean): AsyncGenerator<OwnSubscription> {
  let after: string | null = null;
  for (;;) {
    const rows: {
      tenant_id: string;
      id: string;
      external_id: string;
      status: string | null;
      cancels: boolean;
      period_end: Date | null;
      parked: boolean;
    }[] = await system.ask(
      { name: 'stripe-subscriptions', text: 'select * from app.stripe_subscriptions($1, $2, $3)' },
      [live, after, pageSize],
    );
    for (const row of rows) {
      yield {
        ...{ externalId: row.external_id, cancels: row.cancels },
        tenantId: row.tenant_id as Id<'Tenant'>,
        id: row.id as Id<'Checkout'>,
        status: row.status ?? undefined,
        periodEnd: row.period_end ? instantFromDate(row.period_end) : undefined,
        parked: row.parked,
      };
    }
    if (rows.length < pageSize) return;
    after = rows.at(-1)!.id;
  }
}

async function* theirSubscriptions(provider: StripeProvider): AsyncGenerator<SeenSubscription> {
  const billing = new StripeBilling(provider);
  let next: string | undefined;
  do {
    const page = await billing.subscriptions(next);
    if (page.status === 'UNKNOWN') throw new ProviderSilent(provider.name, page);
    yield* page.subscriptions;
    next = page.next;
  } while (next);
}

const until = (cancels: boolean, end: Instant | undefined) =>
  `${cancels ? 'ends' : 'renews'} ${end?.toString({ smallestUnit: 'second' }) ?? '?'}`;

/** How a subscription that both sides know differs; `undefined`: it does not. */
function differenceOf(
  own: OwnSubscription,
  seen: SeenSubscription,
): Pick<Drift, 'kind' | 'here' | 'there'> | undefined {
  if (own.status !== seen.status) {
    return { kind: 'STATUS_DIFFERS', here: own.status ?? 'nothing', there: seen.status };
  }
  if (isOver(seen.status)) return undefined;
  const theirEnd = seen.items[0]?.period?.end;
  if (own.cancels === seen.cancels && isSameInstant(own.periodEnd, theirEnd)) {
    return undefined;
  }
  return { kind: 'PERIOD_DIFFERS', here: until(own.cancels, own.periodEnd), there: until(seen.cancels, theirEnd) };
}

/**
 * Compares what Stripe bills itself with what was last seen of it here. With `repair` Stripe is asked about each that differs,
 * as an event would have had it asked: what contradicts the offer is parked then, and counts as differing no more.
 */
export async function reconcileSubscriptions(
  system: System,
  provider: StripeProvider,
  checkouts: StripeCheckouts,
  options: { readonly repair?: boolean },
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
        drift.push({ kind: 'MISSING_HERE', externalId, here: 'nothing', there: seen.status });
      }
      continue;
    }
    matched.add(externalId);
    // A person knows: `checkouts(parked: true)` lists it.
    const difference = known.parked ? undefined : differenceOf(known, seen);
    if (!difference) continue;
    const { tenantId, id } = known;
    const repaired = options.repair ? await askAgain(system, checkouts, known) : undefined;
    drift.push({ ...difference, ownId: encodeId('Checkout', id, tenantId), externalId, repaired });
  }
  for (const { tenantId, id, externalId, status, parked } of own.values()) {
    if (matched.has(externalId) || parked || isOver(status)) continue;
    const ownId = encodeId('Checkout', id, tenantId);
    drift.push({ kind: 'MISSING_THERE', ownId, externalId, here: status ?? 'nothing', there: 'nothing' });
  }
  return { provider: provider.name, of: 'SUBSCRIPTIONS', here: own.size, there, drift };
}

/** False: Stripe did not answer, and it differs as before. */
async function askAgain(system: System, checkouts: StripeCheckouts, { tenantId, id }: OwnSubscription) {
  const { epochMilliseconds: began } = system.clock.now();
  const seen = await checkouts.look({ tenantId, id });
  return seen?.parkedReason !== undefined || (seen?.seenAt?.epochMilliseconds ?? 0) >= began;
}
