import type { Actor } from './access/actor';
import { FairQueue, type Gone, type Leave, type Share } from './platform/fair-queue';

interface Shares {
  readonly whole: number;
  /** Of a partner, with its people, its keys and its tenants. */
  readonly account: number;
  readonly actor: number;
  readonly tenant: number;
}

const sharesOf = (whole: number, account: number, actor: number, tenant: number): Shares => {
  const partOf = (share: number) => Math.max(1, Math.floor(whole * share));
  return { whole, account: partOf(account), actor: partOf(actor), tenant: partOf(tenant) };
};

/** The most follow-ups that a process works on. Each has one connection of the jobs' role at a time, or none. */
export const mostFollowUps = 8;

/**
 * How much each may have at once. Of 20 connections 16 are for transactions, and 10 of those may write; the rest is for checks
 * and for finding out who asks. A tenant has 4 of the 16 and writes with 2; a person or a key, which may act for thousands of
 * tenants, has 6 and writes with 4; a partner with all that is its own 12 and 7. So no caller's reads wait for its own writes.
 */
export function admissionLimits(poolSize: number) {
  const whole = poolSize < 3 ? poolSize : poolSize - Math.max(1, Math.floor(poolSize / 5));
  return {
    /** Transactions of requests, each with a connection. */
    transactions: sharesOf(whole, 3 / 4, 3 / 8, 1 / 4),
    /** Those of them that write. */
    writes: sharesOf(Math.max(1, Math.floor((whole * 5) / 8)), 3 / 4, 2 / 5, 1 / 4),
    /** Requests that are long or ask for much, up to their write where they have one: work of this process alone. */
    heavy: sharesOf(4, 1 / 2, 1 / 4, 1 / 4),
    /** What follows a write: calls to payment providers, and billing a sandbox on the way to another time. */
    followUps: sharesOf(mostFollowUps, 3 / 4, 1 / 2, 1 / 4),
    /** Documents that are printed as PDF, by one thread. */
    prints: sharesOf(1, 1, 1, 1),
  };
}

/** How many wait: more could not be answered before their clients give up. */
const waiting: Shares = { whole: 1_000, account: 500, actor: 250, tenant: 250 };
/** Of what is held in memory while it waits: a document to print, the body of a long request. */
const waitingHeavy: Shares = { whole: 200, account: 100, actor: 20, tenant: 20 };
/**
 * How long, in milliseconds. A read is asked again by its client; a write waits for its turn among the same tenant's, and for
 * a lock afterwards: together that is shorter than the 30 seconds that clients wait.
 */
const patience = { read: 1_900, write: 20_000, followUp: 20_000, heavy: 10_000 } as const;

/**
 * Lets requests in to the database so that none keeps the others out. What waits, waits here and holds no connection. The
 * order in which a request takes things is always the same, so that none waits for one that waits for it: a place for heavy
 * work, which it gives back before it writes; a place for the follow-up, a place for the transaction, a connection, the locks in the database.
 */
export class Admission {
  readonly limits: ReturnType<typeof admissionLimits>;
  readonly transactions: FairQueue;
  readonly followUps: FairQueue;
  readonly prints: FairQueue;
  readonly heavy: FairQueue;

  constructor(poolSize: number) {
    this.limits = admissionLimits(poolSize);
    const { transactions, followUps, prints, heavy } = this.limits;
    this.transactions = new FairQueue({ places: transactions.whole, waiting: waiting.whole });
    this.followUps = new FairQueue({ places: followUps.whole, waiting: waiting.whole });
    this.heavy = new FairQueue({ places: heavy.whole, waiting: waitingHeavy.whole });
    this.prints = new FairQueue({ places: prints.whole, waiting: waitingHeavy.whole });
  }

  /** @throws Crowded */
  read(actor: Actor, gone?: Gone): Promise<Leave> {
    const shares = sharesIn(this.limits.transactions, waiting, actor, ownTenant(actor));
    return this.transactions.enter(shares, patience.read, gone);
  }

  /** @throws Crowded */
  write(actor: Actor, tenantId: string | undefined, gone?: Gone): Promise<Leave> {
    const { transactions, writes } = this.limits;
    const all = sharesIn(transactions, waiting, actor, tenantId);
    const written = sharesIn(writes, waiting, actor, tenantId).map(({ key, most }) => ({ key: `${key} writes`, most }));
    const shares = [...all, ...written, { key: 'writes', most: writes.whole }];
    return this.transactions.enter(shares, patience.write, gone);
  }

  /** @throws Crowded */
  work(actor: Actor, gone?: Gone): Promise<Leave> {
    const shares = sharesIn(this.limits.heavy, waitingHeavy, actor, ownTenant(actor));
    return this.heavy.enter(shares, patience.heavy, gone);
  }

  /** @throws Crowded */
  followUp(actor: Actor, tenantId: string | undefined, gone?: Gone): Promise<Leave> {
    return this.followUps.enter(sharesIn(this.limits.followUps, waiting, actor, tenantId), patience.followUp, gone);
  }

  /** @throws Crowded */
  print(actor: Actor, gone?: Gone): Promise<Leave> {
    const shares = sharesIn(this.limits.prints, waitingHeavy, actor, ownTenant(actor));
    return this.prints.enter(shares, patience.heavy, gone);
  }
}

const ownTenant = ({ account }: Actor) => (account.kind === 'TENANT' ? account.tenantId : undefined);

/** From the widest party to the narrowest: whose turn it is, is decided in this order. */
function sharesIn(most: Shares, waits: Shares, { account, principalId }: Actor, tenantId: string | undefined): Share[] {
  const accountId = account.kind === 'PLATFORM' ? 'platform' : account.partnerId;
  return [
    { key: accountId, most: most.account, waiting: waits.account },
    ...(tenantId ? [{ key: tenantId, most: most.tenant, waiting: waits.tenant }] : []),
    { key: principalId, most: most.actor, waiting: waits.actor },
  ];
}
