import { done, type Result } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import { beginSetup } from './add-payment-method.command';
import type { PaymentSetup } from './payment-method';
import type { ProviderName } from './provider';
import { providerOff } from './providers';

export interface StartPaymentMethodSetupInput {
  readonly provider: ProviderName;
  /** Where the provider's page sends the customer afterwards. */
  readonly returnUrl: string;
  readonly makeDefault?: boolean | undefined;
}

export interface StartPaymentMethodSetupDone {
  readonly setup: PaymentSetup;
  /** Once the provider was asked. */
  readonly url?: string | undefined;
}

export const startPaymentMethodSetupRefusals = [
  'PROVIDER_NOT_CONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'INVALID_INPUT',
] as const;

/** An address that a browser may be sent to: https, or a machine of one's own. */
export function isReturnUrl(text: string): boolean {
  if (text.length > 2_000 || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username || password) return false;
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}

/** Writes the intent; the provider's page for it is made once it is committed, the method comes by an event. */
export async function startPaymentMethodSetup(
  tx: Pick<Tx, 'paymentMethods' | 'tenant' | 'newId' | 'now'>,
  input: StartPaymentMethodSetupInput,
  isUsable: (provider: ProviderName, sandbox: boolean) => boolean,
): Promise<Result<StartPaymentMethodSetupDone, (typeof startPaymentMethodSetupRefusals)[number]>> {
  const { id: tenantId, partnerId, sandbox } = tx.tenant;
  if (!isUsable(input.provider, sandbox)) return providerOff(input.provider);
  if (!isReturnUrl(input.returnUrl)) return invalid(['returnUrl'], 'Not an https address.');
  return done({ setup: await beginSetup(tx, input.provider, input.makeDefault ?? false, tenantId, partnerId) });
}
