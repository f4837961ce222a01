import { type Instant, isBefore } from '../core/calendar';
import type { Id } from '../core/ids';
import type { Payment } from './payment';
import type { MethodFacts, ProviderName } from './provider';

/** What a tenant pays with. The number itself never comes here. */
export interface PaymentMethod {
  readonly id: Id<'PaymentMethod'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly provider: ProviderName;
  /** The provider's ids. */
  readonly customerExternalId: string;
  readonly externalId: string;
  readonly kind: MethodFacts['kind'];
  readonly brand?: string | undefined;
  readonly last4?: string | undefined;
  readonly expiresMonth?: number | undefined;
  readonly expiresYear?: number | undefined;
  /** What invoices are paid with; at most one. */
  readonly isDefault: boolean;
  readonly createdAt: Instant;
  /** When it was last given another expiry or number, by the wall clock. */
  readonly renewedAt?: Instant | undefined;
  readonly removedAt?: Instant | undefined;
}

/** What became of the payment says something of this method as it is now: it was charged to it, and not before a renewal of it. */
export const isAnswerOf = (method: PaymentMethod, payment: Payment): boolean =>
  payment.paymentMethodId === method.id && !(method.renewedAt && isBefore(payment.firstAskedAt, method.renewedAt));

export interface PaymentSetup {
  readonly id: Id<'PaymentSetup'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly provider: ProviderName;
  readonly status: 'PENDING' | 'SUCCEEDED' | 'DECLINED';
  readonly makeDefault: boolean;
  readonly externalId?: string | undefined;
  readonly paymentMethodId?: Id<'PaymentMethod'> | undefined;
  readonly createdAt: Instant;
  readonly settledAt?: Instant | undefined;
}
