import { LRUCache } from 'lru-cache';

/** What one party may use. It fills up by `perSecond`, up to `most`. */
export interface Budget {
  readonly name: string;
  readonly perSecond: number;
  readonly most: number;
}

export interface BudgetRequest {
  readonly budget: Budget;
  /** Was used already, and is taken in any case. */
  readonly used: number;
  /** Is to be used: as much of it is granted as there is. */
  readonly wanted: number;
}

export interface BudgetAnswer {
  readonly granted: number;
  /** What is left for all processes; below zero where more was used than there was. */
  readonly points: number;
}

/** Takes from the shared budgets: answers each request, in order. */
export type TakeBudget = (request: BudgetRequest) => Promise<BudgetAnswer>;

/** A part of a shared budget that this process has taken ahead. */
interface Lease {
  left: number;
  /** What the others may still take, when that was last heard, and when that was. */
  shared: number;
  heardAt: number;
  /** While there is nothing left: when there may be some again. */
  emptyUntil: number;
  asking: Promise<void> | undefined;
}

/** A twentieth of what can be saved is taken at a time, and the next one when half of it is used. */
const leasedShare = 1 / 20;

/**
 * Budgets that all processes share. Each takes a part ahead and counts it down by itself, so that a request waits for
 * no statement: of a budget that is used up at its full speed there are some four a second. Where the budgets cannot be reached,
 * nothing is refused: whatever keeps them away keeps the requests away, too.
 */
export class LeasedBudgets {
  private readonly leases = new LRUCache<string, Lease>({ max: 50_000 });

  constructor(
    private readonly take: TakeBudget,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Uses points of each budget. What is asked may cost more than is left: then the next one waits for longer.
   *
   * @returns seconds to wait where one of them is used up; nothing was used then
   */
  spend(budgets: readonly Budget[], points: number): number | undefined | Promise<number | undefined> {
    const leases = budgets.map((budget) => this.leaseOf(budget));
    for (const [index, lease] of leases.entries()) {
      const seconds = this.secondsToWait(lease);
      if (seconds !== undefined) return seconds;
      // So much was used on credit that what is left should be known first.
      if (lease.asking && lease.left <= -sliceOf(budgets[index]!))
        return lease.asking.then(() => this.spend(budgets, points));
    }
    for (const [index, lease] of leases.entries()) {
      lease.left -= points;
      if (!lease.asking && lease.left < sliceOf(budgets[index]!) / 2) this.refill(lease, budgets[index]!);
    }
    return undefined;
  }

  /**
   * Uses one point, and knows exactly that it is there: for what is rare.
   *
   * @returns seconds to wait where there is none
   */
  async spendOne(budget: Budget): Promise<number | undefined> {
    const { granted, points } = await this.take({ budget, used: 0, wanted: 1 });
    return granted >= 1 ? undefined : secondsUntil(budget, points, 1);
  }

  /** About how much is left, for people to see. */
  left(budget: Budget): number {
    const lease = this.leases.get(budget.name);
    if (!lease) return budget.most;
    const since = (this.now() - lease.heardAt) / 1_000;
    return Math.floor(Math.min(budget.most, lease.shared + since * budget.perSecond) + lease.left);
  }

  private leaseOf(budget: Budget): Lease {
    let lease = this.leases.get(budget.name);
    if (!lease) {
      lease = { left: 0, shared: budget.most, heardAt: this.now(), emptyUntil: 0, asking: undefined };
      this.leases.set(budget.name, lease);
    }
    return lease;
  }

  private secondsToWait({ left, emptyUntil }: Lease): number | undefined {
    const milliseconds = emptyUntil - this.now();
    return left <= 0 && milliseconds > 0 ? Math.ceil(milliseconds / 1_000) : undefined;
  }

  private refill(lease: Lease, budget: Budget): void {
    const used = Math.max(0, -lease.left);
    const wanted = sliceOf(budget) - Math.max(0, lease.left);
    lease.asking = this.take({ budget, used, wanted })
      .then(({ granted, points }) => {
        lease.left += used + granted;
        lease.shared = points;
        lease.heardAt = this.now();
        lease.emptyUntil =
          granted > 0 ? 0 : lease.heardAt + secondsUntil(budget, points, Math.min(wanted, budget.perSecond)) * 1_000;
      })
      .catch(() => {
        lease.left = sliceOf(budget);
        lease.emptyUntil = 0;
      })
      .finally(() => {
        lease.asking = undefined;
      });
  }
}

const sliceOf = ({ most }: Budget) => Math.max(1, most * leasedShare);

/** Whole seconds until a budget has so much. */
const secondsUntil = ({ perSecond }: Budget, has: number, wanted: number) =>
  Math.max(1, Math.ceil((wanted - has) / perSecond));
