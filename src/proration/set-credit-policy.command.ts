import { done, type Result, refuse } from '../core/result';
import type { Tx } from '../tx';
import type { CreditBasis, CreditPolicy } from './credit-policy';

export interface SetCreditPolicyInput {
  readonly creditBasis: CreditBasis;
  /** As it was read; 0 where it was never set. */
  readonly expectedVersion?: number | undefined;
}

export const setCreditPolicyRefusals = ['VERSION_CONFLICT'] as const;

/** Says what the partner's credits go by. Each version stays as a row, with its author. */
export async function setCreditPolicy(
  tx: Pick<Tx, 'creditPolicies' | 'partnerId' | 'actorId' | 'now' | 'emit'>,
  input: SetCreditPolicyInput,
): Promise<Result<{ policy: CreditPolicy }, (typeof setCreditPolicyRefusals)[number]>> {
  const current = await tx.creditPolicies.current(tx.partnerId);
  const { expectedVersion, creditBasis } = input;
  if (expectedVersion !== undefined && expectedVersion !== current.version) {
    return refuse('VERSION_CONFLICT', 'The policy was changed since you read it.', {
      facts: { expectedVersion, currentVersion: current.version },
    });
  }
  const { partnerId, now: changedAt } = tx;
  const policy: CreditPolicy = { partnerId, creditBasis, version: current.version + 1, changedAt };
  // Another request was faster: decide again from what it left.
  if (!(await tx.creditPolicies.insert(policy, tx.actorId, tx.now))) return setCreditPolicy(tx, input);
  await tx.emit({ type: 'credit_policy.updated', payload: { policy } });
  return done({ policy });
}
