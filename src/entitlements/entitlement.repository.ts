import type { EntityManager } from 'typeorm';
import type { FeatureKind, ResetPeriod } from '../catalog/feature';
import { allowanceFromRow } from '../catalog/feature.repository';
import { type Instant, instantText } from '../core/calendar';
import type { Id } from '../core/ids';
import { newId } from '../platform/new-id';
import { preparedRead } from '../platform/prepared-read';
import { fromStored, toStored } from '../platform/stored-value';
import type { UsagePrice } from '../rating/rate-usage';
import type { EntitlementGrant, EntitlementSource, EntitlementSourceKind } from './entitlement';
import { EntitlementEntity, EntitlementGrantEntity } from './entitlement.entity';
import { sourceChanges } from './entitlement-history';

function fromRow(row: EntitlementEntity): EntitlementSource {
  return {
    featureId: row.featureId as Id<'Feature'>,
    featureCode: row.featureCode,
    kind: row.kind as FeatureKind,
    sourceKind: row.sourceKind as EntitlementSourceKind,
    sourceId: row.sourceId,
    sourceName: row.sourceName,
    catalogId: row.catalogId,
    quantity: row.quantity,
    unlimited: row.unlimited,
    limit: row.limit ?? undefined,
    resetPeriod: (row.resetPeriod ?? undefined) as ResetPeriod | undefined,
    value: row.value ?? undefined,
    price: row.price ? (fromStored(row.price) as UsagePrice) : undefined,
    free: row.free,
    startsAt: row.startsAt,
    endsAt: row.endsAt ?? undefined,
  };
}

const meteredRows = preparedRead(
  EntitlementEntity,
  `where tenant_id = $1 and kind = 'METERED' and starts_at <= $2 order by feature_id, id limit 5000`,
);

const priceToRow = ({ price }: EntitlementSource) => (price ? (toStored(price) as object) : null);

function grantFromRow(row: EntitlementGrantEntity): EntitlementGrant {
  return {
    id: row.id as Id<'EntitlementGrant'>,
    tenantId: row.tenantId as Id<'Tenant'>,
    allowance: allowanceFromRow(row),
    startsAt: row.startsAt,
    endsAt: row.endsAt ?? undefined,
    reason: row.reason,
    createdAt: row.createdAt,
  };
}

const rowsOfFeatures = preparedRead(
  EntitlementEntity,
  `where tenant_id = $1 and (ends_at is null or ends_at > $2) and feature_id = any($3) order by id limit 2000`,
);

export class EntitlementRepository {
  constructor(private readonly manager: EntityManager) {}

  /** Which sources give the tenant anything at this instant? Of one feature, or of all. */
  async activeAt(tenantId: string, at: Instant, featureCode?: string): Promise<EntitlementSource[]> {
    const query = this.manager
      .createQueryBuilder(EntitlementEntity, 'entitlement')
      .where('entitlement.tenantId = :tenantId', { tenantId })
      .andWhere('entitlement.startsAt <= :at and (entitlement.endsAt is null or entitlement.endsAt > :at)', {
        at: instantText(at),
      });
    if (featureCode !== undefined) query.andWhere('entitlement.featureCode = :featureCode', { featureCode });
    return (await query.orderBy('entitlement.featureCode').addOrderBy('entitlement.id').limit(2_000).getMany()).map(
      fromRow,
    );
  }

  /** Every source of a METERED feature that the tenant had up to an instant: what usage is drawn from, late usage too. */
  async metered(tenantId: string, until: Instant): Promise<EntitlementSource[]> {
    return (await meteredRows(this.manager, [tenantId, instantText(until)])).map(fromRow);
  }

  /**
   * Makes the rows what they should be from an instant on, and answers which features changed. What a source gave before stays,
   * so that `asOf` and late usage read the past.
   */
  async replace(
    { tenantId, partnerId }: { readonly tenantId: string; readonly partnerId: string },
    wanted: readonly EntitlementSource[],
    now: Instant,
  ): Promise<string[]> {
    const rows = await this.manager.findBy(EntitlementEntity, { tenantId });
    const stored = rows.map((row) => ({ id: row.id, source: fromRow(row) }));
    const { inserts, updates, deletes } = sourceChanges(stored, wanted, now);
    for (const { id, source } of updates) {
      const { sourceName, quantity, unlimited, startsAt } = source;
      await this.manager.update(
        EntitlementEntity,
        { tenantId, id },
        {
          ...{ sourceName, quantity, unlimited, startsAt },
          limit: source.limit ?? null,
          resetPeriod: source.resetPeriod ?? null,
          value: source.value ?? null,
          price: priceToRow(source),
          free: source.free ?? false,
          endsAt: source.endsAt ?? null,
        },
      );
    }
    if (inserts.length > 0) {
      await this.manager.insert(
        EntitlementEntity,
        inserts.map(({ changes: _changes, ...source }) => ({
          ...{ tenantId, partnerId, id: newId() },
          ...source,
          price: priceToRow(source),
          free: source.free ?? false,
        })),
      );
    }
    for (const { id } of deletes) await this.manager.delete(EntitlementEntity, { tenantId, id });
    return [...updates, ...deletes]
      .map(({ source }) => source.featureCode)
      .concat(inserts.map(({ featureCode }) => featureCode));
  }

  async insertGrant(partnerId: string, grant: EntitlementGrant): Promise<void> {
    const { allowance, ...row } = grant;
    await this.manager.insert(EntitlementGrantEntity, { ...row, partnerId, ...allowance });
  }

  async grantById(tenantId: string, id: string): Promise<EntitlementGrant | undefined> {
    const row = await this.manager.findOneBy(EntitlementGrantEntity, { tenantId, id });
    return row ? grantFromRow(row) : undefined;
  }

  async endGrant(tenantId: string, id: string, endsAt: Instant): Promise<void> {
    await this.manager.update(EntitlementGrantEntity, { tenantId, id }, { endsAt });
  }

  async grants(tenantId: string): Promise<EntitlementGrant[]> {
    const rows = await this.manager
      .createQueryBuilder(EntitlementGrantEntity, 'granted')
      .where('granted.tenantId = :tenantId', { tenantId })
      .orderBy('granted.id')
      .limit(1_000)
      .getMany();
    return rows.map(grantFromRow);
  }

  /** Which sources give, or gave since an instant, any of these features? */
  async since(tenantId: string, from: Instant, featureIds: readonly string[]): Promise<EntitlementSource[]> {
    return (await rowsOfFeatures(this.manager, [tenantId, instantText(from), featureIds])).map(fromRow);
  }
}
