import { type Logger, pino } from 'pino';

export type Log = Logger;

/** Structured lines on standard error; what may hold a secret is never printed, whatever object it stands in. */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      redact: {
        paths: [
          'authorization',
          'token',
          'secret',
          'password',
          'apiKey',
          '*.authorization',
          '*.token',
          '*.secret',
          '*.password',
          '*.apiKey',
        ],
        censor: '[redacted]',
      },
    },
    pino.destination({ dest: 2, sync: false }),
  );
}
