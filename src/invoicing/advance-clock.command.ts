import { type Instant, isAtOrBefore, isBefore, laterOf } from '../core/calendar';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import { billTenant } from './bill-tenant.command';
import type { MadeDocuments } from './made-documents';

export interface AdvanceClockInput {
  /** Not before the tenant's own now, at most ten years after it. */
  readonly to: Instant;
  /** Stops where a payment is due: the caller makes it and carries on from there. */
  readonly stopsForPayments?: boolean | undefined;
}

export const advanceClockRefusals = ['NOT_A_SANDBOX', 'CLOCK_GOES_FORWARD_ONLY', 'CLOCK_JUMP_TOO_LONG'] as const;

export interface AdvanceClockDone {
  /** Where the clock stood. */
  readonly from: Instant;
  readonly now: Instant;
  /** All that was issued on the way. */
  readonly documents: MadeDocuments;
  readonly events: number;
  /** A payment is due where the clock stands now. */
  readonly paymentDue: boolean;
}

const longestJump = { hours: 24 * 366 * 10 };
const longestJumpByDays = { hours: 24 * 366 };

/** Moves a sandbox tenant's time, and lives through everything that falls due on the way, in order. */
export async function advanceClock(
  tx: Tx,
  input: AdvanceClockInput,
): Promise<Result<AdvanceClockDone, (typeof advanceClockRefusals)[number]>> {
  const { tenant } = tx;
  if (!tenant.sandbox) return refuse('NOT_A_SANDBOX', 'Only a sandbox tenant has a clock of its own.');
  await tx.tenants.lock(tenant.id);
  // The clock may have been moved while this call waited for the lock.
  const from = (await tx.tenants.byId(tenant.id))?.testClock ?? tenant.now;
  if (isBefore(input.to, from)) {
    return refuse('CLOCK_GOES_FORWARD_ONLY', 'A clock only goes forward.', {
      path: ['input', 'to'],
      facts: { now: from.toString() },
    });
  }
  const interval = (await tx.subscriptions.live(tenant.id))?.interval;
  const furthest = from.add(interval === 'DAY' || interval === 'WEEK' ? longestJumpByDays : longestJump);
  if (isBefore(furthest, input.to)) {
    return refuse('CLOCK_JUMP_TOO_LONG', 'That is too far in one step.', {
      path: ['input', 'to'],
      facts: { furthest: furthest.toString() },
    });
  }
  return done({ from, ...(await advanceStep(tx, from, input.to, input.stopsForPayments)) });
}

/** Moves the clock to an instant, or as far as to the next moment before it at which a payment is due. */
export async function advanceStep(
  tx: Tx,
  from: Instant,
  to: Instant,
  stopsForPayments = true,
): Promise<Omit<AdvanceClockDone, 'from'>> {
  const { id } = tx.tenant;
  const due = stopsForPayments ? await tx.collections.nextDue(id) : undefined;
  const until = due && isBefore(due, to) ? laterOf(due, from) : to;
  const isPaymentDue = async () => {
    const next = await tx.collections.nextDue(id);
    return next !== undefined && isAtOrBefore(next, tx.now);
  };
  tx.atTime(until);
  const { events, paused } = await billTenant(tx, until, stopsForPayments ? isPaymentDue : undefined);
  const now = paused ? tx.now : until;
  tx.atTime(now);
  await tx.tenants.setTestClock(id, now);
  return { now, documents: tx.documents.made(), events, paymentDue: stopsForPayments && (await isPaymentDue()) };
}
