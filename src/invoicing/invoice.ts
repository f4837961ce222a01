import type { CouponOrder } from '../access/partner';
import { type Instant, isBefore } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import type { DecimalValue } from '../core/decimal';
import type { Explanation } from '../core/explain';
import type { Id } from '../core/ids';
import { invariant } from '../core/invariant';
import { add, type Money, money, negate, subtract, sum, zero } from '../core/money';
import type { Share } from '../core/proration';
import type { BillingSnapshot } from '../tax/billing-details';
import type { AppliedRate, LineTax, TaxSummary, TaxTreatment } from '../tax/tax';
import type { Lot } from './lot';

export const invoiceStatuses = ['DRAFT', 'FINALIZED', 'PAID', 'VOID', 'UNCOLLECTIBLE'] as const;
export type InvoiceStatus = (typeof invoiceStatuses)[number];
export const invoiceKinds = ['PERIOD', 'ONE_TIME'] as const;
export type InvoiceKind = (typeof invoiceKinds)[number];
export const invoiceReasons = ['START', 'RENEWAL', 'PLAN_CHANGE', 'ADDON', 'FINAL'] as const;
export type InvoiceReason = (typeof invoiceReasons)[number];

export const lineKinds = [
  'PLAN_FIXED',
  'ADDON_FIXED',
  'PRORATION_CHARGE',
  'PRORATION_CREDIT',
  'PLAN_USAGE',
  'ADDON_USAGE',
  'OVERAGE',
  'DISCOUNT',
  'LICENCE',
  'TAX',
  'CREDIT_APPLIED',
] as const;
export type LineKind = (typeof lineKinds)[number];

export const sourceKinds = ['PLAN', 'ADDON', 'COUPON', 'TAX'] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** Half-open `[start, end)`. */
export interface TimeSpan {
  readonly start: Instant;
  readonly end: Instant;
}

/** A line before it has a document: what a pure rule decides. */
export interface LineDraft {
  readonly kind: LineKind;
  /** The plan phase, the attachment, or the coupon of a discount. */
  readonly source: { readonly kind: SourceKind; readonly id: string };
  /** The plan phase or attachment whose account the line moves; a discount moves the account of the line it takes from. */
  readonly itemId: string;
  /** A discount: the index of the line it takes from. */
  readonly discountsLine?: number;
  /** The tax on a credit: the index of that line. */
  readonly taxesLine?: number | undefined;
  /** A credit: what it takes from its item's account. */
  readonly takesFrom?: readonly Lot[] | undefined;
  readonly description: string;
  readonly quantity: DecimalValue;
  /** A charge for time: what a whole period costs. */
  readonly wholePeriod?: Money | undefined;
  /** Charges are positive; discounts and credits negative. */
  readonly amount: Money;
  /** What the line is for. */
  readonly covers: TimeSpan;
  /** The full period in which it is charged: the denominator, and the item's account. */
  readonly period: TimeSpan;
  readonly share: Share;
  /** Its part of the document's tax. */
  readonly tax?: LineTax | undefined;
  readonly explanation: Explanation;
}

export interface InvoiceLine
  extends Omit<
    LineDraft,
    'discountsLine' | 'taxesLine' | 'takesFrom' | 'itemId' | 'period' | 'share' | 'covers' | 'wholePeriod'
  > {
  readonly id: Id<'InvoiceLine'>;
  readonly invoiceId: Id<'Invoice'>;
  readonly tenantId: Id<'Tenant'>;
  readonly position: number;
  readonly discountsLineId?: Id<'InvoiceLine'> | undefined;
  readonly covers?: TimeSpan | undefined;
}

/** subtotal − discount + tax = total. Sums of rounded lines, never rounded again. */
export interface InvoiceTotals {
  readonly subtotal: Money;
  /** Not negative. */
  readonly discount: Money;
  /** What comes on top of the prices; a tax that they hold is told in `taxes` and adds nothing. */
  readonly tax: Money;
  readonly total: Money;
}

/** What a document says about tax and of whom, as it was when it was issued. */
export interface DocumentTax {
  readonly taxes: readonly TaxSummary[];
  readonly taxTreatment: TaxTreatment;
  /** Why no tax is charged. */
  readonly taxNote?: string | undefined;
  readonly billing: BillingSnapshot;
}

/** All that ever changes of an issued invoice. total − credited − paid = amountDue, until it is void. */
export interface InvoiceState {
  readonly status: InvoiceStatus;
  /** What credit notes took off what was due. */
  readonly credited: Money;
  /** What was paid of it: from the credit balance, by payments, outside the system. */
  readonly paid: Money;
  /** What it still asks for: 0 once it is paid, or void. */
  readonly amountDue: Money;
  readonly paidAt?: Instant | undefined;
  /** How it was paid outside the system. */
  readonly paymentReference?: string | undefined;
  readonly voidedAt?: Instant | undefined;
  readonly voidReason?: string | undefined;
  readonly uncollectibleAt?: Instant | undefined;
}

export interface Invoice extends InvoiceTotals, InvoiceState, DocumentTax {
  readonly id: Id<'Invoice'>;
  readonly tenantId: Id<'Tenant'>;
  readonly partnerId: Id<'Partner'>;
  readonly subscriptionId: Id<'Subscription'>;
  /** Gap-free per partner, e.g. `ACME-000042`. */
  readonly number: string;
  readonly kind: InvoiceKind;
  readonly reason: InvoiceReason;
  /** The part of `paid` that the credit balance paid when it was issued. */
  readonly creditApplied: Money;
  readonly period?: TimeSpan | undefined;
  /** In which order coupons took from it. */
  readonly couponOrder: CouponOrder;
  readonly issuedAt: Instant;
  /** By the terms of its issue; whatever is agreed later leaves it as it is. */
  readonly dueAt: Instant;
}

/** It was to be paid by now, and is still asked for. */
export const isOverdue = ({ status, dueAt }: Pick<Invoice, 'status' | 'dueAt'>, now: Instant): boolean =>
  status === 'FINALIZED' && isBefore(dueAt, now);

export function totalsOf(lines: readonly Pick<LineDraft, 'kind' | 'amount'>[], currency: CurrencyCode): InvoiceTotals {
  const sumOf = (isOf: (kind: LineKind) => boolean) =>
    sum(
      lines.filter((line) => isOf(line.kind)).map((line) => line.amount),
      currency,
    );
  const discount = negate(sumOf((kind) => kind === 'DISCOUNT'));
  const subtotal = sumOf((kind) => kind !== 'DISCOUNT' && kind !== 'TAX');
  const tax = sumOf((kind) => kind === 'TAX');
  invariant(discount.minor >= 0n, 'discounts add to an invoice');
  return { subtotal, discount, tax, total: add(subtract(subtotal, discount), tax) };
}

/** What a document moves on the account of each item; see `item_charges`. */
export interface AccountEntry {
  readonly itemId: string;
  readonly period: TimeSpan;
  readonly kind: 'CHARGE' | 'DISCOUNT' | 'CREDIT' | 'WAIVED' | 'REFUNDED';
  /** Signed like the line: charges up, the rest down. */
  readonly amount: Money;
  readonly share: Share;
  /** The tax that moves with it: what a later credit takes its share from. */
  readonly tax?: Money | undefined;
  readonly taxRate?: AppliedRate | undefined;
  /** The line that moved it; none where nothing was invoiced. */
  readonly lineIndex?: number;
  /** The line that asks for the money: of an earlier invoice, or by its index on this one. */
  readonly originLineId?: string | undefined;
  readonly originIndex?: number | undefined;
  /** What was used: the index of its line, which is its account. */
  readonly accountOfLine?: number | undefined;
}

const usageKinds = new Set<LineKind>(['PLAN_USAGE', 'ADDON_USAGE', 'OVERAGE']);

/**
 * What was used is used: nothing of it can be credited as unused, so it is on no item's account but on one of its own, its line's.
 */
export function accountEntriesOf(lines: readonly LineDraft[]): AccountEntry[] {
  return lines.flatMap((line, lineIndex): AccountEntry[] => {
    // Tax moves with the charge or credit that it is on.
    if (line.kind === 'TAX') return [];
    const { itemId, period, share, amount } = line;
    const moved = { itemId, period, share, taxRate: line.tax?.rate, lineIndex };
    const originIndex = line.discountsLine ?? lineIndex;
    if (line.kind !== 'PRORATION_CREDIT') {
      const accountOfLine = usageKinds.has(lines[originIndex]!.kind) ? originIndex : undefined;
      const kind = line.kind === 'DISCOUNT' ? 'DISCOUNT' : 'CHARGE';
      return [{ ...moved, kind, amount, tax: line.tax?.amount, originIndex, accountOfLine }];
    }
    if (line.takesFrom) {
      return line.takesFrom.map(({ originLineId, ...lot }) => ({
        ...{ ...moved, kind: 'CREDIT' as const, originLineId },
        amount: money(-lot.amount, amount.currency),
        tax: money(-lot.tax, amount.currency),
      }));
    }
    // What joined and left before it was ever invoiced.
    const charge = lines.findIndex((other) => other.kind === 'PRORATION_CHARGE' && other.itemId === itemId);
    return [{ ...moved, kind: 'CREDIT', amount, tax: line.tax?.amount, originIndex: charge < 0 ? undefined : charge }];
  });
}

export function invoiceNumber(partnerCode: string, number: bigint): string {
  return `${partnerCode.toUpperCase()}-${number.toString().padStart(6, '0')}`;
}

export function creditNoteNumber(partnerCode: string, number: bigint): string {
  return `${partnerCode.toUpperCase()}-CN-${number.toString().padStart(6, '0')}`;
}

export function noMoney(currency: CurrencyCode): InvoiceTotals {
  return { subtotal: zero(currency), discount: zero(currency), tax: zero(currency), total: zero(currency) };
}
