import { done, type Result } from '../core/result';
import type { Tx } from '../tx';
import { type BillingParty, parseBillingParty } from './billing-details';

export const setBillingDetailsRefusals = ['INVALID_INPUT'] as const;

/** Who the tenant is on its documents from now on, and where it is taxed; issued ones stay as they are. */
export async function setBillingDetails(
  tx: Pick<Tx, 'taxes' | 'tenant' | 'tenants' | 'now' | 'emit'>,
  input: BillingParty,
): Promise<Result<{ party: BillingParty }, (typeof setBillingDetailsRefusals)[number]>> {
  const parsed = parseBillingParty(input);
  if (!parsed.ok) return parsed;
  // A document that is being issued is issued whole to the one or the other.
  await tx.tenants.lock(tx.tenant.id);
  await tx.taxes.setBuyer(tx.tenant.id, tx.tenant.partnerId, { party: parsed.value }, tx.now);
  await tx.emit({ type: 'tenant.billing_details_changed', payload: { party: parsed.value } });
  return done({ party: parsed.value });
}
