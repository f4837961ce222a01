import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config';
import { FakeLedger } from '../payments/fake/fake-ledger';
import { FakeProvider } from '../payments/fake/fake-provider';
import type { SignedEvent } from '../payments/fake/fake-webhooks';
import { PaddleProvider } from '../payments/paddle/paddle-provider';
import { Providers } from '../payments/providers';
import { StripeProvider } from '../payments/stripe/stripe-provider';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';
import type { DemoSecrets } from '../platform/secrets';

/**
 * The providers that have their secrets; in the demo the fake as well, whose charges are kept beside the demo's data.
 *
 * @param deliver where the fake sends its events; nowhere where there is no server
 */
export function createProviders(
  config: Config,
  demo: DemoSecrets | undefined,
  clock: Clock,
  log: Log,
  deliver?: (event: SignedEvent) => Promise<unknown> | undefined,
): Providers {
  const { stripe, paddle } = config.providerSecrets;
  const fake =
    demo &&
    new FakeProvider({
      clock,
      webhookSecrets: [createHmac('sha256', demo.quoteSecret).update('fake webhooks').digest('base64url')],
      ledger: new FakeLedger(join(config.dataFolder, 'fake-payments.jsonl')),
      ...(deliver ? { deliver } : {}),
    });
  return new Providers([
    ...(stripe ? [new StripeProvider({ ...stripe, log })] : []),
    ...(paddle ? [new PaddleProvider(paddle)] : []),
    ...(fake ? [fake] : []),
  ]);
}
