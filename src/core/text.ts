import { type Refused, refuse } from './result';

// Control characters (NUL ends a PostgreSQL text) and bidirectional marks (they make a name read as another).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const unwanted = /[\u0000-\u0008\u000b-\u001f\u007f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** PostgreSQL cannot keep NUL, and half of a surrogate pair would become another character. */
export const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed();

/** The same text with a mark in the place of each character that cannot be kept. */
export const toStorable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\ufffd');

/** A name or a reason as people type it: trimmed, not empty, of bounded length, storable exactly as it is. */
export function parseLabel(text: string, maximum = 200): string | undefined {
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > maximum) return undefined;
  return unwanted.test(trimmed) || !trimmed.isWellFormed() ? undefined : trimmed;
}

export function invalid(path: readonly string[], message: string): Refused<'INVALID_INPUT'> {
  return refuse('INVALID_INPUT', message, { path: ['input', ...path] });
}
