import { type EntityManager, IsNull, Not } from 'typeorm';
import { type Instant, instantFromDate, instantText, timeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';
import { invariant } from '../core/invariant';
import { money } from '../core/money';
import type { Page, PageRequest } from '../core/page';
import { mapPage } from '../core/page';
import type { IntervalUnit } from '../core/period';
import type { ProrationBasis } from '../core/proration';
import { readPage } from '../platform/paging';
import { preparedRead } from '../platform/prepared-read';
import type { ScheduledPlanChange, ScheduledPlanChangeOptions } from './scheduled-plan-change';
import {
  type Subscription,
  type SubscriptionChange,
  type SubscriptionChangeKind,
  type SubscriptionItem,
  type SubscriptionStatus,
  subscriptionAsOf,
} from './subscription';
import {
  ScheduledPlanChangeEntity,
  SubscriptionChangeEntity,
  SubscriptionEntity,
  SubscriptionItemEntity,
} from './subscription.entity';

function itemFromRow(row: SubscriptionItemEntity): SubscriptionItem {
  return {
    id: row.id as Id<'SubscriptionItem'>,
    planId: row.planId as Id<'Plan'>,
    planVersionId: row.planVersionId as Id<'PlanVersion'>,
    priceId: row.planPriceId as Id<'PlanPrice'>,
    interval: row.interval as IntervalUnit,
    unitAmount: money(row.unitAmount, row.currency as CurrencyCode),
    quantity: row.quantity,
    startedAt: row.startedAt,
    endedAt: row.endedAt ?? undefined,
  };
}

function fromRow(row: SubscriptionEntity, item: SubscriptionItem): Subscription {
  return {
    id: row.id as Id<'Subscription'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    partnerId: row.partnerId as Id<'Partner'>,
    status: row.status as SubscriptionStatus,
    item,
    currency: row.currency as CurrencyCode,
    interval: row.interval as IntervalUnit,
    anchorDate: row.anchorDate,
    timeZone: timeZone(row.timeZone),
    prorationBasis: row.prorationBasis as ProrationBasis,
    startedAt: row.startedAt,
    periodIndex: row.periodIndex,
    periodStart: row.periodStart,
    periodEnd: row.periodEnd,
    trialEnd: row.trialEnd ?? undefined,
    planTrial: row.planTrial,
    cancelAt: row.cancelAt ?? undefined,
    cancelledAt: row.cancelledAt ?? undefined,
    cancelReason: row.cancelReason ?? undefined,
    accessUntil: row.accessUntil ?? undefined,
    version: row.version,
    createdAt: row.createdAt,
  };
}

function toRow(subscription: Subscription) {
  const { item, trialEnd, planTrial, cancelAt, cancelledAt, cancelReason, accessUntil, ...row } = subscription;
  return {
    ...row,
    planId: item.planId,
    planVersionId: item.planVersionId,
    planItemId: item.id,
    trialEnd: trialEnd ?? null,
    planTrial: planTrial ?? false,
    cancelAt: cancelAt ?? null,
    cancelledAt: cancelledAt ?? null,
    cancelReason: cancelReason ?? null,
    accessUntil: accessUntil ?? null,
  };
}

const itemRow = preparedRead(SubscriptionItemEntity, 'where tenant_id = $1 and id = $2');
const itemRows = preparedRead(SubscriptionItemEntity, 'where tenant_id = any($1) and id = any($2)');
const liveRows = preparedRead(SubscriptionEntity, `where tenant_id = $1 and status <> 'CANCELLED'`);
const rowsByIds = preparedRead(SubscriptionEntity, 'where tenant_id = any($1) and id = any($2)');
const rowsStarted = preparedRead(
  SubscriptionEntity,
  'where tenant_id = $1 and started_at <= $2 order by started_at desc, id desc limit 1',
);
const itemsStarted = preparedRead(
  SubscriptionItemEntity,
  'where tenant_id = $1 and subscription_id = $2 and started_at <= $3 order by started_at desc, id desc limit 1',
);
const pendingRows = preparedRead(
  ScheduledPlanChangeEntity,
  `where tenant_id = $1 and subscription_id = $2 and status = 'PENDING'`,
);

export class SubscriptionRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(subscription: Subscription): Promise<void> {
    await this.manager.insert(SubscriptionEntity, toRow(subscription));
    await this.insertItem(subscription, subscription.item);
  }

  async insertItem(subscription: Subscription, item: SubscriptionItem): Promise<void> {
    const { priceId, unitAmount, ...row } = item;
    await this.manager.insert(SubscriptionItemEntity, {
      ...row,
      tenantId: subscription.tenantId,
      partnerId: subscription.partnerId,
      subscriptionId: subscription.id,
      planPriceId: priceId,
      currency: unitAmount.currency,
      unitAmount: unitAmount.minor,
    });
  }

  async endItem(subscription: Subscription, itemId: string, endedAt: Instant): Promise<void> {
    await this.manager.update(SubscriptionItemEntity, { tenantId: subscription.tenantId, id: itemId }, { endedAt });
  }

  /** Writes where the subscription stands now. The caller holds the tenant's lock, so nobody was faster. */
  async update(subscription: Subscription): Promise<Subscription> {
    const row = toRow(subscription);
    const { tenantId, id, partnerId, createdAt, startedAt, currency, timeZone: zone, planTrial, ...changing } = row;
    const result = await this.manager.update(
      SubscriptionEntity,
      { tenantId, id, version: subscription.version },
      { ...changing, version: subscription.version + 1 },
    );
    invariant(result.affected === 1, 'a subscription changed under the lock');
    return { ...subscription, version: subscription.version + 1 };
  }

  /**
   * A subscription that was read, as it stands now: a credit since may have paid the last of what was due, and with it the debt. The
   * caller holds the tenant's lock.
   */
  async asItStands(subscription: Subscription): Promise<Subscription> {
    const current = await this.live(subscription.tenantId);
    invariant(current?.id === subscription.id, 'a subscription ended under the lock');
    const { status, accessUntil, version } = current;
    return { ...subscription, status, accessUntil, version };
  }

  private async whole(rows: readonly SubscriptionEntity[]): Promise<Subscription[]> {
    const [first] = rows;
    if (!first) return [];
    const items =
      rows.length === 1
        ? await itemRow(this.manager, [first.tenantId, first.planItemId])
        : await itemRows(this.manager, [
            [...new Set(rows.map((row) => row.tenantId))],
            rows.map((row) => row.planItemId),
          ]);
    const byId = new Map(items.map((row) => [row.id, itemFromRow(row)]));
    return rows.map((row) => {
      const item = byId.get(row.planItemId);
      invariant(item, 'a subscription has no item');
      return fromRow(row, item);
    });
  }

  /** Whether the tenant ever had a trial, given or of a plan. */
  async hadTrial(tenantId: string): Promise<boolean> {
    return this.manager.existsBy(SubscriptionEntity, { tenantId, trialEnd: Not(IsNull()) });
  }

  /** The tenant's one live subscription. */
  async live(tenantId: string): Promise<Subscription | undefined> {
    return (await this.whole(await liveRows(this.manager, [tenantId])))[0];
  }

  /** The live one, else the one that ended last: what a tenant's page shows. */
  async latest(tenantId: string): Promise<Subscription | undefined> {
    const rows = await this.manager
      .createQueryBuilder(SubscriptionEntity, 'subscription')
      .where('subscription.tenantId = :tenantId', { tenantId })
      .orderBy(`case when subscription.status <> 'CANCELLED' then 0 else 1 end`)
      .addOrderBy('subscription.id', 'DESC')
      .limit(1)
      .getMany();
    return (await this.whole(rows))[0];
  }

  /** The subscription that the tenant had at an instant, or the last one before it, with the plan and the period of then. */
  async asOf(tenantId: string, at: Instant): Promise<Subscription | undefined> {
    const [row] = await rowsStarted(this.manager, [tenantId, instantText(at)]);
    if (!row) return undefined;
    const [item] = await itemsStarted(this.manager, [tenantId, row.id, instantText(at)]);
    const [period]: { start: Date; end: Date }[] = await this.manager.query(
      `select period_start as start, period_end as end from (
         select period_start as since, period_start, period_end from invoices
          where tenant_id = $1 and subscription_id = $2 and kind = 'PERIOD' and period_start <= $3
         union all
         select changed_at, new_period_start, new_period_end from plan_change_prorations
          where tenant_id = $1 and subscription_id = $2 and new_period_start is not null and changed_at <= $3) billed
        order by since desc limit 1`,
      [tenantId, row.id, instantText(at)],
    );
    invariant(item, 'a subscription has no item');
    return subscriptionAsOf(
      fromRow(row, itemFromRow(item)),
      period && { start: instantFromDate(period.start), end: instantFromDate(period.end) },
      at,
    );
  }

  async byIds(tenantIds: readonly string[], ids: readonly string[]): Promise<Subscription[]> {
    return this.whole(await rowsByIds(this.manager, [tenantIds, ids]));
  }

  /** Every phase of the plan, oldest first. */
  async items(tenantId: string, subscriptionId: string): Promise<SubscriptionItem[]> {
    const rows = await this.manager
      .createQueryBuilder(SubscriptionItemEntity, 'item')
      .where('item.tenantId = :tenantId and item.subscriptionId = :subscriptionId', { tenantId, subscriptionId })
      .orderBy('item.startedAt')
      .addOrderBy('item.id')
      .limit(1_000)
      .getMany();
    return rows.map(itemFromRow);
  }

  /** All phases of all of the tenant's subscriptions: what entitlements are rebuilt from. */
  async itemsOfTenant(tenantId: string): Promise<SubscriptionItem[]> {
    const rows = await this.manager
      .createQueryBuilder(SubscriptionItemEntity, 'item')
      .where('item.tenantId = :tenantId', { tenantId })
      .orderBy('item.id')
      .limit(5_000)
      .getMany();
    return rows.map(itemFromRow);
  }

  async recordChange(subscription: Subscription, change: Omit<SubscriptionChange, 'subscriptionId'>): Promise<void> {
    await this.manager.insert(SubscriptionChangeEntity, {
      ...change,
      tenantId: subscription.tenantId,
      partnerId: subscription.partnerId,
      subscriptionId: subscription.id,
      actorId: change.actorId ?? null,
    });
  }

  async changes(tenantId: string, subscriptionId: string, request: PageRequest): Promise<Page<SubscriptionChange>> {
    const query = this.manager
      .createQueryBuilder(SubscriptionChangeEntity, 'change')
      .where('change.tenantId = :tenantId and change.subscriptionId = :subscriptionId', { tenantId, subscriptionId });
    return mapPage(await readPage(query, request), (row) => ({
      id: row.id as Id<'SubscriptionChange'>,
      subscriptionId: row.subscriptionId as Id<'Subscription'>,
      kind: row.kind as SubscriptionChangeKind,
      happenedAt: row.happenedAt,
      actorId: row.actorId ?? undefined,
      facts: row.facts,
    }));
  }

  async schedule(change: ScheduledPlanChange, partnerId: string): Promise<void> {
    const { priceId, ...row } = change;
    await this.manager.insert(ScheduledPlanChangeEntity, {
      ...row,
      partnerId,
      planPriceId: priceId,
      status: 'PENDING',
    });
  }

  async scheduled(tenantId: string, subscriptionId: string): Promise<ScheduledPlanChange | undefined> {
    const [row] = await pendingRows(this.manager, [tenantId, subscriptionId]);
    if (!row) return undefined;
    return {
      id: row.id,
      tenantId: row.tenantId as Id<'Tenant'>,
      subscriptionId: row.subscriptionId as Id<'Subscription'>,
      effectiveAt: row.effectiveAt,
      planId: row.planId as Id<'Plan'>,
      planVersionId: row.planVersionId as Id<'PlanVersion'>,
      priceId: row.planPriceId as Id<'PlanPrice'>,
      quantity: row.quantity,
      options: row.options as ScheduledPlanChangeOptions,
      createdAt: row.createdAt,
    };
  }

  async closeScheduled(tenantId: string, id: string, status: 'APPLIED' | 'CANCELLED'): Promise<void> {
    await this.manager.update(ScheduledPlanChangeEntity, { tenantId, id }, { status });
  }
}
