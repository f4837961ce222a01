import type { EntityManager } from 'typeorm';
import { type Instant, instantText } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { money } from '../core/money';
import { mapPage, type Page, type PageRequest } from '../core/page';
import type { IntervalUnit } from '../core/period';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import { fromStored, toStored } from '../platform/stored-value';
import type { FeatureUsagePrice } from '../rating/price-model-input';
import type { AddonBiller, AddonEndKind, AddonSubscription } from './addon-subscription';
import { AddonSubscriptionEntity } from './addon-subscription.entity';

function fromRow(row: AddonSubscriptionEntity): AddonSubscription {
  return {
    id: row.id as Id<'AddonSubscription'>,
    originId: (row.originId ?? row.id) as Id<'AddonSubscription'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    subscriptionId: row.subscriptionId as Id<'Subscription'>,
    addonId: row.addonId as Id<'Addon'>,
    priceId: row.addonPriceId,
    interval: row.interval as IntervalUnit,
    unitAmount: money(row.unitAmount, row.currency as CurrencyCode),
    usagePrices: fromStored(row.usagePrices) as FeatureUsagePrice[],
    quantity: row.quantity,
    billedBy: row.billedBy as AddonBiller,
    providerPeriod:
      row.providerPeriodStart && row.providerPeriodEnd
        ? { start: row.providerPeriodStart, end: row.providerPeriodEnd }
        : undefined,
    startedAt: row.startedAt,
    endsAt: row.endsAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
    accessUntil: row.accessUntil ?? undefined,
    endReason: row.endReason ?? undefined,
    endKind: (row.endKind ?? undefined) as AddonEndKind | undefined,
    version: row.version,
    createdAt: row.createdAt,
  };
}

const liveRows = preparedRead(
  AddonSubscriptionEntity,
  'where tenant_id = $1 and ended_at is null order by started_at, id limit 1000',
);

const rowsAt = preparedRead(
  AddonSubscriptionEntity,
  'where tenant_id = $1 and started_at <= $2 and (ended_at is null or ended_at > $2) order by started_at, id limit 1000',
);

const liveOrRecentRows = preparedRead(
  AddonSubscriptionEntity,
  'where tenant_id = $1 and (ended_at is null or started_at >= $2) order by started_at, id limit 2000',
);

export class AddonSubscriptionRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(attachment: AddonSubscription): Promise<void> {
    const { priceId, unitAmount, providerPeriod, originId, ...row } = attachment;
    await this.manager.insert(AddonSubscriptionEntity, {
      ...row,
      originId: originId === row.id ? null : originId,
      providerPeriodStart: providerPeriod?.start ?? null,
      providerPeriodEnd: providerPeriod?.end ?? null,
      addonPriceId: priceId,
      currency: unitAmount.currency,
      unitAmount: unitAmount.minor,
      usagePrices: toStored(attachment.usagePrices) as object,
    });
  }

  /** Writes the end and, after an interval change, the price. The caller holds the tenant's lock. */
  async update(attachment: AddonSubscription): Promise<AddonSubscription> {
    const { tenantId, id, interval, priceId, unitAmount, version } = attachment;
    await this.manager.update(
      AddonSubscriptionEntity,
      { tenantId, id },
      {
        interval,
        addonPriceId: priceId,
        unitAmount: unitAmount.minor,
        endsAt: attachment.endsAt ?? null,
        endedAt: attachment.endedAt ?? null,
        accessUntil: attachment.accessUntil ?? null,
        endReason: attachment.endReason ?? null,
        endKind: attachment.endKind ?? null,
        providerPeriodStart: attachment.providerPeriod?.start ?? null,
        providerPeriodEnd: attachment.providerPeriod?.end ?? null,
        version: version + 1,
      },
    );
    // In the same commit: whatever ends or resumes it, its provider is told afterwards.
    if (attachment.billedBy === 'STRIPE') {
      await this.manager.query(
        'update stripe_checkouts set sync_at = to_timestamp(0) where tenant_id = $1 and addon_subscription_id = $2',
        [tenantId, attachment.originId],
      );
    }
    return { ...attachment, version: version + 1 };
  }

  async byId(tenantId: string, id: string): Promise<AddonSubscription | undefined> {
    const row = await this.manager.findOneBy(AddonSubscriptionEntity, { tenantId, id });
    return row ? fromRow(row) : undefined;
  }

  /** An attachment as the API calls it, in its last phase. */
  async byOrigin(tenantId: string, originId: string): Promise<AddonSubscription | undefined> {
    const row = await this.manager
      .createQueryBuilder(AddonSubscriptionEntity, 'attachment')
      .where('attachment.tenantId = :tenantId and (attachment.id = :originId or attachment.originId = :originId)', {
        tenantId,
        originId,
      })
      .orderBy('attachment.version', 'DESC')
      .getOne();
    return row && (row.originId ?? row.id) === originId ? fromRow(row) : undefined;
  }

  /** The tenant's live attachment of this add-on: there is one at most. */
  async liveOf(tenantId: string, addonId: string): Promise<AddonSubscription | undefined> {
    const row = await this.manager
      .createQueryBuilder(AddonSubscriptionEntity, 'attachment')
      .where('attachment.tenantId = :tenantId and attachment.addonId = :addonId and attachment.endedAt is null', {
        tenantId,
        addonId,
      })
      .getOne();
    return row ? fromRow(row) : undefined;
  }

  /** What is attached now, by start. */
  async live(tenantId: string): Promise<AddonSubscription[]> {
    return (await liveRows(this.manager, [tenantId])).map(fromRow);
  }

  /** What was attached at an instant, in its quantity of then, by start. */
  async heldAt(tenantId: string, at: Instant): Promise<AddonSubscription[]> {
    return (await rowsAt(this.manager, [tenantId, instantText(at)])).map(fromRow);
  }

  /** What is attached now, and what was attached since an instant though it ended, by start. */
  async liveOrStartedSince(tenantId: string, since: Instant): Promise<AddonSubscription[]> {
    return (await liveOrRecentRows(this.manager, [tenantId, instantText(since)])).map(fromRow);
  }

  /** What was ever attached: what entitlements are rebuilt from. */
  async all(tenantId: string): Promise<AddonSubscription[]> {
    const rows = await this.manager
      .createQueryBuilder(AddonSubscriptionEntity, 'attachment')
      .where('attachment.tenantId = :tenantId', { tenantId })
      .orderBy('attachment.id')
      .limit(5_000)
      .getMany();
    return rows.map(fromRow);
  }

  async page(tenantId: string, request: PageRequest): Promise<Page<AddonSubscription>> {
    const query = this.manager
      .createQueryBuilder(AddonSubscriptionEntity, 'attachment')
      .where(`attachment.tenantId = :tenantId and attachment.endKind is distinct from 'QUANTITY_CHANGED'`, {
        tenantId,
      });
    return mapPage(await readPage(query, request), fromRow);
  }
}
