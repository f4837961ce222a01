import { isBefore } from '../core/calendar';
import { add, isZero, type Money, subtract, sum, zero } from '../core/money';
import type { Settlement } from '../invoicing/credit-note';
import type { LineDraft } from '../invoicing/invoice';
import {
  type Closing,
  type DraftedDocument,
  type PlannedDocument,
  plannedClosing,
} from '../invoicing/planned-document';
import type { Subscription } from '../subscriptions/subscription';
import { addedTax } from '../tax/tax-lines';
import type { PlanChange, PlanChangeRequest } from './plan-change';

/** A decided change with its tax, and what is left to bill of the period that it ends. */
export interface PricedChange {
  readonly subscription: Pick<Subscription, 'currency' | 'periodEnd'>;
  readonly change: PlanChange;
  readonly document: DraftedDocument;
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

/** The document of a change itself: an invoice above zero, a credit note below, none at zero or where no money moves. */
export function plannedChange(
  { change, document, gross }: Pick<PricedChange, 'change' | 'document' | 'gross'>,
  { waived, settlement }: SettledAs,
): PlannedDocument | undefined {
  if (waived || isZero(change.net)) return undefined;
  const planned = { document, total: gross, reason: 'PLAN_CHANGE' } as const;
  if (gross.minor >= 0n) return { kind: 'INVOICE', ...planned };
  return settlement === 'NONE' ? undefined : { kind: 'CREDIT_NOTE', settlement, ...planned };
}

/** Every document that a change makes at its instant, in their order: its own, and what is left to bill of the period. */
export function plannedDocuments(loaded: PricedChange, options: SettledAs): PlannedDocument[] {
  const own = plannedChange(loaded, options);
  return [...(own ? [own] : []), ...plannedClosing(loaded.closing)];
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
  /** What the documents come to. */
  readonly total: Money;
}

/** At a period's end what is left of it is billed whether the plan changes or not: there it is no part of the change. */
export function quoteChange(loaded: PricedChange, options: SettledAs): QuotedChange {
  const { change, subscription, document } = loaded;
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
    total: sum(
      documents.map(({ total }) => total),
      currency,
    ),
  };
}
