import type { Tx } from '../tx';
import { makeDefault } from './keep-payment-method.command';
import type { PaymentMethod } from './payment-method';

/**
 * Nothing is charged to these any more. Where invoices were paid with one of them, they are paid with the method that was given
 * last of those that are left.
 */
export async function retirePaymentMethods(
  tx: Pick<Tx, 'tenant' | 'paymentMethods' | 'collections' | 'now' | 'emit'>,
  methods: readonly PaymentMethod[],
): Promise<PaymentMethod[]> {
  const retired = methods.map((method) => ({ ...method, isDefault: false, removedAt: tx.now }));
  for (const paymentMethod of retired) {
    await tx.paymentMethods.update(paymentMethod);
    await tx.emit({ type: 'payment_method.removed', payload: { paymentMethod } });
  }
  const next = methods.some(({ isDefault }) => isDefault) && (await tx.paymentMethods.latestOf(tx.tenant.id));
  if (next) {
    const paymentMethod = await makeDefault(tx, next);
    await tx.emit({ type: 'payment_method.default_changed', payload: { paymentMethod } });
  }
  return retired;
}
