import { Column, Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import { JsonColumn, KeyColumn, TextColumn, TimestampColumn, UuidColumn } from '../platform/columns';
import type { MeterFilter } from './meter';

@Entity('meters')
export class MeterEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('feature_id') featureId: string;
  @TextColumn('aggregation') aggregation: string;
  @TextColumn('event_type') eventType: string;
  @TextColumn('value_property', { nullable: true }) valueProperty: string | null;
  @TextColumn('unique_property', { nullable: true }) uniqueProperty: string | null;
  @JsonColumn('filters') filters: readonly MeterFilter[];
  @Column({ name: 'thresholds', type: 'integer', array: true }) thresholds: number[];
  @TimestampColumn('created_at') createdAt: Instant;
}
