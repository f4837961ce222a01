import { createHash } from 'node:crypto';
import { type Refused, refuse } from '../core/result';

/**
 * A word for how something stands: another one once anything has changed that a person decides by. Who decides gives it back, so
 * that nobody takes what nobody has seen.
 */
export const stateWord = (...facts: readonly (string | bigint | undefined)[]): string =>
  createHash('sha256')
    .update(JSON.stringify(facts.map((fact) => fact?.toString() ?? null)))
    .digest('base64url')
    .slice(0, 22);

/** It stands otherwise than whoever decides about it has seen; `undefined`: as seen, or nothing was said. */
export function stateConflict(
  what: 'checkout' | 'purchase',
  expectedState: string | undefined,
  currentState: string,
): Refused<'VERSION_CONFLICT'> | undefined {
  if (expectedState === undefined || expectedState === currentState) return undefined;
  return refuse('VERSION_CONFLICT', `The ${what} stands otherwise by now; read it again.`, {
    path: ['input', 'expectedState'],
    facts: { expectedState, currentState },
  });
}
