import type { Result } from '../core/result';
import type { Tx } from '../tx';
import { openPurchase, purchaseRefusals } from './buy-licences.command';
import type { LicencePurchase } from './licence-purchase';
import type { LicenceQuote } from './licence-quote';
import type { ChooseProvider } from './licence-quote.query';

export interface RenewLicencesInput {
  /** Id or code. */
  readonly product: string;
  /** Verified by the caller: signature and shape. */
  readonly quote?: LicenceQuote | undefined;
}

export const renewLicencesRefusals = purchaseRefusals;

/** Buys one more year for all seats of the term that runs, from its expiry. */
export function renewLicences(
  tx: Tx,
  { product, quote }: RenewLicencesInput,
  chooseProvider: ChooseProvider,
): Promise<Result<{ purchase: LicencePurchase }, (typeof renewLicencesRefusals)[number]>> {
  return openPurchase(tx, { product, quote }, chooseProvider);
}
