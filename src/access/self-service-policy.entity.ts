import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { KeyColumn, KeyIntegerColumn, TextArrayColumn, TimestampColumn, UuidColumn } from '../platform/columns';

@Entity('partner_self_service_policies')
export class SelfServicePolicyEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyIntegerColumn('version') version: number;
  @TextArrayColumn('allowed') allowed: string[];
  @UuidColumn('actor_id', { nullable: true }) actorId: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
