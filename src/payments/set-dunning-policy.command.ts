import { done, type Result, refuse } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import type { DunningPolicy, FinalAction, WithoutMethod } from './dunning';

export interface SetDunningPolicyInput {
  readonly retryDays: readonly number[];
  readonly graceDays: number;
  readonly finalAction: FinalAction;
  /** Default: as it is. */
  readonly chargesWhileOff?: boolean | undefined;
  /** Default: as it is. */
  readonly withoutMethod?: WithoutMethod | undefined;
  /** As it was read; 0 where there was none. */
  readonly expectedVersion?: number | undefined;
}

export const setDunningPolicyRefusals = ['INVALID_INPUT', 'VERSION_CONFLICT'] as const;

const longest = 365;
const isDay = (day: number) => Number.isInteger(day) && day >= 1 && day <= longest;

/** What the partner does about payments that fail from now on. Attempts that are scheduled keep their day. */
export async function setDunningPolicy(
  tx: Pick<Tx, 'collections' | 'partnerId' | 'now' | 'emit'>,
  input: SetDunningPolicyInput,
): Promise<Result<{ policy: DunningPolicy }, (typeof setDunningPolicyRefusals)[number]>> {
  const { retryDays, graceDays, finalAction, expectedVersion } = input;
  const ascending = retryDays.every((day, index) => isDay(day) && (index === 0 || day > retryDays[index - 1]!));
  if (retryDays.length > 10 || !ascending) {
    return invalid(['retryDays'], `At most ten days from 1 to ${longest}, ascending.`);
  }
  if (!Number.isInteger(graceDays) || graceDays < 0 || graceDays > longest) {
    return invalid(['graceDays'], `A number of days from 0 to ${longest}.`);
  }
  const current = await tx.collections.policyOf(tx.partnerId);
  if (expectedVersion !== undefined && expectedVersion !== current.version) {
    return refuse('VERSION_CONFLICT', 'The policy was changed since you read it.', {
      facts: { expectedVersion, currentVersion: current.version },
    });
  }
  const { chargesWhileOff = current.chargesWhileOff, withoutMethod = current.withoutMethod } = input;
  const policy = { retryDays, graceDays, finalAction, chargesWhileOff, withoutMethod, version: current.version };
  // Another request was faster: decide again from what it left.
  if (!(await tx.collections.setPolicy(tx.partnerId, policy, tx.now))) return setDunningPolicy(tx, input);
  const changed = { ...policy, version: current.version + 1 };
  await tx.emit({ type: 'dunning_policy.updated', payload: { policy: changed } });
  return done({ policy: changed });
}
