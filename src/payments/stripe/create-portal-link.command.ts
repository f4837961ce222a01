import { done, type Result, refuse } from '../../core/result';
import { invalid } from '../../core/text';
import type { Tx } from '../../tx';
import { providerOff } from '../providers';
import { isReturnUrl } from '../start-payment-method-setup.command';
import type { StripeMode } from './create-addon-checkout.command';

export interface CreatePortalLinkInput {
  /** Where the portal's back button leads. */
  readonly returnUrl: string;
}

export const createPortalLinkRefusals = [
  'PROVIDER_NOT_CONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'CUSTOMER_NOT_FOUND',
  'INVALID_INPUT',
] as const;

export const customerUnknown = () =>
  refuse('CUSTOMER_NOT_FOUND', 'Stripe does not know this tenant (yet): a checkout or a payment method makes it so.');

export interface PortalOwner {
  readonly tenantId: string;
  readonly customerId: string;
}

/** Whose portal it is. Nothing is written; the link itself is asked for outside the transaction and works for minutes. */
export async function createPortalLink(
  tx: Tx,
  { returnUrl }: CreatePortalLinkInput,
  mode: StripeMode | undefined,
): Promise<Result<PortalOwner & { url?: string | undefined }, (typeof createPortalLinkRefusals)[number]>> {
  if (!mode || mode.live === tx.tenant.sandbox) return providerOff('STRIPE');
  if (!isReturnUrl(returnUrl)) return invalid(['returnUrl'], 'Not an https address.');
  const customerId = await tx.paymentMethods.customerOf(tx.tenant.id, 'STRIPE');
  return customerId ? done({ customerId, tenantId: tx.tenant.id }) : customerUnknown();
}
