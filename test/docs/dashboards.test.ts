import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { licenceHandlersOfPaddle } from '../../src/licences/licence-events.job';
import { stripeHandlers } from '../../src/payments/stripe/stripe-events.job';
import { wantedEvents } from '../../src/payments/stripe/stripe-setup';

const root = resolve(__dirname, '../..');
const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.test.ts'),
);

/** Rows of the table of a provider: what happens there, which events, what happens here, which test. */
function rowsOf(provider: string): string[][] {
  const [, chapter] = page.split(`### What happens here when something happens at ${provider}\n`);
  const [text] = chapter!.split(/\n##+ /);
  const rows = text!.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe.each(['Stripe', 'Paddle'])('what happens at %s', (provider) => {
  const rows = rowsOf(provider);

  test('each row has four cells and names a test that there is', () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) {
      const [, file, title] = /^`([a-z-]+)`: (.+)$/.exec(row[3] ?? '') ?? [];
      const found = tests.filter((name) => basename(name) === `${file}.test.ts`);
      const text = found.map((name) => readFileSync(join(root, 'test', name), 'utf8')).join('\n');
      expect([row, row.length, text.includes(title ?? 'no title')]).toEqual([row, 4, true]);
    }
  });
});

test('each event that is heard stands in a row', () => {
  const told = (provider: string) =>
    rowsOf(provider)
      .map(([, events]) => events)
      .join(' ');
  const heard = new Set([...Object.keys(stripeHandlers), ...wantedEvents]);
  expect([...heard].filter((type) => !told('Stripe').includes(`\`${type}\``))).toEqual([]);
  expect(Object.keys(licenceHandlersOfPaddle).filter((type) => !told('Paddle').includes(`\`${type}\``))).toEqual([]);
});
