import type { Instant, TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { done, type Result } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { Tenant } from './tenant';

export interface CreateTenantInput {
  readonly name: string;
  readonly externalId?: string | undefined;
  /** Default: the partner's. Never changes afterwards. */
  readonly currency?: CurrencyCode | undefined;
  /** Default: the partner's. */
  readonly timeZone?: TimeZone | undefined;
  /** A sandbox tenant has a clock of its own and is never really charged. */
  readonly sandbox?: boolean | undefined;
  /** Only with `sandbox`: where its clock begins. */
  readonly testClock?: Instant | undefined;
}

export const createTenantRefusals = ['INVALID_INPUT'] as const;

/** A customer of the partner. */
export async function createTenant(
  tx: Pick<Tx, 'partners' | 'tenants' | 'partnerId' | 'newId' | 'now' | 'emit'>,
  input: CreateTenantInput,
): Promise<Result<{ tenant: Tenant }, (typeof createTenantRefusals)[number]>> {
  const name = parseLabel(input.name);
  if (!name) return invalid(['name'], 'A name has 1 to 200 printable characters.');
  const externalId = input.externalId === undefined ? undefined : parseLabel(input.externalId);
  if (input.externalId !== undefined && !externalId) {
    return invalid(['externalId'], 'An external id has 1 to 200 printable characters.');
  }
  const sandbox = input.sandbox ?? false;
  if (input.testClock && !sandbox) return invalid(['testClock'], 'Only a sandbox tenant has a clock of its own.');
  const partner = (await tx.partners.byId(tx.partnerId))!;
  const tenant: Tenant = {
    id: tx.newId<'Tenant'>(),
    partnerId: tx.partnerId,
    ...{ name, externalId, sandbox },
    currency: input.currency ?? partner.currency,
    timeZone: input.timeZone,
    testClock: sandbox ? (input.testClock ?? tx.now) : undefined,
    version: 1,
    createdAt: tx.now,
  };
  await tx.tenants.insert(tenant);
  await tx.emit({ type: 'tenant.created', payload: { tenant } });
  return done({ tenant });
}
