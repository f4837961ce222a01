import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { KeyColumn, TextColumn, TimestampColumn, UuidColumn } from '../platform/columns';

@Entity('partner_users')
export class PartnerUserEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('user_id') userId: string;
  @TextColumn('role') role: string;
  @TextColumn('email') email: string;
  @TextColumn('name') name: string;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('profiles')
export class ProfileEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('user_id') userId: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('role') role: string;
  @TextColumn('email') email: string;
  @TextColumn('name') name: string;
  @TimestampColumn('created_at') createdAt: Instant;
}
