import type { Id } from '../core/ids';
import { done, type Refused, type Result } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { TaxTreatment } from './tax';
import { countryPattern, regionPattern } from './tax-rate';

/** Who stands on a document: the seller or the buyer. */
export interface BillingParty {
  readonly legalName: string;
  /** 1 to 6 lines as they are printed, without the country. */
  readonly address: readonly string[];
  readonly country: string;
  readonly region?: string | undefined;
  readonly taxId?: string | undefined;
  readonly email?: string | undefined;
}

/** Seller and buyer as they were when a document was issued. */
export interface BillingSnapshot {
  readonly seller?: BillingParty | undefined;
  readonly buyer?: BillingParty | undefined;
}

/** How a tenant is taxed; its partner decides. */
export interface TaxStatus {
  readonly tenantId: Id<'Tenant'>;
  readonly treatment: TaxTreatment;
  readonly note?: string | undefined;
}

const emailPattern = /^[^\s@]{1,64}@[^\s@]{1,255}$/;

export function parseBillingParty(input: BillingParty): Result<BillingParty, 'INVALID_INPUT'> {
  const problem = (field: string, message: string): Refused<'INVALID_INPUT'> => invalid([field], message);
  const legalName = parseLabel(input.legalName);
  if (!legalName) return problem('legalName', 'A legal name has 1 to 200 printable characters.');
  const address = input.address.slice(0, 7).map((line) => parseLabel(line, 100));
  if (address.length === 0 || address.length > 6 || address.some((line) => line === undefined)) {
    return problem('address', 'An address has 1 to 6 lines of 1 to 100 printable characters.');
  }
  if (!countryPattern.test(input.country)) return problem('country', 'Two letters of ISO 3166-1, e.g. DE.');
  if (input.region !== undefined && !regionPattern.test(input.region)) {
    return problem('region', 'The part of ISO 3166-2 after the country, e.g. CA.');
  }
  const taxId = input.taxId === undefined ? undefined : parseLabel(input.taxId, 40);
  if (input.taxId !== undefined && !taxId) return problem('taxId', 'A tax id has 1 to 40 printable characters.');
  if (input.email !== undefined && !emailPattern.test(input.email)) return problem('email', 'Not an e-mail address.');
  return done({
    ...{ legalName, taxId },
    address: address as string[],
    country: input.country,
    region: input.region,
    email: input.email,
  });
}
