import { NoSuchAccount, sqlState } from '../platform/database';
import type { System } from '../system';
import { type Applied, type ClaimedEvent, mostAttempts, pauseAfter } from './inbound-event';
import type { InboundHandler, LocateTenant } from './inbound-handler.job';
import { handlerOf } from './inbound-handlers.job';
import { claimInboundEvents, type Settled, settleInboundEvent } from './inbox.repository';
import type { CurrentEvent, InboundEvent, PaymentProvider } from './provider';
import type { Providers } from './providers';

export interface InboxOptions {
  /** How much of it is done at the same time. */
  readonly workers?: number;
  readonly signal?: AbortSignal | undefined;
  /** How long what was claimed is left alone. */
  readonly holdSeconds?: number;
}

export interface InboxSummary {
  readonly applied: number;
  readonly ignored: number;
  readonly parked: number;
  /** They wait for another try. */
  readonly waiting: number;
}

const batch = 20;

class Unsettled extends Error {}

/**
 * Processes what waits in the inbox, until nothing is due. Any number of workers in any number of processes may be at it: an
 * event's effect and its mark commit together, so it takes effect once however often it is tried.
 */
export async function processInbox(
  system: System,
  providers: Providers,
  options: InboxOptions = {},
): Promise<InboxSummary> {
  const counts = { applied: 0, ignored: 0, parked: 0, waiting: 0 };
  const work = async () => {
    while (!options.signal?.aborted) {
      const claimed = await claimInboundEvents(system.ask, system.clock.now(), batch, options.holdSeconds ?? 60);
      if (claimed.length === 0) return;
      for (const event of claimed) counts[await processEvent(system, providers, event)] += 1;
    }
  };
  await Promise.all(Array.from({ length: options.workers ?? 2 }, work));
  return counts;
}

const countOf = { APPLIED: 'applied', IGNORED: 'ignored', PARKED: 'parked', RECEIVED: 'waiting' } as const;

async function processEvent(system: System, providers: Providers, claimed: ClaimedEvent): Promise<keyof InboxSummary> {
  const now = system.clock.now();
  const settle = async (settled: Settled) => {
    await settleInboundEvent(system.ask, claimed, settled, now);
    return countOf[settled.status];
  };
  const later = (reason: string, tenantId?: string): Settled =>
    claimed.attempts >= mostAttempts
      ? { status: 'PARKED', reason, tenantId }
      : { status: 'RECEIVED', reason, tenantId, nextTryAt: now.add({ seconds: pauseAfter(claimed.attempts) }) };
  const warnOfParked = (reason: string) =>
    system.log.warn({ provider: claimed.provider, type: claimed.type, reason }, 'an inbound event was parked');
  const provider = providers.get(claimed.provider);
  if (!provider) return settle(later('PROVIDER_NOT_CONFIGURED'));
  try {
    const current = await currentOf(provider, provider.readEvent(claimed.body));
    if (current.status === 'UNKNOWN') return await settle(later(`the provider does not answer: ${current.reason}`));
    if (current.status === 'MISSING') {
      warnOfParked('SUBJECT_UNKNOWN');
      return await settle({ status: 'PARKED', reason: 'SUBJECT_UNKNOWN: the provider has no such subject' });
    }
    const { event } = current;
    const handler: InboundHandler | undefined = handlerOf(provider, event);
    if (!handler) return await settle({ status: 'IGNORED', reason: 'nothing is done about this type' });
    const ignored = handler.ignores?.(event);
    if (ignored) return await settle({ status: 'IGNORED', reason: ignored });
    const tenantId = await handler.locate(event, locateIn(system, claimed.provider));
    if (!tenantId && handler.ofOthers) return await settle({ status: 'IGNORED', reason: handler.ofOthers });
    if (!tenantId) {
      warnOfParked('SUBJECT_UNKNOWN');
      return await settle({ status: 'PARKED', reason: 'SUBJECT_UNKNOWN' });
    }
    const asked = await handler.ask?.(provider, event);
    if (asked && typeof asked !== 'function') return await settle(later(`no answer: ${asked.reason}`, tenantId));
    let applied: Applied | undefined;
    try {
      return await system.asTenant(tenantId, async (tx) => {
        applied = await (asked ? asked(tx) : handler.apply(tx, event));
        // What was not applied leaves nothing behind but its mark.
        const parked = applied.outcome === 'PARKED' && applied.keeps ? parkedBy(applied) : undefined;
        if (applied.outcome !== 'APPLIED' && !parked) throw new Unsettled();
        // Somebody else was faster: their effect stands, ours goes.
        const settled = parked ? { ...parked, tenantId } : { status: 'APPLIED' as const, tenantId };
        if (!(await settleInboundEvent(tx.ask, claimed, settled, now))) throw new Unsettled();
        if (parked) warnOfParked(parked.reason);
        return countOf[settled.status];
      });
    } catch (error) {
      if (!(error instanceof Unsettled)) throw error;
    }
    if (applied?.outcome === 'LATER') return await settle(later(applied.reason, tenantId));
    if (applied?.outcome === 'IGNORED') return await settle({ status: 'IGNORED', reason: applied.reason, tenantId });
    if (applied?.outcome === 'PARKED') {
      const parked = parkedBy(applied);
      warnOfParked(parked.reason);
      return await settle({ ...parked, tenantId });
    }
    return 'applied';
  } catch (error) {
    // It names a tenant that there is not.
    if (error instanceof NoSuchAccount) return settle({ status: 'PARKED', reason: 'SUBJECT_UNKNOWN' });
    // It says something that no column can hold, and will say it again.
    if (sqlState(error)?.startsWith('22')) {
      warnOfParked('PAYLOAD_UNREADABLE');
      return settle({ status: 'PARKED', reason: 'PAYLOAD_UNREADABLE' });
    }
    // The customer is locked by something long, the database is away for a moment, or a handler has a fault: again later.
    if (sqlState(error) !== '55P03') {
      system.log.error({ err: error, provider: claimed.provider, type: claimed.type }, 'an inbound event failed');
    }
    return settle(later(claimed.attempts >= mostAttempts ? 'FAILED_REPEATEDLY' : 'it failed and is tried again'));
  }
}

const currentOf = async (provider: PaymentProvider, event: InboundEvent): Promise<CurrentEvent> =>
  provider.currentOf ? provider.currentOf(event) : { status: 'CURRENT', event };

const parkedBy = ({ reason, detail }: Extract<Applied, { outcome: 'PARKED' }>) => ({
  status: 'PARKED' as const,
  reason: detail ? `${reason}: ${detail}` : reason,
});

export const locateIn =
  (system: System, provider: string): LocateTenant =>
  async (kind, externalId) => {
    const whose = kind.startsWith('LICENCE_') ? 'tenant_of_licence' : 'tenant_of_provider_object';
    const rows = await system.ask<{ tenant_id: string | null }>(
      { name: whose, text: `select app.${whose}($1, $2, $3) as tenant_id` },
      [provider, kind, externalId],
    );
    return rows[0]?.tenant_id ?? undefined;
  };
