/** What a client needs to act on a refusal: which plan would allow it, which limit was met, what it would cost. */
export interface RefusalFact {
  readonly name: string;
  readonly value: string;
}

/**
 * An expected answer that is not the wished one. Refusals are data: they are returned, rolled back and shown. Thrown
 * errors are bugs and outages.
 */
export interface Refusal<Code extends string = string> {
  readonly code: Code;
  /** One sentence for people; never internal text. */
  readonly message: string;
  /** The same call may succeed in a moment without a change; follows from the code. */
  readonly retryable: boolean;
  /** Which part of the input is meant, e.g. `['input', 'couponCode']`. */
  readonly path?: readonly string[];
  readonly facts: readonly RefusalFact[];
}

export type Done<T> = { readonly ok: true; readonly value: T };
export type Refused<Code extends string = string> = { readonly ok: false; readonly refusal: Refusal<Code> };
export type Result<T, Code extends string = string> = Done<T> | Refused<Code>;

export function done<T>(value: T): Done<T> {
  return { ok: true, value };
}

/**
 * Codes after which the same call may succeed in a moment without a change: clients repeat it by themselves. Everything else is
 * for the caller to decide anew; a VERSION_CONFLICT, say, is the same however often it is asked.
 */
export const retryableCodes: ReadonlySet<string> = new Set([
  'BUSY',
  'IDEMPOTENCY_KEY_IN_PROGRESS',
  'PERIOD_NOT_BILLED',
  'PROVIDER_UNAVAILABLE',
  'RATE_LIMITED',
]);

export interface RefusalDetails {
  readonly path?: readonly string[];
  readonly facts?: Readonly<Record<string, string | number | bigint | boolean | null | undefined>>;
}

export function refuse<const Code extends string>(
  code: Code,
  message: string,
  details: RefusalDetails = {},
): Refused<Code> {
  const facts = Object.entries(details.facts ?? {}).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [{ name, value: String(value) }],
  );
  return {
    ok: false,
    refusal: {
      code,
      message,
      retryable: retryableCodes.has(code),
      ...(details.path ? { path: details.path } : {}),
      facts,
    },
  };
}
