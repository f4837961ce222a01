import { done, type Result } from '../core/result';
import type { Tx } from '../tx';
import { type BillingParty, parseBillingParty } from './billing-details';

export const setPartnerBillingDetailsRefusals = ['INVALID_INPUT'] as const;

/** Who the partner is on its documents from now on; issued ones stay as they are. */
export async function setPartnerBillingDetails(
  tx: Pick<Tx, 'taxes' | 'partnerId' | 'now' | 'emit'>,
  input: BillingParty,
): Promise<Result<{ party: BillingParty }, (typeof setPartnerBillingDetailsRefusals)[number]>> {
  const parsed = parseBillingParty(input);
  if (!parsed.ok) return parsed;
  await tx.taxes.setSeller(tx.partnerId, parsed.value, tx.now);
  await tx.emit({ type: 'partner.billing_details_changed', payload: { party: parsed.value } });
  return done({ party: parsed.value });
}
