import { isZero } from '../core/money';
import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import { afterReturn } from '../coupons/pending-coupon';
import { endCollection } from '../payments/end-collection.command';
import type { Tx } from '../tx';
import { findInvoice } from './find-invoice.query';
import type { Invoice } from './invoice';
import { moveInvoice } from './invoice-state';
import { reversalOf } from './reverse-invoice';

export interface VoidInvoiceInput {
  readonly invoiceId: string;
  readonly reason: string;
  /** What was used is given away; else it is billed again, with the next invoice. */
  readonly forgiveUsage?: boolean | undefined;
}

export const voidInvoiceRefusals = [
  'INVOICE_NOT_FOUND',
  'INVOICE_NOT_OPEN',
  'INVOICE_CREDITED',
  'INVALID_INPUT',
] as const;

/**
 * Takes an unpaid invoice back as a whole: the accounts of its items; what paid for a part of it is balance again. Its
 * number stays and its period is not billed again; what its coupons used of their periods comes back to them, and what was
 * used is billed with the next invoice, unless it is forgiven.
 */
export async function voidInvoice(
  tx: Tx,
  input: VoidInvoiceInput,
): Promise<Result<{ invoice: Invoice }, (typeof voidInvoiceRefusals)[number]>> {
  const reason = parseLabel(input.reason, 500);
  if (!reason) return invalid(['reason'], 'A reason has 1 to 500 printable characters.');
  await tx.tenants.lock(tx.tenant.id);
  const found = await findInvoice(tx, input.invoiceId);
  if (!found.ok) return found;
  const { value: invoice } = found;
  if (invoice.status === 'VOID' && invoice.voidReason === reason) return done({ invoice });
  const moved = moveInvoice(invoice, { to: 'VOID', at: tx.now, reason });
  if (!moved.ok) return moved;

  const { id, tenantId, partnerId, subscriptionId, paid } = invoice;
  const lines = (await tx.invoices.linesOf([tenantId], [id])).get(id) ?? [];
  const charges = await tx.itemCharges.ofInvoiceLines(
    tenantId,
    lines.map((line) => line.id),
  );
  const entries = isZero(invoice.credited) ? reversalOf(new Set(lines.map((line) => line.id)), charges) : undefined;
  if (!entries) {
    return refuse('INVOICE_CREDITED', 'A part of the invoice has been credited already.', {
      path: ['input', 'invoiceId'],
      facts: { number: invoice.number },
    });
  }
  await tx.invoices.updateState(moved.value);
  await endCollection(tx, moved.value, 'STOPPED');
  await tx.itemCharges.insert({ id: subscriptionId, tenantId, partnerId }, entries, {}, tx.now);
  const isUsageOpen = !input.forgiveUsage && (await tx.billedUsage.returnChargesOf(tenantId, id));
  // Without a live subscription no next invoice comes by itself.
  if (isUsageOpen) await tx.billedUsage.awaitAfterEnd({ tenantId, partnerId }, tx.now);
  if (!isZero(paid)) {
    await tx.creditNotes.moveBalance(tenantId, partnerId, { kind: 'RETURNED', amount: paid, invoiceId: id }, tx.now);
  }
  const returned = await tx.couponDiscounts.voidInvoice(tenantId, id);
  for (const used of await tx.pendingCoupons.byIds(tenantId, returned)) {
    const live = await tx.pendingCoupons.live(tenantId);
    const hasNewer = live.some((other) => other.couponId === used.couponId && other.id !== used.id);
    const pendingCoupon = afterReturn(used, hasNewer);
    await tx.pendingCoupons.update(pendingCoupon);
    const { code } = (await tx.coupons.byIds([used.couponId]))[0]!;
    await tx.emit({ type: 'coupon.returned', payload: { pendingCoupon, code } });
  }
  await tx.emit({ type: 'invoice.voided', payload: { invoice: moved.value } });
  return done({ invoice: moved.value });
}
