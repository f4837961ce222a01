import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { ResetPeriodEnum } from '../catalog/catalog.graphql';
import type { ResetPeriod } from '../catalog/feature';
import type { Instant } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { encodeId } from '../core/ids';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { BigIntScalar, DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import { PriceModelType, toGraphqlPriceModel } from '../rating/price-model.graphql';
import {
  type EntitlementGrant,
  type EntitlementSource,
  type EntitlementSourceKind,
  entitlementSourceKinds,
  type GateReason,
  gateReasons,
  limitOf,
} from './entitlement';
import type { EntitlementAnswer } from './entitlement-check';

export const GateReasonEnum = enumFrom('GateReason', gateReasons, 'Why a check answers as it does.', {
  GRANTED: 'The tenant has the feature.',
  WITHIN_LIMIT: 'There is enough left of the limit.',
  UNLIMITED: 'There is no limit.',
  OVERAGE: 'Beyond the limit, and what is beyond is charged.',
  NOT_ENTITLED: 'The tenant does not have the feature.',
  LIMIT_REACHED: 'There is not enough left of the limit.',
  PAYMENT_REQUIRED: 'What the tenant has would do, but access has ended until what is due is paid.',
  FEATURE_UNKNOWN: 'There is no such feature.',
  TENANT_UNKNOWN: 'There is no such tenant, or it is not yours.',
});
export const EntitlementSourceKindEnum = enumFrom(
  'EntitlementSourceKind',
  entitlementSourceKinds,
  'What gives an entitlement.',
  {
    PLAN: 'The plan, or an add-on that the plan includes.',
    ADDON: 'An attached add-on.',
    LICENCE: 'A licence that runs.',
    GRANT: 'A grant by hand.',
  },
);

@ObjectType('EntitlementSource', { description: 'What one source gives.', simpleResolvers: true })
export class EntitlementSourceType {
  @Field(() => EntitlementSourceKindEnum, { description: 'What it is.' })
  kind: EntitlementSourceKind;
  @Field(() => String, { description: 'Its name, for people.' })
  name: string;
  @Field(() => BigIntScalar, { description: 'How many units of it.' })
  quantity: bigint;
  @Field(() => Boolean, { description: 'METERED: it has no limit.' })
  unlimited: boolean;
  @Field(() => DecimalScalar, { nullable: true, description: 'METERED: what all its units give in each reset period.' })
  limit?: string | undefined;
  @Field(() => PriceModelType, {
    nullable: true,
    description: "METERED: what units within its limit cost, in the subscription's currency; null: nothing.",
  })
  insidePrice?: PriceModelType | undefined;
  @Field(() => PriceModelType, {
    nullable: true,
    description: 'METERED: what units beyond all limits cost where this source sells them; null: it does not.',
  })
  overagePrice?: PriceModelType | undefined;
  @Field(() => String, { nullable: true, description: 'CONFIG: its value.' })
  value?: string | undefined;
  @Field(() => DateTimeScalar, { description: 'Since when, UTC.' })
  startsAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when, UTC; null: no end is known.' })
  endsAt?: Instant | undefined;
}

export function toGraphqlEntitlementSource(source: EntitlementSource): EntitlementSourceType {
  const { quantity, unlimited, value, startsAt, endsAt } = source;
  return {
    ...{ quantity, unlimited, value, startsAt, endsAt },
    kind: source.sourceKind,
    name: source.sourceName,
    limit: source.limit && decimalText(limitOf(source)),
    insidePrice: source.price?.inside && toGraphqlPriceModel(source.price.inside),
    overagePrice: source.price?.overage && toGraphqlPriceModel(source.price.overage),
  };
}

@ObjectType('Entitlement', {
  description: 'What a tenant may use of a feature, and from where it has it.',
  simpleResolvers: true,
})
export class EntitlementType {
  @Field(() => Boolean, { description: 'It may be used now.' })
  allowed: boolean;
  @Field(() => GateReasonEnum, { description: 'Why, or why not.' })
  reason: GateReason;
  @Field(() => String, { description: 'What was asked for.' })
  featureCode: string;
  @Field(() => Boolean, { description: 'METERED: there is no limit.' })
  unlimited: boolean;
  @Field(() => DecimalScalar, {
    nullable: true,
    description: 'METERED: of all sources together, in each reset period.',
  })
  limit?: string | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'METERED: used in the current reset period.' })
  used?: string | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'METERED: limit − used, not below 0.' })
  remaining?: string | undefined;
  @Field(() => ResetPeriodEnum, { nullable: true, description: 'METERED: how often the limit starts over.' })
  resetPeriod?: ResetPeriod | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'METERED: when it starts over next, UTC.' })
  resetsAt?: Instant | undefined;
  @Field(() => String, { nullable: true, description: 'CONFIG: the strongest value of all sources.' })
  value?: string | undefined;
  readonly answer: EntitlementAnswer;
}

export function toGraphqlEntitlement(answer: EntitlementAnswer): EntitlementType {
  const { allowed, reason, featureCode, merged, limit, used, remaining, resetsAt } = answer;
  // Member by member: spreading is ten times as slow, and this is asked on every request.
  return {
    allowed,
    reason,
    featureCode,
    resetsAt,
    answer,
    unlimited: merged?.unlimited ?? false,
    limit: limit && decimalText(limit),
    used: used && decimalText(used),
    remaining: remaining && decimalText(remaining),
    resetPeriod: merged?.resetPeriod,
    value: merged?.value,
  };
}

@ObjectType('EntitlementGrant', { description: 'A feature that was given by hand.', simpleResolvers: true })
export class EntitlementGrantType {
  @Field(() => ID, { description: 'grant_…' })
  id: string;
  @Field(() => String, { description: 'Why.' })
  reason: string;
  @Field(() => DateTimeScalar, { description: 'Since when, UTC.' })
  startsAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when, UTC.' })
  endsAt?: Instant | undefined;
}

export function toGraphqlGrant(grant: EntitlementGrant): EntitlementGrantType {
  const { reason, startsAt, endsAt } = grant;
  return { id: encodeId('EntitlementGrant', grant.id, grant.tenantId), reason, startsAt, endsAt };
}

@InputType('RebuildEntitlementsInput', { description: 'Whose entitlements.' })
export class RebuildEntitlementsInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
}

@InputType('GrantEntitlementInput', { description: 'What is given, for how long, and why.' })
export class GrantEntitlementInputType {
  @Field(() => ID, { description: 'To whom.' })
  tenantId: string;
  @Field(() => ID, { description: "The feature's id or code." })
  feature: string;
  @Field(() => Boolean, { nullable: true, description: 'METERED: no limit.' })
  unlimited?: boolean;
  @Field(() => DecimalScalar, { nullable: true, description: 'METERED: the limit in each reset period.' })
  limit?: string;
  @Field(() => ResetPeriodEnum, { nullable: true, description: 'METERED: when the limit starts over.' })
  resetPeriod?: ResetPeriod;
  @Field(() => String, { nullable: true, description: 'CONFIG: the value.' })
  value?: string;
  @Field(() => String, { description: '1 to 200 characters.' })
  reason: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Default: now.' })
  startsAt?: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Default: for good.' })
  endsAt?: Instant;
}

@InputType('RevokeEntitlementInput', { description: 'Which grant ends.' })
export class RevokeEntitlementInputType {
  @Field(() => ID, { description: 'Whose.' })
  tenantId: string;
  @Field(() => ID, { description: 'grant_…' })
  grantId: string;
}

@ObjectType('RebuildEntitlementsDone', {
  description: 'Entitlements are in step with plan, add-ons and grants.',
  simpleResolvers: true,
})
export class RebuildEntitlementsDone extends MutationDone {
  @Field(() => Int, { description: 'How many rows were not; 0: nothing was out of step.' })
  changed: number;
}
@ObjectType('GrantEntitlementDone', { description: 'The feature was given.', simpleResolvers: true })
export class GrantEntitlementDone extends MutationDone {
  @Field(() => EntitlementGrantType, { description: 'The grant.' })
  grant: EntitlementGrantType;
}
@ObjectType('RevokeEntitlementDone', { description: 'The grant has ended.', simpleResolvers: true })
export class RevokeEntitlementDone extends MutationDone {
  @Field(() => EntitlementGrantType, { description: 'The grant.' })
  grant: EntitlementGrantType;
}

export const RebuildEntitlementsResult = resultOf('RebuildEntitlements', RebuildEntitlementsDone);
export const GrantEntitlementResult = resultOf('GrantEntitlement', GrantEntitlementDone);
export const RevokeEntitlementResult = resultOf('RevokeEntitlement', RevokeEntitlementDone);
