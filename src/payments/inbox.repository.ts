import { type Instant, instantFromDate } from '../core/calendar';
import { type Page, type PageRequest, pageOf } from '../core/page';
import { toStorable } from '../core/text';
import type { Ask } from '../platform/database';
import { newId } from '../platform/new-id';
import type { ClaimedEvent, InboundStatus, StoredInboundEvent } from './inbound-event';
import type { InboundEvent, ProviderName } from './provider';

/** Stores an event in one statement of its own, whatever else is locked. False: it was there already. */
export async function storeInboundEvent(ask: Ask, event: InboundEvent, body: string, now: Instant): Promise<boolean> {
  const rows = await ask<{ stored: boolean }>(
    { name: 'store-inbound-event', text: 'select app.store_inbound_event($1, $2, $3, $4, $5, $6, $7, $8) as stored' },
    [event.provider, event.id, newId(), event.type, event.occurredAt.toString(), event.live, body, now.toString()],
  );
  return rows[0]!.stored;
}

/** Takes waiting events for this worker; they come back by themselves after the hold. */
export async function claimInboundEvents(
  ask: Ask,
  now: Instant,
  limit: number,
  holdSeconds: number,
): Promise<ClaimedEvent[]> {
  const rows = await ask<{ provider: string; event_id: string; type: string; body: string; attempts: number }>(
    { name: 'claim-inbound-events', text: 'select * from app.claim_inbound_events($1, $2, make_interval(secs => $3))' },
    [now.toString(), limit, holdSeconds],
  );
  return rows.map(({ provider, event_id: eventId, ...row }) => ({
    ...row,
    provider: provider as ProviderName,
    eventId,
  }));
}

export interface Settled {
  readonly status: InboundStatus;
  readonly reason?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly nextTryAt?: Instant | undefined;
}

/** A reason may repeat the provider's words, and those may be anything. */
const reasonText = (reason: string | undefined) => (reason ? toStorable(reason.slice(0, 500)) : null);

/** False: it had been settled already. Asked with a transaction's `ask`, it holds with that transaction or not at all. */
export async function settleInboundEvent(
  ask: Ask,
  event: Pick<ClaimedEvent, 'provider' | 'eventId'>,
  { status, reason, tenantId, nextTryAt }: Settled,
  now: Instant,
): Promise<boolean> {
  const rows = await ask<{ settled: boolean }>(
    { name: 'settle-inbound-event', text: 'select app.settle_inbound_event($1, $2, $3, $4, $5, $6, $7) as settled' },
    [
      ...[event.provider, event.eventId, status, reasonText(reason), tenantId ?? null],
      ...[now.toString(), nextTryAt?.toString() ?? null],
    ],
  );
  return rows[0]!.settled;
}

const at = (value: Date | null) => (value ? instantFromDate(value) : undefined);

interface ListRow {
  readonly id: string;
  readonly provider: string;
  readonly event_id: string;
  readonly type: string;
  readonly status: string;
  readonly reason: string | null;
  readonly tenant_id: string | null;
  readonly attempts: number;
  readonly occurred_at: Date;
  readonly received_at: Date;
  readonly settled_at: Date | null;
}

function fromRow(row: ListRow): StoredInboundEvent {
  return {
    id: row.id,
    provider: row.provider as ProviderName,
    eventId: row.event_id,
    type: row.type,
    status: row.status as InboundStatus,
    reason: row.reason ?? undefined,
    tenantId: row.tenant_id ?? undefined,
    attempts: row.attempts,
    occurredAt: at(row.occurred_at)!,
    receivedAt: at(row.received_at)!,
    settledAt: at(row.settled_at),
  };
}

/** The inbox as people look at it. */
export class InboxRepository {
  constructor(private readonly ask: Ask) {}

  async page(
    partnerId: string | undefined,
    status: InboundStatus | undefined,
    request: PageRequest,
  ): Promise<Page<StoredInboundEvent>> {
    const { after, before, backward, limit } = request;
    const rows = await this.ask<ListRow>(
      { name: 'inbound-events-page', text: 'select * from app.inbound_events_page($1, $2, $3, $4, $5)' },
      [partnerId ?? null, status ?? null, (backward ? before : after) ?? null, backward, limit + 1],
    );
    // Rows come in the order that is read: what lies past the other end of the page comes last.
    const within = rows.filter(({ id }) => (backward ? !after || id > after : !before || id < before));
    return pageOf(within.map(fromRow), request);
  }

  /** What it was before; `undefined`: there is none. */
  async retry(id: string, now: Instant): Promise<InboundStatus | undefined> {
    const rows = await this.ask<{ status: string | null }>(
      { name: 'retry-inbound-event', text: 'select app.retry_inbound_event($1, $2) as status' },
      [id, now.toString()],
    );
    return (rows[0]?.status ?? undefined) as InboundStatus | undefined;
  }
}
