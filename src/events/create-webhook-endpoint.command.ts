import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import { type EventType, isEventType } from './event-catalogue';
import { mostEndpoints, parseEndpointUrl, type UrlRules, type WebhookEndpoint } from './webhook-endpoint';

/** What the gateway's configuration decides about webhooks. */
export interface WebhookSettings extends UrlRules {
  secretOf(endpointId: string, number: number): string;
}

export interface CreateWebhookEndpointInput {
  readonly url: string;
  readonly description?: string | undefined;
  /** None: all. */
  readonly eventTypes?: readonly string[] | undefined;
}

export const createWebhookEndpointRefusals = ['INVALID_INPUT', 'WEBHOOK_ENDPOINT_LIMIT_REACHED'] as const;

export interface CreateWebhookEndpointDone {
  readonly endpoint: WebhookEndpoint;
  /** Shown this one time. Not kept: a replay of the same request answers without it. */
  readonly secret: string | undefined;
}

export function parseEventTypes(given: readonly string[] | undefined): readonly EventType[] | undefined {
  const types = [...new Set(given ?? [])].sort();
  return types.every(isEventType) ? (types as EventType[]) : undefined;
}

export const unknownEventType = () =>
  invalid(['eventTypes'], 'There is no such event type; docs/events.md lists them. An empty list means all.');

export const parseDescription = (text: string | undefined) =>
  text === undefined || text.trim() === '' ? '' : parseLabel(text);

/** A place that the partner's events are sent to from now on. */
export async function createWebhookEndpoint(
  tx: Pick<Tx, 'webhookEndpoints' | 'partnerId' | 'newId' | 'wallNow' | 'emit'>,
  settings: WebhookSettings,
  input: CreateWebhookEndpointInput,
): Promise<Result<CreateWebhookEndpointDone, (typeof createWebhookEndpointRefusals)[number]>> {
  const parsed = parseEndpointUrl(input.url, settings);
  if ('problem' in parsed) return invalid(['url'], parsed.problem);
  const description = parseDescription(input.description);
  if (description === undefined) return invalid(['description'], 'A description has up to 200 printable characters.');
  const eventTypes = parseEventTypes(input.eventTypes);
  if (!eventTypes) return unknownEventType();
  if ((await tx.webhookEndpoints.countForNew(tx.partnerId)) >= mostEndpoints) {
    return refuse('WEBHOOK_ENDPOINT_LIMIT_REACHED', `A partner has at most ${mostEndpoints} webhook endpoints.`, {
      facts: { limit: mostEndpoints },
    });
  }
  const endpoint: WebhookEndpoint = {
    id: tx.newId<'WebhookEndpoint'>(),
    partnerId: tx.partnerId,
    url: parsed.url,
    ...{ description, eventTypes, status: 'ENABLED', secretNumber: 1, version: 1, createdAt: tx.wallNow },
  };
  await tx.webhookEndpoints.insert(endpoint);
  await tx.emit({ type: 'webhook_endpoint.created', payload: { endpoint } });
  return done({ endpoint, secret: settings.secretOf(endpoint.id, endpoint.secretNumber) });
}
