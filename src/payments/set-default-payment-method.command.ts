import { done, type Result } from '../core/result';
import type { Tx } from '../tx';
import { findMethod, makeDefault } from './keep-payment-method.command';
import type { PaymentMethod } from './payment-method';

export interface SetDefaultPaymentMethodInput {
  readonly paymentMethodId: string;
}

export const setDefaultPaymentMethodRefusals = ['PAYMENT_METHOD_NOT_FOUND'] as const;

/** Invoices are paid with it from now on; what is open is tried with it at once, where it was the default already too. */
export async function setDefaultPaymentMethod(
  tx: Pick<Tx, 'tenants' | 'paymentMethods' | 'collections' | 'tenant' | 'now' | 'emit'>,
  input: SetDefaultPaymentMethodInput,
): Promise<Result<{ paymentMethod: PaymentMethod }, (typeof setDefaultPaymentMethodRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const found = await findMethod(tx, input.paymentMethodId);
  if (!found.ok) return found;
  const paymentMethod = await makeDefault(tx, found.value);
  if (!found.value.isDefault) await tx.emit({ type: 'payment_method.default_changed', payload: { paymentMethod } });
  return done({ paymentMethod });
}
