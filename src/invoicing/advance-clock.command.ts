import { type Instant, isBefore } from '../core/calendar';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import { billTenant } from './bill-tenant.command';
import type { Invoice } from './invoice';

export interface AdvanceClockInput {
  /** Not before the tenant's own now, at most ten years after it. */
  readonly to: Instant;
}

export const advanceClockRefusals = ['NOT_A_SANDBOX', 'CLOCK_GOES_FORWARD_ONLY', 'CLOCK_JUMP_TOO_LONG'] as const;

export interface AdvanceClockDone {
  readonly now: Instant;
  readonly invoices: readonly Invoice[];
  readonly events: number;
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
  tx.atTime(input.to);
  const { invoices, events } = await billTenant(tx, input.to);
  tx.atTime(input.to);
  await tx.tenants.setTestClock(tenant.id, input.to);
  return done({ now: input.to, invoices, events });
}
