import { type Instant, instantFromDate, isBefore } from '../core/calendar';
import { type CurrencyCode, isCurrencyCode } from '../core/currency';
import { decodeId, encodeId } from '../core/ids';
import { invariant } from '../core/invariant';
import { equals, type Money, money, moneyText } from '../core/money';
import type { System } from '../system';
import type { PaymentStatus } from './payment';
import type { ChargeOutcome, PaymentProvider, ProviderCharge, Unknown } from './provider';
import { settlePayment } from './settle-payment.command';

export const driftKinds = [
  /** The provider charged, or bills, and nothing is known of it here. */
  'MISSING_HERE',
  /** It came, or is billed, by what is written here, and the provider has no such thing. */
  'MISSING_THERE',
  'AMOUNT_DIFFERS',
  'STATUS_DIFFERS',
  'REFUNDS_DIFFER',
  /** Of a subscription: another number of seats is billed. */
  'QUANTITY_DIFFERS',
  /** Of a subscription: it is paid until another time, or ends where the other side goes on. */
  'PERIOD_DIFFERS',
  /** Nobody has known the outcome for a long time. */
  'UNKNOWN_FOR_LONG',
] as const;
export type DriftKind = (typeof driftKinds)[number];

export interface Drift {
  readonly kind: DriftKind;
  /** Of a payment, a licence purchase or a checkout. */
  readonly ownId?: string | undefined;
  /** Of a charge or a subscription. */
  readonly externalId?: string | undefined;
  readonly here: string;
  readonly there: string;
  /** It was brought in step: the provider knew more. */
  readonly repaired?: boolean | undefined;
}

export interface Reconciliation {
  readonly provider: PaymentProvider['name'];
  readonly of: 'CHARGES' | 'SUBSCRIPTIONS';
  /** How many of them were compared. */
  readonly here: number;
  readonly there: number;
  readonly drift: readonly Drift[];
}

/** The provider did not answer, so there is nothing to compare with. */
export class ProviderSilent extends Error {
  override readonly name = 'ProviderSilent';

  constructor(provider: PaymentProvider['name'], { reason }: Unknown) {
    super(`${provider} did not answer (${reason}). Nothing was compared; run it again.`);
  }
}

interface OwnPayment {
  readonly kind: 'Payment' | 'LicencePurchase';
  readonly tenantId: string;
  readonly id: string;
  readonly externalId: string | undefined;
  readonly amount: Money;
  readonly refunded: Money;
  readonly status: PaymentStatus | 'OPEN' | 'PARKED';
  readonly askedAt: Instant;
}

const pageSize = 1_000;
/** A charge that was made while the two lists were read, or whose event is on its way, is no drift. */
const settlingMinutes = 15;

const sources = {
  Payment: { name: 'payments-of-provider', text: 'select * from app.payments_of_provider($1, $2, $3, $4)' },
  // Paid at a checkout of the provider's, without a payment of ours.
  LicencePurchase: {
    name: 'licence-purchases-of-provider',
    text: 'select * from app.licence_purchases_of_provider($1, $2, $3, $4)',
  },
} as const;
/** Statuses of purchases in the words of payments. */
const statusOf: Readonly<Record<string, OwnPayment['status']>> = { COMPLETED: 'SUCCEEDED', REFUNDED: 'SUCCEEDED' };

async function* ownPayments(
  system: System,
  kind: keyof typeof sources,
  provider: string,
  from: Instant,
): AsyncGenerator<OwnPayment> {
  let after: string | null = null;
  for (;;) {
    const rows: {
      tenant_id: string;
      id: string;
      external_id: string | null;
      amount: string;
      currency: string;
      refunded: string;
      status: string;
      asked_at: Date;
    }[] = await system.ask(sources[kind], [provider, from.toString(), after, pageSize]);
    for (const row of rows) {
      invariant(isCurrencyCode(row.currency), 'a payment has a currency');
      const currency: CurrencyCode = row.currency;
      yield {
        kind,
        tenantId: row.tenant_id,
        id: row.id,
        externalId: row.external_id ?? undefined,
        amount: money(BigInt(row.amount), currency),
        refunded: money(BigInt(row.refunded), currency),
        status: statusOf[row.status] ?? (row.status as OwnPayment['status']),
        askedAt: instantFromDate(row.asked_at),
      };
    }
    if (rows.length < pageSize) return;
    after = rows.at(-1)!.id;
  }
}

/**
 * Every page of a list at a provider, one after the other.
 *
 * @throws ProviderSilent where it does not answer
 */
export async function* pagesOf<Page extends { readonly next?: string | undefined }>(
  { name }: Pick<PaymentProvider, 'name'>,
  ask: (after: string | undefined) => Promise<Page | Unknown>,
): AsyncGenerator<Page> {
  let next: string | undefined;
  do {
    const page = await ask(next);
    if ('reason' in page) throw new ProviderSilent(name, page);
    yield page;
    next = page.next;
  } while (next);
}

async function* theirCharges(provider: PaymentProvider, from: Instant): AsyncGenerator<ProviderCharge> {
  for await (const { charges } of pagesOf(provider, (after) => provider.listCharges(from, after))) yield* charges;
}

const ownIdOf = ({ kind, id, tenantId }: OwnPayment) => encodeId(kind, id, tenantId);

const outcomeOf = (charge: ProviderCharge): ChargeOutcome | undefined => {
  const { chargeId, status } = charge;
  if (status === 'SUCCEEDED') return { status, chargeId };
  return status === 'DECLINED' ? { status, chargeId, code: 'OTHER' } : undefined;
};

export interface ReconcileOptions {
  readonly from: Instant;
  readonly repair?: boolean;
  /** Takes over what the provider knows of a charge at one of its checkouts. False: nothing of ours is meant, or a person has to look. */
  readonly repairCheckout?: ((chargeId: string) => Promise<boolean>) | undefined;
}

/**
 * Compares our payments, and what was bought at the provider's checkouts, with the provider's own list since an instant. With `repair` what the provider knows better is taken
 * over: a charge that came or was declined there, and is still open here; of what was bought at a checkout what was paid and what
 * went back. Nothing else is ever changed by it.
 */
export async function reconcilePayments(
  system: System,
  provider: PaymentProvider,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  const { from } = options;
  const repairCheckout = async (chargeId: string): Promise<boolean> =>
    options.repair === true && (await options.repairCheckout?.(chargeId)) === true;
  const recent = system.clock.now().subtract({ minutes: settlingMinutes }).epochMilliseconds;
  const own = new Map<string, OwnPayment>();
  const ownByCharge = new Map<string, string>();
  // What was asked just before the charge was made there belongs to it.
  for (const kind of ['Payment', 'LicencePurchase'] as const) {
    for await (const payment of ownPayments(system, kind, provider.name, from.subtract({ hours: 24 }))) {
      own.set(payment.id, payment);
      if (payment.externalId) ownByCharge.set(payment.externalId, payment.id);
    }
  }
  const drift: Drift[] = [];
  const matched = new Set<string>();
  let there = 0;
  for await (const charge of theirCharges(provider, from)) {
    there += 1;
    const decoded = charge.reference === undefined ? undefined : decodeId(charge.reference);
    // A purchase is paid by the one checkout that was written down; others may name it too.
    const id = ownByCharge.get(charge.chargeId) ?? (decoded?.kind === 'Payment' ? decoded.uuid : undefined);
    const payment = id === undefined ? undefined : own.get(id);
    const { chargeId: externalId } = charge;
    const theirs = `${charge.status} ${moneyText(charge.amount)}`;
    if (!payment) {
      // A renewal that the provider made by itself, of which nobody has told.
      const repaired = await repairCheckout(externalId);
      drift.push({ kind: 'MISSING_HERE', externalId, here: 'nothing', there: theirs, repaired });
      continue;
    }
    matched.add(payment.id);
    const both = { ownId: ownIdOf(payment), externalId };
    // That it differs from what was bought a person knows: `parkedLicencePurchases` lists it. What goes back is compared all the same.
    const parked = payment.status === 'PARKED';
    if (parked && payment.amount.currency !== charge.amount.currency) continue;
    if (!parked && !equals(payment.amount, charge.amount)) {
      drift.push({ kind: 'AMOUNT_DIFFERS', ...both, here: moneyText(payment.amount), there: moneyText(charge.amount) });
      continue;
    }
    let taken = false;
    if (!parked && payment.status !== charge.status && charge.createdAt.epochMilliseconds <= recent) {
      const outcome = outcomeOf(charge);
      const repairs =
        options.repair === true &&
        payment.kind === 'Payment' &&
        outcome !== undefined &&
        payment.status !== 'SUCCEEDED';
      if (repairs) {
        const { tenantId, id: uuid } = payment;
        await system.asTenant(tenantId, (tx) => settlePayment(tx, { paymentId: uuid, outcome }));
      }
      taken = payment.kind === 'LicencePurchase' && (await repairCheckout(externalId));
      const repaired = repairs || taken;
      drift.push({ kind: 'STATUS_DIFFERS', ...both, here: payment.status, there: charge.status, repaired });
    }
    if (!equals(payment.refunded, charge.refunded)) {
      const [here, theirRefunds] = [moneyText(payment.refunded), moneyText(charge.refunded)];
      const repaired = taken || (payment.kind === 'LicencePurchase' && (await repairCheckout(externalId)));
      drift.push({ kind: 'REFUNDS_DIFFER', ...both, here, there: theirRefunds, repaired });
    }
  }
  for (const payment of own.values()) {
    if (matched.has(payment.id) || isBefore(payment.askedAt, from)) continue;
    const said = {
      ownId: ownIdOf(payment),
      externalId: payment.externalId,
      here: `${payment.status} ${moneyText(payment.amount)}`,
    };
    if (payment.status === 'SUCCEEDED') drift.push({ kind: 'MISSING_THERE', ...said, there: 'nothing' });
    if (payment.status === 'PENDING' && payment.askedAt.epochMilliseconds <= recent) {
      drift.push({ kind: 'UNKNOWN_FOR_LONG', ...said, there: 'nothing' });
    }
  }
  return { provider: provider.name, of: 'CHARGES', here: own.size, there, drift };
}
