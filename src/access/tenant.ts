import type { Instant, TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { Id } from '../core/ids';

/** A customer of a partner. */
export interface Tenant {
  readonly id: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly name: string;
  /** The partner's own name for this customer. */
  readonly externalId?: string | undefined;
  readonly currency: CurrencyCode;
  /** `undefined`: the partner's zone. */
  readonly timeZone?: TimeZone | undefined;
  /** How many days after its issue an invoice is due; `undefined`: as the partner says. */
  readonly paymentNetDays?: number | undefined;
  readonly sandbox: boolean;
  /** A sandbox tenant's own "now"; `undefined`: the wall clock. */
  readonly testClock?: Instant | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

/** The tenant that an operation is about, with the time and zone that hold for it. */
export interface TenantContext {
  readonly id: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly currency: CurrencyCode;
  readonly timeZone: TimeZone;
  readonly sandbox: boolean;
  readonly now: Instant;
}
