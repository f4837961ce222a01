import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Id } from '../core/ids';

/** A share of a limit that was reached in one of its windows. Told once. */
export interface UsageThreshold {
  readonly id: Id<'UsageThreshold'>;
  readonly tenantId: Id<'Tenant'>;
  readonly featureId: Id<'Feature'>;
  readonly percent: number;
  readonly limit: DecimalValue;
  readonly used: DecimalValue;
  readonly windowStart: Instant;
  /** None: it never starts over. */
  readonly windowEnd?: Instant | undefined;
  readonly reachedAt: Instant;
}
