import { done, type Result } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import { mostNetDays, type PaymentTerms, termsOf } from './payment-terms';

export interface SetPaymentTermsInput {
  /** `undefined`: none of its own. */
  readonly netDays?: number | undefined;
}

export const setPaymentTermsRefusals = ['INVALID_INPUT'] as const;

type Terms = Result<{ terms: PaymentTerms }, (typeof setPaymentTermsRefusals)[number]>;
type TermsTx = Pick<Tx, 'partners' | 'partnerId' | 'emit'>;

const notDays = (days: number | undefined) =>
  days !== undefined && !(Number.isInteger(days) && days >= 0 && days <= mostNetDays)
    ? invalid(['netDays'], `A whole number of days from 0 to ${mostNetDays}.`)
    : undefined;

/** When the partner's invoices are due from now on. Those that are issued keep their date. */
export async function setPaymentTerms(tx: TermsTx, { netDays }: SetPaymentTermsInput): Promise<Terms> {
  const problem = notDays(netDays);
  if (problem) return problem;
  await tx.partners.setPaymentNetDays(tx.partnerId, netDays);
  const terms = termsOf({ paymentNetDays: netDays });
  await tx.emit({ type: 'payment_terms.updated', payload: { terms } });
  return done({ terms });
}

/** The same for one tenant; without days of its own it follows its partner again. */
export async function setPaymentTermsOfTenant(
  tx: TermsTx & Pick<Tx, 'tenant' | 'tenants'>,
  { netDays }: SetPaymentTermsInput,
): Promise<Terms> {
  const problem = notDays(netDays);
  if (problem) return problem;
  await tx.tenants.lock(tx.tenant.id);
  await tx.tenants.setPaymentNetDays(tx.tenant.id, netDays);
  const terms = termsOf((await tx.partners.byId(tx.tenant.partnerId))!, { paymentNetDays: netDays });
  await tx.emit({ type: 'payment_terms.updated', payload: { terms } });
  return done({ terms });
}
