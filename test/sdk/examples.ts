import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DemoIdentity } from '../../src/seed/identities';

export const operationsFolder = join(__dirname, '..', '..', 'schema', 'operations');

/** A value that stands in the answer of another operation, run with its own example. */
interface FromAnswer {
  readonly from: string;
  readonly path: string;
  readonly else: string;
}

export interface Example {
  readonly as: DemoIdentity;
  readonly tab?: boolean;
  readonly variables: Record<string, unknown>;
}

export const examples = JSON.parse(readFileSync(join(operationsFolder, 'demo.json'), 'utf8')) as Record<
  string,
  Example
>;

export const isFromAnswer = (value: unknown): value is FromAnswer =>
  typeof value === 'object' && value !== null && 'from' in value && 'path' in value;

export function placeholdersIn(value: unknown): FromAnswer[] {
  if (isFromAnswer(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(placeholdersIn) : [];
}

/** What stands at `nodes.-1.id` of an answer; a negative number counts from the end. */
export function valueAt(answer: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return value.at(Number(step));
    return (value as Record<string, unknown> | null | undefined)?.[step];
  }, answer);
}

/** The example's variables with everything looked up. */
export async function resolved(value: unknown, answerOf: (operation: string) => Promise<unknown>): Promise<unknown> {
  if (isFromAnswer(value)) return valueAt(await answerOf(value.from), value.path) ?? value.else;
  if (Array.isArray(value)) return Promise.all(value.map((member) => resolved(member, answerOf)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    async ([name, member]) => [name, await resolved(member, answerOf)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
