import { setTimeout as sleep } from 'node:timers/promises';
import type { CurrencyCode } from '../core/currency';
import { InvariantViolation } from '../core/invariant';
import { AmountOutOfRange } from '../core/money';
import type { Billed } from '../invoicing/bill-tenant.command';
import { sqlState } from '../platform/database';
import type { System } from '../system';
import { billClaim } from './bill-claim.command';
import { BillingQueue, firstPlace, lockBillingWork, type ParkedLine, type Place } from './billing-queue.repository';
import { type AsOf, type Claim, ClaimLost, NothingMoved, type ParkReason } from './billing-work';
import { parkTenant } from './park-tenant.command';

export interface BillingRunOptions {
  readonly asOf: AsOf;
  /** Only this partner's tenants. */
  readonly partnerId?: string | undefined;
  /** How much of it this process does at the same time. */
  readonly workers: number;
  /** Tenants that are billed in one transaction. */
  readonly batchSize?: number;
  /** How often a tenant may come to nothing (dead workers, timeouts) before it is parked. */
  readonly patience?: number;
  /** How long what was claimed is left alone until it is locked: longer than a claim takes to become a lock. */
  readonly holdSeconds?: number;
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
const defaultBatchSize = 100;
const defaultHoldSeconds = 5;
const defaultPatience = 6;
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
    /connection terminated|connection timeout|timeout exceeded when trying to connect|query read timeout|client was closed/i.test(
      message,
    )
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
 * Bills every live tenant that has something due, many in one transaction, by the code that bills one. Any number of runs may be under way
 * at once, in as many processes: they share the work table, and each ends when nothing is left. What a killed process was
 * at is taken over at once.
 */
export async function runBilling(system: System, options: BillingRunOptions): Promise<BillingRunSummary> {
  return new BillingRun(system, options).run();
}

class BillingRun {
  private readonly queue: BillingQueue;
  private looking: Promise<void> | undefined;
  private place: Place = firstPlace;
  private addedInThisPass = 0;
  private ended = false;
  private outageBegan: number | undefined;
  private tenants = 0;
  private invoices = 0;
  private readonly totals = new Map<CurrencyCode, { invoices: number; minor: bigint }>();

  constructor(
    private readonly system: System,
    private readonly options: BillingRunOptions,
  ) {
    this.queue = new BillingQueue(system.ask);
  }

  private get stopped(): boolean {
    return this.options.signal?.aborted ?? false;
  }

  async run(): Promise<BillingRunSummary> {
    await Promise.all(Array.from({ length: this.options.workers }, () => this.work()));
    const parked = await this.queue.parked(this.options.partnerId, 100);
    const { tenants, invoices, totals, stopped } = this;
    return { tenants, invoices, totals, parked: parked.lines, parkedCount: parked.count, stopped };
  }

  private async work(): Promise<void> {
    try {
      while (!this.ended && !this.stopped) {
        const claims = await this.throughOutages(() =>
          this.queue.claim(
            this.options.partnerId,
            this.options.batchSize ?? defaultBatchSize,
            this.options.holdSeconds ?? defaultHoldSeconds,
          ),
        );
        if (claims?.length === 0) {
          // One of the workers looks for all.
          this.looking ??= this.look().finally(() => {
            this.looking = undefined;
          });
          await this.looking;
        }
        if (claims && claims.length > 0) await this.billAll(claims);
      }
    } catch (error) {
      // The other workers end too, after what they are at.
      this.ended = true;
      throw error;
    }
  }

  /** While the database is away the run waits for it. `undefined`: it was away. */
  private async throughOutages<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await work();
      this.outageBegan = undefined;
      return answer;
    } catch (error) {
      if (!isTransient(error)) throw error;
      this.outageBegan ??= performance.now();
      if (performance.now() - this.outageBegan > (this.options.outageSeconds ?? 60) * 1_000) throw error;
      await this.rest();
      return undefined;
    }
  }

  /** Notes the next page of what is due as work; ends the run once nobody has anything left. */
  private async look(): Promise<void> {
    const { asOf, partnerId } = this.options;
    const page = await this.throughOutages(() => this.queue.find(asOf, partnerId, this.place, pageSize));
    if (!page) return;
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
    const left = await this.throughOutages(() => this.queue.isAnythingLeft(partnerId));
    if (left === false) this.ended = true;
    else await this.rest();
  }

  private async rest(): Promise<void> {
    await sleep(waitMilliseconds, undefined, this.options.signal ? { signal: this.options.signal } : {}).catch(
      () => undefined,
    );
  }

  /**
   * Many tenants in one transaction; where it fails, each half of them, so that in the end only the tenant that cannot be
   * billed is left alone.
   */
  private async billAll(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 1) return this.bill(claims[0]!);
    try {
      const billed = await this.system.asTenants(
        (ask) =>
          lockBillingWork(
            ask,
            claims.map(({ tenantId }) => tenantId),
          ),
        async (txs) => {
          const each = claims.flatMap((claim) => {
            const tx = txs.get(claim.tenantId);
            return tx ? [billClaim(tx, claim)] : [];
          });
          // All of them end before the transaction does.
          await Promise.allSettled(each);
          return Promise.all(each);
        },
      );
      for (const one of billed) this.count(one);
    } catch (error) {
      if (isTransient(error)) {
        this.system.log.warn({ err: error, tenants: claims.length }, 'billing was interrupted; it is tried again');
        return this.rest();
      }
      this.system.log.info({ err: error, tenants: claims.length }, 'not all of these can be billed together');
      const middle = Math.ceil(claims.length / 2);
      await this.billAll(claims.slice(0, middle));
      await this.billAll(claims.slice(middle));
    }
  }

  private async bill(claim: Claim): Promise<void> {
    try {
      if (claim.attempts > (this.options.patience ?? defaultPatience)) {
        await this.park(claim, claim.lastReason ?? 'WORKER_LOST', 'gave up after several attempts');
        return;
      }
      this.count(await this.system.asTenant(claim.tenantId, (tx) => billClaim(tx, claim)));
    } catch (error) {
      await this.setAside(claim, error);
    }
  }

  private count({ invoices, events }: Billed): void {
    // Noted once more by a search that had begun before the tenant was billed.
    if (events === 0) return;
    this.tenants += 1;
    for (const { total } of invoices) {
      const sum = this.totals.get(total.currency) ?? { invoices: 0, minor: 0n };
      this.totals.set(total.currency, { invoices: sum.invoices + 1, minor: sum.minor + total.minor });
      this.invoices += 1;
    }
    this.options.onTenant?.(this.tenants);
  }

  private async setAside(claim: Claim, error: unknown): Promise<void> {
    if (error instanceof ClaimLost) return;
    const { tenantId, attempts } = claim;
    const detail = (error as Error)?.message ?? String(error);
    try {
      if (!isTransient(error)) {
        this.system.log.error({ err: error, tenantId }, 'billing a tenant failed; it is parked');
        await this.park(claim, parkReasonOf(error), detail);
        return;
      }
      this.system.log.warn({ err: error, tenantId }, 'billing a tenant was interrupted; it is tried again');
      const seconds = Math.min(60, 2 ** (attempts - 1));
      await this.system.asTenant(tenantId, (tx) =>
        tx.billingWork.tryLater(tenantId, 'BUSY', detail.slice(0, 500), seconds),
      );
    } catch (again) {
      // Not even that could be written: whoever comes next tries again.
      this.system.log.warn({ err: again, tenantId }, 'a tenant that could not be billed is tried again');
      await this.rest();
    }
  }

  private async park(claim: Claim, reason: ParkReason, detail: string): Promise<void> {
    await this.system.asTenant(claim.tenantId, (tx) => parkTenant(tx, claim.tenantId, reason, detail));
  }
}
