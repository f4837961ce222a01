import type { Partner } from '../access/partner';
import type { Tenant } from '../access/tenant';
import { daysAfter, type Instant, type TimeZone } from '../core/calendar';

export const termsSources = ['DEFAULT', 'PARTNER', 'TENANT'] as const;
/** Who said when an invoice is due. DEFAULT: nobody. */
export type TermsSource = (typeof termsSources)[number];

/** When an invoice is due. */
export interface PaymentTerms {
  /** So many calendar days after it was issued; 0: at once. */
  readonly netDays: number;
  readonly source: TermsSource;
}

export const mostNetDays = 365;

/** The tenant's own terms, else its partner's, else at once. */
export function termsOf(
  partner: Pick<Partner, 'paymentNetDays'>,
  tenant?: Pick<Tenant, 'paymentNetDays'>,
): PaymentTerms {
  if (tenant?.paymentNetDays !== undefined) return { netDays: tenant.paymentNetDays, source: 'TENANT' };
  if (partner.paymentNetDays !== undefined) return { netDays: partner.paymentNetDays, source: 'PARTNER' };
  return { netDays: 0, source: 'DEFAULT' };
}

/** The time of day of the issue, so many calendar days later in the billing zone. */
export const dueAtOf = (issuedAt: Instant, { netDays }: PaymentTerms, zone: TimeZone): Instant =>
  daysAfter(issuedAt, netDays, zone);
