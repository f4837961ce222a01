import type { Id } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import { findInvoice } from '../invoicing/find-invoice.query';
import type { Invoice } from '../invoicing/invoice';
import type { Tx } from '../tx';
import { isPayable, writeAttempt } from './begin-payment.command';
import { findMethod } from './keep-payment-method.command';
import type { Charge } from './payment';
import type { PaymentMethod } from './payment-method';
import type { ProviderName } from './provider';
import { providerOff } from './providers';

export interface PayInvoiceInput {
  readonly invoiceId: string;
  /** Default: the tenant's default method. */
  readonly paymentMethodId?: string | undefined;
}

export const payInvoiceRefusals = [
  'INVOICE_NOT_FOUND',
  'INVOICE_NOT_OPEN',
  'PAYMENT_METHOD_NOT_FOUND',
  'PAYMENT_METHOD_REQUIRED',
  'PROVIDER_NOT_CONFIGURED',
] as const;

export interface PayInvoiceDone {
  readonly invoice: Invoice;
  readonly payment: Charge;
  /** The payment waits for its customer, and another method was named: it is taken back, and this one is charged. */
  readonly replaceWith?: Id<'PaymentMethod'> | undefined;
}

export type IsUsable = (provider: ProviderName, sandbox: boolean) => boolean;

/** What a new attempt would be charged to. */
export function chargeableMethod(
  method: PaymentMethod | undefined,
  { sandbox }: { readonly sandbox: boolean },
  isUsable: IsUsable,
): Result<PaymentMethod, 'PAYMENT_METHOD_REQUIRED' | 'PROVIDER_NOT_CONFIGURED'> {
  if (!method) return refuse('PAYMENT_METHOD_REQUIRED', 'The tenant has no payment method.');
  return isUsable(method.provider, sandbox) ? done(method) : providerOff(method.provider);
}

/**
 * Begins to charge an invoice now. While an attempt is under way, it is that one that is answered: nothing is charged twice. Only
 * one that waits for its customer gives way, to another method that is named, and none that another invoice's charge takes along. What
 * is charged is what was named: nothing goes along.
 */
export async function payInvoice(
  tx: Pick<
    Tx,
    | 'tenant'
    | 'tenants'
    | 'invoices'
    | 'payments'
    | 'paymentMethods'
    | 'collections'
    | 'newId'
    | 'now'
    | 'wallNow'
    | 'emit'
  >,
  input: PayInvoiceInput,
  isUsable: IsUsable,
): Promise<Result<PayInvoiceDone, (typeof payInvoiceRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const found = await findInvoice(tx, input.invoiceId);
  if (!found.ok) return found;
  const { value: invoice } = found;
  let method = await tx.paymentMethods.defaultOf(tx.tenant.id);
  if (input.paymentMethodId !== undefined) {
    const named = await findMethod(tx, input.paymentMethodId);
    if (!named.ok) return named;
    method = named.value;
  }
  if (!isPayable(invoice)) {
    return refuse('INVOICE_NOT_OPEN', `The invoice is ${invoice.status.toLowerCase()}.`, {
      path: ['input', 'invoiceId'],
      facts: { status: invoice.status, number: invoice.number },
    });
  }
  const open = await tx.payments.openOf(tx.tenant.id, invoice.id);
  if (open) {
    const other = input.paymentMethodId !== undefined && method?.id !== open.paymentMethodId ? method : undefined;
    if (open.carriedBy || open.status !== 'REQUIRES_ACTION' || !other) return done({ invoice, payment: open });
    if (!isUsable(other.provider, tx.tenant.sandbox)) return providerOff(other.provider);
    return done({ invoice, payment: open, replaceWith: other.id });
  }
  const chargeable = chargeableMethod(method, tx.tenant, isUsable);
  if (!chargeable.ok) return chargeable;
  return done({ invoice, payment: await writeAttempt(tx, invoice, chargeable.value) });
}
