import { laterOf } from '../core/calendar';
import { decodeId, encodeId } from '../core/ids';
import { type Drift, mended, type Reconciliation, type Repairing } from '../payments/drift';
import { inTenant } from '../payments/dry-run.job';
import type { PaddleSubscription } from '../payments/paddle/paddle-event';
import type { PaddleProvider } from '../payments/paddle/paddle-provider';
import type { Providers } from '../payments/providers';
import { ownRows, pagesOf } from '../payments/reconcile-payments.job';
import type { System } from '../system';
import { endSubscription } from './end-subscription.command';
import { keepSubscriptionsInStep } from './keep-subscriptions-in-step.job';
import { applyAdjustments, applySubscription, applyTransaction } from './licence-events.job';

async function tenantOf(system: System, kind: 'LICENCE_CHECKOUT' | 'LICENCE_SUBSCRIPTION', externalId: string) {
  const rows = await system.ask<{ tenant_id: string | null }>(
    { name: 'tenant_of_licence', text: 'select app.tenant_of_licence($1, $2, $3) as tenant_id' },
    ['PADDLE', kind, externalId],
  );
  return rows[0]?.tenant_id ?? undefined;
}

/** What the purchase that something names is, in our own rows. */
function named(reference: string | undefined) {
  const decoded = reference ? decodeId(reference) : undefined;
  return decoded?.kind === 'LicencePurchase' ? { tenantId: decoded.tenantUuid!, id: decoded.uuid } : undefined;
}

/**
 * Takes over what Paddle knows of one of its transactions, as its events would have told it: the payment, and what went back of
 * it. False: nothing of ours is meant, or a person has to look.
 */
export async function repairLicencePayment(
  system: System,
  paddle: PaddleProvider,
  id: string,
  options: Repairing,
): Promise<boolean> {
  const [transaction, adjustments] = [await paddle.transaction(id), await paddle.adjustments(id)];
  if (transaction.status !== 'SAID' || adjustments.status !== 'SAID') return false;
  const { subscriptionId, reference } = transaction.value;
  const tenantId =
    (await tenantOf(system, 'LICENCE_CHECKOUT', id)) ??
    (subscriptionId && (await tenantOf(system, 'LICENCE_SUBSCRIPTION', subscriptionId))) ??
    named(reference)?.tenantId;
  if (!tenantId) return false;
  return inTenant(system, tenantId, options, async (tx) => {
    await applyTransaction(tx, { told: undefined, answered: transaction.value });
    await applyAdjustments(tx, id, adjustments.value);
    const purchase = await tx.licencePurchases.byCheckout(tx.tenant.id, 'PADDLE', id);
    // What was written stays only where it is written down whose money it is.
    return purchase !== undefined && purchase.status !== 'OPEN';
  });
}

interface OwnSubscription {
  readonly tenantId: string;
  readonly licenceId: string;
  readonly current: boolean;
  readonly autoRenew: boolean;
  readonly billedSeats: bigint | undefined;
}

interface OwnSubscriptionRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly external_id: string;
  readonly current: boolean;
  readonly auto_renew: boolean;
  readonly provider_seats: string | null;
}

const subscriptionsList = {
  name: 'licence-subscriptions',
  text: 'select * from app.licence_subscriptions($1, $2, $3)',
};

async function ownSubscriptions(system: System): Promise<Map<string, OwnSubscription>> {
  const own = new Map<string, OwnSubscription>();
  for await (const row of ownRows<OwnSubscriptionRow>(system, subscriptionsList, ['PADDLE'])) {
    const billedSeats = row.provider_seats === null ? undefined : BigInt(row.provider_seats);
    const { tenant_id: tenantId, id: licenceId, current, auto_renew: autoRenew } = row;
    own.set(row.external_id, { tenantId, licenceId, current, autoRenew, billedSeats });
  }
  return own;
}

async function* theirSubscriptions(paddle: PaddleProvider): AsyncGenerator<PaddleSubscription> {
  for await (const { subscriptions } of pagesOf(paddle, (after) => paddle.subscriptions(after))) yield* subscriptions;
}

const words = (renews: boolean) => (renews ? 'renews' : 'does not renew');

/** How a subscription that a current term lives by differs; `undefined`: it does not. */
function differenceOf(own: OwnSubscription, seen: PaddleSubscription): Omit<Drift, 'externalId'> | undefined {
  const ownId = encodeId('Licence', own.licenceId, own.tenantId);
  if (own.autoRenew !== seen.renews) {
    return { kind: 'STATUS_DIFFERS', ownId, here: words(own.autoRenew), there: words(seen.renews) };
  }
  if (!seen.renews || seen.quantity === own.billedSeats) return undefined;
  const seats = (count: bigint | undefined) => `${count ?? 'no'} seats`;
  return { kind: 'QUANTITY_DIFFERS', ownId, here: seats(own.billedSeats), there: seats(seen.quantity) };
}

/** Paddle's word is taken over; where it bills another number of seats, it is told again how many there are. */
async function takeOver(
  system: System,
  own: OwnSubscription,
  seen: PaddleSubscription,
  options: Repairing,
): Promise<boolean> {
  const { tenantId, licenceId } = own;
  return inTenant(system, tenantId, options, async (tx) => {
    await tx.tenants.lock(tenantId);
    const licence = await tx.licences.byId(tenantId, licenceId);
    if (!licence) return false;
    // By Paddle's own clock, so that what it tells from now on is newer.
    const changedAt = seen.changedAt ?? tx.wallNow;
    const { providerChangedAt: knownAt } = licence;
    await applySubscription(tx, seen, knownAt ? laterOf(changedAt, knownAt) : changedAt);
    if (seen.renews && seen.quantity !== undefined) await tx.licences.inStep(tenantId, licenceId, seen.quantity);
    return true;
  });
}

/** Writes down that a subscription which nothing here lives by is to be ended. */
async function end(
  system: System,
  own: OwnSubscription | undefined,
  seen: PaddleSubscription,
  options: Repairing,
): Promise<boolean> {
  const hint = named(seen.reference);
  const tenantId = own?.tenantId ?? hint?.tenantId;
  if (!tenantId) return false;
  return inTenant(system, tenantId, options, async (tx) => {
    await tx.tenants.lock(tenantId);
    const purchase = own
      ? await tx.licencePurchases.firstOf(tenantId, own.licenceId)
      : hint && (await tx.licencePurchases.byId(tenantId, hint.id));
    // Its first payment is not here yet: the term that it begins will live by it.
    if (!purchase || purchase.status === 'OPEN') return false;
    await endSubscription(tx, purchase, 'PADDLE', seen.id);
    return true;
  });
}

/**
 * Compares what Paddle bills by itself with the terms that live by it. With `repair` Paddle's word is taken over, a subscription
 * that nothing lives by is ended, and what was asked of Paddle in vain is asked again.
 */
export async function reconcileLicences(
  system: System,
  paddle: PaddleProvider,
  providers: Providers,
  options: Repairing,
): Promise<Reconciliation> {
  const own = await ownSubscriptions(system);
  const drift: Drift[] = [];
  const seenIds = new Set<string>();
  const { repair = false } = options;
  let there = 0;
  for await (const seen of theirSubscriptions(paddle)) {
    there += 1;
    const { id: externalId } = seen;
    seenIds.add(externalId);
    const known = own.get(externalId);
    if (known?.current) {
      const difference = differenceOf(known, seen);
      if (!difference) continue;
      const can = await takeOver(system, known, seen, options);
      drift.push({ ...difference, externalId, ...mended(can, options) });
    } else if (!seen.ended && (known || named(seen.reference))) {
      // A current term does not live by it: it would be billed every year for nothing.
      const can = await end(system, known, seen, options);
      const said = { here: 'nothing lives by it', there: words(seen.renews) };
      drift.push({ kind: 'MISSING_HERE', externalId, ...said, ...mended(can, options) });
    }
  }
  for (const [externalId, { tenantId, licenceId, current, autoRenew }] of own) {
    if (seenIds.has(externalId) || !current || !autoRenew) continue;
    const ownId = encodeId('Licence', licenceId, tenantId);
    drift.push({ kind: 'MISSING_THERE', ownId, externalId, here: words(true), there: 'nothing' });
  }
  if (repair) {
    await system.ask({ name: 'retry-licence-steps', text: 'select app.retry_licence_steps($1)' }, ['PADDLE']);
    await keepSubscriptionsInStep(system, providers);
  }
  return { provider: paddle.name, of: 'SUBSCRIPTIONS', here: own.size, there, drift };
}
