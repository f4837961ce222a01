import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { amountOutOfRange } from '../app';
import { AmountOutOfRange } from '../core/money';
import { NoSuchAccount, sqlState } from '../platform/database';
import { Crowded } from '../platform/fair-queue';
import { redactByLook } from '../platform/redact';

/** The closed list of `extensions.code`. Anything else that was thrown is a bug and says nothing about itself. */
export const errorCodes = [
  'ACCOUNT_REQUIRED',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'INTERNAL_SERVER_ERROR',
  'OPERATION_RESOLUTION_FAILURE',
  'QUERY_TOO_COMPLEX',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
  'UNAUTHENTICATED',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

const unavailableStates = /^(08|53|57P0)/;
const unavailableMessages =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|ECONNREFUSED|ECONNRESET|the database system is/;

/** The database is away or overloaded: the same call may succeed in a moment. */
export function isOutage(error: unknown): boolean {
  const state = sqlState(error);
  if (state && unavailableStates.test(state)) return true;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && /^E(CONN|TIMEDOUT|PIPE|NOTFOUND|AI_AGAIN)/.test(code)) return true;
  return typeof message === 'string' && unavailableMessages.test(message);
}

/** RATE_LIMITED where one caller asks for more at once than its share, SERVICE_UNAVAILABLE where all callers together do. */
export function crowdedError({ ofOne, retryAfterSeconds }: Crowded) {
  return ofOne
    ? { code: 'RATE_LIMITED' as const, message: 'Too much of your account is asked at once.', retryAfterSeconds }
    : { code: 'SERVICE_UNAVAILABLE' as const, message: 'The service is busy; try again soon.', retryAfterSeconds };
}

export const unauthenticated = 'Give a bearer token or an API key.';

/** From the outermost to the innermost cause. */
function causesOf(thrown: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let error = thrown; error && causes.length < 10; error = (error as { originalError?: unknown }).originalError) {
    causes.push(error);
  }
  return causes;
}

function knownCode(causes: readonly unknown[]): ErrorCode | undefined {
  for (const cause of causes) {
    const { extensions, message } = cause as { extensions?: { code?: unknown }; message?: unknown };
    const code = errorCodes.find((known) => known === extensions?.code);
    if (code && code !== 'INTERNAL_SERVER_ERROR') return code;
    // graphql-js and graphql-jit refuse variables, and null for an argument that may not be null, without a code.
    if (typeof message === 'string' && /^(?:Variable "\$|Argument ")/.test(message)) return 'BAD_USER_INPUT';
  }
  return undefined;
}

const longestMessage = 1_000;
const text = '"(?:[^"\\\\]|\\\\.)*"';
const invalidValue = new RegExp(` got invalid value (?:${text}|[^";])*?(?=(?: at ${text})?; )`, 'g');
/** Names, types and paths of the schema; what is longer than any of ours, or of other characters, came from the caller. */
const isOurs = (word: string) => /^[$@]?[\w.:+![\]-]*$/.test(word) && !/[\w:+-]{33}/.test(word);
const enumValue = new RegExp(`\\bValue ${text} does not exist`, 'g');

/**
 * graphql-js repeats what it was given. A variable may be a secret that stood in the wrong place, and whoever sent it keeps
 * its errors in a log: where it stood and why it does not hold is enough.
 */
function withoutValues(message: string): string {
  if (message.length > 10 * longestMessage)
    return `${message.split(' got invalid value ', 1)[0]!.slice(0, longestMessage)}…`;
  const said = message
    .replaceAll(invalidValue, ' got an invalid value')
    .replace(/(cannot represent [a-z0-9 -]+ value): [\s\S]*/, '$1.')
    .replaceAll(enumValue, 'The value does not exist')
    .replaceAll(/"([^"]*)"/g, (quoted, word: string) => (isOurs(word) ? quoted : '"…"'));
  return redactByLook(said);
}

/**
 * What leaves the gateway of an error: a known code with its own message, or nothing but a request id. No driver text,
 * constraint name, path, stack or host. Shared by every way a request can be answered.
 */
export function maskError(thrown: unknown, requestId: string, report: (error: unknown) => void): GraphQLFormattedError {
  const causes = causesOf(thrown);
  const innermost = causes.at(-1);
  const { locations, path } = thrown instanceof GraphQLError ? thrown : ({} as Partial<GraphQLError>);
  const where = { ...(locations && { locations }), ...(path && { path }) };
  if (isOutage(innermost)) {
    report(innermost);
    return {
      message: 'The service is busy or restarting; try again in a moment.',
      ...where,
      extensions: { code: 'SERVICE_UNAVAILABLE', retryable: true, requestId },
    };
  }
  if (innermost instanceof Crowded) {
    const { code, message, retryAfterSeconds } = crowdedError(innermost);
    return { message, ...where, extensions: { code, retryable: true, retryAfterSeconds, requestId } };
  }
  if (innermost instanceof NoSuchAccount) {
    return { message: unauthenticated, ...where, extensions: { code: 'UNAUTHENTICATED', requestId } };
  }
  if (innermost instanceof AmountOutOfRange) {
    return { message: amountOutOfRange, ...where, extensions: { code: 'BAD_USER_INPUT', requestId } };
  }
  const code = innermost instanceof GraphQLError ? knownCode(causes) : undefined;
  if (code) {
    // graphql-jit's errors have no extensions.
    const { retryAfterSeconds, argument } = (innermost as Partial<GraphQLError>).extensions ?? {};
    const message = withoutValues((thrown as GraphQLError).message);
    return {
      message: message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message,
      ...where,
      extensions: {
        code,
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
        ...(argument !== undefined && { argument }),
        requestId,
      },
    };
  }
  report(innermost ?? thrown);
  return {
    message: 'Something went wrong on our side. Give the request id when you ask about it.',
    ...where,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  };
}
