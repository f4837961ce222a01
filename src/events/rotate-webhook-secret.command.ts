import { done, type Result } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import type { CreateWebhookEndpointDone, WebhookSettings } from './create-webhook-endpoint.command';
import { endpointChanged, endpointNotFound, findWebhookEndpoint } from './find-webhook-endpoint.query';

export interface RotateWebhookSecretInput {
  readonly endpointId: string;
  readonly oldSecretValidHours?: number | undefined;
}

export const rotateWebhookSecretRefusals = ['INVALID_INPUT', 'VERSION_CONFLICT', 'WEBHOOK_ENDPOINT_NOT_FOUND'] as const;

const longestOverlapHours = 7 * 24;

/** A new secret. Until the old one ends both sign, so that a receiver can change over without missing anything. */
export async function rotateWebhookSecret(
  tx: Pick<Tx, 'webhookEndpoints' | 'partnerId' | 'wallNow' | 'emit'>,
  settings: WebhookSettings,
  input: RotateWebhookSecretInput,
): Promise<Result<CreateWebhookEndpointDone, (typeof rotateWebhookSecretRefusals)[number]>> {
  const hours = input.oldSecretValidHours ?? 24;
  if (hours < 0 || hours > longestOverlapHours) {
    return invalid(['oldSecretValidHours'], `Between 0 and ${longestOverlapHours} hours.`);
  }
  const endpoint = await findWebhookEndpoint(tx, input.endpointId);
  if (!endpoint) return endpointNotFound();
  const changed = {
    ...endpoint,
    secretNumber: endpoint.secretNumber + 1,
    previousSecretUntil: tx.wallNow.add({ hours }),
  };
  if (!(await tx.webhookEndpoints.update(changed, false))) return endpointChanged(endpoint);
  const rotated = { ...changed, version: endpoint.version + 1 };
  await tx.emit({ type: 'webhook_endpoint.secret_rotated', payload: { endpoint: rotated } });
  return done({ endpoint: rotated, secret: settings.secretOf(rotated.id, rotated.secretNumber) });
}
