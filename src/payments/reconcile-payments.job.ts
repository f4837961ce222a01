import { type Instant, instantFromMilliseconds } from '../core/calendar';
import { type CurrencyCode, isCurrencyCode } from '../core/currency';
import { decodeId, encodeId } from '../core/ids';
import { invariant } from '../core/invariant';
import { equals, type Money, money, moneyText } from '../core/money';
import type { System } from '../system';
import type { PaymentStatus } from './payment';
import type { ChargeOutcome, PaymentProvider, ProviderCharge } from './provider';
import { settlePayment } from './settle-payment.command';

export const driftKinds = [
  /** The provider charged, and there is no payment here. */
  'MISSING_HERE',
  /** A payment here came, and the provider has no such charge. */
  'MISSING_THERE',
  'AMOUNT_DIFFERS',
  'STATUS_DIFFERS',
  'REFUNDS_DIFFER',
  /** Nobody has known the outcome for a long time. */
  'UNKNOWN_FOR_LONG',
] as const;
export type DriftKind = (typeof driftKinds)[number];

export interface Drift {
  readonly kind: DriftKind;
  readonly paymentId?: string | undefined;
  readonly chargeId?: string | undefined;
  readonly here: string;
  readonly there: string;
  /** It was brought in step: the provider knew more. */
  readonly repaired?: boolean | undefined;
}

export interface Reconciliation {
  readonly provider: PaymentProvider['name'];
  /** Payments here, and charges there, that were compared. */
  readonly here: number;
  readonly there: number;
  readonly drift: readonly Drift[];
}

interface OwnPayment {
  readonly tenantId: string;
  readonly id: string;
  readonly externalId: string | undefined;
  readonly amount: Money;
  readonly refunded: Money;
  readonly status: PaymentStatus;
  readonly askedAt: Instant;
}

const pageSize = 1_000;
/** A charge that was made while the two lists were read, or whose event is on its way, is no drift. */
const settlingMinutes = 15;

async function* ownPayments(system: System, provider: string, from: Instant): AsyncGenerator<OwnPayment> {
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
    }[] = await system.ask(
      { name: 'payments-of-provider', text: 'select * from app.payments_of_provider($1, $2, $3, $4)' },
      [provider, from.toString(), after, pageSize],
    );
    for (const row of rows) {
      invariant(isCurrencyCode(row.currency), 'a payment has a currency');
      const currency: CurrencyCode = row.currency;
      yield {
        tenantId: row.tenant_id,
        id: row.id,
        externalId: row.external_id ?? undefined,
        amount: money(BigInt(row.amount), currency),
        refunded: money(BigInt(row.refunded), currency),
        status: row.status as PaymentStatus,
        askedAt: instantFromMilliseconds(row.asked_at.getTime()),
      };
    }
    if (rows.length < pageSize) return;
    after = rows.at(-1)!.id;
  }
}

async function* theirCharges(provider: PaymentProvider, from: Instant): AsyncGenerator<ProviderCharge> {
  let next: string | undefined;
  do {
    const page = await provider.listCharges(from, next);
    yield* page.charges;
    next = page.next;
  } while (next);
}

const outcomeOf = (charge: ProviderCharge): ChargeOutcome | undefined => {
  const { chargeId, status } = charge;
  if (status === 'SUCCEEDED') return { status, chargeId };
  return status === 'DECLINED' ? { status, chargeId, code: 'OTHER' } : undefined;
};

/**
 * Compares our payments with the provider's own list since an instant. With `repair` what the provider knows better is taken
 * over: a charge that came or was declined there, and is still open here. Nothing else is ever changed by it.
 */
export async function reconcilePayments(
  system: System,
  provider: PaymentProvider,
  options: { readonly from: Instant; readonly repair?: boolean },
): Promise<Reconciliation> {
  const { from } = options;
  const recent = system.clock.now().subtract({ minutes: settlingMinutes }).epochMilliseconds;
  const own = new Map<string, OwnPayment>();
  const ownByCharge = new Map<string, string>();
  // What was asked just before the charge was made there belongs to it.
  for await (const payment of ownPayments(system, provider.name, from.subtract({ hours: 24 }))) {
    own.set(payment.id, payment);
    if (payment.externalId) ownByCharge.set(payment.externalId, payment.id);
  }
  const drift: Drift[] = [];
  const matched = new Set<string>();
  let there = 0;
  for await (const charge of theirCharges(provider, from)) {
    there += 1;
    const decoded = charge.reference === undefined ? undefined : decodeId(charge.reference);
    const id = ownByCharge.get(charge.chargeId) ?? (decoded?.kind === 'Payment' ? decoded.uuid : undefined);
    const payment = id === undefined ? undefined : own.get(id);
    const { chargeId } = charge;
    const theirs = `${charge.status} ${moneyText(charge.amount)}`;
    if (!payment) {
      drift.push({ kind: 'MISSING_HERE', chargeId, here: 'nothing', there: theirs });
      continue;
    }
    matched.add(payment.id);
    const paymentId = encodeId('Payment', payment.id, payment.tenantId);
    const both = { paymentId, chargeId };
    if (!equals(payment.amount, charge.amount)) {
      drift.push({ kind: 'AMOUNT_DIFFERS', ...both, here: moneyText(payment.amount), there: moneyText(charge.amount) });
      continue;
    }
    if (payment.status !== charge.status && charge.createdAt.epochMilliseconds <= recent) {
      const outcome = outcomeOf(charge);
      const repairs = options.repair === true && outcome !== undefined && payment.status !== 'SUCCEEDED';
      if (repairs) {
        const { tenantId, id: uuid } = payment;
        await system.asTenant(tenantId, (tx) => settlePayment(tx, { paymentId: uuid, outcome }));
      }
      drift.push({ kind: 'STATUS_DIFFERS', ...both, here: payment.status, there: charge.status, repaired: repairs });
    }
    if (!equals(payment.refunded, charge.refunded)) {
      const [here, theirRefunds] = [moneyText(payment.refunded), moneyText(charge.refunded)];
      drift.push({ kind: 'REFUNDS_DIFFER', ...both, here, there: theirRefunds });
    }
  }
  for (const payment of own.values()) {
    if (matched.has(payment.id) || payment.askedAt.epochMilliseconds < from.epochMilliseconds) continue;
    const paymentId = encodeId('Payment', payment.id, payment.tenantId);
    const said = { paymentId, chargeId: payment.externalId, here: `${payment.status} ${moneyText(payment.amount)}` };
    if (payment.status === 'SUCCEEDED') drift.push({ kind: 'MISSING_THERE', ...said, there: 'nothing' });
    if (payment.status === 'PENDING' && payment.askedAt.epochMilliseconds <= recent) {
      drift.push({ kind: 'UNKNOWN_FOR_LONG', ...said, there: 'nothing' });
    }
  }
  return { provider: provider.name, here: own.size, there, drift };
}
