import { decimal } from '../core/decimal';
import { explain } from '../core/explain';
import type { Id } from '../core/ids';
import { amountText, exactMinorUnits, type Money, money, moneyText } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import type { CreditNoteLine } from './credit-note';
import type { AccountEntry, Invoice, InvoiceLine, LineKind } from './invoice';
import type { ItemCharge } from './item-charge';
import { accountKey } from './reverse-invoice';

export interface CreditRequest {
  readonly invoiceLineId: Id<'InvoiceLine'>;
  /** Above zero. */
  readonly amount: Money;
}

export interface CreditInput {
  readonly invoice: Pick<Invoice, 'number' | 'total'>;
  readonly lines: readonly InvoiceLine[];
  /** By line: what credit notes have given for it already, in minor units. */
  readonly credited: ReadonlyMap<string, bigint>;
  /** What the lines moved on the accounts of their items, and by account what stands there now. */
  readonly charges: readonly ItemCharge[];
  readonly standing: ReadonlyMap<string, bigint>;
  readonly requests: readonly CreditRequest[];
}

export interface DecidedCredit {
  readonly lines: readonly Omit<CreditNoteLine, 'id' | 'creditNoteId' | 'tenantId' | 'position'>[];
  readonly entries: readonly AccountEntry[];
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

/**
 * A credit is never more than what was charged and paid: not more than the line less its discounts and earlier credits, not
 * more than what stands on its item's account (a plan change may have given the unused rest back), and all credits of
 * an invoice together not more than its total.
 */
export function decideCredit(
  input: CreditInput,
): Result<DecidedCredit, 'INVOICE_LINE_NOT_FOUND' | 'CREDIT_EXCEEDS_LINE'> {
  const { invoice, requests } = input;
  const { currency } = invoice.total;
  const standing = new Map(input.standing);
  let leftOfInvoice = invoice.total.minor;
  for (const amount of input.credited.values()) leftOfInvoice -= amount;
  const lines: DecidedCredit['lines'][number][] = [];
  const entries: AccountEntry[] = [];
  for (const [index, { invoiceLineId, amount }] of requests.entries()) {
    const line = input.lines.find((candidate) => candidate.id === invoiceLineId && chargeKinds.has(candidate.kind));
    if (!line) {
      return refuse('INVOICE_LINE_NOT_FOUND', 'No such charge on this invoice.', {
        path: ['input', 'lines', String(index), 'invoiceLineId'],
      });
    }
    const discounts = input.lines.filter((other) => other.discountsLineId === line.id);
    const net = discounts.reduce((total, discount) => total + discount.amount.minor, line.amount.minor);
    const charge = input.charges.find((row) => row.invoiceLineId === line.id && row.kind === 'CHARGE');
    const account = charge && accountKey(charge);
    const left = least(
      net - (input.credited.get(line.id) ?? 0n),
      leftOfInvoice,
      ...(account === undefined ? [] : [standing.get(account) ?? 0n]),
    );
    if (amount.minor > left) {
      return refuse('CREDIT_EXCEEDS_LINE', 'That is more than is left of what was charged and paid for the line.', {
        path: ['input', 'lines', String(index), 'amount'],
        facts: { line: line.description, left: amountText(money(left < 0n ? 0n : left, currency)), currency },
      });
    }
    leftOfInvoice -= amount.minor;
    if (account !== undefined) standing.set(account, standing.get(account)! - amount.minor);
    const { explanation } = explain(exactMinorUnits(amount), currency, {
      rule: 'CREDIT_BY_LINE',
      formula: 'credit',
      operands: [{ name: 'credit', value: amountText(amount), unit: currency, source: line.id }],
      sentence: (text) =>
        `${text} of the ${moneyText(money(net, currency))} that ${invoice.number} charged for ${line.description}.`,
    });
    if (charge) {
      entries.push({
        itemId: charge.itemId,
        period: charge.period,
        kind: 'CREDIT',
        amount: money(-amount.minor, currency),
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
      ...{ amount, explanation },
      covers: line.covers,
    });
  }
  return done({ lines, entries });
}
