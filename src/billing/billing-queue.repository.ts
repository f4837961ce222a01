import { instantFromDate } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Ask } from '../platform/database';
import type { AsOf, Claim, ParkReason } from './billing-work';

/** Where the search for due tenants stands: each page goes on where the last one ended. */
export interface Place {
  readonly at: string;
  readonly tenantId: string;
}

export const firstPlace: Place = { at: '-infinity', tenantId: '00000000-0000-0000-0000-000000000000' };

export interface FoundPage {
  /** Events on the page, also those of sandbox tenants and of tenants that are noted already. */
  readonly seen: number;
  readonly added: number;
  readonly last: Place | undefined;
}

export interface ParkedLine {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly partnerCode: string;
  readonly reason: ParkReason;
  readonly detail: string;
}

const bounds = ({ latest, date }: AsOf) => [latest?.toString() ?? 'infinity', date?.toString() ?? null];

/** Of these tenants, those that nobody else is at: their work and they are locked for this transaction. */
export async function lockBillingWork(ask: Ask, tenantIds: readonly string[]): Promise<string[]> {
  const rows = await ask<{ id: string }>(
    { name: 'lock-billing-work', text: 'select app.lock_billing_work($1) as id' },
    [tenantIds],
  );
  return rows.map(({ id }) => id);
}

/** The work table across tenants, through the functions that the job role has for it. */
export class BillingQueue {
  constructor(private readonly ask: Ask) {}

  /** Notes a page of due tenants as work. */
  async find(asOf: AsOf, partnerId: string | undefined, after: Place, limit: number): Promise<FoundPage> {
    const rows = await this.ask<{ seen: number; added: number; last_at: string | null; last_tenant: string | null }>(
      {
        name: 'find-billing-work',
        text: `select seen, added, last_at::text, last_tenant from app.find_billing_work($1, $2, $3, $4, $5, $6)`,
      },
      [...bounds(asOf), partnerId ?? null, after.at, after.tenantId, limit],
    );
    const { seen, added, last_at: at, last_tenant: tenantId } = rows[0]!;
    return { seen, added, last: at && tenantId ? { at, tenantId } : undefined };
  }

  async countDue(asOf: AsOf, partnerId: string | undefined): Promise<number> {
    const rows = await this.ask<{ count: string }>(
      { name: 'count-billing-due', text: 'select app.count_billing_due($1, $2, $3) as count' },
      [...bounds(asOf), partnerId ?? null],
    );
    return Number(rows[0]!.count);
  }

  /** Takes tenants of one partner that nobody has tried yet, else one that somebody has. */
  async claim(partnerId: string | undefined, limit: number, holdSeconds: number): Promise<Claim[]> {
    const rows = await this.ask<{
      tenant_id: string;
      partner_id: string;
      bill_until: Date;
      attempts: number;
      reason: string | null;
    }>(
      {
        name: 'claim-billing-work',
        text: 'select * from app.claim_billing_work($1, $2, make_interval(secs => $3))',
      },
      [partnerId ?? null, limit, holdSeconds],
    );
    return rows.map((row) => ({
      tenantId: row.tenant_id as Id<'Tenant'>,
      partnerId: row.partner_id as Id<'Partner'>,
      billUntil: instantFromDate(row.bill_until),
      attempts: row.attempts,
      lastReason: (row.reason ?? undefined) as ParkReason | undefined,
    }));
  }

  async isAnythingLeft(partnerId: string | undefined): Promise<boolean> {
    const rows = await this.ask<{ left: boolean }>(
      { name: 'billing-work-left', text: 'select app.billing_work_left($1) as left' },
      [partnerId ?? null],
    );
    return rows[0]!.left;
  }

  /** The first of the parked tenants, and how many there are. */
  async parked(
    partnerId: string | undefined,
    limit: number,
  ): Promise<{ readonly lines: ParkedLine[]; readonly count: number }> {
    const rows = await this.ask<{
      tenant_id: string;
      tenant_name: string;
      partner_code: string;
      reason: string;
      detail: string;
      parked: string;
    }>({ name: 'parked-billing-work', text: 'select * from app.parked_billing_work($1, $2)' }, [
      partnerId ?? null,
      limit,
    ]);
    return {
      count: Number(rows[0]?.parked ?? 0),
      lines: rows.map((row) => ({
        tenantId: row.tenant_id,
        tenantName: row.tenant_name,
        partnerCode: row.partner_code,
        reason: row.reason as ParkReason,
        detail: row.detail,
      })),
    };
  }

  async partnerByCode(code: string): Promise<string | undefined> {
    const rows = await this.ask<{ id: string | null }>(
      { name: 'partner-by-code', text: 'select app.partner_by_code($1) as id' },
      [code],
    );
    return rows[0]?.id ?? undefined;
  }
}
