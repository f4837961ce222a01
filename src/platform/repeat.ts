import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log';

export interface Repeated {
  /** What is being done is asked to end, and waited for. */
  stop(): Promise<void>;
}

/**
 * Does something again and again with a pause between, for as long as this process lives. For work that is claimed row by row:
 * any number of processes may be at it. A round that fails is logged, and the next one comes after a longer pause.
 */
export function repeat(
  name: string,
  pauseMilliseconds: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  log: Log,
): Repeated {
  const ending = new AbortController();
  const { signal } = ending;
  const run = async () => {
    while (!signal.aborted) {
      let pause = pauseMilliseconds;
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error, work: name }, 'a round of work failed; the next one comes');
        pause *= 10;
      }
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}
