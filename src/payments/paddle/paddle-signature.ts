import type { Webhooks } from '@paddle/paddle-node-sdk';
import type { Instant } from '../../core/calendar';
import { done, type Result, refuse } from '../../core/result';
import type { InboundEvent, WebhookHeaders, WebhookRefusal } from '../provider';
import { readPaddleEvent } from './paddle-event';

/** Seconds between the signature's time and ours, either way. Paddle signs anew each time it tries again. */
const tolerance = 5;

/**
 * By the SDK, over the bytes as they came. The SDK looks at one signature, one secret and the past only, so the header is
 * read here first: while a secret is rotated it holds two signatures, and a time in the future is refused too.
 */
export async function verifyPaddleSignature(
  webhooks: Webhooks,
  rawBody: Buffer,
  headers: WebhookHeaders,
  secrets: readonly string[],
  now: Instant,
  live: boolean,
): Promise<Result<InboundEvent, WebhookRefusal>> {
  const invalid = refuse('SIGNATURE_INVALID', 'The signature does not hold.');
  const header = headers['paddle-signature'];
  if (typeof header !== 'string' || header.length > 1_000) return invalid;
  const parts = header.split(';').map((part) => part.split('=', 2));
  const times = parts.flatMap(([name, value]) => (name === 'ts' && value ? [value] : []));
  const given = parts.flatMap(([name, value]) => (name === 'h1' && value ? [value] : []));
  const time = times[0];
  if (times.length !== 1 || !time || !/^\d{1,12}$/.test(time) || given.length === 0 || given.length > 5) return invalid;
  if (Math.abs(Math.floor(now.epochMilliseconds / 1_000) - Number(time)) > tolerance) {
    return refuse('TIMESTAMP_OUT_OF_TOLERANCE', 'The event was signed too long ago, or in the future.');
  }
  const body = rawBody.toString('utf8');
  for (const secret of secrets) {
    for (const signature of given) {
      if (!/^[0-9a-f]{64}$/.test(signature)) continue;
      if (!(await webhooks.isSignatureValid(body, secret, `ts=${time};h1=${signature}`))) continue;
      try {
        return done(readPaddleEvent(body, live));
      } catch {
        return refuse('BODY_INVALID', 'The body is not an event.');
      }
    }
  }
  return invalid;
}
