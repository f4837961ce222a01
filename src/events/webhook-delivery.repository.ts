import type { EntityManager } from 'typeorm';
import type { Id } from '../core/ids';
import { mapPage, type Page, type PageRequest } from '../core/page';
import { readPage } from '../platform/paging';
import type { Event } from './event';
import type { DeliveryProblem, DeliveryStatus, WebhookDelivery } from './webhook-delivery';
import { WebhookDeliveryEntity } from './webhook-delivery.entity';

function fromRow(row: WebhookDeliveryEntity): WebhookDelivery {
  return {
    id: row.id as Id<'WebhookDelivery'>,
    partnerId: row.partnerId as Id<'Partner'>,
    endpointId: row.endpointId as Id<'WebhookEndpoint'>,
    sequence: row.sequence ?? undefined,
    eventType: row.eventType,
    status: row.status as DeliveryStatus,
    attempts: row.attempts,
    nextAttemptAt: row.nextAttemptAt,
    lastAttemptAt: row.lastAttemptAt ?? undefined,
    responseStatus: row.responseStatus ?? undefined,
    problem: (row.problem ?? undefined) as DeliveryProblem | undefined,
    createdAt: row.createdAt,
  };
}

export class WebhookDeliveryRepository {
  constructor(private readonly manager: EntityManager) {}

  async insert(delivery: WebhookDelivery): Promise<void> {
    await this.manager.insert(WebhookDeliveryEntity, { ...delivery });
  }

  /** Puts these events on their way to an endpoint, those that went there before as well: each is one row all the same. */
  async enqueueAgain(
    endpoint: { readonly partnerId: string; readonly id: string },
    events: readonly Event[],
    newDeliveryId: () => string,
  ): Promise<void> {
    await this.manager.query(
      `insert into webhook_deliveries (partner_id, id, endpoint_id, sequence, event_type, next_attempt_at, created_at)
       select $1, event.id, $2, event.sequence, event.type, now(), now()
         from unnest($3::uuid[], $4::bigint[], $5::text[]) event (id, sequence, type)
       on conflict (partner_id, endpoint_id, sequence) do update
         set status = 'PENDING', attempts = 0, next_attempt_at = excluded.next_attempt_at, problem = null,
           response_status = null, last_attempt_at = null`,
      [
        endpoint.partnerId,
        endpoint.id,
        events.map(newDeliveryId),
        events.map(({ sequence }) => sequence.toString()),
        events.map(({ type }) => type),
      ],
    );
  }

  async page(
    partnerId: string,
    endpointId: string,
    status: DeliveryStatus | undefined,
    request: PageRequest,
  ): Promise<Page<WebhookDelivery>> {
    const query = this.manager
      .createQueryBuilder(WebhookDeliveryEntity, 'delivery')
      .where('delivery.partnerId = :partnerId and delivery.endpointId = :endpointId', { partnerId, endpointId });
    if (status) query.andWhere('delivery.status = :status', { status });
    return mapPage(await readPage(query, request), fromRow);
  }
}
