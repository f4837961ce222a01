/** A broken invariant is a bug: it ends the transaction and is answered as INTERNAL_SERVER_ERROR, never as a refusal. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}

/** The compiler proves that every member of a union was handled; at run time an unknown member is a bug. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`unhandled case: ${JSON.stringify(value)}`);
}
