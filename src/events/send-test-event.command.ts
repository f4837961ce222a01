import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import { testEventType } from './event-catalogue';
import { endpointNotFound, findWebhookEndpoint } from './find-webhook-endpoint.query';
import type { WebhookDelivery } from './webhook-delivery';

export const sendTestEventRefusals = ['WEBHOOK_ENDPOINT_DISABLED', 'WEBHOOK_ENDPOINT_NOT_FOUND'] as const;

/** An event of no meaning, to this endpoint alone. It has no number: the log of the others shows no hole for it. */
export async function sendTestEvent(
  tx: Pick<Tx, 'webhookEndpoints' | 'webhookDeliveries' | 'partnerId' | 'newId' | 'wallNow'>,
  input: { readonly endpointId: string },
): Promise<Result<{ delivery: WebhookDelivery }, (typeof sendTestEventRefusals)[number]>> {
  const endpoint = await findWebhookEndpoint(tx, input.endpointId);
  if (!endpoint) return endpointNotFound();
  if (endpoint.status === 'DISABLED') {
    return refuse('WEBHOOK_ENDPOINT_DISABLED', 'The endpoint is disabled; enable it first.', {
      path: ['input', 'endpointId'],
    });
  }
  const delivery: WebhookDelivery = {
    id: tx.newId<'WebhookDelivery'>(),
    partnerId: tx.partnerId,
    endpointId: endpoint.id,
    ...{ eventType: testEventType, status: 'PENDING', attempts: 0, attemptLog: [] },
    nextAttemptAt: tx.wallNow,
    createdAt: tx.wallNow,
  };
  await tx.webhookDeliveries.insert(delivery);
  return done({ delivery });
}
