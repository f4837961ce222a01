import { type DestinationStream, type Logger, pino } from 'pino';
import { redactor } from './redact';

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

/**
 * Structured lines on standard error. What looks like a secret, or is one of those given here, is in none of them, in
 * whatever object, message or stack it stood.
 */
export function createLog(level: string, secrets: readonly string[] = [], to?: DestinationStream): Log {
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
      // The whole line, after everything else that makes one: there is no other way out.
      hooks: { streamWrite: redactor(secrets) },
    },
    to ?? pino.destination({ dest: 2, sync: false }),
  );
}
