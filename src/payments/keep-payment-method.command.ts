import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { PaymentMethod, PaymentSetup } from './payment-method';
import type { MethodFacts, ProviderName } from './provider';

/** The entered tenant's method with this id; missing, removed and somebody else's are the same answer. */
export async function findMethod(
  tx: Pick<Tx, 'paymentMethods' | 'tenant'>,
  id: string,
): Promise<Result<PaymentMethod, 'PAYMENT_METHOD_NOT_FOUND'>> {
  const decoded = decodeId(id);
  const method =
    decoded?.kind === 'PaymentMethod' && decoded.tenantUuid === tx.tenant.id
      ? await tx.paymentMethods.byId(tx.tenant.id, decoded.uuid)
      : undefined;
  return method && !method.removedAt
    ? done(method)
    : refuse('PAYMENT_METHOD_NOT_FOUND', 'No such payment method.', { path: ['input', 'paymentMethodId'] });
}

/** What invoices are paid with from now on; those that waited for a method are due. */
export async function makeDefault(
  tx: Pick<Tx, 'paymentMethods' | 'collections' | 'tenant' | 'now'>,
  method: PaymentMethod,
): Promise<PaymentMethod> {
  const before = await tx.paymentMethods.defaultOf(tx.tenant.id);
  if (before && before.id !== method.id) await tx.paymentMethods.update({ ...before, isDefault: false });
  const chosen = { ...method, isDefault: true };
  await tx.paymentMethods.update(chosen);
  await tx.collections.wake(tx.tenant.id, method.id, tx.now);
  return chosen;
}

/** Keeps a method that a provider has told of. The same method again is the same row, whichever road told of it first. */
export async function keepPaymentMethod(
  tx: Pick<Tx, 'tenants' | 'paymentMethods' | 'collections' | 'tenant' | 'newId' | 'now' | 'emit'>,
  provider: ProviderName,
  facts: MethodFacts,
  setup: PaymentSetup,
): Promise<PaymentMethod> {
  const { id: tenantId, partnerId } = tx.tenant;
  await tx.tenants.lock(tenantId);
  const { customerId, methodId, ...rest } = facts;
  const known = await tx.paymentMethods.byExternalId(tenantId, provider, methodId);
  const alreadySettled = (await tx.paymentMethods.setupById(tenantId, setup.id))?.status === 'SUCCEEDED';
  let method = known;
  if (!method) {
    method = {
      id: tx.newId<'PaymentMethod'>(),
      ...{ tenantId, partnerId, provider, ...rest },
      ...{ customerExternalId: customerId, externalId: methodId, isDefault: false, createdAt: tx.now },
    };
    await tx.paymentMethods.insert(method);
    await tx.emit({ type: 'payment_method.added', payload: { paymentMethod: method } });
  }
  if (alreadySettled) return method;
  if (method.removedAt) {
    method = { ...method, removedAt: undefined };
    await tx.paymentMethods.update(method);
  }
  await tx.paymentMethods.updateSetup({
    ...setup,
    ...{ status: 'SUCCEEDED', paymentMethodId: method.id, settledAt: tx.now },
  });
  // The first one is what invoices are paid with, asked for or not. Of several that are asked for the one that was begun last
  // counts, in whatever order they are heard of.
  const wanted = setup.makeDefault
    ? !(await tx.paymentMethods.isOutdone(setup))
    : !(await tx.paymentMethods.defaultOf(tenantId));
  return wanted ? makeDefault(tx, method) : method;
}
