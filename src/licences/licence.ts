import { type Instant, isAtOrBefore, isBefore, type TimeZone } from '../core/calendar';
import type { Id } from '../core/ids';
import type { ProviderName } from '../payments/provider';

/**
 * One term of an organisation's licence: so many seats from an instant to its expiry. Buying more adds seats and keeps the
 * expiry, renewing moves the expiry by a year; what is bought after the expiry is a new term, and the old one stays as it was.
 */
export interface Licence {
  readonly id: Id<'Licence'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly productId: Id<'LicenceProduct'>;
  /** Not bought yet: the first purchase ends it. */
  readonly trial: boolean;
  readonly startsAt: Instant;
  /** Years bought; 0 for a trial. The expiry is counted from the start, so that 29 Feb comes back. */
  readonly years: number;
  readonly expiresAt: Instant;
  /** Bought. */
  readonly seats: bigint;
  /** When a year ends whose seats were not all renewed, or renewed and refunded. */
  readonly turnsAt?: Instant | undefined;
  /** The time before it was given back: nothing is given until then. */
  readonly accessFrom?: Instant | undefined;
  /** Given to people. More than were bought only after a refund. */
  readonly assigned: bigint;
  /** A later term took its place. */
  readonly replacedAt?: Instant | undefined;
  /** The provider renews it by itself. */
  readonly autoRenew: boolean;
  readonly providerSubscriptionId?: string | undefined;
  /** As many as the provider will bill next. */
  readonly providerSeats?: bigint | undefined;
  /** When the provider said last how the subscription stands. */
  readonly providerChangedAt?: Instant | undefined;
  readonly version: number;
  readonly createdAt: Instant;
}

export const licenceStatuses = ['TRIAL', 'ACTIVE', 'EXPIRED', 'REFUNDED'] as const;
export type LicenceStatus = (typeof licenceStatuses)[number];

/** A term without a seat left, after a refund, is none: what is bought next begins a new one. */
export function isRunning(licence: Pick<Licence, 'startsAt' | 'expiresAt' | 'seats'>, at: Instant): boolean {
  return licence.seats > 0n && isAtOrBefore(licence.startsAt, at) && isBefore(at, licence.expiresAt);
}

export function statusOf(licence: Licence, at: Instant): LicenceStatus {
  if (licence.seats === 0n) return 'REFUNDED';
  if (!isBefore(at, licence.expiresAt)) return 'EXPIRED';
  return licence.trial ? 'TRIAL' : 'ACTIVE';
}

/** A year is a calendar year at the same local time of day; from 29 Feb it ends on 28 Feb, and in a leap year on 29 Feb. */
export function expiryAfter(startsAt: Instant, years: number, zone: TimeZone): Instant {
  return startsAt.toZonedDateTimeISO(zone).add({ years }, { overflow: 'constrain' }).toInstant();
}

/** A renewal that was paid in time may be told after the expiry that it moves: it is judged by this instant. */
export function lastInstantOf(licence: Pick<Licence, 'expiresAt'>): Instant {
  return licence.expiresAt.subtract({ milliseconds: 1 });
}

export function trialExpiry(startsAt: Instant, days: number, zone: TimeZone): Instant {
  return startsAt.toZonedDateTimeISO(zone).add({ days }).toInstant();
}

export function overAssigned(licence: Pick<Licence, 'seats' | 'assigned'>): bigint {
  return licence.assigned > licence.seats ? licence.assigned - licence.seats : 0n;
}

/** A subscription at the provider that no current term lives by, and that is to be ended there. */
export interface LicenceSubscriptionEnd {
  readonly id: string;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly provider: ProviderName;
  readonly providerSubscriptionId: string;
  /** The purchase by which it became one too many. */
  readonly purchaseId: Id<'LicencePurchase'>;
  readonly endedAt?: Instant | undefined;
  readonly createdAt: Instant;
}

/** A seat that somebody has, or had. */
export interface LicenceSeat {
  readonly id: Id<'LicenceSeat'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly licenceId: Id<'Licence'>;
  readonly userId: string;
  readonly email: string;
  readonly assignedAt: Instant;
  readonly revokedAt?: Instant | undefined;
}
