import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { Share } from '../core/proration';
import type { AccountEntry, TimeSpan } from './invoice';

/** One movement on the account of an item that a line made. */
export interface ItemCharge {
  readonly invoiceLineId: Id<'InvoiceLine'>;
  readonly itemId: string;
  readonly period: TimeSpan;
  readonly kind: AccountEntry['kind'];
  readonly amount: Money;
  readonly share: Pick<Share, 'basis' | 'remaining' | 'total'>;
}
