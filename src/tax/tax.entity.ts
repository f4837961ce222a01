import { Entity } from 'typeorm';
import type { Instant, LocalDate } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import {
  BooleanColumn,
  DateColumn,
  IntegerColumn,
  KeyColumn,
  KeyIntegerColumn,
  NumericColumn,
  TextArrayColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('tax_rates')
export class TaxRateEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @TextColumn('country') country: string;
  @TextColumn('region', { nullable: true }) region: string | null;
  @TextColumn('category', { nullable: true }) category: string | null;
  @TextColumn('name') name: string;
  @NumericColumn('percent') percent: DecimalValue;
  @BooleanColumn('inclusive') inclusive: boolean;
  @DateColumn('valid_from') validFrom: LocalDate;
  @DateColumn('valid_to', { nullable: true }) validTo: LocalDate | null;
  @IntegerColumn('version') version: number;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('tax_categories')
export class TaxCategoryEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('plan_id', { nullable: true }) planId: string | null;
  @UuidColumn('addon_id', { nullable: true }) addonId: string | null;
  @TextColumn('category') category: string;
}

@Entity('billing_details')
export class BillingDetailsEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyIntegerColumn('version') version: number;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('legal_name', { nullable: true }) legalName: string | null;
  @TextArrayColumn('address') address: string[];
  @TextColumn('country', { nullable: true }) country: string | null;
  @TextColumn('region', { nullable: true }) region: string | null;
  @TextColumn('tax_id', { nullable: true }) taxId: string | null;
  @TextColumn('email', { nullable: true }) email: string | null;
  @TextColumn('tax_treatment') taxTreatment: string;
  @TextColumn('tax_note', { nullable: true }) taxNote: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('partner_billing_details')
export class PartnerBillingDetailsEntity {
  @KeyColumn('partner_id') partnerId: string;
  @KeyIntegerColumn('version') version: number;
  @TextColumn('legal_name') legalName: string;
  @TextArrayColumn('address') address: string[];
  @TextColumn('country') country: string;
  @TextColumn('region', { nullable: true }) region: string | null;
  @TextColumn('tax_id', { nullable: true }) taxId: string | null;
  @TextColumn('email', { nullable: true }) email: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
}
