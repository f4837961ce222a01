import { Entity } from 'typeorm';
import type { Instant } from '../core/calendar';
import {
  BooleanColumn,
  IntegerColumn,
  KeyColumn,
  KeyTextColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from '../platform/columns';

@Entity('payment_methods')
export class PaymentMethodEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('provider') provider: string;
  @TextColumn('customer_external_id') customerExternalId: string;
  @TextColumn('external_id') externalId: string;
  @TextColumn('kind') kind: string;
  @TextColumn('brand', { nullable: true }) brand: string | null;
  @TextColumn('last4', { nullable: true }) last4: string | null;
  @IntegerColumn('expires_month', { nullable: true }) expiresMonth: number | null;
  @IntegerColumn('expires_year', { nullable: true }) expiresYear: number | null;
  @BooleanColumn('is_default') isDefault: boolean;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('renewed_at', { nullable: true }) renewedAt: Instant | null;
  @TimestampColumn('removed_at', { nullable: true }) removedAt: Instant | null;
}

@Entity('payment_setups')
export class PaymentSetupEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyColumn('id') id: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('provider') provider: string;
  @TextColumn('status') status: string;
  @BooleanColumn('make_default') makeDefault: boolean;
  @TextColumn('external_id', { nullable: true }) externalId: string | null;
  @UuidColumn('payment_method_id', { nullable: true }) paymentMethodId: string | null;
  @TimestampColumn('created_at') createdAt: Instant;
  @TimestampColumn('settled_at', { nullable: true }) settledAt: Instant | null;
}

@Entity('provider_customers')
export class ProviderCustomerEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyTextColumn('provider') provider: string;
  @UuidColumn('partner_id') partnerId: string;
  @TextColumn('external_id') externalId: string;
  @TimestampColumn('created_at') createdAt: Instant;
}

@Entity('former_provider_customers')
export class FormerProviderCustomerEntity {
  @KeyColumn('tenant_id') tenantId: string;
  @KeyTextColumn('provider') provider: string;
  @KeyTextColumn('external_id') externalId: string;
  @UuidColumn('partner_id') partnerId: string;
  @TimestampColumn('gone_at') goneAt: Instant;
}
