import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { IntegerColumn, KeyColumn, TextColumn, TimestampColumn } from '../platform/columns';

@Entity('partners')
export class PartnerEntity {
  @KeyColumn('id') id: string;
  @TextColumn('code') code: string;
  @TextColumn('name') name: string;
  @TextColumn('currency') currency: string;
  @TextColumn('time_zone') timeZone: string;
  @TextColumn('proration_basis') prorationBasis: string;
  @TextColumn('coupon_order') couponOrder: string;
  @IntegerColumn('payment_net_days', { nullable: true }) paymentNetDays: number | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}
