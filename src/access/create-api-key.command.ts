import { createHash, randomBytes } from 'node:crypto';
import { type Instant, isAtOrBefore } from '../core/calendar';
import type { Id } from '../core/ids';
import { done, type Result } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { ApiKeyScope } from './actor';
import type { ApiKey } from './api-key';

export interface CreateApiKeyInput {
  readonly name: string;
  readonly scopes: readonly ApiKeyScope[];
  /** `false`: a `tg_test_` key, which reaches sandbox tenants only. */
  readonly live: boolean;
  readonly expiresAt?: Instant | undefined;
}

export const createApiKeyRefusals = ['INVALID_INPUT'] as const;

export function hashOfApiKey(key: string): Buffer {
  // 256 random bits need no slow hash: nobody guesses them, and each request has to look the key up.
  return createHash('sha256').update(key).digest();
}

export interface CreateApiKeyDone {
  readonly apiKey: ApiKey;
  /** The key itself, shown this one time. Not kept: a replay of the same request answers without it. */
  readonly secret: string | undefined;
}

/** A key for machines: of the partner, or of one tenant. */
export async function createApiKey(
  tx: Pick<Tx, 'apiKeys' | 'tenantFor' | 'partnerId' | 'newId' | 'wallNow' | 'actorId' | 'emit'>,
  tenantId: Id<'Tenant'> | undefined,
  input: CreateApiKeyInput,
): Promise<Result<CreateApiKeyDone, (typeof createApiKeyRefusals)[number]>> {
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const scopes = [...new Set(input.scopes)];
  if (scopes.length === 0) return invalid(['scopes'], 'A key needs at least one scope.');
  if (input.expiresAt && isAtOrBefore(input.expiresAt, tx.wallNow)) return invalid(['expiresAt'], 'In the future.');
  const tenant = tenantId && (await tx.tenantFor(tenantId));
  if (tenant && tenant.sandbox === input.live) {
    return invalid(
      ['live'],
      tenant.sandbox ? 'A sandbox tenant takes test keys only.' : 'A live tenant takes live keys only.',
    );
  }
  const secret = `tg_${input.live ? 'live' : 'test'}_${randomBytes(32).toString('base64url')}`;
  const apiKey: ApiKey = {
    id: tx.newId<'ApiKey'>(),
    partnerId: tx.partnerId,
    tenantId,
    ...{ name, scopes, live: input.live, expiresAt: input.expiresAt },
    prefix: secret.slice(0, 12),
    createdAt: tx.wallNow,
  };
  await tx.apiKeys.insert(apiKey, hashOfApiKey(secret), tx.actorId!);
  await tx.emit({ type: 'api_key.created', payload: { apiKeyId: apiKey.id, scopes } });
  return done({ apiKey, secret });
}
