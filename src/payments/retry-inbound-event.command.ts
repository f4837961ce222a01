import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { InboundStatus } from './inbound-event';

export interface RetryInboundEventInput {
  readonly inboundEventId: string;
}

export const retryInboundEventRefusals = ['INBOUND_EVENT_NOT_FOUND'] as const;

/** A parked event is tried again. One that is not parked stays as it is. */
export async function retryInboundEvent(
  tx: Pick<Tx, 'inbox' | 'wallNow'>,
  input: RetryInboundEventInput,
): Promise<Result<{ wasStatus: InboundStatus }, (typeof retryInboundEventRefusals)[number]>> {
  const decoded = decodeId(input.inboundEventId);
  const wasStatus = decoded?.kind === 'InboundEvent' ? await tx.inbox.retry(decoded.uuid, tx.wallNow) : undefined;
  return wasStatus
    ? done({ wasStatus })
    : refuse('INBOUND_EVENT_NOT_FOUND', 'No such event.', { path: ['input', 'inboundEventId'] });
}
