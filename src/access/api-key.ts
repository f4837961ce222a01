import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';
import type { ApiKeyScope } from './actor';

/** What is kept of a key: enough to recognise and revoke it. The key itself is shown once and stored hashed. */
export interface ApiKey {
  readonly id: Id<'ApiKey'>;
  readonly partnerId: Id<'Partner'>;
  readonly tenantId?: Id<'Tenant'> | undefined;
  readonly name: string;
  readonly prefix: string;
  readonly live: boolean;
  readonly scopes: readonly ApiKeyScope[];
  readonly createdAt: Instant;
  readonly expiresAt?: Instant | undefined;
  readonly revokedAt?: Instant | undefined;
}

/** `tg_live_` or `tg_test_` and 43 characters of base64url: 256 random bits. */
export const apiKeyPattern = /^tg_(live|test)_[A-Za-z0-9_-]{43}$/;
