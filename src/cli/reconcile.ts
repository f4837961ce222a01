import { dataSourceFor } from '../../ormconfig';
import { type Config, ConfigError } from '../config';
import { type Drift, driftKinds, type Reconciliation, reconcilePayments } from '../payments/reconcile-payments.job';
import { type Clock, wallClock } from '../platform/clock';
import { createLog } from '../platform/log';
import { joinDatabase } from '../platform/open-database';
import { demoSecrets } from '../platform/secrets';
import { System } from '../system';
import type { Progress } from './gateway';
import { createProviders } from './providers';
import { table } from './table';

export interface ReconcileOptions {
  readonly days: string;
  readonly provider?: string;
  readonly repair?: boolean;
}

const advice: Readonly<Record<Drift['kind'], string>> = {
  MISSING_HERE: 'charged at the provider by somebody else, or for a database that was restored: look it up there.',
  MISSING_THERE: 'another account, or another mode of the provider: see that the keys are those of this database.',
  AMOUNT_DIFFERS: 'the charge is not what was asked for: look it up at the provider.',
  STATUS_DIFFERS: 'an event was lost: --repair takes over what the provider knows.',
  REFUNDS_DIFFER: "given back on the provider's own pages: write the credit note that belongs to it.",
  UNKNOWN_FOR_LONG: 'it is asked about again by itself; see that the provider answers.',
};

/** Rows are many only where something is badly wrong; then the first of them say what. */
const mostRows = 100;

export function reconciliationText({ provider, here, there, drift }: Reconciliation): string {
  const lines = [`${provider}: ${here} payments here, ${there} charges there, ${drift.length} differ.`];
  if (drift.length > 0) {
    lines.push(
      '',
      ...table(
        ['kind', 'payment', 'charge', 'here', 'there', ''],
        drift
          .slice(0, mostRows)
          .map((row) => [
            row.kind,
            row.paymentId ?? '',
            row.chargeId ?? '',
            row.here,
            row.there,
            row.repaired ? 'repaired' : '',
          ]),
      ),
      ...(drift.length > mostRows ? [`  … and ${drift.length - mostRows} more`] : []),
      '',
      ...driftKinds
        .filter((kind) => drift.some((row) => row.kind === kind))
        .map((kind) => `  ${kind}: ${advice[kind]}`),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Compares our payments with each provider's list and answers the exit code: 0 the same, 1 something differs. */
export async function reconcile(
  config: Config,
  options: ReconcileOptions,
  progress: Progress,
  print: (text: string) => void,
  clock: Clock = wallClock,
): Promise<number> {
  const days = Number(options.days);
  if (!Number.isInteger(days) || days < 1 || days > 400) {
    throw new ConfigError(`--days ${options.days}: give a whole number from 1 to 400.`);
  }
  const log = createLog(config.logLevel, config.secrets);
  const demo = config.mode === 'demo' ? await demoSecrets(config.dataFolder) : undefined;
  const providers = createProviders(config, demo, clock, log);
  const names = providers.names.filter((name) => !options.provider || name === options.provider.toUpperCase());
  if (names.length === 0) {
    throw new ConfigError(
      options.provider
        ? `There is no provider ${options.provider} with secrets here. There are: ${providers.names.join(', ') || 'none'}.`
        : 'No payment provider has its secrets; docs/operations.md says which they are.',
    );
  }
  const database = await joinDatabase(
    config,
    async () => (await demoSecrets(config.dataFolder)).databasePassword,
    progress.line,
  );
  const onPoolError = (error: Error) => log.info({ err: error }, 'an idle database connection ended');
  const source = dataSourceFor({ url: database.jobUrl, poolSize: 2, name: 'reconcile', onPoolError });
  try {
    await source.initialize();
    const system = new System(source, clock, log);
    let open = 0;
    for (const name of names) {
      const reconciliation = await reconcilePayments(system, providers.get(name)!, {
        from: clock.now().subtract({ hours: 24 * days }),
        repair: options.repair ?? false,
      });
      print(reconciliationText(reconciliation));
      open += reconciliation.drift.filter(({ repaired }) => !repaired).length;
    }
    return open > 0 ? 1 : 0;
  } finally {
    await source.destroy().catch(() => undefined);
    await database.close();
  }
}
