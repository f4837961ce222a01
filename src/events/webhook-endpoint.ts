import { type Instant, isBefore } from '../core/calendar';
import type { Id } from '../core/ids';

export const endpointStatuses = ['ENABLED', 'DISABLED'] as const;
export type EndpointStatus = (typeof endpointStatuses)[number];
export const disabledReasons = ['BY_REQUEST', 'FAILING', 'GONE'] as const;
/** BY_REQUEST: by the partner. FAILING: every attempt failed for days. GONE: it answered 410. */
export type DisabledReason = (typeof disabledReasons)[number];

/** Where a partner wants its events. */
export interface WebhookEndpoint {
  readonly id: Id<'WebhookEndpoint'>;
  readonly partnerId: Id<'Partner'>;
  readonly url: string;
  readonly description: string;
  /** Empty: all. */
  readonly eventTypes: readonly string[];
  readonly status: EndpointStatus;
  readonly disabledReason?: DisabledReason | undefined;
  /** Which secret signs: secrets follow from the gateway's key, the endpoint's id and this number. */
  readonly secretNumber: number;
  /** Until then the secret before it signs as well. */
  readonly previousSecretUntil?: Instant | undefined;
  readonly failingSince?: Instant | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

export const mostEndpoints = 20;

/** The numbers of the secrets that sign now. */
export function signingNumbers(
  endpoint: Pick<WebhookEndpoint, 'secretNumber' | 'previousSecretUntil'>,
  now: Instant,
): number[] {
  const { secretNumber, previousSecretUntil } = endpoint;
  const both = previousSecretUntil !== undefined && isBefore(now, previousSecretUntil);
  return both ? [secretNumber, secretNumber - 1] : [secretNumber];
}

export interface UrlRules {
  /** The demo only: http and every port of this machine's loopback addresses. */
  readonly allowLoopback: boolean;
}

const loopbackNames = /^(localhost|127\.0\.0\.1|\[::1\])$/;
const allowedPorts = ['', '443', '8443'];

/**
 * The address as it is kept, or why it cannot be one. Only what the text itself shows: where a name leads is looked at
 * each time it is called.
 */
export function parseEndpointUrl(
  text: string,
  rules: UrlRules,
): { readonly url: string } | { readonly problem: string } {
  if (text.length > 2_000 || !/^https?:\/\/[\x21-\x7e]+$/i.test(text)) {
    return { problem: 'A URL begins with https:// and has at most 2000 visible ASCII characters.' };
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: 'This is not a URL.' };
  }
  if (url.username || url.password) return { problem: 'A URL carries no user name and no password.' };
  if (url.hash) return { problem: 'A URL for webhooks has no fragment.' };
  if (rules.allowLoopback && loopbackNames.test(url.hostname)) return { url: url.href };
  if (url.protocol !== 'https:') return { problem: 'Only https.' };
  if (!allowedPorts.includes(url.port)) return { problem: 'Only the ports 443 and 8443.' };
  // An address in any spelling, once parsed, has digits at its end or brackets; a public name has a dot and a known end.
  const name = url.hostname.replace(/\.$/, '');
  if (
    !/^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+$/.test(name) ||
    /\.(local|localhost|internal|home|lan|arpa)$/.test(name)
  ) {
    return { problem: 'The host is a public name, not an address.' };
  }
  return { url: url.href };
}
