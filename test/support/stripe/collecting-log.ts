import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Log } from '../../../src/platform/log';

/** A log that keeps what is written to it, with nothing redacted: what must not be there was never given to it. */
export function collectingLog(): { readonly log: Log; readonly lines: () => string[] } {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, next) => {
      lines.push(chunk.toString('utf8'));
      next();
    },
  });
  return { log: pino({ level: 'trace', base: null }, sink), lines: () => lines };
}
