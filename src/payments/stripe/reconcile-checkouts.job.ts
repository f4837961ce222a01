import { encodeId, type Id } from '../../core/ids';
import { equals, moneyText } from '../../core/money';
import type { System } from '../../system';
import { type Drift, mended, type Reconciliation, type Repairing } from '../drift';
import { ownRows, ProviderSilent } from '../reconcile-payments.job';
import { StripeBilling } from './stripe-billing';
import type { StripeCheckouts } from './stripe-checkouts.job';
import type { StripeProvider } from './stripe-provider';

interface OpenPage {
  readonly tenant_id: Id<'Tenant'>;
  readonly id: Id<'Checkout'>;
  readonly session_external_id: string;
  readonly status: string;
}

const openPages = { name: 'stripe-open-checkouts', text: 'select * from app.stripe_open_checkouts($1, $2, $3)' };

/** Compares the pages that are open here with what became of them at Stripe. With `repair` each that differs is looked at now. */
export async function reconcileCheckouts(
  system: System,
  provider: StripeProvider,
  checkouts: StripeCheckouts,
  options: Repairing,
): Promise<Reconciliation> {
  const billing = new StripeBilling(provider);
  const drift: Drift[] = [];
  let [here, there] = [0, 0];
  for await (const page of ownRows<OpenPage>(system, openPages, [provider.live])) {
    const { tenant_id: tenantId, id, session_external_id: externalId, status } = page;
    here += 1;
    const session = await billing.session(externalId);
    if (session.status === 'UNKNOWN') throw new ProviderSilent(provider.name, session);
    const both = { ownId: encodeId('Checkout', id, tenantId), externalId, here: status };
    if (session.status === 'MISSING') {
      drift.push({ kind: 'MISSING_THERE', ...both, there: 'nothing' });
      continue;
    }
    there += 1;
    if (session.state === 'OPEN') continue;
    const looked = options.repair ? await checkouts.look({ tenantId, id }) : undefined;
    const can = !options.repair || looked?.status !== status;
    drift.push({ kind: 'STATUS_DIFFERS', ...both, there: session.state, ...mended(can, options) });
  }
  return { provider: provider.name, of: 'CHECKOUTS', here, there, drift };
}

/**
 * Compares what went back of a payment of what Stripe bills itself with what is booked of it. With `repair` Stripe is asked about all
 * of its subscription.
 */
export const comparesCollected =
  (system: System, provider: StripeProvider, checkouts: StripeCheckouts, options: Repairing) =>
  async (tenantId: string, paymentId: string): Promise<Drift | undefined> => {
    const read = () => system.asTenant(tenantId, (tx) => tx.stripeCheckouts.collectedBy(tenantId, paymentId));
    const booked = await read();
    if (!booked) return undefined;
    const theirs = await new StripeBilling(provider).moneyBackOf(booked.externalId, paymentId);
    if (theirs.status === 'UNKNOWN') throw new ProviderSilent(provider.name, theirs);
    if (theirs.status === 'MISSING' || equals(booked.refunded, theirs.refunded)) return undefined;
    const checkout = { tenantId: tenantId as Id<'Tenant'>, id: booked.checkoutId as Id<'Checkout'> };
    if (options.repair) await checkouts.look(checkout);
    const now = options.repair ? await read() : undefined;
    const can = !options.repair || (now !== undefined && equals(now.refunded, theirs.refunded));
    const said = { here: moneyText(booked.refunded), there: moneyText(theirs.refunded) };
    const ownId = encodeId('Checkout', checkout.id, checkout.tenantId);
    return { kind: 'REFUNDS_DIFFER', ownId, externalId: paymentId, ...said, ...mended(can, options) };
  };
