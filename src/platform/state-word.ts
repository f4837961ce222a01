import { createHash } from 'node:crypto';

/**
 * A word for how something stands: another one once anything has changed that a person decides by. Who decides gives it back, so
 * that nobody takes what nobody has seen.
 */
export const stateWord = (...facts: readonly (string | bigint | undefined)[]): string =>
  createHash('sha256')
    .update(JSON.stringify(facts.map((fact) => fact?.toString() ?? null)))
    .digest('base64url')
    .slice(0, 22);
