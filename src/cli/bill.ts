import { dataSourceFor } from '../../ormconfig';
import { BillingQueue } from '../billing/billing-queue.repository';
import { type BillingRunSummary, isTransient, runBilling } from '../billing/billing-run.job';
import { type AsOf, parkAdvice } from '../billing/billing-work';
import { type Config, ConfigError } from '../config';
import { compareDates, dateAt, type LocalDate, localDate, timeZone } from '../core/calendar';
import { amountText, money } from '../core/money';
import { type Clock, wallClock } from '../platform/clock';
import { createLog } from '../platform/log';
import { joinDatabase } from '../platform/open-database';
import { demoSecrets } from '../platform/secrets';
import { System } from '../system';
import type { Progress } from './gateway';
import { requireWorld } from './startup-problem';
import { table } from './table';

export interface BillOptions {
  readonly asOf?: string;
  readonly workers: string;
  readonly partner?: string;
}

/** The date on the command line; one that no zone has reached is refused. */
export function billingDate(text: string, clock: Clock): LocalDate {
  let date: LocalDate | undefined;
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    try {
      date = localDate(text);
    } catch {
      // 2025-02-30
    }
  }
  if (!date)
    throw new ConfigError(`${text} is no date. Write it as 2026-01-31: npm run -s tollgate -- bill --as-of 2026-01-31`);
  const furthest = dateAt(clock.now(), timeZone('Pacific/Kiritimati'));
  if (compareDates(date, furthest) > 0) {
    throw new ConfigError(
      `${text} lies in the future, and nothing is billed before it is due. Without --as-of all that is due now is billed.\n` +
        'To see what a later date brings, take a sandbox tenant and move its clock: mutation advanceClock.',
    );
  }
  return date;
}

function workersOf(text: string): number {
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= 64) return workers;
  throw new ConfigError(
    `--workers ${text}: give a whole number from 1 to 64; twice the cores of the database is a good start.`,
  );
}

export function summaryText(summary: BillingRunSummary, seconds: number): string {
  const { tenants, invoices, totals, parked, parkedCount, stopped } = summary;
  const lines = [
    `${stopped ? 'Stopped' : 'Done'} in ${seconds.toFixed(1)} s: ${tenants} tenants billed, ${invoices} invoices.`,
    '',
    ...table(
      ['currency', 'invoices', 'total'],
      [...totals]
        .sort()
        .map(([currency, sum]) => [currency, `${sum.invoices}`, amountText(money(sum.minor, currency))]),
    ),
  ];
  if (parkedCount > 0) {
    lines.push(
      '',
      `${parkedCount} parked: billing goes past them until somebody unparks them.`,
      '',
      ...table(
        ['partner', 'tenant', 'reason', 'detail'],
        parked.map(({ partnerCode, tenantName, reason, detail }) => [
          partnerCode,
          tenantName,
          reason,
          detail.slice(0, 80),
        ]),
      ),
      ...(parkedCount > parked.length ? [`  … and ${parkedCount - parked.length} more`] : []),
      '',
      ...[...new Set(parked.map(({ reason }) => reason))].map((reason) => `  ${reason}: ${parkAdvice[reason]}`),
      '',
      '  Next: mend the cause, then mutation unparkTenant (query parkedTenants lists them), then run this again.',
    );
  }
  if (stopped) lines.push('', '  Next: run it again; it goes on where it ended.');
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Bills what is due and answers the process's exit code: 0 done, 1 somebody is parked, 130 stopped. */
export async function bill(
  config: Config,
  options: BillOptions,
  progress: Progress,
  print: (text: string) => void,
  signal: AbortSignal,
  clock: Clock = wallClock,
): Promise<number> {
  const asOf: AsOf = {
    latest: clock.now(),
    date: options.asOf === undefined ? undefined : billingDate(options.asOf, clock),
  };
  const workers = workersOf(options.workers);
  requireWorld(config);
  const database = await joinDatabase(
    config,
    async () => (await demoSecrets(config.dataFolder)).databasePassword,
    progress.line,
  );
  const log = createLog(config.logLevel, config.secrets);
  const onPoolError = (error: Error) => log.info({ err: error }, 'an idle database connection ended');
  const source = dataSourceFor({ url: database.jobUrl, poolSize: workers + 1, name: 'bill', onPoolError });
  try {
    await source.initialize();
    const system = new System(source, clock, log);
    const queue = new BillingQueue(system.ask);
    const partnerId = options.partner === undefined ? undefined : await queue.partnerByCode(options.partner);
    if (options.partner !== undefined && !partnerId) {
      throw new ConfigError(
        `There is no partner with the code ${options.partner}. Leave --partner out to bill all of them.`,
      );
    }
    const started = performance.now();
    const bar = progress.bar('billing', await queue.countDue(asOf, partnerId));
    const summary = await runBilling(system, {
      asOf,
      partnerId,
      workers,
      signal,
      onTenant: () => bar.advance(),
    }).finally(() => bar.end());
    print(summaryText(summary, (performance.now() - started) / 1_000));
    return summary.stopped ? 130 : summary.parkedCount > 0 ? 1 : 0;
  } catch (error) {
    if (!isTransient(error)) throw error;
    throw new ConfigError(
      `The database went away (${(error as Error).message}). Nothing is half done: see that it runs, then run this again.`,
    );
  } finally {
    await source.destroy().catch(() => undefined);
    await database.close();
  }
}
