import { type Instant, instantFromDate, isBefore } from '../core/calendar';
import { type CurrencyCode, isCurrencyCode } from '../core/currency';
import { decodeId, encodeId } from '../core/ids';
import { invariant } from '../core/invariant';
import { equals, type Money, money, moneyText } from '../core/money';
import type { Prepared } from '../platform/database';
import type { System } from '../system';
import { adoptPayment } from './adopt-payment.command';
import { type Drift, mended, type Reconciliation, type Repairing } from './drift';
import { inTenant } from './dry-run.job';
import type { PaymentStatus } from './payment';
import type { ChargeOutcome, PaymentProvider, ProviderCharge, Unknown } from './provider';
import { settlePayment } from './settle-payment.command';

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
export const settlingMinutes = 15;

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

/** All that a function of the database lists, a page at a time: it takes these, the id after which to go on, and how many. */
export async function* ownRows<Row extends { readonly id: string }>(
  system: System,
  list: Prepared,
  given: readonly unknown[],
): AsyncGenerator<Row> {
  let after: string | null = null;
  for (;;) {
    const rows: Row[] = await system.ask<Row>(list, [...given, after, pageSize]);
    yield* rows;
    if (rows.length < pageSize) return;
    after = rows.at(-1)!.id;
  }
}

interface OwnPaymentRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly external_id: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly refunded: string;
  readonly status: string;
  readonly asked_at: Date;
}

async function* ownPayments(
  system: System,
  kind: keyof typeof sources,
  provider: string,
  from: Instant,
): AsyncGenerator<OwnPayment> {
  for await (const row of ownRows<OwnPaymentRow>(system, sources[kind], [provider, from.toString()])) {
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

const outcomeOf = ({ chargeId, status }: ProviderCharge): ChargeOutcome | undefined => {
  if (status === 'PROCESSING') return undefined;
  return status === 'DECLINED' ? { status, chargeId, code: 'OTHER' } : { status, chargeId };
};

export interface ReconcileOptions extends Repairing {
  readonly from: Instant;
  /** Takes over what the provider knows of a charge at one of its checkouts. False: nothing of ours is meant, or a person has to look. */
  readonly repairCheckout?: ((chargeId: string) => Promise<boolean>) | undefined;
}

/** One comparison: what a repair of each thing that differs would do, or does. */
class Charges {
  readonly recent: number;

  constructor(
    private readonly system: System,
    private readonly provider: PaymentProvider,
    private readonly options: ReconcileOptions,
  ) {
    this.recent = system.clock.now().subtract({ minutes: settlingMinutes }).epochMilliseconds;
  }

  private readonly takeOverCheckout = async (chargeId: string): Promise<boolean> =>
    (await this.options.repairCheckout?.(chargeId)) === true;

  /** Nobody can pay it any more, since nobody here waits for it. */
  private async cancel({ chargeId, reference = '' }: ProviderCharge): Promise<boolean> {
    if (!this.options.repair) return true;
    return (await this.provider.cancelCharge({ chargeId, reference })).status === 'DECLINED';
  }

  /** There, and not here: of a database that was restored, a renewal that the provider made by itself, or somebody else's. */
  async unknown(charge: ProviderCharge): Promise<Drift | undefined> {
    const { chargeId: externalId, status, amount, reference } = charge;
    // No money moved.
    if (status === 'DECLINED') return undefined;
    const named = reference === undefined ? undefined : decodeId(reference);
    const adopts = async () =>
      named?.kind === 'Payment' &&
      (await inTenant(this.system, named.tenantUuid!, this.options, (tx) =>
        adoptPayment(tx, named.uuid, this.provider.name, charge),
      ));
    const can =
      named?.kind === 'Payment' && status === 'REQUIRES_ACTION'
        ? await this.cancel(charge)
        : (status === 'SUCCEEDED' && (await adopts())) || (await this.takeOverCheckout(externalId));
    const theirs = `${status} ${moneyText(amount)}`;
    return { kind: 'MISSING_HERE', externalId, here: 'nothing', there: theirs, ...mended(can, this.options) };
  }

  /** Both sides know it. */
  async *known(payment: OwnPayment, charge: ProviderCharge): AsyncGenerator<Drift> {
    const { chargeId: externalId } = charge;
    const both = { ownId: ownIdOf(payment), externalId };
    // That it differs from what was bought a person knows: `parkedLicencePurchases` lists it. What goes back is compared all the same.
    const parked = payment.status === 'PARKED';
    if (parked && payment.amount.currency !== charge.amount.currency) return;
    const isCheckout = payment.kind === 'LicencePurchase';
    if (!parked && !equals(payment.amount, charge.amount)) {
      const said = { here: moneyText(payment.amount), there: moneyText(charge.amount) };
      // Of a checkout that came is written down: a person accepts or refuses it then.
      const can = isCheckout && payment.status === 'OPEN' && (await this.takeOverCheckout(externalId));
      yield { kind: 'AMOUNT_DIFFERS', ...both, ...said, ...mended(can, this.options) };
      return;
    }
    let taken: boolean | undefined;
    if (!parked && payment.status !== charge.status && charge.createdAt.epochMilliseconds <= this.recent) {
      taken = isCheckout ? await this.takeOverCheckout(externalId) : await this.settle(payment, charge);
      const said = { here: payment.status, there: charge.status };
      yield { kind: 'STATUS_DIFFERS', ...both, ...said, ...mended(taken, this.options) };
    }
    // Where the provider lists what went back, each refund is compared by itself; what is here and not there is in no such list.
    const isListed = this.provider.listMoneyBack !== undefined && payment.refunded.minor <= charge.refunded.minor;
    if (isListed || equals(payment.refunded, charge.refunded)) return;
    const said = { here: moneyText(payment.refunded), there: moneyText(charge.refunded) };
    const can = isCheckout && (taken ?? (await this.takeOverCheckout(externalId)));
    yield { kind: 'REFUNDS_DIFFER', ...both, ...said, ...mended(can, this.options) };
  }

  private async settle({ tenantId, id, status }: OwnPayment, charge: ProviderCharge): Promise<boolean> {
    if (status === 'DECLINED' && charge.status === 'REQUIRES_ACTION') return this.cancel(charge);
    const outcome = outcomeOf(charge);
    if (!outcome || status === 'SUCCEEDED') return false;
    return inTenant(this.system, tenantId, this.options, async (tx) => {
      const settled = await settlePayment(tx, { paymentId: id, outcome });
      return settled.status === outcome.status;
    });
  }

  /** Here, and not there. */
  missingThere(payment: OwnPayment): Drift | undefined {
    const said = {
      ownId: ownIdOf(payment),
      externalId: payment.externalId,
      here: `${payment.status} ${moneyText(payment.amount)}`,
      there: 'nothing',
    };
    if (payment.status === 'SUCCEEDED') return { kind: 'MISSING_THERE', ...said };
    const isLong = payment.status === 'PENDING' && payment.askedAt.epochMilliseconds <= this.recent;
    return isLong ? { kind: 'UNKNOWN_FOR_LONG', ...said } : undefined;
  }
}

/**
 * Compares our payments, and what was bought at the provider's checkouts, with the provider's own list since an instant. With
 * `repair` what the provider knows better is taken over: a charge that came or was declined there and is still open here, or that
 * nobody here knows and that was asked for an invoice of ours; of what was bought at a checkout what was paid and what went back.
 * Nothing else is ever changed by it. Each repair is a transaction of its own: killed anywhere, it goes on when it is run again.
 */
export async function reconcilePayments(
  system: System,
  provider: PaymentProvider,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  const { from } = options;
  const charges = new Charges(system, provider, options);
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
    const named = decoded?.kind === 'Payment' ? own.get(decoded.uuid) : undefined;
    // A purchase is paid by the one checkout that was written down, and a payment is one charge; others may name it too.
    const id = ownByCharge.get(charge.chargeId) ?? (named && !named.externalId ? named.id : undefined);
    const payment = id === undefined ? undefined : own.get(id);
    if (payment) {
      matched.add(payment.id);
      for await (const row of charges.known(payment, charge)) drift.push(row);
    } else {
      const row = await charges.unknown(charge);
      if (row) drift.push(row);
    }
  }
  for (const payment of own.values()) {
    if (matched.has(payment.id) || isBefore(payment.askedAt, from)) continue;
    const row = charges.missingThere(payment);
    if (row) drift.push(row);
  }
  return { provider: provider.name, of: 'CHARGES', here: own.size, there, drift };
}
