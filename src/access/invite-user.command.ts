import { done, type Result, refuse } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { PartnerRole, TenantRole } from './actor';
import { isEmail, type Member } from './membership';

export interface InviteUserInput {
  readonly email: string;
  readonly name?: string | undefined;
  /** For a partner's people. */
  readonly partnerRole?: PartnerRole | undefined;
  /** For a tenant's people. */
  readonly tenantRole?: TenantRole | undefined;
}

export const inviteUserRefusals = ['LAST_OWNER', 'INVALID_INPUT'] as const;

/**
 * Gives a person a place in the partner or in a tenant, or another role there. The person's first login with this e-mail,
 * verified by the identity provider, links the two.
 */
export async function inviteUser(
  tx: Pick<Tx, 'memberships' | 'partnerId' | 'newId' | 'wallNow' | 'emit'>,
  tenantId: string | undefined,
  input: InviteUserInput,
): Promise<Result<{ member: Member }, (typeof inviteUserRefusals)[number]>> {
  const email = input.email.trim();
  if (!isEmail(email)) return invalid(['email'], 'Not an e-mail address.');
  const name = parseLabel(input.name ?? email);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const role = tenantId ? input.tenantRole : input.partnerRole;
  if (!role || (tenantId ? input.partnerRole : input.tenantRole)) {
    return invalid(
      [tenantId ? 'tenantRole' : 'partnerRole'],
      'Give the one role that fits: partnerRole, or tenantRole with a tenant.',
    );
  }
  const userId = await tx.memberships.ensureUser(tx.newId<'User'>(), email, tx.wallNow);
  if (!tenantId && role !== 'OWNER') {
    const owners = await tx.memberships.lockOwners(tx.partnerId);
    if (owners.length === 1 && owners[0] === userId) {
      return refuse('LAST_OWNER', 'The last owner of a partner stays an owner.');
    }
  }
  const member: Member = { userId, email, name, role, createdAt: tx.wallNow };
  if (tenantId) await tx.memberships.putProfile(tenantId, tx.partnerId, member);
  else await tx.memberships.putPartnerUser(tx.partnerId, member);
  await tx.emit({ type: 'member.invited', payload: { userId, role } });
  return done({ member });
}
