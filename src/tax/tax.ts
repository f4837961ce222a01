import type { LocalDate } from '../core/calendar';
import type { DecimalValue } from '../core/decimal';
import type { Money } from '../core/money';

export const taxTreatments = ['TAXABLE', 'REVERSE_CHARGE', 'EXEMPT'] as const;
/** REVERSE_CHARGE and EXEMPT: no tax is charged, and the document says why. */
export type TaxTreatment = (typeof taxTreatments)[number];

/** A rate as a document keeps it: later edits of the tables do not touch it. */
export interface AppliedRate {
  readonly id: string;
  readonly name: string;
  readonly percent: DecimalValue;
  /** The price holds the tax already; otherwise it comes on top. */
  readonly inclusive: boolean;
}

/** The tax of one line. Positive on a charge, negative on what an invoice credits. */
export interface LineTax {
  readonly rate: AppliedRate;
  readonly amount: Money;
}

/** One rate of a document's tax summary. */
export interface TaxSummary {
  readonly rate: AppliedRate;
  /** What is taxed, without the tax. */
  readonly base: Money;
  readonly amount: Money;
}

/** Which rate each category of goods has for one buyer on one day. */
export interface TaxDecision {
  readonly treatment: TaxTreatment;
  /** Why no tax is charged, for the document. */
  readonly note?: string | undefined;
  /** By category; under the empty text what holds for everything else. */
  readonly rates: ReadonlyMap<string, AppliedRate>;
}

export const noTax: TaxDecision = { treatment: 'TAXABLE', rates: new Map() };

export interface TaxQuestion {
  readonly tenantId: string;
  readonly partnerId: string;
  readonly date: LocalDate;
}

/**
 * Where tax decisions come from: rates, never amounts, so that the arithmetic of a document stays in one place. The
 * partner's own rate tables are the first implementation and answer inside the transaction that bills. An outside engine
 * must be asked before it, because nobody waits for a stranger with an account's lock in hand; what it answers is handed
 * to the transaction as an engine that knows the answer.
 */
export interface TaxEngine {
  decide(question: TaxQuestion): Promise<TaxDecision>;
}
