import { decodeId } from '../core/ids';
import { refuse } from '../core/result';
import type { Tx } from '../tx';
import type { WebhookEndpoint } from './webhook-endpoint';

export async function findWebhookEndpoint(
  tx: Pick<Tx, 'webhookEndpoints' | 'partnerId'>,
  endpointId: string,
): Promise<WebhookEndpoint | undefined> {
  const decoded = decodeId(endpointId);
  return decoded?.kind === 'WebhookEndpoint' ? tx.webhookEndpoints.byId(tx.partnerId, decoded.uuid) : undefined;
}

export const endpointNotFound = () =>
  refuse('WEBHOOK_ENDPOINT_NOT_FOUND', 'No such webhook endpoint.', { path: ['input', 'endpointId'] });

export const endpointChanged = (current: WebhookEndpoint) =>
  refuse('VERSION_CONFLICT', 'The endpoint was changed meanwhile.', {
    facts: { currentVersion: current.version },
  });
