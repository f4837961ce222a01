import type { Tx } from '../tx';
import type { Applied } from './inbound-event';
import type { InboundEvent, PaymentProvider, Unknown } from './provider';

/** Finds whose something of the provider's is, by what we wrote down ourselves. `undefined`: nobody's, or several's. */
export type LocateTenant = (
  kind: 'CUSTOMER' | 'CHARGE' | 'LICENCE_CHECKOUT' | 'LICENCE_SUBSCRIPTION',
  externalId: string,
) => Promise<string | undefined>;

/**
 * What is done about one type of event. An event may come twice, late, before the one that it follows from, and with lies in
 * it: `apply` reads what our rows say, moves them forward and never back, and parks what contradicts them.
 */
export interface InboundHandler {
  /** Why nothing is done about this one, whoever it is about. */
  ignores?(event: InboundEvent): string | undefined;
  /** The tenant (its UUID) whose rows it is about. `undefined`: nothing of ours; the event is kept and ignored. */
  locate(event: InboundEvent, locate: LocateTenant): Promise<string | undefined>;
  /** Why it is ignored, and not parked, where nobody of ours is found: the provider tells of others' things too. */
  readonly ofOthers?: string | undefined;
  /** In a transaction of that tenant. What it wrote stays only where it answers APPLIED, or PARKED and says so. */
  apply(tx: Tx, event: InboundEvent): Promise<Applied>;
  /**
   * Asks the provider, with no transaction open, how what the event is about stands now, and answers what to do about that in
   * place of `apply`. The event waits where the provider does not answer.
   */
  ask?(provider: PaymentProvider, event: InboundEvent): Promise<((tx: Tx) => Promise<Applied>) | Unknown>;
}
