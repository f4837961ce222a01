import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { KeyColumn, TextArrayColumn, TextColumn, TimestampColumn } from '../platform/columns';

@Entity('features')
export class FeatureEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('code') code: string;
  @TextColumn('name') name: string;
  @TextColumn('description') description: string;
  @TextColumn('kind') kind: string;
  @TextColumn('unit', { nullable: true }) unit: string | null;
  @TextArrayColumn('value_order') valueOrder: string[];
  @TimestampColumn('created_at') createdAt: Instant;
}
