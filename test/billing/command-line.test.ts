import { bill } from '../../src/cli/bill';
import { table } from '../../src/cli/table';
import { readConfig } from '../../src/config';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { type SettableClock, settableClock } from './support/runs';

let gateway: TestGateway;
let clock: SettableClock;
beforeAll(async () => {
  clock = settableClock('2025-01-10T12:00:00Z');
  gateway = await startTestGateway({ clock });
});
afterAll(() => gateway.stop());

/** As `npm run tollgate -- bill`, on this test's database. */
async function tollgateBill(options: { asOf?: string; workers?: string; partner?: string } = {}, signal?: AbortSignal) {
  const { ownerUrl } = gateway.database;
  const steps: string[] = [];
  const printed: string[] = [];
  const code = await bill(
    readConfig({ DATABASE_URL: ownerUrl, LOG_LEVEL: 'silent' }),
    { workers: '2', ...options },
    {
      line: (text) => void steps.push(text),
      bar: (what, total) => {
        steps.push(`${what} ${total}`);
        return { advance: () => void steps.push('+1'), end: () => void steps.push('end') };
      },
    },
    (text) => void printed.push(text),
    signal ?? new AbortController().signal,
    clock,
  );
  return { code, steps, text: printed.join('') };
}

test('bills with a progress bar, prints a summary, and says what to do about those that are parked', async () => {
  const world = await World.create(gateway);
  await world.plan({ code: 'basic', month: '20.00' });
  for (const name of ['Able', 'Baker', 'Charlie']) await (await world.liveTenant({ name })).start('basic');
  clock.set('2025-02-10T12:00:00Z');
  await gateway.database.asOwner(
    `update subscription_items set unit_amount = 9223372036854775807, quantity = 2
      where tenant_id = (select id from tenants where name = 'Baker')`,
  );
  const first = await tollgateBill({ asOf: '2025-02-10' });
  expect(first.steps).toEqual(['billing 3', '+1', '+1', 'end']);
  expect(first.code).toBe(1);
  expect(first.text.replace(/in [\d.]+ s/, 'in … s').replaceAll(/world\d+ +/g, 'world    ')).toBe(
    [
      'Done in … s: 2 tenants billed, 2 invoices.',
      '',
      '  currency  invoices  total',
      '  ────────  ────────  ─────',
      '  USD              2  40.00',
      '',
      '1 parked: billing goes past them until somebody unparks them.',
      '',
      '  partner  tenant  reason               detail',
      '  ───────  ──────  ───────────────────  ────────────────────────────────────',
      '  world    Baker   AMOUNT_OUT_OF_RANGE  an amount is beyond 2^63 minor units',
      '',
      '  AMOUNT_OUT_OF_RANGE: An amount goes beyond what can be kept. Correct the price or quantity.',
      '',
      '  Next: mend the cause, then mutation unparkTenant (query parkedTenants lists them), then run this again.',
      '',
    ].join('\n'),
  );
  const second = await tollgateBill();
  expect(second.steps).toEqual(['billing 0', 'end']);
  expect(second.text).toContain('0 tenants billed, 0 invoices.');
  const stopped = await tollgateBill({}, AbortSignal.abort());
  expect(stopped.code).toBe(130);
  expect(stopped.text).toContain('Next: run it again; it goes on where it ended.');
});

test.each([
  [{ asOf: '2025-02-30' }, 'is no date. Write it as 2026-01-31'],
  [{ asOf: 'yesterday' }, 'is no date. Write it as 2026-01-31'],
  [{ asOf: '2099-01-01' }, 'lies in the future, and nothing is billed before it is due'],
  [{ workers: '0' }, 'give a whole number from 1 to 64'],
  [{ workers: '1.5' }, 'give a whole number from 1 to 64'],
  [{ partner: 'nobody' }, 'There is no partner with the code nobody. Leave --partner out'],
])('%j is refused, and the message says what to do', async (options, message) => {
  await expect(tollgateBill(options)).rejects.toMatchObject({
    name: 'ConfigError',
    message: expect.stringContaining(message),
  });
});

test('--partner bills that partner alone', async () => {
  clock.set('2025-01-10T12:00:00Z');
  const [one, two] = [await World.create(gateway), await World.create(gateway)];
  for (const world of [one, two]) {
    await world.plan({ code: 'basic', month: '20.00' });
    await (await world.liveTenant()).start('basic');
  }
  clock.set('2025-02-10T12:00:00Z');
  const [{ code }] = (await gateway.database.asOwner('select code from partners order by id desc limit 1')) as [
    { code: string },
  ];
  expect((await tollgateBill({ partner: code })).text).toContain('1 tenants billed, 1 invoices.');
  expect((await tollgateBill({ partner: code })).text).toContain('0 tenants billed');
  expect((await tollgateBill()).text).toContain('1 tenants billed, 1 invoices.');
});

test('a table is as wide as its cells, numbers to the right', () => {
  expect(table(['what', 'n'], [])).toEqual([]);
  expect(
    table(
      ['what', 'n'],
      [
        ['a', '10'],
        ['long one', '9'],
      ],
    ),
  ).toEqual(['  what      n', '  ────────  ──', '  a         10', '  long one   9']);
});
