import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AmountOutOfRange } from '../core/money';
import type { CurrencyCode } from '../core/currency';
import { InvariantViolation } from '../core/invariant';
import { sqlState } from '../platform/database';
import type { System } from '../system';
import { billClaim } from './bill-claim.command';
import { BillingQueue, firstPlace, type ParkedLine, type Place } from './billing-queue.repository';
import { type AsOf, type Claim, ClaimLost, NothingMoved, type ParkReason } from './billing-work';
import { parkTenant } from './park-tenant.command';

export interface BillingRunOptions {
  readonly asOf: AsOf;
  /** Only this partner's tenants. */
  readonly partnerId?: string | undefined;
  /** Tenants billed at the same time by this process. */
  readonly workers: number;
  /** A worker that says nothing for so long is dead, and what it had claimed is free. */
  readonly leaseSeconds?: number;
  /** How often a tenant may come to nothing (dead workers, timeouts) before it is parked. */
  readonly patience?: number;
  /** How long the database may be away before the run gives up. */
  readonly outageSeconds?: number;
  /** Ends the run after the tenants that are being billed. */
  readonly signal?: AbortSignal | undefined;
  readonly onTenant?: ((billed: number) => void) | undefined;
}

export interface BillingRunSummary {
  /** What this process billed; others may have been at it at the same time. */
  readonly tenants: number;
  readonly invoices: number;
  readonly totals: ReadonlyMap<CurrencyCode, { readonly invoices: number; readonly minor: bigint }>;
  /** All that are parked now, whoever parked them: the first of them, and how many. */
  readonly parked: readonly ParkedLine[];
  readonly parkedCount: number;
  /** It was asked to end before everything was done. */
  readonly stopped: boolean;
}

/** Due tenants that are looked up at once. */
const pageSize = 500;
/** While others are at the rest, or the database is away. */
const waitMilliseconds = 200;

/** The database or the way to it, not the tenant: the same again may succeed. */
const transientStates = /^(08|53|57|40)|^55P03$/;
const transientCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

export function isTransient(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  const { message = '' } = error as Error;
  return (
    transientStates.test(state) ||
    transientCodes.has(state) ||
    /connection terminated|connection timeout|timeout exceeded when trying to connect|client was closed/i.test(message)
  );
}

export function parkReasonOf(error: unknown): ParkReason {
  if (error instanceof InvariantViolation) return 'INVARIANT_BROKEN';
  if (error instanceof AmountOutOfRange) return 'AMOUNT_OUT_OF_RANGE';
  if (error instanceof NothingMoved) return 'NOTHING_MOVED';
  if (sqlState(error)?.startsWith('23')) return 'CONSTRAINT_BROKEN';
  return 'UNEXPECTED';
}

/**
 * Bills every live tenant that has something due, each in a transaction of its own. Any number of runs may be under way
 * at once, in as many processes: they share the work table, and each ends when nothing is left. What a killed process had
 * claimed is taken over when its lease ends.
 */
export async function runBilling(system: System, options: BillingRunOptions): Promise<BillingRunSummary> {
  return new BillingRun(system, options).run();
}

class BillingRun {
  private readonly queue: BillingQueue;
  private readonly worker = randomUUID();
  private readonly claims: Claim[] = [];
  private refilling: Promise<void> | undefined;
  private place: Place = firstPlace;
  private addedInThisPass = 0;
  private ended = false;
  private outageBegan: number | undefined;
  private tenants = 0;
  private invoices = 0;
  private readonly totals = new Map<CurrencyCode, { invoices: number; minor: bigint }>();
  private readonly leaseSeconds: number;

  constructor(
    private readonly system: System,
    private readonly options: BillingRunOptions,
  ) {
    this.queue = new BillingQueue(system.ask);
    this.leaseSeconds = options.leaseSeconds ?? 30;
  }

  private get stopped(): boolean {
    return this.options.signal?.aborted ?? false;
  }

  async run(): Promise<BillingRunSummary> {
    const heartbeat = setInterval(
      () => void this.queue.renew(this.worker, this.leaseSeconds).catch(() => undefined),
      (this.leaseSeconds * 1_000) / 3,
    );
    try {
      await Promise.all(Array.from({ length: this.options.workers }, () => this.work()));
    } finally {
      this.ended = true;
      clearInterval(heartbeat);
      await this.queue.giveBack(this.worker).catch(() => undefined);
    }
    const parked = await this.queue.parked(this.options.partnerId, 100);
    const { tenants, invoices, totals, stopped } = this;
    return { tenants, invoices, totals, parked: parked.lines, parkedCount: parked.count, stopped };
  }

  private async work(): Promise<void> {
    while (!this.ended && !this.stopped) {
      const claim = this.claims.shift();
      if (claim) {
        await this.bill(claim);
        continue;
      }
      // One of the workers fetches for all.
      this.refilling ??= this.refill().finally(() => {
        this.refilling = undefined;
      });
      await this.refilling;
    }
  }

  private async refill(): Promise<void> {
    try {
      await this.fetch();
      this.outageBegan = undefined;
    } catch (error) {
      if (!isTransient(error)) throw error;
      this.outageBegan ??= performance.now();
      if (performance.now() - this.outageBegan > (this.options.outageSeconds ?? 60) * 1_000) throw error;
      await this.rest();
    }
  }

  /** Takes what is noted as work; else looks for more; else ends, once nobody has anything left. */
  private async fetch(): Promise<void> {
    const { asOf, partnerId, workers } = this.options;
    // Few at a time: what a killed process had waits for its lease to end.
    this.claims.push(...(await this.queue.claim(this.worker, partnerId, workers * 4, this.leaseSeconds)));
    if (this.claims.length > 0) return;
    const page = await this.queue.find(asOf, partnerId, this.place, pageSize);
    this.addedInThisPass += page.added;
    if (page.seen === pageSize && page.last) {
      this.place = page.last;
      return;
    }
    // The pass is over. Only one that found nothing new, with nothing left in anybody's hands, is the end.
    const foundNothing = this.addedInThisPass === 0;
    this.place = firstPlace;
    this.addedInThisPass = 0;
    if (!foundNothing) return;
    if (await this.queue.isAnythingLeft(partnerId)) await this.rest();
    else this.ended = true;
  }

  private async rest(): Promise<void> {
    await sleep(waitMilliseconds, undefined, this.options.signal ? { signal: this.options.signal } : {}).catch(
      () => undefined,
    );
  }

  private async bill(claim: Claim): Promise<void> {
    try {
      if (claim.setbacks >= (this.options.patience ?? 6)) {
        await this.park(claim, claim.lastReason ?? 'WORKER_LOST', 'gave up after several attempts');
        return;
      }
      const billed = await this.system.asTenant(claim.tenantId, (tx) => billClaim(tx, claim));
      this.tenants += 1;
      for (const { total } of billed.invoices) {
        const sum = this.totals.get(total.currency) ?? { invoices: 0, minor: 0n };
        this.totals.set(total.currency, { invoices: sum.invoices + 1, minor: sum.minor + total.minor });
        this.invoices += 1;
      }
      this.options.onTenant?.(this.tenants);
    } catch (error) {
      await this.setAside(claim, error);
    }
  }

  private async setAside(claim: Claim, error: unknown): Promise<void> {
    if (error instanceof ClaimLost) return;
    const { tenantId } = claim;
    const detail = (error as Error)?.message ?? String(error);
    try {
      if (!isTransient(error)) {
        this.system.log.error({ err: error, tenantId }, 'billing a tenant failed; it is parked');
        await this.park(claim, parkReasonOf(error), detail);
        return;
      }
      this.system.log.warn({ err: error, tenantId }, 'billing a tenant was interrupted; it is tried again');
      const seconds = Math.min(60, 2 ** (claim.setbacks + 1));
      await this.system.asTenant(tenantId, (tx) => tx.billingWork.tryLater(claim, 'BUSY', detail.slice(0, 500), seconds));
    } catch (again) {
      // Not even that could be written: the lease ends by itself, and whoever comes then tries again.
      this.system.log.warn({ err: again, tenantId }, 'a claim is left to its lease');
      await this.rest();
    }
  }

  private async park(claim: Claim, reason: ParkReason, detail: string): Promise<void> {
    await this.system.asTenant(claim.tenantId, (tx) => parkTenant(tx, claim, reason, detail));
  }
}
