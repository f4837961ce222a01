import { setTimeout as sleep } from 'node:timers/promises';
import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import { advanceStep } from '../invoicing/advance-clock.command';
import type { System } from '../system';
import type { PaymentWork } from './payment-work.job';

export interface CarriedOn {
  readonly now: Instant;
  readonly events: number;
}

/** For attempts that another worker is at: ten seconds in all. */
const waits = { most: 100, milliseconds: 100 };

/**
 * Carries a sandbox tenant's clock on to where it was asked to go. It stops at each moment at which a payment is due: the
 * payment is made there, with no transaction open, and what follows from it holds before time goes on. While nobody knows
 * what became of a payment the clock stands; asked again, it goes on from there.
 */
export async function carryOnClock(
  system: System,
  work: PaymentWork,
  tenantId: string,
  to: Instant,
): Promise<CarriedOn> {
  let events = 0;
  for (let waited = 0; ; ) {
    await work.runDue({ tenantId, workers: 1 });
    const { now, isBusy } = await system.asTenant(tenantId, async (tx) => {
      const due = await tx.collections.nextDue(tenantId);
      const isDue = due !== undefined && isAtOrBefore(due, tx.now);
      return { now: tx.now, isBusy: isDue || (await tx.payments.isAsking(tenantId)) };
    });
    if (isBusy) {
      waited += 1;
      if (waited > waits.most) return { now, events };
      await sleep(waits.milliseconds);
      continue;
    }
    if (!isBefore(now, to)) return { now, events };
    waited = 0;
    events += (await system.asTenant(tenantId, (tx) => advanceStep(tx, now, to))).events;
  }
}
