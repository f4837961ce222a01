import { decimal, decimalText } from '../core/decimal';
import { explain } from '../core/explain';
import type { Id } from '../core/ids';
import { amountText, exactMinorUnits, type Money, money, moneyText } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import type { TaxSummary } from '../tax/tax';
import { taxShare } from '../tax/tax-lines';
import type { CreditNoteLine } from './credit-note';
import type { AccountEntry, Invoice, InvoiceLine, LineKind } from './invoice';
import { accountKey, type ItemCharge, type Standing } from './item-charge';

export interface CreditRequest {
  readonly invoiceLineId: Id<'InvoiceLine'>;
  /** Above zero; without the tax that came on top. */
  readonly amount: Money;
}

export interface CreditInput {
  readonly invoice: Pick<Invoice, 'number' | 'total' | 'tax'>;
  readonly lines: readonly InvoiceLine[];
  /** By line: what credit notes have given for it already, in minor units, and the tax with it. */
  readonly credited: ReadonlyMap<string, Standing>;
  /** What the lines moved on the accounts of their items, and by account what stands there now. */
  readonly charges: readonly ItemCharge[];
  readonly standing: ReadonlyMap<string, Standing>;
  readonly requests: readonly CreditRequest[];
}

type DraftLine = Omit<CreditNoteLine, 'id' | 'creditNoteId' | 'tenantId' | 'position'>;

export interface DecidedCredit {
  readonly lines: readonly DraftLine[];
  readonly entries: readonly AccountEntry[];
  readonly taxes: readonly TaxSummary[];
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

const least = (...values: bigint[]): bigint => values.reduce((first, second) => (second < first ? second : first));
const nothing: Standing = { amount: 0n, tax: 0n };

/**
 * A credit is never more than what was charged and paid: not more than the line less its discounts and earlier credits,
 * not more than what stands on its item's account (a plan change may have given the unused rest back), and all credits of
 * an invoice together not more than it came to before tax. The tax on it follows: the line's tax less what was credited of
 * it, in the proportion of what is credited to what is left, so crediting all of a line gives back all of its tax.
 */
export function decideCredit(
  input: CreditInput,
): Result<DecidedCredit, 'INVOICE_LINE_NOT_FOUND' | 'CREDIT_EXCEEDS_LINE'> {
  const { invoice, requests } = input;
  const { currency } = invoice.total;
  const standing = new Map(input.standing);
  let leftOfInvoice = invoice.total.minor - invoice.tax.minor;
  for (const { amount } of input.credited.values()) leftOfInvoice -= amount;
  const lineOf = new Map(input.lines.map((line) => [line.id, line]));
  const chargeOf = new Map(
    input.charges.flatMap((row) => (row.kind === 'CHARGE' ? [[row.invoiceLineId, row] as const] : [])),
  );
  const discounts = new Map<string, bigint>();
  for (const { discountsLineId: id, amount } of input.lines) {
    if (id) discounts.set(id, (discounts.get(id) ?? 0n) + amount.minor);
  }
  const lines: DraftLine[] = [];
  const taxLines: DraftLine[] = [];
  const entries: AccountEntry[] = [];
  const taxes: TaxSummary[] = [];
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
    const stands = account === undefined ? undefined : (standing.get(account) ?? nothing);
    const left = least(leftOfLine, leftOfInvoice, ...(stands ? [stands.amount] : []));
    if (amount.minor > left) {
      return refuse('CREDIT_EXCEEDS_LINE', 'That is more than is left of what was charged and paid for the line.', {
        path: ['input', 'lines', String(index), 'amount'],
        facts: { line: line.description, left: amountText(money(left < 0n ? 0n : left, currency)), currency },
      });
    }
    leftOfInvoice -= amount.minor;
    const { explanation } = explain(exactMinorUnits(amount), currency, {
      rule: 'CREDIT_BY_LINE',
      formula: 'credit',
      operands: [{ name: 'credit', value: amountText(amount), unit: currency, source: line.id }],
      sentence: (text) =>
        `${text} of the ${moneyText(money(net, currency))} that ${invoice.number} charged for ${line.description}.`,
    });
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
    if (account !== undefined && stands) {
      standing.set(account, {
        amount: stands.amount - amount.minor,
        tax: stands.tax - (share?.amount.minor ?? 0n),
      });
    }
    const tax = line.tax && share ? { rate: line.tax.rate, amount: share.amount } : undefined;
    if (charge) {
      entries.push({
        itemId: charge.itemId,
        period: charge.period,
        kind: 'CREDIT',
        amount: money(-amount.minor, currency),
        tax: money(-(tax?.amount.minor ?? 0n), currency),
        share: charge.share,
        lineIndex: lines.length,
      });
    }
    lines.push({
      kind: 'CORRECTION',
      source: line.source,
      invoiceLineId: line.id,
      description: `Credit for ${line.description}`,
      quantity: decimal(1n),
      ...{ amount, tax, explanation },
      covers: line.covers,
    });
    if (!tax || !share) continue;
    const { rate } = tax;
    const known = taxes.findIndex((row) => row.rate.id === rate.id);
    const before = taxes[known] ?? { rate, base: money(0n, currency), amount: money(0n, currency) };
    const row: TaxSummary = {
      rate,
      base: money(before.base.minor + amount.minor - (rate.inclusive ? tax.amount.minor : 0n), currency),
      amount: money(before.amount.minor + tax.amount.minor, currency),
    };
    if (known < 0) taxes.push(row);
    else taxes[known] = row;
    if (!rate.inclusive && tax.amount.minor > 0n) {
      taxLines.push({
        kind: 'TAX',
        source: { kind: 'TAX', id: rate.id },
        description: `${rate.name} ${decimalText(rate.percent)} %: ${line.description}`,
        quantity: decimal(1n),
        amount: tax.amount,
        covers: line.covers,
        explanation: share.explanation,
      });
    }
  }
  return done({ lines: [...lines, ...taxLines], entries, taxes });
}
