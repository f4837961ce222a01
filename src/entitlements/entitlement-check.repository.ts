import type { TenantContext } from '../access/tenant';
import type { FeatureKind, ResetPeriod } from '../catalog/feature';
import { type Instant, instantFromMilliseconds, type LocalDate, localDate, timeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { decimal } from '../core/decimal';
import type { Id } from '../core/ids';
import type { Ask, Entry, Prepared } from '../platform/database';
import type { EntitlementSource, EntitlementSourceKind } from './entitlement';
import type { CheckedSources } from './entitlement-check';

/** One row for each source that holds; one with nulls where there is none. */
interface CheckRow {
  readonly partner_id: string;
  readonly currency: CurrencyCode;
  readonly time_zone: string;
  readonly sandbox: boolean;
  readonly tenant_now: Date;
  readonly feature_id: string;
  readonly feature_kind: FeatureKind;
  readonly source_kind: EntitlementSourceKind | null;
  readonly source_id: string;
  readonly source_name: string;
  readonly catalog_id: string;
  readonly quantity: string;
  readonly unlimited: boolean;
  readonly limit_quantity: string | null;
  readonly reset_period: ResetPeriod | null;
  readonly config_value: string | null;
  readonly starts_at: Date;
  readonly ends_at: Date | null;
  readonly anchor_date: string | null;
  readonly subscription_time_zone: string | null;
}

const statement: Prepared = {
  name: 'check_entitlement',
  text: 'select * from app.check_entitlement($1, $2, $3, $4, $5, $6, $7)',
};

/** Parsed once for each date there is. */
const anchors = new Map<string, LocalDate>();

function anchorOf(text: string): LocalDate {
  let anchor = anchors.get(text);
  if (!anchor) {
    anchor = localDate(text);
    anchors.set(text, anchor);
  }
  return anchor;
}

const instantOf = (date: Date) => instantFromMilliseconds(date.getTime());

function fromRows(tenantId: string, featureCode: string, rows: readonly CheckRow[]): CheckedSources | undefined {
  const row = rows[0];
  if (!row) return undefined;
  const tenant: TenantContext = {
    id: tenantId as Id<'Tenant'>,
    partnerId: row.partner_id as Id<'Partner'>,
    currency: row.currency,
    timeZone: timeZone(row.time_zone),
    sandbox: row.sandbox,
    now: instantOf(row.tenant_now),
  };
  const sources = rows.flatMap((source): EntitlementSource[] =>
    source.source_kind === null
      ? []
      : [
          {
            featureCode,
            featureId: source.feature_id as Id<'Feature'>,
            kind: source.feature_kind,
            sourceKind: source.source_kind,
            sourceId: source.source_id,
            sourceName: source.source_name,
            catalogId: source.catalog_id,
            quantity: BigInt(source.quantity),
            unlimited: source.unlimited,
            limit: source.limit_quantity === null ? undefined : decimal(withoutZeros(source.limit_quantity)),
            resetPeriod: source.reset_period ?? undefined,
            value: source.config_value ?? undefined,
            startsAt: instantOf(source.starts_at),
            endsAt: source.ends_at ? instantOf(source.ends_at) : undefined,
          },
        ],
  );
  const subscription =
    row.anchor_date && row.subscription_time_zone
      ? { anchorDate: anchorOf(row.anchor_date), timeZone: timeZone(row.subscription_time_zone) }
      : undefined;
  return { tenant, sources, subscription };
}

/** PostgreSQL pads numeric(32, 12) with zeros. */
const withoutZeros = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

/** Everything a check needs, in one statement that enters the account itself; `undefined`: no such tenant in view. */
export async function readCheck(
  ask: Ask,
  entry: Entry,
  input: {
    readonly tenantId: string;
    readonly featureCode: string;
    readonly asOf?: Instant | undefined;
    readonly now: Instant;
  },
): Promise<CheckedSources | undefined> {
  const rows = await ask<CheckRow>(statement, [
    entry.principalId,
    entry.partnerId ?? null,
    entry.tenantId ?? null,
    input.tenantId,
    input.featureCode,
    input.asOf?.toString() ?? null,
    input.now.toString(),
  ]);
  return fromRows(input.tenantId, input.featureCode, rows);
}
