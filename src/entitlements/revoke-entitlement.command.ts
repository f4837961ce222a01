import { isAtOrBefore } from '../core/calendar';
import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { EntitlementGrant } from './entitlement';
import { rebuildEntitlements } from './rebuild-entitlements.command';

export const revokeEntitlementRefusals = ['GRANT_NOT_FOUND'] as const;

/** Ends a grant now. Ending one that has ended is the same act. */
export async function revokeEntitlement(
  tx: Tx,
  input: { readonly grantId: string },
): Promise<Result<{ grant: EntitlementGrant }, (typeof revokeEntitlementRefusals)[number]>> {
  const notFound = refuse('GRANT_NOT_FOUND', 'No such grant.', { path: ['input', 'grantId'] });
  const decoded = decodeId(input.grantId);
  if (decoded?.kind !== 'EntitlementGrant' || decoded.tenantUuid !== tx.tenant.id) return notFound;
  await tx.tenants.lock(tx.tenant.id);
  const grant = await tx.entitlements.grantById(tx.tenant.id, decoded.uuid);
  if (!grant) return notFound;
  if (grant.endsAt && isAtOrBefore(grant.endsAt, tx.now)) return done({ grant });
  // A grant that has not begun ends where it begins.
  const endsAt = isAtOrBefore(grant.startsAt, tx.now) ? tx.now : grant.startsAt;
  await tx.entitlements.endGrant(tx.tenant.id, grant.id, endsAt);
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'entitlement.revoked', payload: { grant: { ...grant, endsAt } } });
  return done({ grant: { ...grant, endsAt } });
}
