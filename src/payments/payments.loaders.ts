import DataLoader from 'dataloader';
import type { Instant } from '../core/calendar';
import type { Tx } from '../tx';
import type { Collection } from './dunning';
import type { Dispute, Payment, Refund } from './payment';

export interface TenantRowKey {
  readonly tenantId: string;
  readonly id: string;
}

const tenantsOf = (keys: readonly TenantRowKey[]) => [...new Set(keys.map((key) => key.tenantId))];

/** One read for a page: what hangs on each of these rows. */
function manyByRow<T>(read: (tx: Tx, tenantIds: string[], ids: string[]) => Promise<ReadonlyMap<string, T>>) {
  return (tx: Tx) =>
    new DataLoader<TenantRowKey, T | undefined, string>(
      async (keys) => {
        const found = await read(
          tx,
          tenantsOf(keys),
          keys.map((key) => key.id),
        );
        return keys.map((key) => found.get(key.id));
      },
      { cacheKeyFn: (key) => key.id },
    );
}

export const paymentsOfInvoiceLoader = manyByRow<Payment[]>((tx, tenants, ids) => tx.payments.ofInvoices(tenants, ids));
export const wentBackOfInvoiceLoader = manyByRow<bigint>((tx, tenants, ids) => tx.payments.wentBackOf(tenants, ids));
export const collectionOfInvoiceLoader = manyByRow<Collection>((tx, tenants, ids) =>
  tx.collections.ofInvoices(tenants, ids),
);
/** Can anything be charged to the tenant? */
export const canBeChargedLoader = (tx: Tx) =>
  new DataLoader<string, boolean>(async (tenantIds) => {
    const able = await tx.paymentMethods.withDefault(tenantIds);
    return tenantIds.map((id) => able.has(id));
  });
/** Each tenant's own now. */
export const tenantNowLoader = (tx: Tx) =>
  new DataLoader<string, Instant | undefined, string>((ids) =>
    Promise.all(ids.map(async (id) => (await tx.tenantFor(id))?.now)),
  );
export const settlementsOfPaymentLoader = manyByRow<Payment[]>((tx, tenants, ids) =>
  tx.payments.chargedTogether(tenants, ids),
);
export const refundsOfPaymentLoader = manyByRow<Refund[]>((tx, tenants, ids) => tx.payments.refundsOf(tenants, ids));
export const disputesOfPaymentLoader = manyByRow<Dispute[]>((tx, tenants, ids) => tx.payments.disputesOf(tenants, ids));
