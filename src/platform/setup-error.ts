/** Something about the set-up that the operator has to change. The message says what, and is all that is shown: no stack. */
export class SetupError extends Error {
  override readonly name: string = 'SetupError';
}
