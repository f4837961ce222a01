import Stripe from 'stripe';
import { type Config, ConfigError } from '../config';
import { applySyncStep, readCatalogSync } from '../payments/stripe/catalog-sync.job';
import type { OwnerQuery } from '../payments/stripe/catalog-sync.repository';
import { StripeProvider, stripeClient } from '../payments/stripe/stripe-provider';
import { setupProblem } from '../payments/stripe/stripe-setup';
import { type SyncStep, stepText } from '../payments/stripe-catalog';
import type { Log } from '../platform/log';

export interface StripeSyncOptions {
  readonly apply?: boolean;
  readonly partner?: string;
}

/** What is wrong with how Stripe tells of what happens there, in one line; `undefined`: nothing, or Stripe is off. */
export async function stripeSetupProblem(
  { providerSecrets: { stripe } }: Pick<Config, 'providerSecrets'>,
  log: Log,
): Promise<string | undefined> {
  return stripe && setupProblem(new StripeProvider({ ...stripe, log }));
}

function summary(steps: readonly SyncStep[]): string {
  const count = (...names: SyncStep['step'][]) => steps.filter(({ step }) => names.includes(step)).length;
  const parts: [number, string][] = [
    [count('CREATE_PRODUCT', 'CREATE_PRICE'), 'to create'],
    [count('UPDATE_PRODUCT'), 'to update'],
    [count('ARCHIVE_PRICE'), 'to archive'],
    [count('KEEP_ID'), 'to note here'],
    [count('SKIP'), 'that Stripe cannot sell'],
  ];
  return parts.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : [])).join(', ');
}

/** Shows what Stripe lacks of what is sold here; with `apply`, does it and shows that nothing is left. */
export async function stripeSync(
  config: Pick<Config, 'providerSecrets'>,
  query: OwnerQuery,
  log: Log,
  options: StripeSyncOptions,
  write: (line: string) => void,
): Promise<void> {
  const { stripe } = config.providerSecrets;
  if (!stripe) throw new ConfigError('Stripe is off: set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.');
  const client = stripeClient({ ...stripe, log });
  const scope = { partnerCode: options.partner, live: stripe.live };
  await sync(client, query, scope, options, write).catch((error) => {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    // Not its message: it may repeat the key.
    const { type, statusCode, requestId } = error;
    const said = [type, statusCode, requestId].filter((part) => part !== undefined).join(', ');
    throw new ConfigError(
      `Stripe did not do it (${said}). Look at its log; then run this again: it goes on where it was.`,
    );
  });
}

async function sync(
  client: Stripe,
  query: OwnerQuery,
  scope: Parameters<typeof readCatalogSync>[2],
  options: StripeSyncOptions,
  write: (line: string) => void,
): Promise<void> {
  const steps = await readCatalogSync(client, query, scope);
  for (const step of steps) write(stepText(step));
  const todo = steps.filter(({ step }) => step !== 'SKIP');
  if (todo.length === 0) {
    write(`Stripe (${scope.live ? 'live' : 'test'} mode) is in step with the catalog.`);
    return;
  }
  if (!options.apply) {
    write(`${summary(steps)}. Nothing was changed: add --apply.`);
    return;
  }
  for (const step of todo) await applySyncStep(client, query, scope.live, step);
  const left = (await readCatalogSync(client, query, scope)).filter(({ step }) => step !== 'SKIP');
  write(left.length === 0 ? `${todo.length} steps done.` : `${left.length} steps are left; run it again.`);
}
