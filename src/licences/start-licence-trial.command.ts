import { done, type Result, refuse } from '../core/result';
import { rebuildEntitlements } from '../entitlements/rebuild-entitlements.command';
import type { Tx } from '../tx';
import { findLicenceProduct } from './find-licence-product.query';
import { type Licence, trialExpiry } from './licence';

export const startLicenceTrialRefusals = [
  'LICENCE_PRODUCT_NOT_FOUND',
  'LICENCE_PRODUCT_ARCHIVED',
  'LICENCE_TRIAL_NOT_OFFERED',
  'LICENCE_TRIAL_USED',
] as const;

/** Lets an organisation try a licence, once. What it buys ends the trial. */
export async function startLicenceTrial(
  tx: Tx,
  input: { readonly product: string },
): Promise<Result<{ licence: Licence }, (typeof startLicenceTrialRefusals)[number]>> {
  await tx.tenants.lock(tx.tenant.id);
  const product = await findLicenceProduct(tx, input.product);
  if (!product) return refuse('LICENCE_PRODUCT_NOT_FOUND', 'No such licence product.', { path: ['input', 'product'] });
  if (product.status === 'ARCHIVED') return refuse('LICENCE_PRODUCT_ARCHIVED', `${product.name} is no longer sold.`);
  const { trial } = product;
  if (!trial) return refuse('LICENCE_TRIAL_NOT_OFFERED', `${product.name} has no trial.`);
  if (await tx.licences.current(tx.tenant.id, product.id)) {
    return refuse('LICENCE_TRIAL_USED', `${product.name} has been tried or bought already.`);
  }
  const licence: Licence = {
    id: tx.newId<'Licence'>(),
    tenantId: tx.tenant.id,
    partnerId: tx.tenant.partnerId,
    productId: product.id,
    trial: true,
    startsAt: tx.now,
    years: 0,
    expiresAt: trialExpiry(tx.now, trial.days, tx.tenant.timeZone),
    seats: trial.seats,
    assigned: 0n,
    autoRenew: false,
    version: 1,
    createdAt: tx.now,
  };
  await tx.licences.insert(licence);
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'licence.trial_started', payload: { licence } });
  return done({ licence });
}
