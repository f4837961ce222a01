import type { Instant } from '../core/calendar';
import type { ProviderName } from './provider';

export const inboundStatuses = ['RECEIVED', 'APPLIED', 'IGNORED', 'PARKED'] as const;
export type InboundStatus = (typeof inboundStatuses)[number];

/** An event as the inbox keeps it, without what it says. */
export interface StoredInboundEvent {
  readonly id: string;
  readonly provider: ProviderName;
  readonly eventId: string;
  readonly type: string;
  readonly status: InboundStatus;
  readonly reason?: string | undefined;
  /** Found by our own records; `undefined`: not (yet) known. */
  readonly tenantId?: string | undefined;
  readonly attempts: number;
  readonly occurredAt: Instant;
  readonly receivedAt: Instant;
  readonly settledAt?: Instant | undefined;
}

/** An event that a worker has taken. */
export interface ClaimedEvent {
  readonly provider: ProviderName;
  readonly eventId: string;
  readonly type: string;
  readonly body: string;
  /** This one included. */
  readonly attempts: number;
}

/**
 * What a handler made of an event.
 * - `APPLIED`: it holds now, whether this event or an earlier one made it so
 * - `IGNORED`: nothing of ours is meant
 * - `PARKED`: it contradicts what we wrote down; a person looks at it, nothing was granted
 * - `LATER`: what it is about is not here yet; it is tried again, and parked when that does not help
 */
export type Applied =
  | { readonly outcome: 'APPLIED' }
  | { readonly outcome: 'IGNORED'; readonly reason: string }
  | {
      readonly outcome: 'PARKED';
      readonly reason: ParkReason;
      readonly detail?: string;
      /** What was written stays: the row that the event is about says why it is parked. */
      readonly keeps?: boolean;
    }
  | { readonly outcome: 'LATER'; readonly reason: string };

export const parkReasons = [
  // What it names is not ours, or another tenant's.
  'SUBJECT_UNKNOWN',
  // It names one row of ours and the provider's id of another.
  'REFERENCE_MISMATCH',
  'AMOUNT_DIFFERS',
  'QUANTITY_DIFFERS',
  // A payload without what it should have: a newer version of the provider's API.
  'PAYLOAD_UNREADABLE',
  'INTENT_EXPIRED',
  // What it says cannot be done by a program.
  'NEEDS_A_PERSON',
  'FAILED_REPEATEDLY',
] as const;
export type ParkReason = (typeof parkReasons)[number];

/** How often an event is tried before a person has to look at it: with the pauses below, about a day. */
export const mostAttempts = 14;

/** Seconds until the next try: 1, 2, 4 … at most three hours. */
export function pauseAfter(attempts: number): number {
  return Math.min(2 ** (attempts - 1), 3 * 3_600);
}
