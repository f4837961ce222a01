import type { EntityManager } from 'typeorm';
import { type Instant, instantFromDate, instantText } from '../../core/calendar';
import type { CurrencyCode } from '../../core/currency';
import { groupBy } from '../../core/group';
import type { Id } from '../../core/ids';
import { type Money, money } from '../../core/money';
import { mapPage, type Page, type PageRequest } from '../../core/page';
import type { IntervalUnit } from '../../core/period';
import { newId } from '../../platform/new-id';
import { readPage } from '../../platform/paging';
import type { CheckoutKind, CheckoutStatus, StripeCheckout, StripeInvoice } from '../stripe-checkout';
import {
  StripeCheckoutEntity,
  StripeInvoiceEntity,
  StripeInvoiceRefundEntity,
  StripePriceEntity,
} from './stripe-checkout.entity';

function fromRow(row: StripeCheckoutEntity): StripeCheckout {
  const currency = row.currency as CurrencyCode;
  const amount = (minor: bigint | null) => (minor === null ? undefined : money(minor, currency));
  const terms = (quantity: bigint | null, unit: bigint | null, paid: bigint | null) =>
    quantity === null || unit === null
      ? undefined
      : { quantity, unitAmount: money(unit, currency), paid: amount(paid) };
  const accepted = terms(row.acceptedQuantity, row.acceptedUnitAmount, row.acceptedPaid);
  const { withdrawnAt, withdrawnRefunds, withdrawnReason } = row;
  return {
    id: row.id as Id<'Checkout'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    kind: row.kind as CheckoutKind,
    status: row.status as CheckoutStatus,
    live: row.live,
    addonId: (row.addonId ?? undefined) as Id<'Addon'> | undefined,
    addonPriceId: row.addonPriceId ?? undefined,
    planId: (row.planId ?? undefined) as Id<'Plan'> | undefined,
    planVersionId: (row.planVersionId ?? undefined) as Id<'PlanVersion'> | undefined,
    planPriceId: (row.planPriceId ?? undefined) as Id<'PlanPrice'> | undefined,
    trialDays: row.trialDays ?? undefined,
    planTrial: row.planTrial,
    interval: row.interval as IntervalUnit,
    unitAmount: money(row.unitAmount, currency),
    quantity: row.quantity,
    description: row.description,
    priceExternalId: row.priceExternalId ?? undefined,
    ...{ successUrl: row.successUrl, cancelUrl: row.cancelUrl },
    sessionExternalId: row.sessionExternalId ?? undefined,
    url: row.url ?? undefined,
    subscriptionExternalId: row.subscriptionExternalId ?? undefined,
    addonSubscriptionId: (row.addonSubscriptionId ?? undefined) as Id<'AddonSubscription'> | undefined,
    subscriptionId: (row.subscriptionId ?? undefined) as Id<'Subscription'> | undefined,
    providerStatus: row.providerStatus ?? undefined,
    providerCancels: row.providerCancels,
    providerEndsAt: row.providerEndsAt ?? undefined,
    seen: terms(row.seenQuantity, row.seenUnitAmount, row.seenPaid),
    accepted: accepted && row.acceptedAt ? { ...accepted, at: row.acceptedAt } : undefined,
    withdrawn:
      withdrawnAt && withdrawnReason
        ? { at: withdrawnAt, refunds: withdrawnRefunds ?? false, reason: withdrawnReason }
        : undefined,
    seenAt: row.seenAt ?? undefined,
    parkedReason: row.parkedReason ?? undefined,
    parkedAt: row.parkedAt ?? undefined,
    syncAt: row.syncAt ?? undefined,
    ...{ attempts: row.attempts, expiresAt: row.expiresAt, createdAt: row.createdAt },
    completedAt: row.completedAt ?? undefined,
  };
}

/** What changes after the offer, as columns. */
function changesOf(checkout: StripeCheckout) {
  const { status, providerCancels, attempts, expiresAt, seen, accepted, withdrawn } = checkout;
  return {
    ...{ status, providerCancels, attempts, expiresAt },
    sessionExternalId: checkout.sessionExternalId ?? null,
    url: checkout.url ?? null,
    subscriptionExternalId: checkout.subscriptionExternalId ?? null,
    addonSubscriptionId: checkout.addonSubscriptionId ?? null,
    subscriptionId: checkout.subscriptionId ?? null,
    providerStatus: checkout.providerStatus ?? null,
    providerEndsAt: checkout.providerEndsAt ?? null,
    seenQuantity: seen?.quantity ?? null,
    seenUnitAmount: seen?.unitAmount.minor ?? null,
    seenPaid: seen?.paid?.minor ?? null,
    acceptedQuantity: accepted?.quantity ?? null,
    acceptedUnitAmount: accepted?.unitAmount.minor ?? null,
    acceptedPaid: accepted?.paid?.minor ?? null,
    acceptedAt: accepted?.at ?? null,
    withdrawnAt: withdrawn?.at ?? null,
    withdrawnRefunds: withdrawn?.refunds ?? null,
    withdrawnReason: withdrawn?.reason ?? null,
    seenAt: checkout.seenAt ?? null,
    parkedReason: checkout.parkedReason ?? null,
    parkedAt: checkout.parkedAt ?? null,
    syncAt: checkout.syncAt ?? null,
    completedAt: checkout.completedAt ?? null,
  };
}

interface InvoiceRow {
  readonly checkout_id: string;
  readonly external_id: string;
  readonly currency: string;
  readonly amount: string;
  readonly refunded: string;
  readonly period_start: Date;
  readonly period_end: Date;
  readonly paid_at: Date;
  readonly payment_external_id: string | null;
}

const invoiceColumns = `i.checkout_id, i.external_id, i.currency, i.amount::text, i.period_start, i.period_end, i.paid_at,
  i.payment_external_id,
  coalesce((select sum(r.amount) from stripe_invoice_refunds r
             where r.tenant_id = i.tenant_id and r.invoice_external_id = i.external_id), 0)::text as refunded`;

function invoiceFromRow(row: InvoiceRow): StripeInvoice & { readonly checkoutId: string } {
  const currency = row.currency as CurrencyCode;
  return {
    checkoutId: row.checkout_id,
    externalId: row.external_id,
    amount: money(BigInt(row.amount), currency),
    refunded: money(BigInt(row.refunded), currency),
    period: { start: instantFromDate(row.period_start), end: instantFromDate(row.period_end) },
    paidAt: instantFromDate(row.paid_at),
    paymentId: row.payment_external_id ?? undefined,
  };
}

/** How a checkout is called by whoever speaks of it. */
export type CheckoutName =
  | { readonly id: string }
  | { readonly sessionExternalId: string }
  | { readonly subscriptionExternalId: string };

export class StripeCheckoutRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(checkout: StripeCheckout): Promise<void> {
    const { unitAmount, seen: _seen, accepted: _accepted, withdrawn: _withdrawn, ...offer } = checkout;
    const amounts = { currency: unitAmount.currency, unitAmount: unitAmount.minor };
    await this.manager.insert(StripeCheckoutEntity, { ...offer, ...changesOf(checkout), ...amounts });
  }

  /** Everything that changes after the offer. */
  async update(checkout: StripeCheckout): Promise<StripeCheckout> {
    const { tenantId, id } = checkout;
    await this.manager.update(StripeCheckoutEntity, { tenantId, id }, changesOf(checkout));
    return checkout;
  }

  async find(tenantId: string, name: CheckoutName): Promise<StripeCheckout | undefined> {
    const row = await this.manager.findOneBy(StripeCheckoutEntity, { tenantId, ...name });
    return row ? fromRow(row) : undefined;
  }

  /** The page that waits for the customer: for one add-on, or for the plan. */
  async openOne(tenantId: string, addonId: string | undefined): Promise<StripeCheckout | undefined> {
    const row = await this.manager
      .createQueryBuilder(StripeCheckoutEntity, 'checkout')
      .where(`checkout.tenantId = :tenantId and checkout.status in ('PENDING', 'OPEN')`, { tenantId })
      .andWhere(addonId ? 'checkout.addonId = :addonId' : `checkout.kind = 'PLAN'`, { addonId })
      .getOne();
    return row ? fromRow(row) : undefined;
  }

  /** Which checkouts do these attachments come from? */
  async ofAttachments(tenantIds: readonly string[], attachmentIds: readonly string[]): Promise<StripeCheckout[]> {
    const rows = await this.manager
      .createQueryBuilder(StripeCheckoutEntity, 'checkout')
      .where('checkout.tenantId = any(:tenantIds) and checkout.addonSubscriptionId = any(:attachmentIds)', {
        ...{ tenantIds, attachmentIds },
      })
      .getMany();
    return rows.map(fromRow);
  }

  async page(tenantId: string, parkedOnly: boolean, request: PageRequest): Promise<Page<StripeCheckout>> {
    const query = this.manager
      .createQueryBuilder(StripeCheckoutEntity, 'checkout')
      .where('checkout.tenantId = :tenantId', { tenantId });
    if (parkedOnly) query.andWhere('checkout.parkedReason is not null');
    return mapPage(await readPage(query, request), fromRow);
  }

  /** Books what Stripe collected. False: it was booked already. */
  async insertInvoice(checkout: StripeCheckout, invoice: StripeInvoice): Promise<boolean> {
    const { externalId, amount, period, paidAt, paymentId } = invoice;
    const rows: unknown[] = await this.manager.query(
      `insert into stripe_invoices
         (tenant_id, external_id, partner_id, checkout_id, currency, amount, period_start, period_end, paid_at, payment_external_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (tenant_id, external_id) do nothing returning external_id`,
      [
        ...[checkout.tenantId, externalId, checkout.partnerId, checkout.id, amount.currency, amount.minor.toString()],
        ...[period.start.toString(), period.end.toString(), paidAt.toString(), paymentId ?? null],
      ],
    );
    return rows.length > 0;
  }

  /** Books what went back of an invoice of Stripe's; less than zero: it came back. */
  async insertRefund(
    { tenantId, partnerId }: StripeCheckout,
    invoiceExternalId: string,
    amount: Money,
    now: Instant,
  ): Promise<void> {
    await this.manager.insert(StripeInvoiceRefundEntity, {
      ...{ tenantId, partnerId, invoiceExternalId, id: newId(), createdAt: now },
      ...{ currency: amount.currency, amount: amount.minor },
    });
  }

  /** What was collected for each of these checkouts, newest first; at most 100 for each. */
  async invoices(
    tenantIds: readonly string[],
    checkoutIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly StripeInvoice[]>> {
    const rows: InvoiceRow[] = await this.manager.query(
      `select ${invoiceColumns}
         from unnest($2::uuid[]) c (id)
         cross join lateral (
           select * from stripe_invoices i where i.tenant_id = any($1) and i.checkout_id = c.id
            order by i.paid_at desc, i.external_id limit 100) i
        order by i.paid_at desc, i.external_id`,
      [tenantIds, checkoutIds],
    );
    return groupBy(rows.map(invoiceFromRow), ({ checkoutId }) => checkoutId);
  }

  /** Those of a checkout that Stripe knows by these ids, however old. */
  async booked(tenantId: string, checkoutId: string, externalIds: readonly string[]): Promise<StripeInvoice[]> {
    const rows: InvoiceRow[] = await this.manager.query(
      `select ${invoiceColumns} from stripe_invoices i
        where i.tenant_id = $1 and i.checkout_id = $2 and i.external_id = any($3)`,
      [tenantId, checkoutId, externalIds],
    );
    return rows.map(invoiceFromRow);
  }

  /** What a payment of Stripe's paid for. */
  async collectedBy(
    tenantId: string,
    paymentId: string,
  ): Promise<(StripeInvoice & { readonly checkoutId: string }) | undefined> {
    const rows: InvoiceRow[] = await this.manager.query(
      `select ${invoiceColumns} from stripe_invoices i where i.tenant_id = $1 and i.payment_external_id = $2 limit 1`,
      [tenantId, paymentId],
    );
    return rows.map(invoiceFromRow)[0];
  }

  /** The checkout that what this payment of Stripe's paid for was bought at. */
  async ofPayment(tenantId: string, paymentId: string): Promise<string | undefined> {
    const row = await this.manager.findOneBy(StripeInvoiceEntity, { tenantId, paymentExternalId: paymentId });
    return row?.checkoutId;
  }

  /** Was this subscription bought at a page of Stripe's? */
  startedBy(tenantId: string, subscriptionId: string): Promise<boolean> {
    return this.manager.existsBy(StripeCheckoutEntity, { tenantId, subscriptionId, kind: 'PLAN' });
  }

  /** Stripe's price for a price of ours, where `stripe-sync` made one of exactly this amount. */
  async priceFor(partnerId: string, live: boolean, priceId: string, amount: Money): Promise<string | undefined> {
    const row = await this.manager.findOneBy(StripePriceEntity, { partnerId, live, priceId });
    return row?.amount === amount.minor && row.currency === amount.currency ? row.externalId : undefined;
  }

  /** Lets the job ask Stripe about it at once, whatever any clock says. */
  async wake(tenantId: string, id: string): Promise<void> {
    await this.manager.query('update stripe_checkouts set sync_at = to_timestamp(0) where tenant_id = $1 and id = $2', [
      tenantId,
      id,
    ]);
  }

  /** The subscription ended: so does, at Stripe, what was bought for it and attached to nothing. */
  async wakeUnattached(tenantId: string): Promise<void> {
    await this.manager.query(
      `update stripe_checkouts set sync_at = to_timestamp(0)
        where tenant_id = $1 and kind = 'ADDON' and addon_subscription_id is null and subscription_external_id is not null`,
      [tenantId],
    );
  }

  /** Whatever may still become of any of them. */
  async wakeOpen(tenantId: string): Promise<void> {
    await this.manager.query(
      'update stripe_checkouts set sync_at = to_timestamp(0) where tenant_id = $1 and sync_at is not null',
      [tenantId],
    );
  }

  /** Nothing was to be done yet: the same again, later. Not where an event woke it while Stripe was being asked. */
  async postpone(tenantId: string, id: string, until: Instant): Promise<void> {
    await this.manager.query(
      `update stripe_checkouts set sync_at = $3
        where tenant_id = $1 and id = $2 and sync_at is distinct from to_timestamp(0)`,
      [tenantId, id, instantText(until)],
    );
  }
}
