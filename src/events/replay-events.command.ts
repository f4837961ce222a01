import { done, type Result } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import { endpointNotFound, findWebhookEndpoint } from './find-webhook-endpoint.query';

export interface ReplayEventsInput {
  readonly endpointId: string;
  readonly fromSequence: bigint;
}

export const replayEventsRefusals = ['INVALID_INPUT', 'WEBHOOK_ENDPOINT_NOT_FOUND'] as const;

/** One call is one transaction of bounded length; the answer says where the next one goes on. */
export const mostReplayed = 1_000;

export interface ReplayEventsDone {
  readonly count: number;
  readonly nextSequence: bigint | undefined;
}

/** Sends the events from a number on to one endpoint again, with the ids that they had. */
export async function replayEvents(
  tx: Pick<Tx, 'events' | 'webhookEndpoints' | 'webhookDeliveries' | 'partnerId' | 'wallNow'>,
  input: ReplayEventsInput,
): Promise<Result<ReplayEventsDone, (typeof replayEventsRefusals)[number]>> {
  if (input.fromSequence < 1n) return invalid(['fromSequence'], 'Events are numbered from 1.');
  const endpoint = await findWebhookEndpoint(tx, input.endpointId);
  if (!endpoint) return endpointNotFound();
  const filter = { fromSequence: input.fromSequence, types: endpoint.eventTypes };
  const found = await tx.events.from(tx.partnerId, filter, mostReplayed + 1);
  const replayed = found.slice(0, mostReplayed);
  if (replayed.length > 0) await tx.webhookDeliveries.enqueueAgain(endpoint, replayed, tx.wallNow);
  return done({ count: replayed.length, nextSequence: found[mostReplayed]?.sequence });
}
