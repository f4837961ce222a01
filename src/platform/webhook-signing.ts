import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Instant } from '../core/calendar';

/** The secrets that webhooks are signed with. */
export interface WebhookSecrets {
  /** `whsec_…`, as receivers of Standard Webhooks take it. */
  secretOf(endpointId: string, number: number): string;
}

/**
 * A secret follows from the gateway's own key: none is stored, so a copy of the database signs nothing, and each gateway of
 * an installation knows all of them. Another key means other secrets for every endpoint.
 */
export function webhookSecretsFrom(key: string): WebhookSecrets {
  return {
    secretOf: (endpointId, number) =>
      `whsec_${createHmac('sha256', key).update(`webhook ${endpointId} ${number}`).digest('base64')}`,
  };
}

/** The headers of Standard Webhooks; one signature for each secret that holds now, the newest first. */
export function headersOf(
  { id, body }: { readonly id: string; readonly body: string },
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
