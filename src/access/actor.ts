/**
 * Who is asking. An identity may have several memberships; a request acts as exactly one account, and everything it
 * reads or writes stays inside that account. The database verifies the same again when the account is entered.
 */
export type Account =
  | { readonly kind: 'PLATFORM' }
  | { readonly kind: 'PARTNER'; readonly partnerId: string }
  | { readonly kind: 'TENANT'; readonly partnerId: string; readonly tenantId: string };

export const partnerRoles = ['OWNER', 'VIEWER'] as const;
export type PartnerRole = (typeof partnerRoles)[number];
export const tenantRoles = ['ADMIN', 'MEMBER'] as const;
export type TenantRole = (typeof tenantRoles)[number];
export const apiKeyScopes = ['READ', 'WRITE', 'USAGE'] as const;
export type ApiKeyScope = (typeof apiKeyScopes)[number];

export type Role = 'SUPER_ADMIN' | PartnerRole | TenantRole | 'API_KEY';

export interface Actor {
  /** The person's or the API key's id: what the database verifies the membership of. */
  readonly principalId: string;
  readonly account: Account;
  readonly role: Role;
  /** Only for API keys. */
  readonly scopes?: readonly ApiKeyScope[];
}

/**
 * - `PLATFORM`: make partners
 * - `PARTNER_READ` / `PARTNER_WRITE`: the partner's catalog, coupons, tenants, people and keys
 * - `PARTNER_ACCESS` / `TENANT_ACCESS`: who may act for them. People only: a key that leaks must not outlive its revocation
 *   by having made another key or invited somebody
 * - `TENANT_READ` / `TENANT_WRITE`: one tenant's subscription, entitlements and invoices
 * - `TENANT_PURCHASE`: buy licences for the organisation. Its own admins only: who pays agrees to it
 * - `USAGE`: record usage for a tenant
 * - `CATALOG_READ`: what is on sale
 */
export type Permission =
  | 'PLATFORM'
  | 'PARTNER_READ'
  | 'PARTNER_WRITE'
  | 'PARTNER_ACCESS'
  | 'TENANT_ACCESS'
  | 'TENANT_READ'
  | 'TENANT_WRITE'
  | 'TENANT_PURCHASE'
  | 'USAGE'
  | 'CATALOG_READ';

const whole: readonly Permission[] = [
  ...(['PARTNER_READ', 'PARTNER_WRITE', 'PARTNER_ACCESS'] as const),
  ...(['TENANT_READ', 'TENANT_WRITE', 'TENANT_ACCESS', 'USAGE', 'CATALOG_READ'] as const),
];

const ofRole: Readonly<Record<Exclude<Role, 'API_KEY'>, readonly Permission[]>> = {
  SUPER_ADMIN: ['PLATFORM', ...whole],
  OWNER: whole,
  VIEWER: ['PARTNER_READ', 'TENANT_READ', 'CATALOG_READ'],
  ADMIN: ['TENANT_READ', 'TENANT_WRITE', 'TENANT_PURCHASE', 'TENANT_ACCESS', 'USAGE', 'CATALOG_READ'],
  MEMBER: ['TENANT_READ', 'CATALOG_READ'],
};

function ofApiKey(account: Account, scopes: readonly ApiKeyScope[]): Permission[] {
  const partner = account.kind === 'PARTNER';
  return [
    ...(scopes.includes('READ')
      ? (['TENANT_READ', 'CATALOG_READ', ...(partner ? ['PARTNER_READ'] : [])] as Permission[])
      : []),
    ...(scopes.includes('WRITE') ? (['TENANT_WRITE', ...(partner ? ['PARTNER_WRITE'] : [])] as Permission[]) : []),
    ...(scopes.includes('USAGE') ? (['USAGE'] as Permission[]) : []),
  ];
}

export function permissionsOf(actor: Actor): readonly Permission[] {
  return actor.role === 'API_KEY' ? ofApiKey(actor.account, actor.scopes ?? []) : ofRole[actor.role];
}

export function may(actor: Actor, permission: Permission): boolean {
  return permissionsOf(actor).includes(permission);
}

/** The widest rows this actor may read: what the one read transaction of a request is entered with. */
export function entryOf(actor: Actor): { principalId: string; partnerId?: string; tenantId?: string } {
  switch (actor.account.kind) {
    case 'PLATFORM':
      return { principalId: actor.principalId };
    case 'PARTNER':
      return { principalId: actor.principalId, partnerId: actor.account.partnerId };
    case 'TENANT':
      return {
        principalId: actor.principalId,
        partnerId: actor.account.partnerId,
        tenantId: actor.account.tenantId,
      };
  }
}

export interface Membership {
  readonly principalId: string;
  readonly account: Account;
  readonly role: Role;
}

/**
 * Which of an identity's memberships a request acts as: the one it names, else its only one, else platform for a super
 * admin. `undefined`: none, or it must say which.
 */
export function chooseMembership(
  memberships: readonly Membership[],
  wanted: { readonly partnerId?: string; readonly tenantId?: string } | undefined,
): Membership | undefined {
  if (wanted?.tenantId) {
    return memberships.find(({ account }) => account.kind === 'TENANT' && account.tenantId === wanted.tenantId);
  }
  if (wanted?.partnerId) {
    return memberships.find(({ account }) => account.kind === 'PARTNER' && account.partnerId === wanted.partnerId);
  }
  return (
    memberships.find(({ account }) => account.kind === 'PLATFORM') ??
    (memberships.length === 1 ? memberships[0] : undefined)
  );
}
