import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { schema } from '../../src/graphql/schema';

const root = join(__dirname, '..', '..');
const source = join(root, 'src');

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [relative(root, path)];
  });
}

const files = filesBelow(source);
const domains = readdirSync(source).filter(
  (name) => existsSync(join(source, name)) && statSync(join(source, name)).isDirectory(),
);

/** Writes that are steps of others and no mutation of their own. */
const innerCommands = new Set([
  'forget-customer',
  'adopt-payment',
  'settle-checkout',
  'settle-dispute',
  'settle-payment',
  'settle-refund',
  'refund-credit',
  'write-refund',
  'apply-plan-change',
  'apply-standing',
  'begin-payment',
  'replace-payment',
  'retire-payment-methods',
  'bill-claim',
  'bill-period',
  'bill-tenant',
  'create-super-admin',
  'credit-ending-items',
  'credit-unused',
  'end-attachment',
  'end-collection',
  'end-dependents',
  'end-subscription',
  'issue-invoice',
  'lower-due',
  'pay-from-balance',
  'keep-payment-method',
  'park-tenant',
  'relay-events',
  'record-addon',
  'record-licence-checkout',
  'save-plan-change',
  'take-back',
  'refund-licence-purchase',
  'renew-by-provider',
  'settle-licence-purchase',
  'turn-licence-year',
  'write-credit-note',
  'tell-thresholds',
]);

const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test('each mutation has its command, and each command its mutation', () => {
  const mutations = Object.keys(schema().getMutationType()!.getFields()).map(kebab).sort();
  const commands = files
    .filter((file) => file.endsWith('.command.ts'))
    .map((file) => basename(file, '.command.ts'))
    .filter((name) => !innerCommands.has(name))
    .sort();
  expect(commands).toEqual(mutations);
});

test('files are named in kebab-case, with a known role or none', () => {
  const roles = ['command', 'entity', 'graphql', 'job', 'loaders', 'query', 'repository', 'resolver', 'd'];
  const strange = files.filter((file) => {
    if (!file.endsWith('.ts') || file.startsWith('src/sdk/')) return false;
    const [name, ...rest] = basename(file, '.ts').split('.');
    return !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name!) || rest.length > 1 || (rest[0] && !roles.includes(rest[0]));
  });
  expect(strange).toEqual([]);
});

test('each domain opens with a README: what it owns and does not own, its invariants', () => {
  const without = domains.filter((domain) => !existsSync(join(source, domain, 'README.md')));
  expect(without).toEqual([]);
  expect(existsSync(join(source, 'README.md'))).toBe(true);
});

test('only config.ts reads the environment, and nobody else reads the clock', () => {
  const readers = (pattern: RegExp, allowed: readonly string[]) =>
    files.filter(
      (file) => file.endsWith('.ts') && !allowed.includes(file) && pattern.test(readFileSync(join(root, file), 'utf8')),
    );
  expect(readers(/process\.env/, ['src/config.ts'])).toEqual([]);
  // Tokens end, ids grow, and a PostgreSQL is waited for, by the wall clock, whatever a sandbox thinks the time is.
  const wallClock = files.filter((file) => /^src\/platform\/(clock|tokens|new-id|embedded-postgres.*)\.ts$/.test(file));
  expect(readers(/Date\.now\(|new Date\(\)|Temporal\.Now/, wallClock)).toEqual([]);
});

test('no amount is a number', () => {
  const money = /\b\w*(amount|price|total|net|credit|charge|balance|discount)\w*\??: number\b/i;
  const loose = files.flatMap((file) =>
    file.endsWith('.ts')
      ? readFileSync(join(root, file), 'utf8')
          .split('\n')
          .flatMap((line, index) =>
            money.test(line) && !/count|days/i.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
          )
      : [],
  );
  expect(loose).toEqual([]);
});

test('nothing is left open or skipped', () => {
  const own = 'test/house/names.test.ts';
  const all = [...files, ...filesBelow(join(root, 'test'))].filter(
    (file) => /\.(ts|mjs|cjs)$/.test(file) && file !== own,
  );
  const open = /\b(TODO|FIXME|HACK)\b|\b(it|test|describe)\.(skip|only)\(/;
  expect(all.filter((file) => open.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
});
