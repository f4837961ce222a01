import type { FeatureKind, ResetPeriod } from '../catalog/feature';
import { type Instant, instantFromDate, instantText, localDate, timeZone } from '../core/calendar';
import type { Id } from '../core/ids';
import { decimalOfNumeric } from '../platform/columns';
import type { Ask, Entry, Prepared } from '../platform/database';
import { fromStored } from '../platform/stored-value';
import type { UsagePrice } from '../rating/rate-usage';
import { carriedFromStored, type StoredCarriedUsage } from '../usage/carried-usage';
import type { Aggregation, UsageWindow } from '../usage/meter';
import type { MeteringSpan } from '../usage/metering-window';
import type { EntitlementSource, EntitlementSourceKind } from './entitlement';
import type { CheckedSources } from './entitlement-check';

/** One row for each source that holds; one with nulls where there is none. */
interface CheckRow {
  /** Which check, from 1. */
  readonly place: number;
  readonly partner_id: string;
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
  readonly usage_price: object | null;
  readonly starts_at: Date;
  readonly ends_at: Date | null;
  /** The stretch that the instant lies in, or the last one before it. */
  readonly span_subscription: string | null;
  readonly span_start: Date;
  readonly span_end: Date | null;
  readonly span_trial: boolean;
  readonly span_anchor: string;
  readonly span_time_zone: string;
  readonly count_from: Date;
  /** Of this feature. */
  readonly span_carried: StoredCarriedUsage[string] | null;
  readonly span_carried_after: StoredCarriedUsage[string] | null;
  readonly free: boolean;
  /** METERED, where the question came with a window: what was used in it. */
  readonly used: string | null;
  readonly aggregation: Aggregation | null;
}

const statement: Prepared = {
  name: 'check_entitlements',
  text: 'select * from app.check_entitlements($1, $2, $3, $4, $5, $6, $7, $8, $9)',
};

function sourceFromRow(row: CheckRow, sourceKind: EntitlementSourceKind, featureCode: string): EntitlementSource {
  return {
    featureCode,
    featureId: row.feature_id as Id<'Feature'>,
    kind: row.feature_kind,
    sourceKind,
    sourceId: row.source_id,
    sourceName: row.source_name,
    catalogId: row.catalog_id,
    quantity: BigInt(row.quantity),
    unlimited: row.unlimited,
    limit: row.limit_quantity === null ? undefined : decimalOfNumeric(row.limit_quantity),
    resetPeriod: row.reset_period ?? undefined,
    value: row.config_value ?? undefined,
    price: row.usage_price ? (fromStored(row.usage_price) as UsagePrice) : undefined,
    free: row.free,
    startsAt: instantFromDate(row.starts_at),
    endsAt: row.ends_at ? instantFromDate(row.ends_at) : undefined,
  };
}

const carriedIn = ({ feature_id: id }: CheckRow, stored: CheckRow['span_carried']) =>
  stored ? carriedFromStored({ [id]: stored }) : undefined;

function spanFromRow(row: CheckRow): MeteringSpan | undefined {
  if (row.span_subscription === null) return undefined;
  return {
    subscriptionId: row.span_subscription as Id<'Subscription'>,
    start: instantFromDate(row.span_start),
    end: row.span_end ? instantFromDate(row.span_end) : undefined,
    anchorDate: localDate(row.span_anchor),
    timeZone: timeZone(row.span_time_zone),
    trial: row.span_trial,
    countFrom: instantFromDate(row.count_from),
    carried: carriedIn(row, row.span_carried),
    carriedAfter: carriedIn(row, row.span_carried_after),
  };
}

function fromRows(questions: readonly CheckQuestion[], rows: readonly CheckRow[]): (CheckedSources | undefined)[] {
  const answers = questions.map((): CheckedSources | undefined => undefined);
  for (const row of rows) {
    const index = row.place - 1;
    const { tenantId, featureCode, window } = questions[index]!;
    const source = row.source_kind === null ? [] : [sourceFromRow(row, row.source_kind, featureCode)];
    const tenant = {
      id: tenantId as Id<'Tenant'>,
      partnerId: row.partner_id as Id<'Partner'>,
      now: instantFromDate(row.tenant_now),
    };
    const before = answers[index];
    answers[index] = {
      tenant,
      sources: before ? [...before.sources, ...source] : source,
      span: before?.span ?? spanFromRow(row),
      use:
        row.used === null
          ? undefined
          : { window: window!, used: decimalOfNumeric(row.used), aggregation: row.aggregation! },
    };
  }
  return answers;
}

export interface CheckQuestion {
  /** Who asks. */
  readonly entry: Entry;
  readonly tenantId: string;
  readonly featureCode: string;
  readonly asOf?: Instant | undefined;
  /** METERED: in which window the use is to be summed up. */
  readonly window?: UsageWindow | undefined;
}

/**
 * Everything that these checks need, in one statement that enters each asker's account itself. `undefined`: no such tenant
 * in that asker's view.
 */
export async function readChecks(
  ask: Ask,
  now: Instant,
  questions: readonly CheckQuestion[],
): Promise<(CheckedSources | undefined)[]> {
  const rows = await ask<CheckRow>(statement, [
    questions.map(({ entry }) => entry.principalId),
    questions.map(({ entry }) => entry.partnerId ?? null),
    questions.map(({ entry }) => entry.tenantId ?? null),
    questions.map(({ tenantId }) => tenantId),
    questions.map(({ featureCode }) => featureCode),
    questions.map(({ asOf }) => (asOf ? instantText(asOf) : null)),
    instantText(now),
    questions.map(({ window }) => (window ? instantText(window.start) : null)),
    questions.map(({ window }) => (window ? instantText(window.end) : null)),
  ]);
  return fromRows(questions, rows);
}
