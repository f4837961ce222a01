import { isBefore } from '../core/calendar';
import { add, atLeastZero, isZero, type Money, negate, subtract, sum, zero } from '../core/money';
import type { Settlement } from '../invoicing/credit-note';
import type { LineDraft } from '../invoicing/invoice';
import {
  type Closing,
  type DraftedDocument,
  type PlannedCreditNote,
  type PlannedDocument,
  plannedClosing,
  plannedOffDue,
} from '../invoicing/planned-document';
import { beforeTax, grossOf, type SplitDocument } from '../invoicing/split-document';
import type { Subscription } from '../subscriptions/subscription';
import { addedTax } from '../tax/tax-lines';
import type { PlanChange, PlanChangeRequest } from './plan-change';

/** A decided change with its tax, and what is left to bill of the period that it ends. */
export interface PricedChange {
  readonly subscription: Pick<Subscription, 'currency' | 'periodEnd'>;
  readonly change: PlanChange;
  /** Only add-ons change. */
  readonly planGoesOn: boolean;
  readonly document: DraftedDocument;
  /** The same lines by the documents that they go on. */
  readonly split: SplitDocument;
  readonly gross: Money;
  readonly closing?: Closing | undefined;
}

export interface SettledAs {
  readonly waived: boolean;
  readonly settlement: Settlement;
}

export const settledAs = ({ waived, settlement }: PlanChangeRequest): SettledAs => ({
  waived: waived ?? false,
  settlement: settlement ?? 'CREDIT_BALANCE',
});

export interface PlannedChange {
  /** `false`: waived, or a surplus that the caller does not settle. What stands is carried over as it is. */
  readonly moves: boolean;
  /** What is credited and still due comes off the open invoices. */
  readonly offDue: readonly PlannedCreditNote[];
  /** All the rest: an invoice above zero, a credit note below, none at zero. */
  readonly own?: PlannedDocument | undefined;
}

/** The documents of a change itself. */
export function plannedChange(
  { subscription, planGoesOn, document, split, gross }: Omit<PricedChange, 'change' | 'closing'>,
  { waived, settlement }: SettledAs,
): PlannedChange {
  if (waived || (gross.minor < 0n && settlement === 'NONE')) return { moves: false, offDue: [] };
  const { currency } = subscription;
  const { decision } = document;
  const { rest } = split;
  const credited = planGoesOn ? 'ADDON_CANCELLED' : 'PLAN_CHANGE';
  const offDue = plannedOffDue(split, decision, credited);
  if (isZero(beforeTax(rest, currency))) return { moves: true, offDue };
  const total = grossOf(rest, currency);
  const planned = { document: { ...rest, decision }, total };
  const charged = planGoesOn ? 'ADDON' : 'PLAN_CHANGE';
  if (total.minor >= 0n) return { moves: true, offDue, own: { kind: 'INVOICE', reason: charged, ...planned } };
  // What is not settled is at most a surplus; this is less.
  const to = settlement === 'NONE' ? 'CREDIT_BALANCE' : settlement;
  return { moves: true, offDue, own: { kind: 'CREDIT_NOTE', reason: credited, settlement: to, ...planned } };
}

/** Every document that a change makes at its instant, in their order: its own, and what is left to bill of the period. */
export function plannedDocuments(loaded: PricedChange, options: SettledAs): PlannedDocument[] {
  const { offDue, own } = plannedChange(loaded, options);
  return [...offDue, ...(own ? [own] : []), ...plannedClosing(loaded.closing)];
}

/** The whole truth about a change: what a preview says and a quote promises. */
export interface QuotedChange {
  readonly documents: readonly PlannedDocument[];
  /** What is left to bill of the period that the change ends, before added tax. */
  readonly closing: Money;
  /** The change's own net and `closing`; negative: in the tenant's favour. */
  readonly net: Money;
  /** The lines that make the net. */
  readonly lines: readonly LineDraft[];
  /** What comes on top of the net as tax. */
  readonly tax: Money;
  /** What was paid and is more than the change costs, whether the caller settles it or not; not negative. */
  readonly surplus: Money;
  /** What the documents come to. */
  readonly total: Money;
}

/** At a period's end what is left of it is billed whether the plan changes or not: there it is no part of the change. */
export function quoteChange(loaded: PricedChange, options: SettledAs): QuotedChange {
  const { change, subscription, document, split } = loaded;
  const { currency } = subscription;
  const closed = isBefore(change.at, subscription.periodEnd) ? loaded.closing : undefined;
  const documents = plannedDocuments({ ...loaded, closing: closed }, options);
  const closingTax = addedTax(closed?.lines ?? [], currency);
  const closing = closed ? subtract(closed.totals.total, closingTax) : zero(currency);
  return {
    documents,
    closing,
    lines: [...change.lines, ...(closed?.lines ?? []).filter(({ kind }) => kind !== 'TAX')],
    net: add(change.net, closing),
    tax: add(addedTax(document.lines, currency), closingTax),
    surplus: isZero(beforeTax(split.rest, currency))
      ? zero(currency)
      : atLeastZero(negate(grossOf(split.rest, currency))),
    total: sum(
      documents.map(({ total }) => total),
      currency,
    ),
  };
}
