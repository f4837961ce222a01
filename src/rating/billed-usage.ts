import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { UsagePart } from './rate-usage';

/** How far a window of a feature is billed. Whatever its count is above `quantity` is billed once more, and only that. */
export interface BilledWindow {
  readonly subscriptionId: Id<'Subscription'>;
  readonly featureId: Id<'Feature'>;
  readonly start: Instant;
  /** None: it never starts over. */
  readonly end?: Instant | undefined;
  readonly until: Instant;
  /** The window's count up to `until`, as it was billed. */
  readonly quantity: DecimalValue;
  /** The sources whose price for this window was due before it began. */
  readonly paidInAdvance: readonly string[];
  /** From where it was billed, and how far with each bill; none: it was billed before these were kept. */
  readonly boundaries: readonly Instant[];
  /** A bill of it was voided: what that took back is to be billed again. */
  readonly reopened: boolean;
}

/** What one bill charged for a source's part of a window: what a later one takes off. */
export interface BilledCharge {
  readonly subscriptionId: Id<'Subscription'>;
  readonly featureId: Id<'Feature'>;
  readonly windowStart: Instant;
  /** The end of the bill's time in the window: its boundary. */
  readonly until: Instant;
  readonly sourceId: string;
  readonly catalogId: string;
  /** ADVANCE: before the window began. */
  readonly part: UsagePart | 'ADVANCE';
  readonly quantity: DecimalValue;
  /** Negative where a late event has moved units to another source. */
  readonly amount: Money;
}

/** A window's charges that stand. */
export type BilledCharges = (
  window: Pick<BilledWindow, 'subscriptionId' | 'featureId' | 'start'>,
) => readonly BilledCharge[];
