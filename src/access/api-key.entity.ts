import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BooleanColumn,
  BytesColumn,
  KeyColumn,
  TextArrayColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('api_keys')
export class ApiKeyEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('tenant_id', { nullable: true }) tenantId: string | null;
  @TextColumn('name') name: string;
  @TextColumn('prefix') prefix: string;
  @BytesColumn('key_hash') keyHash: Buffer;
  @BooleanColumn('live') live: boolean;
  @TextArrayColumn('scopes') scopes: string[];
  @UuidColumn('created_by') createdBy: string;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('expires_at', { nullable: true }) expiresAt: Instant | null;
  @TimestampColumn('revoked_at', { nullable: true }) revokedAt: Instant | null;
}
