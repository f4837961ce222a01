import { done, type Result } from '../core/result';
import type { Tx } from '../tx';
import { endpointNotFound, findWebhookEndpoint } from './find-webhook-endpoint.query';

export const deleteWebhookEndpointRefusals = ['WEBHOOK_ENDPOINT_NOT_FOUND'] as const;

/** Nothing is sent there any more, also of what was on its way. */
export async function deleteWebhookEndpoint(
  tx: Pick<Tx, 'webhookEndpoints' | 'partnerId' | 'wallNow' | 'emit'>,
  input: { readonly endpointId: string },
): Promise<Result<{ endpointId: string }, (typeof deleteWebhookEndpointRefusals)[number]>> {
  const endpoint = await findWebhookEndpoint(tx, input.endpointId);
  if (!endpoint) return endpointNotFound();
  await tx.webhookEndpoints.remove(tx.partnerId, endpoint.id, tx.wallNow);
  await tx.emit({ type: 'webhook_endpoint.deleted', payload: { endpoint } });
  return done({ endpointId: endpoint.id });
}
