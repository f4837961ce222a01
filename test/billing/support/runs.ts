import { dataSourceFor } from '../../../ormconfig';
import { type BillingRunOptions, type BillingRunSummary, runBilling } from '../../../src/billing/billing-run.job';
import { type Instant, instant, localDate } from '../../../src/core/calendar';
import type { Clock } from '../../../src/platform/clock';
import { createLog } from '../../../src/platform/log';
import { System } from '../../../src/system';
import type { TestDatabase } from '../../support/database';

/** A clock that a test sets: live tenants live by it. */
export interface SettableClock extends Clock {
  set(now: string): void;
}

export function settableClock(start: string): SettableClock {
  let now: Instant = instant(start);
  return {
    now: () => now,
    set: (text) => {
      now = instant(text);
    },
  };
}

/** A process of its own as far as the database can tell: another pool of the job role. */
export async function openSystem(
  database: TestDatabase,
  clock: Clock,
): Promise<{ system: System; close(): Promise<void> }> {
  const source = dataSourceFor({ url: database.jobUrl, poolSize: 6, name: 'test-run' });
  await source.initialize();
  return { system: new System(source, clock, createLog('silent')), close: () => source.destroy() };
}

/** One run of a process of its own, for what is due by the clock, or up to a date. */
export async function run(
  database: TestDatabase,
  clock: Clock,
  options: Partial<BillingRunOptions> & { date?: string } = {},
): Promise<BillingRunSummary> {
  const { date, ...rest } = options;
  const { system, close } = await openSystem(database, clock);
  try {
    return await runBilling(system, {
      asOf: { latest: clock.now(), date: date === undefined ? undefined : localDate(date) },
      workers: 3,
      ...rest,
    });
  } finally {
    await close();
  }
}

/** The periods that a tenant was billed for, in order, with the totals in minor units. */
export async function periodsOf(database: TestDatabase, partnerCode?: string): Promise<Map<string, string[]>> {
  const rows = await database.asOwner<{ tenant: string; line: string }>(
    `select t.name as tenant,
            to_char(i.period_start at time zone s.time_zone, 'YYYY-MM-DD') || ' ' || i.total as line
       from invoices i join tenants t on t.id = i.tenant_id join partners p on p.id = t.partner_id
       join subscriptions s on s.tenant_id = i.tenant_id and s.id = i.subscription_id
      where i.kind = 'PERIOD' and ($1::text is null or p.code = $1)
      order by t.name, i.period_start`,
    [partnerCode ?? null],
  );
  const periods = new Map<string, string[]>();
  for (const { tenant, line } of rows) periods.set(tenant, [...(periods.get(tenant) ?? []), line]);
  return periods;
}

/** The numbers that were given out, of all partners: `[]` where none is missing or given twice. */
export async function numberFaults(database: TestDatabase): Promise<string[]> {
  const rows = await database.asOwner<{ fault: string }>(
    `select p.code || ': ' || count(*) || ' documents, ' || count(distinct number) || ' numbers, next '
            || max(n.next_invoice) as fault
       from invoices i join partners p on p.id = i.partner_id join invoice_numbers n on n.partner_id = p.id
      group by p.id, p.code having count(*) <> count(distinct number) or max(n.next_invoice) <> count(*) + 1`,
  );
  return rows.map(({ fault }) => fault);
}
