import { createHmac } from 'node:crypto';

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
