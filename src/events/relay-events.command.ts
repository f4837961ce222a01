import { done, type Result } from '../core/result';
import type { Tx } from '../tx';

/** One transaction of bounded length. */
export const mostRelayed = 500;

/**
 * Gives a partner's events of the outbox their numbers and puts them on their way to everybody who wants them: all of it in
 * one transaction, so that an event is in the outbox, or numbered with its deliveries, and never both or neither.
 */
export async function relayEvents(
  tx: Pick<Tx, 'outbox' | 'webhookEndpoints' | 'webhookDeliveries' | 'wallNow'>,
  partnerId: string,
): Promise<Result<{ readonly relayed: number }, never>> {
  const last = await tx.outbox.takeCounter(partnerId);
  if (last === undefined) return done({ relayed: 0 });
  const numbered = await tx.outbox.number(partnerId, last, mostRelayed, tx.wallNow);
  const listeners = numbered.length > 0 ? await tx.webhookEndpoints.listeners(partnerId) : [];
  const pairs = numbered.flatMap(({ sequence, type }) =>
    listeners
      .filter(({ eventTypes }) => eventTypes.length === 0 || eventTypes.includes(type))
      .map(({ id }) => ({ endpointId: id, sequence, type })),
  );
  if (pairs.length > 0) await tx.webhookDeliveries.enqueue(partnerId, pairs, tx.wallNow);
  return done({ relayed: numbered.length });
}
