import type { DataSource } from 'typeorm';
import { decodeId } from '../core/ids';
import type { TokenVerifier } from '../platform/tokens';
import { type Actor, type ApiKeyScope, chooseMembership, type Membership, type Role } from './actor';
import { apiKeyPattern } from './api-key';
import { hashOfApiKey } from './create-api-key.command';

export type Authentication =
  | { readonly outcome: 'ANONYMOUS' }
  | { readonly outcome: 'ACTOR'; readonly actor: Actor }
  /** A credential that does not hold, or that belongs to nobody here. */
  | { readonly outcome: 'INVALID' }
  /** It has several memberships: the request must name one. */
  | { readonly outcome: 'ACCOUNT_REQUIRED' };

interface MembershipRow {
  readonly user_id: string;
  readonly super_admin: boolean;
  readonly partner_id: string | null;
  readonly tenant_id: string | null;
  readonly role: Role | null;
}

function membershipFromRow(row: MembershipRow): Membership[] {
  if (row.role === null) return [];
  const { user_id: principalId, role, partner_id: partnerId, tenant_id: tenantId } = row;
  if (row.super_admin) return [{ principalId, role, account: { kind: 'PLATFORM' } }];
  if (tenantId) return [{ principalId, role, account: { kind: 'TENANT', partnerId: partnerId!, tenantId } }];
  return [{ principalId, role, account: { kind: 'PARTNER', partnerId: partnerId! } }];
}

/** The wished account of the `Tollgate-Account` header, a partner's or tenant's id. */
function wantedAccount(header: string | undefined) {
  if (!header) return undefined;
  const decoded = decodeId(header);
  if (decoded?.kind === 'Tenant') return { tenantId: decoded.uuid };
  if (decoded?.kind === 'Partner') return { partnerId: decoded.uuid };
  return { partnerId: 'unknown' };
}

async function authenticateKey(source: DataSource, key: string): Promise<Authentication> {
  const rows: { id: string; partner_id: string; tenant_id: string | null; scopes: ApiKeyScope[] }[] =
    await source.query('select * from app.api_key_by_hash($1)', [hashOfApiKey(key)]);
  const row = rows[0];
  if (!row) return { outcome: 'INVALID' };
  const { id: principalId, partner_id: partnerId, tenant_id: tenantId, scopes } = row;
  const account = tenantId ? { kind: 'TENANT' as const, partnerId, tenantId } : { kind: 'PARTNER' as const, partnerId };
  return { outcome: 'ACTOR', actor: { principalId, account, role: 'API_KEY', scopes } };
}

/**
 * Turns the `Authorization` header into an actor. Memberships are looked up before anything is entered; the database
 * verifies them again in each transaction, so a role that was removed a second ago opens nothing.
 */
export async function authenticate(
  source: DataSource,
  verifier: TokenVerifier,
  authorization: string | undefined,
  accountHeader: string | undefined,
): Promise<Authentication> {
  if (!authorization) return { outcome: 'ANONYMOUS' };
  const match = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization);
  if (!match) return { outcome: 'INVALID' };
  const credential = match[1]!;
  if (credential.startsWith('tg_')) {
    return apiKeyPattern.test(credential) ? authenticateKey(source, credential) : { outcome: 'INVALID' };
  }
  const identity = await verifier.verify(credential);
  if (!identity) return { outcome: 'INVALID' };
  const rows: MembershipRow[] = await source.query('select * from app.memberships_of($1, $2)', [
    identity.subject,
    identity.verifiedEmail ?? null,
  ]);
  const memberships = rows.flatMap(membershipFromRow);
  const wanted = wantedAccount(accountHeader);
  const chosen = chooseMembership(memberships, wanted);
  if (chosen) return { outcome: 'ACTOR', actor: { ...chosen } };
  return { outcome: memberships.length > 1 && !wanted ? 'ACCOUNT_REQUIRED' : 'INVALID' };
}
