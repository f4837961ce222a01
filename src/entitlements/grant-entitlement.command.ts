import { type AllowanceInput, parseAllowances } from '../catalog/allowance-input';
import { findFeature } from '../catalog/find-catalog.query';
import { type Instant, isBefore } from '../core/calendar';
import { done, type Result } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { EntitlementGrant } from './entitlement';
import { rebuildEntitlements } from './rebuild-entitlements.command';
import { resetClash } from './reset-clash.query';

export interface GrantEntitlementInput extends AllowanceInput {
  readonly reason: string;
  readonly startsAt?: Instant | undefined;
  readonly endsAt?: Instant | undefined;
}

export const grantEntitlementRefusals = ['FEATURE_NOT_FOUND', 'RESET_PERIOD_MISMATCH', 'INVALID_INPUT'] as const;

/** Gives a tenant a feature by hand, beside plan and add-ons. */
export async function grantEntitlement(
  tx: Tx,
  input: GrantEntitlementInput,
): Promise<Result<{ grant: EntitlementGrant }, (typeof grantEntitlementRefusals)[number]>> {
  const { reason: reasonText, startsAt = tx.now, endsAt, ...allowanceInput } = input;
  const reason = parseLabel(reasonText);
  if (!reason) return invalid(['reason'], 'A reason has 1 to 200 printable characters.');
  if (endsAt && !isBefore(startsAt, endsAt)) return invalid(['endsAt'], 'A grant ends after it begins.');
  const allowances = await parseAllowances([allowanceInput], (text) => findFeature(tx, text), 'feature');
  if (!allowances.ok) return allowances;
  await tx.tenants.lock(tx.tenant.id);
  const grant: EntitlementGrant = {
    id: tx.newId<'EntitlementGrant'>(),
    tenantId: tx.tenant.id,
    allowance: allowances.value[0]!,
    ...{ startsAt, endsAt, reason },
    createdAt: tx.now,
  };
  await tx.entitlements.insertGrant(tx.tenant.partnerId, grant);
  const clash = await resetClash(tx);
  if (clash) return clash;
  await rebuildEntitlements(tx);
  await tx.emit({ type: 'entitlement.granted', payload: { grant } });
  return done({ grant });
}
