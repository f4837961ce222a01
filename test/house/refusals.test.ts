import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { commonRefusals } from '../../src/app';
import { emitSchema } from '../../src/cli/emit-schema';
import { refuse, retryableCodes } from '../../src/core/result';
import { refusalCodes } from '../../src/graphql/refusal-codes';

const root = join(__dirname, '..', '..');

function commandFiles(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return commandFiles(path);
    return /\.(command|query)\.ts$/.test(name) ? [path] : [];
  });
}

test('every code that a command can refuse with is explained, and none is explained for nothing', async () => {
  const lists = await Promise.all(
    commandFiles(join(root, 'src')).map(async (file) => {
      const module = (await import(file)) as Record<string, unknown>;
      return Object.entries(module)
        .filter(([name]) => name.endsWith('Refusals'))
        .flatMap(([, codes]) => codes as string[]);
    }),
  );
  const used = new Set([...lists.flat(), ...commonRefusals]);
  expect([...used].sort()).toEqual(Object.keys(refusalCodes).sort());
});

test('retryable is a property of the code: true only where the same call may succeed in a moment without a change', () => {
  expect([...retryableCodes]).toEqual([
    // A lock, or a queue, that is full just now.
    'BUSY',
    // The first call with this key is still being worked on.
    'IDEMPOTENCY_KEY_IN_PROGRESS',
    // The billing run is about to come by.
    'PERIOD_NOT_BILLED',
    // Stripe or Paddle does not answer.
    'PROVIDER_UNAVAILABLE',
    // After the seconds that the facts name.
    'RATE_LIMITED',
  ]);
  for (const code of Object.keys(refusalCodes)) {
    expect([code, refuse(code, '').refusal.retryable]).toEqual([code, retryableCodes.has(code)]);
  }
});

test('every code has its place in docs/refusals.md, where Refused.docs points', () => {
  const page = readFileSync(join(root, 'docs', 'refusals.md'), 'utf8');
  const sections = [...page.matchAll(/^## (\w+)\n\n(.+)$/gm)].map(([, code, text]) => [code, text]);
  expect(Object.fromEntries(sections)).toEqual(refusalCodes);
});

test('the committed schema is the one the code makes: npm run tollgate -- emit-schema', () => {
  expect(readFileSync(join(root, 'schema', 'schema.graphql'), 'utf8')).toBe(emitSchema());
});
