import DataLoader from 'dataloader';
import type { Tx } from '../tx';
import type { CreditNoteLine } from './credit-note';
import type { InvoiceLine } from './invoice';

export interface TenantRowKey {
  readonly tenantId: string;
  readonly id: string;
}

const cacheKeyFn = (key: TenantRowKey) => key.id;
const tenantsOf = (keys: readonly TenantRowKey[]) => [...new Set(keys.map((key) => key.tenantId))];

export const invoiceLinesLoader = (tx: Tx) =>
  new DataLoader<TenantRowKey, readonly InvoiceLine[], string>(
    async (keys) => {
      const lines = await tx.invoices.linesOf(
        tenantsOf(keys),
        keys.map((key) => key.id),
      );
      return keys.map((key) => lines.get(key.id) ?? []);
    },
    { cacheKeyFn },
  );

export const creditNoteLinesLoader = (tx: Tx) =>
  new DataLoader<TenantRowKey, readonly CreditNoteLine[], string>(
    async (keys) => {
      const lines = await tx.creditNotes.linesOf(
        tenantsOf(keys),
        keys.map((key) => key.id),
      );
      return keys.map((key) => lines.get(key.id) ?? []);
    },
    { cacheKeyFn },
  );

/** A line's source id → the plan or add-on it stands for. */
export const lineSourceLoader = (tx: Tx) =>
  new DataLoader<TenantRowKey, { readonly planId?: string; readonly addonId?: string } | undefined, string>(
    async (keys) => {
      const sources = await tx.invoices.catalogSources(
        tenantsOf(keys),
        keys.map((key) => key.id),
      );
      return keys.map((key) => sources.get(key.id));
    },
    { cacheKeyFn },
  );
