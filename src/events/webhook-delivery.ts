import type { Instant } from '../core/calendar';
import type { Id } from '../core/ids';

export const deliveryStatuses = ['PENDING', 'SUCCEEDED', 'FAILED'] as const;
/** PENDING: to be sent, or to be tried again. FAILED: every attempt of the schedule was used up. */
export type DeliveryStatus = (typeof deliveryStatuses)[number];

export const deliveryProblems = ['NO_PUBLIC_ADDRESS', 'CONNECTION_FAILED', 'TIMEOUT', 'BAD_STATUS'] as const;
/** Why the last attempt did not succeed. What was answered beside the status is not kept. */
export type DeliveryProblem = (typeof deliveryProblems)[number];

/** One event on its way to one endpoint. */
export interface WebhookDelivery {
  readonly id: Id<'WebhookDelivery'>;
  readonly partnerId: Id<'Partner'>;
  readonly endpointId: Id<'WebhookEndpoint'>;
  /** `undefined`: a test event. */
  readonly sequence?: bigint | undefined;
  readonly eventType: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly nextAttemptAt: Instant;
  readonly lastAttemptAt?: Instant | undefined;
  readonly responseStatus?: number | undefined;
  readonly problem?: DeliveryProblem | undefined;
  readonly createdAt: Instant;
}
