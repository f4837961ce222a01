import type { EntityManager } from 'typeorm';
import { type Instant, instantText } from '../../core/calendar';
import type { CurrencyCode } from '../../core/currency';
import type { Id } from '../../core/ids';
import { type Money, money } from '../../core/money';
import { mapPage, type Page, type PageRequest } from '../../core/page';
import type { IntervalUnit } from '../../core/period';
import { readPage } from '../../platform/paging';
import type { CheckoutKind, CheckoutStatus, StripeCheckout, StripeInvoice } from '../stripe-checkout';
import { StripeCheckoutEntity, StripeInvoiceEntity, StripePriceEntity } from './stripe-checkout.entity';

function fromRow(row: StripeCheckoutEntity): StripeCheckout {
  const { currency, ...rest } = row;
  return {
    ...rest,
    id: row.id as Id<'Checkout'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    kind: row.kind as CheckoutKind,
    status: row.status as CheckoutStatus,
    addonId: (row.addonId ?? undefined) as Id<'Addon'> | undefined,
    addonPriceId: row.addonPriceId ?? undefined,
    planId: (row.planId ?? undefined) as Id<'Plan'> | undefined,
    planVersionId: (row.planVersionId ?? undefined) as Id<'PlanVersion'> | undefined,
    planPriceId: (row.planPriceId ?? undefined) as Id<'PlanPrice'> | undefined,
    trialDays: row.trialDays ?? undefined,
    interval: row.interval as IntervalUnit,
    unitAmount: money(row.unitAmount, currency as CurrencyCode),
    priceExternalId: row.priceExternalId ?? undefined,
    sessionExternalId: row.sessionExternalId ?? undefined,
    url: row.url ?? undefined,
    subscriptionExternalId: row.subscriptionExternalId ?? undefined,
    addonSubscriptionId: (row.addonSubscriptionId ?? undefined) as Id<'AddonSubscription'> | undefined,
    subscriptionId: (row.subscriptionId ?? undefined) as Id<'Subscription'> | undefined,
    providerStatus: row.providerStatus ?? undefined,
    seenAt: row.seenAt ?? undefined,
    parkedReason: row.parkedReason ?? undefined,
    parkedAt: row.parkedAt ?? undefined,
    syncAt: row.syncAt ?? undefined,
    completedAt: row.completedAt ?? undefined,
  };
}

/** How a checkout is called by whoever speaks of it. */
export type CheckoutName =
  | { readonly id: string }
  | { readonly sessionExternalId: string }
  | { readonly subscriptionExternalId: string };

export class StripeCheckoutRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert({ unitAmount, ...row }: StripeCheckout): Promise<void> {
    await this.manager.insert(StripeCheckoutEntity, {
      ...row,
      currency: unitAmount.currency,
      unitAmount: unitAmount.minor,
    });
  }

  /** Everything that changes after the offer. */
  async update(checkout: StripeCheckout): Promise<StripeCheckout> {
    const { tenantId, id, status, providerCancels, attempts, expiresAt } = checkout;
    await this.manager.update(
      StripeCheckoutEntity,
      { tenantId, id },
      {
        ...{ status, providerCancels, attempts, expiresAt },
        sessionExternalId: checkout.sessionExternalId ?? null,
        url: checkout.url ?? null,
        subscriptionExternalId: checkout.subscriptionExternalId ?? null,
        addonSubscriptionId: checkout.addonSubscriptionId ?? null,
        subscriptionId: checkout.subscriptionId ?? null,
        providerStatus: checkout.providerStatus ?? null,
        seenAt: checkout.seenAt ?? null,
        parkedReason: checkout.parkedReason?.slice(0, 500) ?? null,
        parkedAt: checkout.parkedAt ?? null,
        syncAt: checkout.syncAt ?? null,
        completedAt: checkout.completedAt ?? null,
      },
    );
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
    const { externalId, amount, period, paidAt } = invoice;
    const rows: unknown[] = await this.manager.query(
      `insert into stripe_invoices (tenant_id, external_id, partner_id, checkout_id, currency, amount, period_start, period_end, paid_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant_id, external_id) do nothing returning external_id`,
      [
        ...[checkout.tenantId, externalId, checkout.partnerId, checkout.id, amount.currency, amount.minor.toString()],
        ...[period.start.toString(), period.end.toString(), paidAt.toString()],
      ],
    );
    return rows.length > 0;
  }

  /** What was collected for each of these checkouts, newest first; at most 100 for each. */
  async invoices(
    tenantIds: readonly string[],
    checkoutIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly StripeInvoice[]>> {
    const rows = await this.manager
      .createQueryBuilder(StripeInvoiceEntity, 'invoice')
      .where('invoice.tenantId = any(:tenantIds) and invoice.checkoutId = any(:checkoutIds)', {
        tenantIds,
        checkoutIds,
      })
      .orderBy('invoice.paidAt', 'DESC')
      .addOrderBy('invoice.externalId')
      .limit(100 * checkoutIds.length)
      .getMany();
    const found = new Map<string, StripeInvoice[]>();
    for (const row of rows) {
      const ofCheckout = found.get(row.checkoutId) ?? [];
      found.set(row.checkoutId, ofCheckout);
      if (ofCheckout.length === 100) continue;
      ofCheckout.push({
        externalId: row.externalId,
        amount: money(row.amount, row.currency as CurrencyCode),
        period: { start: row.periodStart, end: row.periodEnd },
        paidAt: row.paidAt,
      });
    }
    return found;
  }

  /** Stripe's price for a price of ours, where `stripe-sync` made one of exactly this amount. */
  async priceFor(partnerId: string, live: boolean, priceId: string, amount: Money): Promise<string | undefined> {
    const row = await this.manager.findOneBy(StripePriceEntity, { partnerId, live, priceId });
    return row?.amount === amount.minor && row.currency === amount.currency ? row.externalId : undefined;
  }

  /** Lets the job ask Stripe about it at once, whatever any clock says. */
  async wake(tenantId: string, id: string): Promise<void> {
    await this.manager.query(
      `update stripe_checkouts set sync_at = to_timestamp(0) where tenant_id = $1 and id = $2 and parked_reason is null`,
      [tenantId, id],
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
