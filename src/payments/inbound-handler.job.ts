import type { Tx } from '../tx';
import type { Applied } from './inbound-event';
import type { InboundEvent } from './provider';

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
  /** The tenant (its UUID) whose rows it is about. `undefined`: nothing of ours; the event is kept and ignored. */
  locate(event: InboundEvent, locate: LocateTenant): Promise<string | undefined>;
  /** In a transaction of that tenant. What it wrote stays only where it answers APPLIED, or PARKED and says so. */
  apply(tx: Tx, event: InboundEvent): Promise<Applied>;
}
