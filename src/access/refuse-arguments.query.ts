import { type Refused, refuse } from '../core/result';
import type { Tx } from '../tx';
import { type ArgumentValues, argumentsInQuestion, forbiddenArgument, rightTexts } from './self-service';

/**
 * Whether a tenant's call asks for something that is the partner's to give. Reads nothing for a call that gives nothing away.
 *
 * @param lock the account stays as it was found until the transaction ends: for what is about to be done, not for a preview
 */
export async function refuseArguments(
  tx: Pick<Tx, 'selfServicePolicies' | 'subscriptions' | 'tenants'>,
  account: { readonly partnerId: string; readonly tenantId: string },
  operation: string,
  input: ArgumentValues,
  lock: boolean,
): Promise<Refused<'FORBIDDEN'> | undefined> {
  const inQuestion = argumentsInQuestion(operation, input);
  if (inQuestion.length === 0) return undefined;
  const { allowed } = await tx.selfServicePolicies.current(account.partnerId);
  let interval: string | undefined;
  if (inQuestion.some(({ gives }) => gives)) {
    if (lock) await tx.tenants.lock(account.tenantId);
    interval = (await tx.subscriptions.live(account.tenantId))?.interval;
  }
  const forbidden = forbiddenArgument(inQuestion, input, interval, allowed);
  if (!forbidden) return undefined;
  const { argument, right } = forbidden;
  return refuse(
    'FORBIDDEN',
    `Only the partner may ${rightTexts[right]}; its selfServicePolicy can allow ${right} to its tenants.`,
    { path: ['input', argument], facts: { right } },
  );
}
