import { decimal, decimalText } from '../core/decimal';
import { exactOf } from '../core/exact';
import { type Explanation, explain } from '../core/explain';
import type { Id } from '../core/ids';
import { amountText, least, type Money, money, moneyText } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import type { TaxSummary } from '../tax/tax';
import { taxShare } from '../tax/tax-lines';
import type { CreditNoteLine } from './credit-note';
import type { AccountEntry, Invoice, InvoiceLine, LineKind } from './invoice';
import { accountKey, type ItemCharge, type Standing } from './item-charge';
import type { Lot } from './lot';
import { type OpenInvoice, splitCredits } from './split-credit';
import { partExplained } from './split-document';

export interface CreditRequest {
  readonly invoiceLineId: Id<'InvoiceLine'>;
  /** Above zero; without the tax that came on top. */
  readonly amount: Money;
}

export interface CreditInput {
  readonly invoice: Pick<Invoice, 'id' | 'tenantId' | 'number' | 'total' | 'tax'>;
  readonly lines: readonly InvoiceLine[];
  /** By line: what credit notes have given for it already, in minor units, and the tax with it. */
  readonly credited: ReadonlyMap<string, Standing>;
  /** What the lines moved on the accounts of their items, and by account what stands there now. */
  readonly charges: readonly ItemCharge[];
  readonly standing: ReadonlyMap<string, Standing>;
  /** What is still due of the invoice; empty where nothing is. */
  readonly open: readonly OpenInvoice[];
  readonly requests: readonly CreditRequest[];
}

type DraftLine = Omit<CreditNoteLine, 'id' | 'creditNoteId' | 'tenantId' | 'position'>;

export interface DecidedCredit {
  readonly lines: readonly DraftLine[];
  readonly entries: readonly AccountEntry[];
  readonly taxes: readonly TaxSummary[];
}

/** A credit note for what was still due, and one for what was paid; at least one of them has lines. */
export interface DecidedCredits {
  readonly open: DecidedCredit;
  readonly paid: DecidedCredit;
}

/** A note while its lines are gathered. */
class NoteDraft implements DecidedCredit {
  readonly charges: DraftLine[] = [];
  readonly taxLines: DraftLine[] = [];
  readonly entries: AccountEntry[] = [];
  readonly taxes: TaxSummary[] = [];

  get lines(): readonly DraftLine[] {
    return [...this.charges, ...this.taxLines];
  }

  /** So much of the credit of one line, before tax, and the tax with it. */
  add(
    line: InvoiceLine,
    charge: ItemCharge | undefined,
    part: Lot,
    explanation: Explanation,
    ofTax?: Explanation,
  ): void {
    const { currency } = line.amount;
    const amount = money(part.amount, currency);
    const tax = line.tax && { rate: line.tax.rate, amount: money(part.tax, currency) };
    if (charge) {
      this.entries.push({
        itemId: charge.itemId,
        period: charge.period,
        kind: 'CREDIT',
        amount: money(-part.amount, currency),
        tax: money(-part.tax, currency),
        share: charge.share,
        lineIndex: this.charges.length,
        originLineId: line.id,
      });
    }
    this.charges.push({
      kind: 'CORRECTION',
      source: line.source,
      invoiceLineId: line.id,
      description: `Credit for ${line.description}`,
      quantity: decimal(1n),
      ...{ amount, tax, explanation },
      covers: line.covers,
    });
    if (!tax || !ofTax) return;
    const { rate } = tax;
    const known = this.taxes.findIndex((row) => row.rate.id === rate.id);
    const before = this.taxes[known] ?? { rate, base: money(0n, currency), amount: money(0n, currency) };
    const row: TaxSummary = {
      rate,
      base: money(before.base.minor + part.amount - (rate.inclusive ? part.tax : 0n), currency),
      amount: money(before.amount.minor + part.tax, currency),
    };
    if (known < 0) this.taxes.push(row);
    else this.taxes[known] = row;
    if (rate.inclusive || part.tax === 0n) return;
    this.taxLines.push({
      kind: 'TAX',
      source: { kind: 'TAX', id: rate.id },
      description: `${rate.name} ${decimalText(rate.percent)} %: ${line.description}`,
      quantity: decimal(1n),
      amount: tax.amount,
      covers: line.covers,
      explanation: ofTax,
    });
  }
}

const chargeKinds: ReadonlySet<LineKind> = new Set([
  'PLAN_FIXED',
  'ADDON_FIXED',
  'PRORATION_CHARGE',
  'PLAN_USAGE',
  'ADDON_USAGE',
  'OVERAGE',
  'LICENCE',
]);

const nothing: Standing = { amount: 0n, tax: 0n };

/** What stands of the money that a line asks for: what went back by a refund or a dispute is credited no more. */
function lotOf(charges: readonly ItemCharge[], lineId: string): Standing {
  const moved = charges.filter(({ originLineId }) => originLineId === lineId);
  return {
    amount: moved.reduce((total, row) => total + row.amount.minor, 0n),
    tax: moved.reduce((total, row) => total + row.tax.minor, 0n),
  };
}

const smallerOf = (one: Standing, other: Standing): Standing => (other.amount < one.amount ? other : one);

/**
 * A credit is never more than what was charged: not more than the line less its discounts and earlier credits, not more than
 * what stands of it and on its item's account (a plan change may have given the unused rest back, a refund some of what was paid), and
 * all credits of an invoice together
 * not more than it came to before tax. What is still due of a line comes off it first; only what was paid is given back. The tax on it follows: the line's tax less what was credited of
 * it, in the proportion of what is credited to what is left, so crediting all of a line gives back all of its tax.
 */
export function decideCredit(
  input: CreditInput,
): Result<DecidedCredits, 'INVOICE_LINE_NOT_FOUND' | 'CREDIT_EXCEEDS_LINE'> {
  const { invoice, requests } = input;
  const { currency } = invoice.total;
  const { id, tenantId, number: name } = invoice;
  const source = { kind: 'INVOICE' as const, id, tenantId, name };
  const standing = new Map(input.standing);
  let leftOfInvoice = invoice.total.minor - invoice.tax.minor;
  for (const { amount } of input.credited.values()) leftOfInvoice -= amount;
  const lineOf = new Map(input.lines.map((line) => [line.id, line]));
  const chargeOf = new Map(
    input.charges.flatMap((row) =>
      row.kind === 'CHARGE' && row.invoiceLineId ? [[row.invoiceLineId, row] as const] : [],
    ),
  );
  const discounts = new Map<string, bigint>();
  for (const { discountsLineId: id, amount } of input.lines) {
    if (id) discounts.set(id, (discounts.get(id) ?? 0n) + amount.minor);
  }
  const open = new NoteDraft();
  const paid = new NoteDraft();
  for (const [index, { invoiceLineId, amount }] of requests.entries()) {
    const line = lineOf.get(invoiceLineId);
    if (!line || !chargeKinds.has(line.kind)) {
      return refuse('INVOICE_LINE_NOT_FOUND', 'No such charge on this invoice.', {
        path: ['input', 'lines', String(index), 'invoiceLineId'],
      });
    }
    const credited = input.credited.get(line.id) ?? nothing;
    const net = line.amount.minor + (discounts.get(line.id) ?? 0n);
    const leftOfLine = net - credited.amount;
    const charge = chargeOf.get(line.id);
    const account = charge && accountKey(charge);
    const onAccount = account === undefined ? undefined : (standing.get(account) ?? nothing);
    const stands = onAccount && smallerOf(onAccount, lotOf(input.charges, line.id));
    const left = least(leftOfLine, leftOfInvoice, ...(stands ? [stands.amount] : []));
    if (amount.minor > left) {
      return refuse('CREDIT_EXCEEDS_LINE', 'That is more than is left of what was charged and paid for the line.', {
        path: ['input', 'lines', String(index), 'amount'],
        facts: { line: line.description, left: amountText(money(left < 0n ? 0n : left, currency)), currency },
      });
    }
    leftOfInvoice -= amount.minor;
    // Where the account holds less than the line, its last cent takes the last of the tax along.
    const taxLeft = line.tax ? line.tax.amount.minor - credited.tax : 0n;
    const share =
      line.tax &&
      taxShare(
        stands && stands.amount < leftOfLine
          ? { charged: money(stands.amount, currency), tax: money(least(taxLeft, stands.tax), currency) }
          : { charged: money(leftOfLine, currency), tax: money(taxLeft, currency) },
        amount,
        line.description,
      );
    if (account !== undefined && onAccount) {
      standing.set(account, {
        amount: onAccount.amount - amount.minor,
        tax: onAccount.tax - (share?.amount.minor ?? 0n),
      });
    }
    const tax = share?.amount.minor ?? 0n;
    const [split] = splitCredits(
      [
        {
          ...{ amount: amount.minor, tax, inclusive: line.tax?.rate.inclusive ?? false },
          lots: [{ originLineId: line.id, amount: amount.minor, tax }],
        },
      ],
      input.open,
    );
    const parts = [
      ...split!.open.map(({ lot }) => ({ lot, note: open })),
      ...split!.paid.map((lot) => ({ lot, note: paid })),
    ];
    for (const [position, { lot, note }] of parts.entries()) {
      const { explanation } = explain(exactOf(lot.amount), currency, {
        rule: 'CREDIT_BY_LINE',
        formula: 'credit',
        operands: [{ name: 'credit', value: amountText(money(lot.amount, currency)), unit: currency, source }],
        sentence: (text) =>
          `${text} of the ${moneyText(money(net, currency))} that ${invoice.number} charged for ${line.description}.`,
      });
      const taxes = parts.map((part) => part.lot.tax);
      const ofTax =
        share && parts.length > 1
          ? partExplained(share.explanation, taxes, position, currency, (text) =>
              note === open ? `Of it ${text} was still due.` : `Of it ${text} had been paid.`,
            )
          : share?.explanation;
      note.add(line, charge, lot, explanation, ofTax);
    }
  }
  return done({ open, paid });
}
