import { done, type Result } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import { parseDescription, parseEventTypes, unknownEventType } from './create-webhook-endpoint.command';
import { endpointChanged, endpointNotFound, findWebhookEndpoint } from './find-webhook-endpoint.query';
import { parseEndpointUrl, type UrlRules, type WebhookEndpoint } from './webhook-endpoint';

export interface UpdateWebhookEndpointInput {
  readonly endpointId: string;
  readonly expectedVersion?: number | undefined;
  readonly url?: string | undefined;
  readonly description?: string | undefined;
  readonly eventTypes?: readonly string[] | undefined;
  readonly enabled?: boolean | undefined;
}

export const updateWebhookEndpointRefusals = [
  'INVALID_INPUT',
  'VERSION_CONFLICT',
  'WEBHOOK_ENDPOINT_NOT_FOUND',
] as const;

/** What was on its way to a disabled endpoint goes on when it is enabled; what happened in between is replayed by hand. */
export async function updateWebhookEndpoint(
  tx: Pick<Tx, 'webhookEndpoints' | 'partnerId' | 'emit'>,
  rules: UrlRules,
  input: UpdateWebhookEndpointInput,
): Promise<Result<{ endpoint: WebhookEndpoint }, (typeof updateWebhookEndpointRefusals)[number]>> {
  const endpoint = await findWebhookEndpoint(tx, input.endpointId);
  if (!endpoint) return endpointNotFound();
  const parsed = input.url === undefined ? { url: endpoint.url } : parseEndpointUrl(input.url, rules);
  if ('problem' in parsed) return invalid(['url'], parsed.problem);
  const description = parseDescription(input.description ?? endpoint.description);
  if (description === undefined) return invalid(['description'], 'A description has up to 200 printable characters.');
  const eventTypes = input.eventTypes === undefined ? endpoint.eventTypes : parseEventTypes(input.eventTypes);
  if (!eventTypes) return unknownEventType();
  const enabled = input.enabled ?? endpoint.status === 'ENABLED';
  // Another address, or somebody who says that it works now: what failed before says nothing about it.
  const anew = input.enabled === true || parsed.url !== endpoint.url;
  const changed: WebhookEndpoint = {
    ...endpoint,
    url: parsed.url,
    ...{ description, eventTypes },
    status: enabled ? 'ENABLED' : 'DISABLED',
    disabledReason: enabled ? undefined : (endpoint.disabledReason ?? 'BY_REQUEST'),
    failingSince: anew ? undefined : endpoint.failingSince,
  };
  if ((input.expectedVersion ?? endpoint.version) !== endpoint.version) return endpointChanged(endpoint);
  // Another request was faster: decide again from what it left.
  if (!(await tx.webhookEndpoints.update(changed, anew))) return updateWebhookEndpoint(tx, rules, input);
  const updated = { ...changed, version: endpoint.version + 1 };
  await tx.emit({ type: 'webhook_endpoint.updated', payload: { endpoint: updated } });
  return done({ endpoint: updated });
}
