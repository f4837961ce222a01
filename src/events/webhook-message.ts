import { Webhook } from 'standardwebhooks';
import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import type { Event } from './event';
import { bodyOf } from './event';
import { testEventType } from './event-catalogue';
import type { WebhookDelivery } from './webhook-delivery';

export interface WebhookMessage {
  /** The event's id: the same for every attempt, endpoint and replay. Receivers tell repetitions apart by it. */
  readonly id: string;
  readonly body: string;
}

/** `undefined`: the event is not kept any more. */
export function messageOf(delivery: WebhookDelivery, event: Event | undefined): WebhookMessage | undefined {
  if (event) return { id: encodeId('Event', event.id), body: bodyOf(event) };
  if (delivery.sequence !== undefined) return undefined;
  const test = {
    ...{ id: delivery.id, partnerId: delivery.partnerId, sequence: undefined, type: testEventType, version: 1 },
    ...{ tenantId: undefined, sandbox: false, occurredAt: delivery.createdAt },
    data: { message: 'A test: signatures, retries and repetitions are as they are for events.' },
  };
  return { id: encodeId('Event', delivery.id), body: bodyOf(test) };
}

/** The headers of Standard Webhooks; one signature for each secret that holds now, the newest first. */
export function headersOf(
  { id, body }: WebhookMessage,
  secrets: readonly string[],
  now: Instant,
): Readonly<Record<string, string>> {
  const at = new Date(now.epochMilliseconds);
  return {
    'content-type': 'application/json',
    'user-agent': 'Tollgate-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': Math.floor(now.epochMilliseconds / 1_000).toString(),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}
