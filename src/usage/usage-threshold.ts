import type { Instant } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Id } from '../core/ids';

/** A share of a limit, of which was told that it is reached. */
export interface ToldThreshold {
  readonly featureId: string;
  readonly percent: number;
}

/** A share of a limit that was reached in one of its windows. Told once. */
export interface UsageThreshold extends ToldThreshold {
  readonly id: Id<'UsageThreshold'>;
  readonly tenantId: Id<'Tenant'>;
  readonly featureId: Id<'Feature'>;
  readonly limit: DecimalValue;
  readonly used: DecimalValue;
  readonly windowStart: Instant;
  /** None: it never starts over. */
  readonly windowEnd?: Instant | undefined;
  readonly reachedAt: Instant;
}
