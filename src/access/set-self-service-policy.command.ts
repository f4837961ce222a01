import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import { type SelfServicePolicy, type SelfServiceRight, selfServiceRights } from './self-service';

export interface SetSelfServicePolicyInput {
  /** Everything that is allowed from now on. */
  readonly allowed: readonly SelfServiceRight[];
  /** As it was read; 0 where it was never set. */
  readonly expectedVersion?: number | undefined;
}

export const setSelfServicePolicyRefusals = ['VERSION_CONFLICT'] as const;

/** Says what the partner's tenants may ask for by themselves. Each version stays as a row, with its author. */
export async function setSelfServicePolicy(
  tx: Pick<Tx, 'selfServicePolicies' | 'partnerId' | 'actorId' | 'now' | 'emit'>,
  input: SetSelfServicePolicyInput,
): Promise<Result<{ policy: SelfServicePolicy }, (typeof setSelfServicePolicyRefusals)[number]>> {
  const current = await tx.selfServicePolicies.current(tx.partnerId);
  const { expectedVersion } = input;
  if (expectedVersion !== undefined && expectedVersion !== current.version) {
    return refuse('VERSION_CONFLICT', 'The policy was changed since you read it.', {
      facts: { expectedVersion, currentVersion: current.version },
    });
  }
  const policy: SelfServicePolicy = {
    partnerId: tx.partnerId,
    allowed: selfServiceRights.filter((right) => input.allowed.includes(right)),
    version: current.version + 1,
    changedAt: tx.now,
  };
  // Another request was faster: decide again from what it left.
  if (!(await tx.selfServicePolicies.insert(policy, tx.actorId, tx.now))) return setSelfServicePolicy(tx, input);
  await tx.emit({ type: 'self_service_policy.updated', payload: { policy } });
  return done({ policy });
}
