import type { DataSource } from 'typeorm';
import type { Clock } from './platform/clock';
import { type Ask, askOnce, writeForMany, writeTransaction } from './platform/database';
import type { Log } from './platform/log';
import { Tx } from './tx';

/** Nobody waits in front of a screen: PostgreSQL's own limit comes first. */
const answerMilliseconds = 60_000;

/** Work of the system itself, as the job role: billing runs and other jobs. */
export class System {
  constructor(
    private readonly jobSource: DataSource,
    readonly clock: Clock,
    readonly log: Log,
  ) {}

  /** One tenant's transaction. */
  asTenant<T>(tenantId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    return writeTransaction(this.jobSource, { systemFor: tenantId }, (session) =>
      work(new Tx(session, { tenantId }, this.clock)),
    );
  }

  /** Numbering events and delivering them: sees the tables of that work, of all partners, and no others. */
  asRelay<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return writeTransaction(this.jobSource, { relay: true }, (session) => work(new Tx(session, {}, this.clock)));
  }

  /** Many tenants of one partner in one transaction; `free` says which of them can be had now. */
  asTenants<T>(
    free: (ask: Ask) => Promise<readonly string[]>,
    work: (txs: ReadonlyMap<string, Tx>) => Promise<T>,
  ): Promise<T> {
    return writeForMany(this.jobSource, free, (sessions) =>
      work(new Map([...sessions].map(([tenantId, session]) => [tenantId, new Tx(session, { tenantId }, this.clock)]))),
    );
  }

  /** Across tenants: only through the functions that are granted to the job role for it, see docs/operations.md. */
  readonly ask: Ask = (statement, values) => askOnce(this.jobSource, statement, values, answerMilliseconds);
}
