import { type Logger, pino } from 'pino';

export type Log = Logger;

function errorFields(error: unknown): object {
  const { name, message, code, stack } = (error ?? {}) as {
    name?: string;
    message?: string;
    code?: string;
    stack?: string;
  };
  return {
    name,
    code,
    message: message?.slice(0, 500),
    stack: stack
      ?.split('\n')
      .slice(1, 12)
      .map((line) => line.trim()),
  };
}

/** Structured lines on standard error; what may hold a secret is never printed, whatever object it stands in. */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      // Of an error only what says where to look: drivers hang whole connections, parameters and row values on theirs.
      serializers: { err: errorFields },
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
