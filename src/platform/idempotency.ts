import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Instant } from '../core/calendar';
import { fromStored, toStored } from './stored-value';

/** Acts of the platform belong to no partner yet. */
const noPartner = '00000000-0000-0000-0000-000000000000';

export interface KeyOwner {
  readonly actorId: string;
  readonly partnerId?: string | undefined;
  readonly tenantId?: string | undefined;
}

export interface KeyedRequest {
  readonly key: string;
  readonly mutation: string;
  readonly input: unknown;
}

export type Claim = { readonly outcome: 'NEW' | 'MISMATCH' } | { readonly outcome: 'REPLAY'; readonly value: unknown };

/** Keys in any order give the same hash. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  const members = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(members)
      .sort()
      .map((name) => [name, canonical(members[name])]),
  );
}

function hashOf(request: KeyedRequest): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([request.mutation, canonical(toStored(request.input))]))
    .digest();
}

function targetOf(owner: KeyOwner) {
  return owner.tenantId
    ? { table: 'idempotency_keys', scopeColumn: 'tenant_id', scopeId: owner.tenantId }
    : { table: 'partner_idempotency_keys', scopeColumn: 'partner_id', scopeId: owner.partnerId ?? noPartner };
}

/**
 * Takes the key in this very transaction, or answers what it was used for. A second call with the same key waits here
 * until the first has ended: it is replayed, or it runs itself where the first was rolled back. When the wait is too
 * long, PostgreSQL raises 55P03, which the caller answers as IDEMPOTENCY_KEY_IN_PROGRESS.
 */
export async function claimKey(
  manager: EntityManager,
  owner: KeyOwner,
  request: KeyedRequest,
  now: Instant,
): Promise<Claim> {
  const { table, scopeColumn, scopeId } = targetOf(owner);
  const hash = hashOf(request);
  const extra = owner.tenantId ? { column: ', partner_id', value: ', $7' } : { column: '', value: '' };
  const inserted: unknown[] = await manager.query(
    `insert into ${table} (${scopeColumn}, actor_id, key, mutation, request_hash, response, created_at${extra.column})
     values ($1, $2, $3, $4, $5, 'null'::jsonb, $6${extra.value}) on conflict do nothing returning key`,
    [
      scopeId,
      owner.actorId,
      request.key,
      request.mutation,
      hash,
      now.toString(),
      ...(owner.tenantId ? [owner.partnerId] : []),
    ],
  );
  if (inserted.length > 0) return { outcome: 'NEW' };
  const rows: { mutation: string; request_hash: Buffer; response: unknown }[] = await manager.query(
    `select mutation, request_hash, response from ${table} where ${scopeColumn} = $1 and actor_id = $2 and key = $3`,
    [scopeId, owner.actorId, request.key],
  );
  const row = rows[0];
  if (!row || row.mutation !== request.mutation || !row.request_hash.equals(hash)) return { outcome: 'MISMATCH' };
  return { outcome: 'REPLAY', value: fromStored(row.response) };
}

/** Keeps the answer, in the transaction of the change: there is never a key without its answer. */
export async function keepAnswer(manager: EntityManager, owner: KeyOwner, key: string, value: unknown): Promise<void> {
  const { table, scopeColumn, scopeId } = targetOf(owner);
  await manager.query(
    `update ${table} set response = $4::jsonb where ${scopeColumn} = $1 and actor_id = $2 and key = $3`,
    [scopeId, owner.actorId, key, JSON.stringify(toStored(value))],
  );
}
