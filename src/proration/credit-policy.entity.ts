import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { KeyColumn, KeyIntegerColumn, TextColumn, TimestampColumn, UuidColumn } from '../platform/columns';

@Entity('partner_credit_policies')
export class CreditPolicyEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyIntegerColumn('version') version: number;
  @TextColumn('credit_basis') creditBasis: string;
  @UuidColumn('actor_id', { nullable: true }) actorId: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
