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
