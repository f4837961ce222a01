import DataLoader from 'dataloader';
import type { Tx } from '../tx';
import type { Partner } from './partner';
import type { Tenant } from './tenant';

/** Rows by id in the order asked for; what may not be seen is `undefined`. */
export function inOrder<T extends { readonly id: string }>(
  ids: readonly string[],
  rows: readonly T[],
): (T | undefined)[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

export const partnerLoader = (tx: Tx) =>
  new DataLoader<string, Partner | undefined, string>(async (ids) => inOrder(ids, await tx.partners.byIds(ids)));

export const tenantLoader = (tx: Tx) =>
  new DataLoader<string, Tenant | undefined, string>(async (ids) => inOrder(ids, await tx.tenants.byIds(ids)));
