import { dataSourceFor } from '../../ormconfig';
import { type Config, ConfigError } from '../config';
import { reconcileLicences, repairLicencePayment } from '../licences/reconcile-licences.job';
import { type Drift, driftKinds, type Reconciliation } from '../payments/drift';
import { PaddleProvider } from '../payments/paddle/paddle-provider';
import { PaymentMethodSetups } from '../payments/payment-method-setup.job';
import { PaymentWork } from '../payments/payment-work.job';
import type { PaymentProvider } from '../payments/provider';
import { reconcileMoneyBack } from '../payments/reconcile-money-back.job';
import { ProviderSilent, reconcilePayments } from '../payments/reconcile-payments.job';
import { comparesCollected, reconcileCheckouts } from '../payments/stripe/reconcile-checkouts.job';
import { reconcileSubscriptions } from '../payments/stripe/reconcile-subscriptions.job';
import { StripeCheckouts } from '../payments/stripe/stripe-checkouts.job';
import { StripeProvider } from '../payments/stripe/stripe-provider';
import { type Clock, wallClock } from '../platform/clock';
import { createLog } from '../platform/log';
import { joinDatabase } from '../platform/open-database';
import { demoSecrets } from '../platform/secrets';
import { System } from '../system';
import type { Progress } from './gateway';
import { createProviders } from './providers';
import { requireWorld } from './startup-problem';
import { table } from './table';

export interface ReconcileOptions {
  readonly days: string;
  readonly provider?: string;
  readonly repair?: boolean;
}

const advice: Readonly<Record<Drift['kind'], string>> = {
  MISSING_HERE:
    'for a database that was restored, or by somebody else: --repair takes in what fits an invoice or a checkout of ours; look the rest up there.',
  MISSING_THERE: 'another account, or another mode of the provider: see that the keys are those of this database.',
  AMOUNT_DIFFERS: 'the charge is not what was asked for: look it up at the provider.',
  STATUS_DIFFERS: 'an event was lost: --repair takes over what the provider knows.',
  REFUNDS_DIFFER:
    'an event was lost: --repair books what went back. What cannot be booked does not fit: look it up there.',
  DISPUTE_DIFFERS: 'an event was lost: --repair takes over how it stands.',
  QUANTITY_DIFFERS: "changed on the provider's own pages: --repair has it bill as many seats as there are.",
  PERIOD_DIFFERS: 'an event was lost: --repair takes over what the provider knows.',
  UNKNOWN_FOR_LONG: 'it is asked about again by itself; see that the provider answers.',
};

const called = {
  CHARGES: ['payments', 'charges'],
  MONEY_BACK: ['of our payments', 'refunds and disputes'],
  CHECKOUTS: ['open pages', 'of them'],
  SUBSCRIPTIONS: ['subscriptions', 'subscriptions'],
} as const;

/** Rows are many only where something is badly wrong; then the first of them say what. */
const mostRows = 100;

export function reconciliationText({ provider, of, here, there, drift }: Reconciliation): string {
  const [ours, theirs] = called[of];
  const lines = [`${provider}: ${here} ${ours} here, ${there} ${theirs} there, ${drift.length} differ.`];
  if (drift.length > 0) {
    lines.push(
      '',
      ...table(
        ['kind', 'our id', 'their id', 'here', 'there', ''],
        drift
          .slice(0, mostRows)
          .map((row) => [
            row.kind,
            row.ownId ?? '',
            row.externalId ?? '',
            row.here,
            row.there,
            row.repaired ? 'repaired' : row.repairable ? '--repair does' : '',
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

/** Compares with each provider's own lists and answers the exit code: 0 the same, 1 something differs or was not told. */
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
  requireWorld(config);
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
    const work = new PaymentWork(system, providers);
    const setups = new PaymentMethodSetups(system, work);
    const checkouts = new StripeCheckouts(system, providers, setups.customersAt('STRIPE'));
    const repair = options.repair ?? false;
    const from = clock.now().subtract({ hours: 24 * days });
    let open = 0;
    const report = (reconciliation: Reconciliation) => {
      print(reconciliationText(reconciliation));
      open += reconciliation.drift.filter(({ repaired }) => !repaired).length;
    };
    const compare = async (provider: PaymentProvider) => {
      const paddle = provider instanceof PaddleProvider ? provider : undefined;
      const stripe = provider instanceof StripeProvider ? provider : undefined;
      const repairCheckout = paddle && ((id: string) => repairLicencePayment(system, paddle, id, { repair }));
      report(await reconcilePayments(system, provider, { from, repair, repairCheckout }));
      const compareBilled = stripe && comparesCollected(system, stripe, checkouts, { repair });
      const moneyBack = await reconcileMoneyBack(system, provider, { from, repair, compareBilled });
      if (moneyBack) report(moneyBack);
      if (paddle) {
        const renewing = await reconcileLicences(system, paddle, providers, { repair });
        // Nobody has it renew anything: one line less to read.
        if (renewing.here + renewing.there > 0) report(renewing);
      }
      if (!stripe) return;
      report(await reconcileCheckouts(system, stripe, checkouts, { repair }));
      report(await reconcileSubscriptions(system, stripe, checkouts, { repair }));
    };
    for (const name of names) {
      await compare(providers.get(name)!).catch((error) => {
        if (!(error instanceof ProviderSilent)) throw error;
        // The others' lists are worth reading all the same.
        print(`${error.message}\n`);
        open += 1;
      });
    }
    return open > 0 ? 1 : 0;
  } finally {
    await source.destroy().catch(() => undefined);
    await database.close();
  }
}
