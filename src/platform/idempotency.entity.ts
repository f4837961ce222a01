import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { BytesColumn, JsonColumn, KeyColumn, KeyTextColumn, TextColumn, TimestampColumn, UuidColumn } from './columns';

@Entity('idempotency_keys')
export class IdempotencyKeyEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('actor_id') actorId: string;
  @KeyTextColumn('key') key: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('mutation') mutation: string;
  @BytesColumn('request_hash') requestHash: Buffer;
  @JsonColumn('response') response: unknown;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('partner_idempotency_keys')
export class PartnerIdempotencyKeyEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('actor_id') actorId: string;
  @KeyTextColumn('key') key: string;
  @TextColumn('mutation') mutation: string;
  @BytesColumn('request_hash') requestHash: Buffer;
  @JsonColumn('response') response: unknown;
  @TimestampColumn('created_at') createdAt: Instant;
}
