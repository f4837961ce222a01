import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { BooleanColumn, IntegerColumn, KeyColumn, TextColumn, TimestampColumn, UuidColumn } from '../platform/columns';

@Entity('tenants')
export class TenantEntity {
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('name') name: string;
  @TextColumn('external_id', { nullable: true }) externalId: string | null;
  @TextColumn('currency') currency: string;
  @TextColumn('time_zone', { nullable: true }) timeZone: string | null;
  @IntegerColumn('payment_net_days', { nullable: true }) paymentNetDays: number | null;
  @BooleanColumn('sandbox') sandbox: boolean;
  @TimestampColumn('test_clock', { nullable: true }) testClock: Instant | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}
