import DataLoader from 'dataloader';
import type { Tx } from '../../tx';
import type { TenantRowKey } from '../payments.loaders';
import type { StripeCheckout, StripeInvoice } from '../stripe-checkout';

const tenantsOf = (keys: readonly TenantRowKey[]) => [...new Set(keys.map((key) => key.tenantId))];
const idsOf = (keys: readonly TenantRowKey[]) => keys.map((key) => key.id);

/** The checkout that an attachment was bought at. */
export const checkoutOfAttachmentLoader = (tx: Tx) =>
  new DataLoader<TenantRowKey, StripeCheckout | undefined, string>(
    async (keys) => {
      const found = await tx.stripeCheckouts.ofAttachments(tenantsOf(keys), idsOf(keys));
      const byAttachment = new Map(found.map((checkout) => [checkout.addonSubscriptionId as string, checkout]));
      return keys.map(({ id }) => byAttachment.get(id));
    },
    { cacheKeyFn: (key) => key.id },
  );

/** What Stripe collected for a checkout. */
export const collectedOfCheckoutLoader = (tx: Tx) =>
  new DataLoader<TenantRowKey, readonly StripeInvoice[], string>(
    async (keys) => {
      const found = await tx.stripeCheckouts.invoices(tenantsOf(keys), idsOf(keys));
      return keys.map(({ id }) => found.get(id) ?? []);
    },
    { cacheKeyFn: (key) => key.id },
  );
