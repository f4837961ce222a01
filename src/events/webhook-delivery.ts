import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';

export const deliveryStatuses = ['PENDING', 'SUCCEEDED', 'FAILED'] as const;
/** PENDING: to be sent, or to be tried again. FAILED: every attempt of the schedule was used up. */
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export const deliveryProblems = ['NO_PUBLIC_ADDRESS', 'CONNECTION_FAILED', 'TIMEOUT', 'BAD_STATUS'] as const;
/** Why the last attempt did not succeed. What was answered beside the status is not kept. */
export type DeliveryProblem = (typeof deliveryProblems)[number];

/** One attempt, as it is kept with the delivery. */
export interface DeliveryAttempt {
  readonly at: Instant;
  readonly responseStatus?: number | undefined;
  readonly problem?: DeliveryProblem | undefined;
  /** How long it took. */
  readonly milliseconds: number;
}

/** So many attempts are kept: those of a schedule, and of the one before a replay. */
export const mostAttemptsKept = 20;

/** One event on its way to one endpoint. */
export interface WebhookDelivery {
  readonly id: Id<'WebhookDelivery'>;
  readonly partnerId: Id<'Partner'>;
  readonly endpointId: Id<'WebhookEndpoint'>;
  /** `undefined`: a test event. */
  readonly sequence?: bigint | undefined;
  readonly eventType: string;
  readonly status: DeliveryStatus;
  /** Since it was last put on its way. */
  readonly attempts: number;
  /** The last ones, oldest first. */
  readonly attemptLog: readonly DeliveryAttempt[];
  readonly nextAttemptAt: Instant;
  readonly lastAttemptAt?: Instant | undefined;
  readonly responseStatus?: number | undefined;
  readonly problem?: DeliveryProblem | undefined;
  readonly createdAt: Instant;
}
