import type { Id } from '../core/ids';
import type { Money } from '../core/money';
import type { Share } from '../core/proration';
import type { GivenDiscount } from '../proration/charged-item';
import type { AppliedRate } from '../tax/tax';
import type { AccountEntry, TimeSpan } from './invoice';
import type { Lot } from './lot';

/** One movement on the account of an item. */
export interface ItemCharge {
  /** The line of an invoice that made it. */
  readonly invoiceLineId?: Id<'InvoiceLine'> | undefined;
  /** The invoice line that asks for the money. */
  readonly originLineId?: Id<'InvoiceLine'> | undefined;
  readonly itemId: string;
  readonly period: TimeSpan;
  readonly kind: AccountEntry['kind'];
  readonly amount: Money;
  readonly tax: Money;
  readonly share: Pick<Share, 'basis' | 'remaining' | 'total'>;
}

/** What one item's account says of one period. */
export interface ItemAccount {
  /** Charges − discounts − waivers − credits − refunds. */
  readonly charged: Money;
  /** The same by the invoice lines that asked for it, oldest first. */
  readonly lots: readonly Lot[];
  /** The tax that stands with it, and the rate of the last charge. */
  readonly tax: Money;
  readonly taxRate?: AppliedRate | undefined;
  readonly discounts: readonly GivenDiscount[];
  /** The invoice line that charged it last: what a credit points at. */
  readonly chargedByLineId?: string | undefined;
}

/** What stands on an account. */
export interface Standing {
  readonly amount: bigint;
  readonly tax: bigint;
}

/** The account of one item in one period. */
export const accountKey = (charge: { readonly itemId: string; readonly period: Pick<TimeSpan, 'start'> }): string =>
  `${charge.itemId} ${charge.period.start.epochMilliseconds}`;

/** A line charged it in this period, or something was given in its place. */
export const wasCharged = (account: ItemAccount | undefined): boolean =>
  account !== undefined &&
  (account.chargedByLineId !== undefined || account.charged.minor !== 0n || account.discounts.length > 0);
