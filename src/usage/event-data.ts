import { isStorable } from '../core/text';

/** The data of an event, as it is kept. */
export interface EventData {
  readonly content: Readonly<Record<string, unknown>>;
  /** The same as JSON. */
  readonly text: string;
  /** Roughly the bytes that it takes in memory. */
  readonly weight: number;
}

/** Characters of the data as JSON. */
export const longestData = 8_192;
/** Objects and lists within each other. */
export const deepestData = 32;

/** What a value of JSON takes in memory beside its characters. */
const bytesOfValue = 48;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Walk {
  values: number;
  characters: number;
}

const tooLong = `data has at most ${longestData} characters as JSON.`;

function textProblem(text: string, walk: Walk): string | undefined {
  walk.characters += text.length;
  if (walk.characters > longestData) return tooLong;
  return isStorable(text) ? undefined : 'data holds NUL or half a surrogate pair.';
}

/** What is wrong with a value. Ends at the first problem: whatever was sent, no more than `longestData` values are looked at. */
function problemOf(value: unknown, walk: Walk, depth: number): string | undefined {
  walk.values += 1;
  if (walk.values > longestData) return tooLong;
  if (typeof value === 'string') return textProblem(value, walk);
  if (typeof value === 'number') {
    // JSON.parse has rounded it, or made it infinite: two ids of 19 digits would be counted as one.
    return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value))
      ? undefined
      : 'data holds a number that cannot be kept exactly; send it as text.';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= deepestData) return `data is nested at most ${deepestData} deep.`;
  if (Array.isArray(value)) {
    for (const member of value) {
      const problem = problemOf(member, walk, depth + 1);
      if (problem) return problem;
    }
    return undefined;
  }
  for (const key in value) {
    const problem = textProblem(key, walk) ?? problemOf((value as Record<string, unknown>)[key], walk, depth + 1);
    if (problem) return problem;
  }
  return undefined;
}

/** Data that can be kept, or what is wrong with it. Looks at its size and depth before anything is done that depends on them. */
export function readEventData(sent: unknown): EventData | string {
  if (!isObject(sent)) return 'data is a JSON object.';
  const walk: Walk = { values: 0, characters: 0 };
  const problem = problemOf(sent, walk, 0);
  if (problem) return problem;
  const text = JSON.stringify(sent);
  if (text.length > longestData) return tooLong;
  return { content: sent, text, weight: 2 * text.length + bytesOfValue * walk.values };
}
