import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { PaymentMethod } from './payment-method';
import { retirePaymentMethods } from './retire-payment-methods.command';

export interface RemovePaymentMethodInput {
  readonly paymentMethodId: string;
}

export const removePaymentMethodRefusals = ['PAYMENT_METHOD_NOT_FOUND'] as const;

/** Nothing is charged to it any more; another one on file takes its place. Payments that are under way are not stopped by it. Removing it again changes nothing. */
export async function removePaymentMethod(
  tx: Pick<Tx, 'tenants' | 'paymentMethods' | 'collections' | 'tenant' | 'now' | 'emit'>,
  input: RemovePaymentMethodInput,
): Promise<Result<{ paymentMethod: PaymentMethod }, (typeof removePaymentMethodRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const decoded = decodeId(input.paymentMethodId);
  const found =
    decoded?.kind === 'PaymentMethod' && decoded.tenantUuid === tx.tenant.id
      ? await tx.paymentMethods.byId(tx.tenant.id, decoded.uuid)
      : undefined;
  if (!found) {
    return refuse('PAYMENT_METHOD_NOT_FOUND', 'No such payment method.', { path: ['input', 'paymentMethodId'] });
  }
  if (found.removedAt) return done({ paymentMethod: found });
  const [paymentMethod] = await retirePaymentMethods(tx, [found]);
  return done({ paymentMethod: paymentMethod! });
}
