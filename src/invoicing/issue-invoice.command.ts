import type { Id } from '../core/ids';
import { isZero, negate, smaller, subtract, zero } from '../core/money';
import { dueAtOf, termsOf } from '../payments/payment-terms';
import type { Subscription } from '../subscriptions/subscription';
import type { TaxedDocument } from '../tax/taxes-of-lines.query';
import type { Tx } from '../tx';
import {
  accountEntriesOf,
  type Invoice,
  type InvoiceKind,
  type InvoiceLine,
  type InvoiceReason,
  invoiceNumber,
  type TimeSpan,
  totalsOf,
} from './invoice';

export interface IssueInvoiceInput {
  readonly subscription: Pick<Subscription, 'id' | 'tenantId' | 'partnerId' | 'currency'>;
  readonly kind: InvoiceKind;
  readonly reason: InvoiceReason;
  /** Its lines with their tax: nothing is invoiced without having been through that step. */
  readonly document: TaxedDocument;
  readonly period?: TimeSpan | undefined;
}

/**
 * Writes an invoice whole: header, lines with their explanations, the accounts of its items, the credit that pays for a
 * part of it, and its number. The number comes last, because its counter is shared by all of a partner's tenants and is
 * held to the end of the transaction.
 */
export async function issueInvoice(
  tx: Pick<
    Tx,
    | 'invoices'
    | 'creditNotes'
    | 'itemCharges'
    | 'partners'
    | 'tenants'
    | 'taxes'
    | 'collections'
    | 'documents'
    | 'tenant'
    | 'newId'
    | 'now'
    | 'emit'
  >,
  input: IssueInvoiceInput,
): Promise<Invoice> {
  const { subscription, document } = input;
  const { tenantId, partnerId, currency } = subscription;
  const partner = (await tx.partners.byId(partnerId))!;
  const id = tx.newId<'Invoice'>();
  const { seller, buyer } = await tx.taxes.snapshot(tenantId, partnerId);
  const totals = totalsOf(document.lines, currency);
  const balance = await tx.creditNotes.lockBalance(tenantId, partnerId, currency);
  const creditApplied = smaller(balance, totals.total);
  const amountDue = subtract(totals.total, creditApplied);
  const lineIds = document.lines.map(() => tx.newId<'InvoiceLine'>());
  const lines: InvoiceLine[] = document.lines.map((line, index) => ({
    id: lineIds[index]!,
    invoiceId: id,
    tenantId,
    position: index + 1,
    kind: line.kind,
    source: line.source,
    discountsLineId: line.discountsLine === undefined ? undefined : (lineIds[line.discountsLine] as Id<'InvoiceLine'>),
    description: line.description,
    quantity: line.quantity,
    amount: line.amount,
    covers: line.covers,
    tax: line.tax,
    explanation: line.explanation,
  }));
  const invoice: Invoice = {
    id,
    tenantId,
    partnerId,
    subscriptionId: subscription.id,
    number: invoiceNumber(partner.code, await tx.invoices.takeNumber('INVOICE')),
    kind: input.kind,
    reason: input.reason,
    // Nothing is left to pay: that is paid.
    ...(isZero(amountDue) ? { status: 'PAID', paidAt: tx.now } : { status: 'FINALIZED' }),
    ...totals,
    ...{ creditApplied, credited: zero(currency), paid: creditApplied, amountDue },
    period: input.period,
    couponOrder: partner.couponOrder,
    taxes: document.taxes,
    taxTreatment: document.decision.treatment,
    taxNote: document.decision.note,
    billing: { seller, buyer },
    issuedAt: tx.now,
    dueAt: dueAtOf(tx.now, termsOf(partner, (await tx.tenants.byId(tenantId))!), tx.tenant.timeZone),
  };
  await tx.invoices.insert(invoice, lines);
  await tx.itemCharges.insert(subscription, accountEntriesOf(document.lines), { invoice: lineIds }, tx.now);
  if (!isZero(creditApplied)) {
    await tx.creditNotes.moveBalance(
      tenantId,
      partnerId,
      { kind: 'APPLIED', amount: negate(creditApplied), invoiceId: id },
      tx.now,
    );
  }
  if (!isZero(amountDue)) await tx.collections.begin(invoice, tx.tenant.sandbox);
  tx.documents.addInvoice(invoice);
  await tx.emit({ type: 'invoice.finalized', payload: { invoice } });
  if (invoice.status === 'PAID') await tx.emit({ type: 'invoice.paid', payload: { invoice } });
  return invoice;
}
