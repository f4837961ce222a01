import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Instant, TimeZone } from '../core/calendar';
import type { CurrencyCode } from '../core/currency';
import { encodeId } from '../core/ids';
import { type ProrationBasis, prorationBases } from '../core/proration';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf, countedConnectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { CurrencyScalar, DateTimeScalar, TimeZoneScalar } from '../graphql/scalars';
import {
  type Actor,
  type ApiKeyScope,
  apiKeyScopes,
  type PartnerRole,
  partnerRoles,
  type TenantRole,
  tenantRoles,
} from './actor';
import type { ApiKey } from './api-key';
import type { Member } from './membership';
import { type CouponOrder, couponOrders, type Partner } from './partner';
import type { Tenant } from './tenant';

export const ProrationBasisEnum = enumFrom('ProrationBasis', prorationBases, 'How a part of a period is measured.', {
  DAY: 'Calendar days in the billing zone; the day of a change belongs to the new state.',
  SECOND: 'The exact fraction of the period.',
  NONE: 'Nothing is prorated: changes cost nothing now and the full price at the next renewal.',
});
export const CouponOrderEnum = enumFrom('CouponOrder', couponOrders, 'In which order coupons take from an invoice.', {
  TARGETED_FIRST: 'Coupons for certain plans or add-ons first, then those for the whole invoice.',
  PERCENT_FIRST: 'Percentages first, then fixed amounts.',
  FIXED_FIRST: 'Fixed amounts first, then percentages.',
});
const PartnerRoleEnum = enumFrom('PartnerRole', partnerRoles, "A person's role in a partner.", {
  OWNER: 'May do everything in the partner and for its tenants.',
  VIEWER: 'May read everything in the partner and of its tenants.',
});
const TenantRoleEnum = enumFrom('TenantRole', tenantRoles, "A person's role in a tenant.", {
  ADMIN: "May read and change the tenant's subscription.",
  MEMBER: 'May read it.',
});
const ApiKeyScopeEnum = enumFrom('ApiKeyScope', apiKeyScopes, 'What an API key may do.', {
  READ: 'Queries.',
  WRITE: 'Mutations.',
  USAGE: 'Record usage.',
});
const AccountKindEnum = enumFrom('AccountKind', ['PLATFORM', 'PARTNER', 'TENANT'] as const, 'Where an actor belongs.', {
  PLATFORM: 'The platform itself.',
  PARTNER: 'A reseller.',
  TENANT: "A partner's customer.",
});

@ObjectType('Partner', { description: 'A reseller: sells plans and add-ons to its tenants.', simpleResolvers: true })
export class PartnerType {
  @Field(() => ID, { description: 'partner_…' })
  id: string;
  @Field(() => String, { description: 'Unique on the platform.' })
  code: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => CurrencyScalar, { description: 'What tenants are billed in unless they have their own.' })
  currency: CurrencyCode;
  @Field(() => TimeZoneScalar, { description: 'Billing days begin at midnight here unless a tenant has its own zone.' })
  timeZone: TimeZone;
  @Field(() => ProrationBasisEnum, { description: 'How parts of a period are measured; a plan may have its own.' })
  prorationBasis: ProrationBasis;
  @Field(() => CouponOrderEnum, { description: 'In which order coupons take from an invoice.' })
  couponOrder: CouponOrder;
  @Field(() => Int, { description: 'Grows with each change.' })
  version: number;
  @Field(() => DateTimeScalar, { description: 'When it was made, UTC.' })
  createdAt: Instant;
  readonly paymentNetDays?: number | undefined;
}

export function toGraphqlPartner(partner: Partner): PartnerType {
  return { ...partner, id: encodeId('Partner', partner.id) };
}

@ObjectType('Tenant', { description: 'A customer of a partner.', simpleResolvers: true })
export class TenantType {
  @Field(() => ID, { description: 'tenant_…' })
  id: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => String, { nullable: true, description: "The partner's own name for this customer." })
  externalId?: string | undefined;
  @Field(() => CurrencyScalar, { description: 'What it is billed in; never changes.' })
  currency: CurrencyCode;
  @Field(() => TimeZoneScalar, { nullable: true, description: "Its billing zone; null: the partner's." })
  timeZone?: TimeZone | undefined;
  @Field(() => Boolean, { description: 'It has a clock of its own and is never really charged.' })
  sandbox: boolean;
  @Field(() => DateTimeScalar, { nullable: true, description: "A sandbox's own now, UTC." })
  testClock?: Instant | undefined;
  @Field(() => DateTimeScalar, { description: 'When it was made, UTC.' })
  createdAt: Instant;
  readonly paymentNetDays?: number | undefined;
  readonly uuid: string;
  readonly partnerUuid: string;
}

export function toGraphqlTenant(tenant: Tenant): TenantType {
  return { ...tenant, id: encodeId('Tenant', tenant.id), uuid: tenant.id, partnerUuid: tenant.partnerId };
}

@ObjectType('Member', { description: "A person's place in a partner or a tenant.", simpleResolvers: true })
export class MemberType {
  @Field(() => ID, { description: 'The person: user_…' })
  userId: string;
  @Field(() => String, { description: 'As invited.' })
  email: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => PartnerRoleEnum, { nullable: true, description: 'In a partner.' })
  partnerRole?: PartnerRole | undefined;
  @Field(() => TenantRoleEnum, { nullable: true, description: 'In a tenant.' })
  tenantRole?: TenantRole | undefined;
  @Field(() => DateTimeScalar, { description: 'When it began, UTC.' })
  createdAt: Instant;
}

export function toGraphqlMember(member: Member): MemberType {
  const { userId, email, name, role, createdAt } = member;
  const ofTenant = (tenantRoles as readonly string[]).includes(role);
  return {
    ...{ email, name, createdAt },
    userId: encodeId('User', userId),
    partnerRole: ofTenant ? undefined : (role as PartnerRole),
    tenantRole: ofTenant ? (role as TenantRole) : undefined,
  };
}

@ObjectType('ApiKey', {
  description: 'A key for machines. The key itself is shown once, when it is made.',
  simpleResolvers: true,
})
export class ApiKeyType {
  @Field(() => ID, { description: 'apikey_…' })
  id: string;
  @Field(() => ID, { nullable: true, description: 'The one tenant it reaches; null: the partner.' })
  tenantId?: string | undefined;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => String, { description: 'How the key begins, to recognise it by.' })
  prefix: string;
  @Field(() => Boolean, { description: 'false: it reaches sandbox tenants only.' })
  live: boolean;
  @Field(() => [ApiKeyScopeEnum], { description: 'What it may do.' })
  scopes: readonly ApiKeyScope[];
  @Field(() => DateTimeScalar, { description: 'When it was made, UTC.' })
  createdAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it stops by itself, UTC.' })
  expiresAt?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was revoked, UTC.' })
  revokedAt?: Instant | undefined;
}

export function toGraphqlApiKey(key: ApiKey): ApiKeyType {
  return {
    ...key,
    id: encodeId('ApiKey', key.id),
    tenantId: key.tenantId && encodeId('Tenant', key.tenantId),
  };
}

@ObjectType('Viewer', { description: 'Who is asking, as what.', simpleResolvers: true })
export class ViewerType {
  @Field(() => AccountKindEnum, { description: 'Where the request acts.' })
  account: Actor['account']['kind'];
  @Field(() => String, { description: 'SUPER_ADMIN, OWNER, VIEWER, ADMIN, MEMBER or API_KEY.' })
  role: string;
}

export const TenantConnection = countedConnectionOf('Tenant', TenantType);
export const PartnerConnection = connectionOf('Partner', PartnerType);
export const MemberConnection = connectionOf('Member', MemberType);
export const ApiKeyConnection = connectionOf('ApiKey', ApiKeyType);

@InputType('CreatePartnerInput', { description: 'A new reseller.' })
export class CreatePartnerInputType {
  @Field(() => String, { description: 'Lower-case letters, digits, _ and -; unique on the platform.' })
  code: string;
  @Field(() => String, { description: '1 to 200 characters.' })
  name: string;
  @Field(() => CurrencyScalar, { description: 'Default of its tenants.' })
  currency: CurrencyCode;
  @Field(() => TimeZoneScalar, { description: 'Where its billing days begin.' })
  timeZone: TimeZone;
  @Field(() => ProrationBasisEnum, { nullable: true, description: 'Default DAY.' })
  prorationBasis?: ProrationBasis;
  @Field(() => CouponOrderEnum, { nullable: true, description: 'Default TARGETED_FIRST.' })
  couponOrder?: CouponOrder;
}

@InputType('CreateTenantInput', { description: 'A new customer.' })
export class CreateTenantInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose customer.' })
  partnerId?: string;
  @Field(() => String, { description: '1 to 200 characters.' })
  name: string;
  @Field(() => String, { nullable: true, description: 'Your own name for this customer.' })
  externalId?: string;
  @Field(() => CurrencyScalar, { nullable: true, description: "Default: the partner's. Never changes." })
  currency?: CurrencyCode;
  @Field(() => TimeZoneScalar, { nullable: true, description: "Default: the partner's." })
  timeZone?: TimeZone;
  @Field(() => Boolean, { nullable: true, description: 'Give it a clock of its own. Default false.' })
  sandbox?: boolean;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Where the clock of a sandbox begins. Default: now.' })
  testClock?: Instant;
}

@InputType('InviteUserInput', { description: "A person's place in a partner, or with tenantId in a tenant." })
export class InviteUserInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: which partner.' })
  partnerId?: string;
  @Field(() => ID, { nullable: true, description: 'Which tenant; none: the partner itself.' })
  tenantId?: string;
  @Field(() => String, { description: 'The first verified login with it links the person.' })
  email: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  name?: string;
  @Field(() => PartnerRoleEnum, { nullable: true, description: 'For a place in the partner.' })
  partnerRole?: PartnerRole;
  @Field(() => TenantRoleEnum, { nullable: true, description: 'For a place in a tenant.' })
  tenantRole?: TenantRole;
}

@InputType('RemoveUserInput', { description: 'Who is taken out of what.' })
export class RemoveUserInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: which partner.' })
  partnerId?: string;
  @Field(() => ID, { nullable: true, description: 'Which tenant; none: the partner itself.' })
  tenantId?: string;
  @Field(() => ID, { description: 'user_…' })
  userId: string;
}

@InputType('CreateApiKeyInput', { description: 'A new key for machines.' })
export class CreateApiKeyInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: which partner.' })
  partnerId?: string;
  @Field(() => ID, { nullable: true, description: 'The one tenant it reaches; none: the partner.' })
  tenantId?: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => [ApiKeyScopeEnum], { description: 'What it may do.' })
  scopes: ApiKeyScope[];
  @Field(() => Boolean, { description: 'false: tg_test_, sandbox tenants only; true: tg_live_, live tenants only.' })
  live: boolean;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it stops by itself.' })
  expiresAt?: Instant;
}

@InputType('RevokeApiKeyInput', { description: 'Which key stops.' })
export class RevokeApiKeyInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: which partner.' })
  partnerId?: string;
  @Field(() => ID, { description: 'apikey_…' })
  apiKeyId: string;
}

@ObjectType('CreatePartnerDone', { description: 'The partner was made.', simpleResolvers: true })
export class CreatePartnerDone extends MutationDone {
  @Field(() => PartnerType, { description: 'The new partner.' })
  partner: PartnerType;
}
@ObjectType('CreateTenantDone', { description: 'The tenant was made.', simpleResolvers: true })
export class CreateTenantDone extends MutationDone {
  @Field(() => TenantType, { description: 'The new tenant.' })
  tenant: TenantType;
}
@ObjectType('InviteUserDone', { description: 'The person has the role.', simpleResolvers: true })
export class InviteUserDone extends MutationDone {
  @Field(() => MemberType, { description: 'The membership.' })
  member: MemberType;
}
@ObjectType('RemoveUserDone', { description: 'The person is out.', simpleResolvers: true })
export class RemoveUserDone extends MutationDone {
  @Field(() => ID, { description: 'user_…' })
  userId: string;
}
@ObjectType('CreateApiKeyDone', { description: 'The key was made.', simpleResolvers: true })
export class CreateApiKeyDone extends MutationDone {
  @Field(() => ApiKeyType, { description: 'What is kept of it.' })
  apiKey: ApiKeyType;
  @Field(() => String, {
    nullable: true,
    description: 'The key itself, this one time; null in a replay and in a dry run.',
  })
  secret?: string | undefined;
}
@ObjectType('RevokeApiKeyDone', { description: 'The key opens nothing any more.', simpleResolvers: true })
export class RevokeApiKeyDone extends MutationDone {
  @Field(() => ApiKeyType, { description: 'The key.' })
  apiKey: ApiKeyType;
}

export const CreatePartnerResult = resultOf('CreatePartner', CreatePartnerDone);
export const CreateTenantResult = resultOf('CreateTenant', CreateTenantDone);
export const InviteUserResult = resultOf('InviteUser', InviteUserDone);
export const RemoveUserResult = resultOf('RemoveUser', RemoveUserDone);
export const CreateApiKeyResult = resultOf('CreateApiKey', CreateApiKeyDone);
export const RevokeApiKeyResult = resultOf('RevokeApiKey', RevokeApiKeyDone);
