import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { reconcile } from '../../src/cli/reconcile';
import { readConfig } from '../../src/config';
import { createLog, type Log } from '../../src/platform/log';
import { type Random, randomFrom, seed } from '../support/arbitraries';
import type { TestGateway } from '../support/gateway';

/** What a provider tells, on its way to us: some of it is lost, late, doubled, or overtakes what was told before it. */
export class Mail<Told> {
  private waiting: Told[] = [];
  private late: Told[] = [];
  readonly counts = { told: 0, lost: 0, late: 0, doubled: 0 };
  /** What is told after the last repair arrives: the next one would be months away. */
  loses = true;

  constructor(
    private readonly random: Random,
    private readonly deliver: (told: Told) => Promise<void>,
  ) {}

  post(told: Told): void {
    this.counts.told += 1;
    const fate = this.random.whole(0, 99);
    if (fate < 10 && this.loses) {
      this.counts.lost += 1;
    } else if (fate < 25) {
      this.counts.late += 1;
      this.late.push(told);
    } else if (fate < 40) {
      this.counts.doubled += 1;
      this.waiting.push(told, told);
    } else {
      this.waiting.push(told);
    }
  }

  /** The post comes: what waits, in any order, and now and then something that was late. */
  async come(): Promise<void> {
    const found = this.late.filter(() => this.random.chance(0.08));
    this.late = this.late.filter((told) => !found.includes(told));
    await this.hand([...this.waiting.splice(0), ...found]);
  }

  /** All that was late is found. */
  async comeAll(): Promise<void> {
    await this.hand([...this.waiting.splice(0), ...this.late.splice(0)]);
  }

  private async hand(letters: Told[]): Promise<void> {
    while (letters.length > 0) {
      const index = this.random.chance(0.3) ? this.random.whole(0, letters.length - 1) : 0;
      await this.deliver(letters.splice(index, 1)[0]!);
    }
  }
}

export interface History {
  /** Lives it and says what is wrong at its end. */
  live(): Promise<readonly string[]>;
  /** What was done, with what came of it. */
  readonly told: readonly string[];
  readonly figures: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** What happened in one history: each act with its outcome, and how often each came. */
export class Diary {
  readonly told: string[] = [];
  readonly figures = new Map<string, number>();

  constructor(private readonly now: () => string) {}

  note(act: string, outcome: string, detail = ''): void {
    this.told.push(`${this.now()} ${act}${detail ? ` ${detail}` : ''}: ${outcome}`);
    this.count(`${act} ${outcome}`);
  }

  count(what: string, times = 1): void {
    this.figures.set(what, (this.figures.get(what) ?? 0) + times);
  }
}

/** A log that keeps what went wrong: a job that fails and is tried again says it nowhere else. */
export function faultLog(): { readonly log: Log; readonly faults: () => string[] } {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, next) => {
      lines.push(chunk.toString('utf8').trim().slice(0, 2_000));
      next();
    },
  });
  return { log: createLog('error', [], sink), faults: () => lines };
}

/** One of them, by weight. */
export function pickOne<Act>(random: Random, acts: readonly (readonly [weight: number, act: Act])[]): Act {
  let left = random.whole(
    1,
    acts.reduce((sum, [weight]) => sum + weight, 0),
  );
  for (const [weight, act] of acts) {
    left -= weight;
    if (left <= 0) return act;
  }
  throw new Error('weights are whole numbers above zero');
}

const folder = mkdtempSync(join(tmpdir(), 'tollgate-histories-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** As `npm run tollgate -- reconcile` does it; answers the rows of its tables that are still open. */
export async function reconciled(
  { app, database }: TestGateway,
  secrets: Record<string, string>,
  repair: boolean,
): Promise<string[]> {
  const { ownerUrl, appUrl, jobUrl, queueUrl } = database;
  const urls = {
    ...{ DATABASE_URL: ownerUrl, DATABASE_APP_URL: appUrl },
    ...{ DATABASE_JOB_URL: jobUrl, DATABASE_QUEUE_URL: queueUrl },
  };
  const printed: string[] = [];
  await reconcile(
    readConfig({ ...urls, ...secrets, DATA_DIR: folder, LOG_LEVEL: 'silent' }),
    { days: '400', repair },
    { line: () => undefined, bar: () => ({ advance: () => undefined, end: () => undefined }) },
    (text) => void printed.push(text),
    app.clock,
  );
  const lines = printed.join('').split('\n');
  return lines.filter((line) => /^ {2}[A-Z_]+ {2}|did not answer/.test(line)).map((line) => line.trim());
}

const count = Number(process.env.HISTORIES ?? 2);
const only = process.env.HISTORY;
const lanes = 1;

/** A few at the same time, each in a world of its own, so that `HISTORY=17 SEED=…` plays that one as it was. */
export function playHistories(
  provider: string,
  begin: (random: Random) => Promise<History>,
  /** What has to happen in the long form, or it shows nothing. */
  expected: readonly string[],
): void {
  const numbers = only === undefined ? Array.from({ length: count }, (_none, number) => number) : [Number(only)];
  test(
    `${numbers.length} histories of ${provider} end with the same books on both sides (seed ${seed})`,
    async () => {
      const figures = new Map<string, number>();
      const broken: string[] = [];
      const say = (lines: readonly string[]) => {
        broken.push(...lines);
        // A long run says at once what it found.
        if (count > 10) process.stderr.write(lines.map((line) => `${line}\n`).join(''));
      };
      const waiting = [...numbers];
      const lane = async () => {
        for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
          const name = `HISTORY=${number} SEED=${seed}`;
          const history = await begin(randomFrom(seed + number * 7_919));
          try {
            const found = await history.live();
            if (found.length > 0) say([name, ...found]);
          } catch (error) {
            say([`${name}: it broke: ${(error as Error).stack}`]);
          } finally {
            await history.stop();
          }
          for (const [what, times] of history.figures) figures.set(what, (figures.get(what) ?? 0) + times);
          if (only !== undefined) process.stderr.write(`${history.told.join('\n')}\n`);
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      const tally = Object.fromEntries([...figures].sort());
      if (process.env.TALLY) process.stderr.write(`${JSON.stringify(tally, null, 1)}\n`);
      expect(broken).toEqual([]);
      if (numbers.length >= 100) expect(expected.filter((what) => !figures.has(what))).toEqual([]);
    },
    Math.max(120_000, numbers.length * 60_000),
  );
}
