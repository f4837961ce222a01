import { type Pool, type PoolClient, types } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { managerForMany } from './together';

// A `date` is a calendar date. The driver's default makes it a Date at local midnight: the day before, east of UTC.
types.setTypeParser(types.builtins.DATE, (text) => text);

/** Who enters: a person or an API key, and whose rows. Verified by the database itself. */
export interface Entry {
  readonly principalId: string;
  readonly partnerId?: string | undefined;
  readonly tenantId?: string | undefined;
}

/** What `app.enter` answers about the account that was entered. */
export interface EnteredRow {
  readonly actor: 'PLATFORM' | 'PARTNER' | 'TENANT' | 'SYSTEM';
  readonly role: string;
  readonly can_write: boolean;
  readonly partner_id: string | null;
  readonly partner_currency: string | null;
  readonly partner_time_zone: string | null;
  readonly tenant_currency: string | null;
  readonly tenant_time_zone: string | null;
  readonly sandbox: boolean | null;
  readonly test_clock: Date | null;
  readonly scopes: string[] | null;
}

/** The account does not exist, or this principal has nothing to do with it: the two are never told apart. */
export class NoSuchAccount extends Error {
  override readonly name = 'NoSuchAccount';
}

/** A statement that is prepared once on each connection. The name says which question it asks. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

export interface Session {
  readonly manager: EntityManager;
  readonly entered: EnteredRow;
  /** For statements that are asked on every request: past TypeORM's machinery, prepared, on the same connection. */
  readonly ask: Ask;
}

export type Ask = <Row>(statement: Prepared, values: readonly unknown[]) => Promise<Row[]>;

const begin = {
  read: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  write: 'BEGIN ISOLATION LEVEL READ COMMITTED',
} as const;

/** Serialization failure, deadlock, connection lost, and a cluster's internal error at commit: the whole is tried again. */
const retryableStates = new Set(['40001', '40P01', '08006']);
const attempts = 4;

/** What was read before a lock is not so any more: the transaction begins again, with its own time and everything. */
export class ChangedMeanwhile extends Error {
  readonly code = '40001';
}

export function sqlState(error: unknown): string | undefined {
  const code =
    (error as { driverError?: { code?: unknown }; code?: unknown })?.driverError?.code ??
    (error as { code?: unknown })?.code;
  return typeof code === 'string' ? code : undefined;
}

const enterAs: Prepared = { name: 'enter', text: 'select * from app.enter($1, $2, $3)' };

/**
 * A connection on which one reader asks one statement after the other; after `close` it asks nothing any more. Answers that came
 * together would be worked on in one go, in which no other request is answered: so others come first in between.
 */
class PacedClient {
  private busy = false;
  private readonly waiting: { readonly go: () => void; readonly end: (error: Error) => void }[] = [];
  private closed = false;

  constructor(private readonly client: PoolClient) {}

  readonly query = async (...statement: unknown[]): Promise<unknown> => {
    if (this.closed) throw new Error('the snapshot has been closed');
    if (this.busy) await new Promise<void>((go, end) => this.waiting.push({ go, end }));
    this.busy = true;
    try {
      return await (this.client.query as (...statement: unknown[]) => Promise<unknown>)(...statement);
    } finally {
      // After what others have waiting.
      setImmediate(this.next);
    }
  };

  /** What still waits would otherwise be asked when the connection is another request's. */
  close(): void {
    this.closed = true;
    for (const { end } of this.waiting.splice(0)) end(new Error('the snapshot has been closed'));
  }

  // TypeORM listens for errors on the connection that it has.
  removeListener(...listener: Parameters<PoolClient['removeListener']>): void {
    this.client.removeListener(...listener);
  }

  private readonly next = () => {
    const next = this.waiting.shift();
    if (next) next.go();
    else this.busy = false;
  };
}

function askOn(source: DataSource, client: Pick<PoolClient, 'query'>): Ask {
  return async <Row>({ name, text }: Prepared, values: readonly unknown[]) => {
    source.logger.logQuery(text, values as unknown[]);
    const { rows } = await client.query({ name, text, values: values as unknown[] });
    return rows as Row[];
  };
}

async function enter(ask: Ask, entry: Entry): Promise<EnteredRow> {
  try {
    const rows = await ask<EnteredRow>(enterAs, [entry.principalId, entry.partnerId ?? null, entry.tenantId ?? null]);
    return rows[0]!;
  } catch (error) {
    throw sqlState(error) === 'TG403' ? new NoSuchAccount('no such account') : error;
  }
}

async function enterAsSystem(runner: QueryRunner, tenantId: string): Promise<EnteredRow> {
  try {
    return (await runner.query('select * from app.enter_as_system($1)', [tenantId]))[0];
  } catch (error) {
    throw sqlState(error) === 'TG403' ? new NoSuchAccount('no such account') : error;
  }
}

/** What crosses partners and belongs to none: see `app.enter_as_relay`. */
export interface RelayEntry {
  readonly relay: true;
}

async function enterAsRelay(runner: QueryRunner): Promise<EnteredRow> {
  await runner.query('select app.enter_as_relay()');
  return {
    ...{ actor: 'SYSTEM', role: 'SYSTEM', can_write: true, partner_id: null, partner_currency: null },
    ...{ partner_time_zone: null, tenant_currency: null, tenant_time_zone: null, sandbox: null, test_clock: null },
    scopes: null,
  };
}

type WriteEntry = Entry | { readonly systemFor: string } | RelayEntry;

/** Longer than any statement of this kind takes: a connection that says nothing any more is given up. */
const answerMilliseconds = 5_000;

/** One statement, which is its own transaction and enters the account itself: no other round trip. */
export async function askOnce<Row>(
  source: DataSource,
  statement: Prepared,
  values: readonly unknown[],
  milliseconds: number = answerMilliseconds,
): Promise<Row[]> {
  const pool = (source.driver as unknown as { readonly master: Pool }).master;
  try {
    source.logger.logQuery(statement.text, values as unknown[]);
    const query = { ...statement, values: values as unknown[], query_timeout: milliseconds };
    const { rows } = await pool.query(query);
    return rows as Row[];
  } catch (error) {
    throw sqlState(error) === 'TG403' ? new NoSuchAccount('no such account') : error;
  }
}

/**
 * Waits for statements that were sent together. Where one fails, the ones behind it fail because it did, and may be heard
 * first: what is thrown is the failure of the earliest.
 */
export async function inOrder<Sent extends readonly unknown[]>(
  ...sent: { [Index in keyof Sent]: Promise<Sent[Index]> }
): Promise<Sent> {
  const settled: PromiseSettledResult<unknown>[] = await Promise.allSettled(sent);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }) as unknown as Sent;
}

/** A transaction that somebody else ends: the one lazily opened read transaction of a GraphQL query. */
export interface OpenTransaction extends Session {
  end(): Promise<void>;
}

export async function openRead(source: DataSource, entry: Entry): Promise<OpenTransaction> {
  const runner = source.createQueryRunner();
  try {
    const client: PoolClient = await runner.connect();
    const paced = new PacedClient(client);
    (runner as unknown as { databaseConnection: unknown }).databaseConnection = paced;
    const ask = askOn(source, paced as unknown as PoolClient);
    // Both go out together: the connection is pipelined, and the server works in order.
    const [, entered] = await inOrder(client.query(begin.read), enter(ask, entry));
    return {
      manager: runner.manager,
      entered,
      ask,
      end: async () => {
        paced.close();
        try {
          await client.query('COMMIT');
        } finally {
          await runner.release();
        }
      },
    };
  } catch (error) {
    await abandon(runner);
    throw error;
  }
}

async function abandon(runner: QueryRunner): Promise<void> {
  try {
    await runner.query('ROLLBACK');
  } catch {
    // The connection is gone, and with it the transaction.
  } finally {
    await runner.release().catch(() => undefined);
  }
}

/** A write transaction in progress. Whoever holds it ends it, one way or the other. */
export interface OpenWrite extends Session {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

export async function openWrite(source: DataSource, entry: WriteEntry): Promise<OpenWrite> {
  const runner = source.createQueryRunner();
  try {
    const client: PoolClient = await runner.connect();
    const ask = askOn(source, client);
    const [, entered] = await inOrder(
      client.query(begin.write),
      'relay' in entry
        ? enterAsRelay(runner)
        : 'systemFor' in entry
          ? enterAsSystem(runner, entry.systemFor)
          : enter(ask, entry),
      // Nobody waits for a lock for longer than a client waits for an answer.
      client.query(`set local lock_timeout = '8s'`),
    );
    return {
      manager: runner.manager,
      entered,
      ask,
      commit: async () => {
        const { command } = await client.query('COMMIT');
        // Where a statement failed and its error was swallowed, PostgreSQL answers COMMIT by rolling back.
        if (command !== 'COMMIT') throw new Error('a transaction was rolled back where it should have been committed');
        await runner.release();
      },
      rollback: () => abandon(runner),
    };
  } catch (error) {
    await abandon(runner);
    throw error;
  }
}

/**
 * Many tenants of one partner in one transaction of the job role: a session for each, by its id; what they ask in the same
 * step goes out as one statement. Commits what was done for all of them, or nothing.
 *
 * @param free says which tenants can be had now, under their locks; the others are left for later
 */
export async function writeForMany<T>(
  source: DataSource,
  free: (ask: Ask) => Promise<readonly string[]>,
  work: (sessions: ReadonlyMap<string, Session>) => Promise<T>,
): Promise<T> {
  const runner = source.createQueryRunner();
  try {
    const client: PoolClient = await runner.connect();
    const ask = askOn(source, client);
    await client.query(begin.write);
    await client.query(`set local lock_timeout = '8s'`);
    const tenantIds = await free(ask);
    const rows =
      tenantIds.length === 0
        ? []
        : await ask<EnteredRow & { tenant_id: string }>(
            { name: 'enter-as-system-for', text: 'select * from app.enter_as_system_for($1)' },
            [tenantIds],
          );
    const manager = managerForMany(runner);
    const value = await work(new Map(rows.map((entered) => [entered.tenant_id, { manager, entered, ask }])));
    const { command } = await client.query('COMMIT');
    if (command !== 'COMMIT') throw new Error('a transaction was rolled back where it should have been committed');
    await runner.release();
    return value;
  } catch (error) {
    await abandon(runner);
    throw error;
  }
}

/**
 * Runs an operation in a transaction of its own and tries the whole again where PostgreSQL asks for it. `work` says how
 * the transaction ends; it must not hold anything outside of it that a second run would find changed.
 */
export async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const state = sqlState(error);
      if (attempt >= attempts || !state || !retryableStates.has(state)) throw error;
      // Jitter, so that two that met do not meet again.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
    }
  }
}

/** Commits what `work` did, or rolls all of it back when it throws. */
export async function writeTransaction<T>(
  source: DataSource,
  entry: WriteEntry,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  return withRetries(async () => {
    const open = await openWrite(source, entry);
    try {
      const value = await work(open);
      await open.commit();
      return value;
    } catch (error) {
      await open.rollback();
      throw error;
    }
  });
}
