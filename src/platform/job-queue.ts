import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, parseCronItems, type Runner, run, type TaskList } from 'graphile-worker';
import { Pool } from 'pg';
import type { Log } from './log';

export interface ScheduledTask {
  readonly name: string;
  /** Five fields of cron, in UTC. */
  readonly schedule: string;
  /** Must be safe to do twice, and at once: a lost worker's task is begun anew. */
  readonly work: (signal: AbortSignal) => Promise<void>;
}

export interface JobQueueOptions {
  /** As the queue's own role: it keeps a schema of its own and reaches nothing else. */
  readonly url: string;
  readonly tasks: readonly ScheduledTask[];
  readonly log: Log;
  /** How long the queue rests after its database went away. */
  readonly restartMilliseconds?: number;
}

export interface JobQueue {
  /** Resolves once it takes jobs. */
  readonly ready: Promise<void>;
  /** What is being done is asked to end, and waited for. */
  stop(): Promise<void>;
}

/**
 * The scheduled tasks of this server. Several servers share one schedule: each tick is done by one of them. When the
 * database goes away the queue begins anew once it is back.
 */
export function startJobQueue({ url, tasks, log, restartMilliseconds = 2_000 }: JobQueueOptions): JobQueue {
  const ending = new AbortController();
  const pool = new Pool({ connectionString: url, max: tasks.length + 2, application_name: 'tollgate-queue' });
  const onError = (error: Error) => log.info({ err: error }, 'a connection of the job queue ended');
  pool.on('error', onError).on('connect', (client) => void client.on('error', onError));
  const taskList: TaskList = Object.fromEntries(tasks.map(({ name, work }) => [name, () => work(ending.signal)]));
  const parsedCronItems = parseCronItems(
    tasks.map(({ name, schedule }) => ({
      ...{ task: name, match: schedule, identifier: name },
      // A tick while the last one's work still waits replaces it. Failed work is not tried again: the next tick comes.
      options: { jobKey: name, maxAttempts: 1, backfillPeriod: 0 },
    })),
  );
  // Its own lines repeat what is logged here; its errors are worth knowing.
  const logger = new Logger(() => (level, message) => {
    if (level === 'error') log.warn({ queue: message }, 'job queue');
  });
  let runner: Runner | undefined;
  let isReady = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const rest = () =>
    sleep(restartMilliseconds, undefined, { signal: ending.signal, ref: false }).catch(() => undefined);
  const serve = async () => {
    while (!ending.signal.aborted) {
      try {
        runner = await run({
          pgPool: pool,
          taskList,
          parsedCronItems,
          logger,
          concurrency: tasks.length,
          noHandleSignals: true,
        });
        isReady();
        if (ending.signal.aborted) await runner.stop();
        await runner.promise;
      } catch (error) {
        if (!ending.signal.aborted) log.warn({ err: error }, 'the job queue lost its database; it begins anew');
      }
      runner = undefined;
      if (!ending.signal.aborted) await rest();
    }
  };
  const served = serve();
  return {
    ready,
    stop: async () => {
      ending.abort();
      await runner?.stop().catch(() => undefined);
      await served;
      await pool.end();
    },
  };
}
