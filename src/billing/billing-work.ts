import type { Instant, LocalDate } from '../core/calendar';
import type { Id } from '../core/ids';

/** Up to when a run bills: everything due up to an instant, and, where a date is given, up to that day's end in each zone. */
export interface AsOf {
  readonly date?: LocalDate | undefined;
  /** `undefined`: only the date counts. */
  readonly latest?: Instant | undefined;
}

/** One tenant that a worker is about to bill. */
export interface Claim {
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly billUntil: Instant;
  /** How often it was taken, with this time. */
  readonly attempts: number;
  /** Why the last attempt came to nothing, where anybody could say so. */
  readonly lastReason?: ParkReason | undefined;
}

export const parkReasons = [
  'INVARIANT_BROKEN',
  'AMOUNT_OUT_OF_RANGE',
  'CONSTRAINT_BROKEN',
  'NOTHING_MOVED',
  'BUSY',
  'WORKER_LOST',
  'UNEXPECTED',
] as const;
export type ParkReason = (typeof parkReasons)[number];

/** What the reason means, and what to do about it. */
export const parkAdvice: Readonly<Record<ParkReason, string>> = {
  INVARIANT_BROKEN: 'A check of the invoice failed. The log names it; nothing was written.',
  AMOUNT_OUT_OF_RANGE: 'An amount goes beyond what can be kept. Correct the price or quantity.',
  CONSTRAINT_BROKEN: 'The database refused a row that contradicts others. The log names the constraint.',
  NOTHING_MOVED: 'Something is due, but billing found nothing to do. The log has the tenant.',
  BUSY: 'The account was locked or timed out again and again. Look for a transaction that does not end, then unpark.',
  WORKER_LOST: 'Workers ended in the middle of billing it again and again. The log of the machine says why.',
  UNEXPECTED: 'Something else failed. The log has the error; nothing was written.',
};

/** A tenant that billing goes past until somebody unparks it. */
export interface ParkedTenant {
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly reason: ParkReason;
  readonly dueAt: Instant;
  readonly parkedAt: Instant;
}

/** Somebody else bills the tenant, or has done so. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

/** Something is due and billing did nothing about it: asked again, it would go on for ever. */
export class NothingMoved extends Error {
  override readonly name = 'NothingMoved';
}
