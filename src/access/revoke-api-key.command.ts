import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { ApiKey } from './api-key';

export const revokeApiKeyRefusals = ['API_KEY_NOT_FOUND'] as const;

/** The key's next request is refused. Revoking it again is the same act. */
export async function revokeApiKey(
  tx: Pick<Tx, 'apiKeys' | 'partnerId' | 'wallNow' | 'emit'>,
  input: { readonly apiKeyId: string },
): Promise<Result<{ apiKey: ApiKey }, (typeof revokeApiKeyRefusals)[number]>> {
  const notFound = refuse('API_KEY_NOT_FOUND', 'No such API key.', { path: ['input', 'apiKeyId'] });
  const decoded = decodeId(input.apiKeyId);
  if (decoded?.kind !== 'ApiKey') return notFound;
  const apiKey = await tx.apiKeys.byId(tx.partnerId, decoded.uuid);
  if (!apiKey) return notFound;
  if (apiKey.revokedAt) return done({ apiKey });
  await tx.apiKeys.revoke(tx.partnerId, apiKey.id, tx.wallNow);
  await tx.emit({ type: 'api_key.revoked', payload: { apiKeyId: apiKey.id, scopes: apiKey.scopes } });
  return done({ apiKey: { ...apiKey, revokedAt: tx.wallNow } });
}
