import { type Instant, instantFromMilliseconds } from '../core/calendar';

/** The one source of "now". A sandbox tenant's test clock takes precedence where a tenant was entered. */
export interface Clock {
  now(): Instant;
}

export const wallClock: Clock = {
  now: () => instantFromMilliseconds(Date.now()),
};
