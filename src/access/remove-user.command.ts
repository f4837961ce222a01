import { decodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';

export const removeUserRefusals = ['MEMBER_NOT_FOUND', 'LAST_OWNER'] as const;

/** Takes a person out of the partner or the tenant; their next request is refused, also with a token that still holds. */
export async function removeUser(
  tx: Pick<Tx, 'memberships' | 'tenants' | 'licences' | 'partnerId' | 'now' | 'emit'>,
  tenantId: string | undefined,
  input: { readonly userId: string },
): Promise<Result<{ userId: string }, (typeof removeUserRefusals)[number]>> {
  const notFound = refuse('MEMBER_NOT_FOUND', 'No such member.', { path: ['input', 'userId'] });
  const decoded = decodeId(input.userId);
  if (decoded?.kind !== 'User') return notFound;
  if (tenantId) {
    // Whoever gives them a seat at this moment does so before or after, not in between.
    await tx.tenants.lock(tenantId);
    if (!(await tx.memberships.removeProfile(tenantId, decoded.uuid))) return notFound;
    await tx.licences.revokeSeatsOf(tenantId, decoded.uuid, tx.now);
  } else {
    const owners = await tx.memberships.lockOwners(tx.partnerId);
    if (owners.length === 1 && owners[0] === decoded.uuid) {
      return refuse('LAST_OWNER', 'The last owner of a partner cannot be removed.');
    }
    if (!(await tx.memberships.removePartnerUser(tx.partnerId, decoded.uuid))) return notFound;
  }
  await tx.emit({ type: 'member.removed', payload: { userId: decoded.uuid, role: undefined } });
  return done({ userId: decoded.uuid });
}
