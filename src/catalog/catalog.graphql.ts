import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { ProrationBasisEnum } from '../access/access.graphql';
import type { Instant } from '../core/calendar';
import { type DecimalValue, decimalText } from '../core/decimal';
import { encodeId } from '../core/ids';
import { type IntervalUnit, intervalUnits } from '../core/period';
import type { ProrationBasis } from '../core/proration';
import { enumFrom } from '../graphql/enums';
import { MoneyInputType, MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf, countedConnectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import {
  toGraphqlUsagePrice,
  UsagePriceInputType,
  UsagePriceType,
  usagePricesFromGraphql,
} from '../rating/price-model.graphql';
import type { Addon } from './addon';
import {
  type Feature,
  type FeatureAllowance,
  type FeatureKind,
  featureKinds,
  type ResetPeriod,
  resetPeriods,
} from './feature';
import { type CatalogStatus, catalogStatuses, type Plan, type PlanVersion } from './plan';

export const FeatureKindEnum = enumFrom('FeatureKind', featureKinds, 'What a feature is.', {
  BOOLEAN: 'A tenant may use it, or may not.',
  METERED: 'There is a limit in each reset period, or none.',
  CONFIG: 'It has a value.',
});
export const ResetPeriodEnum = enumFrom(
  'ResetPeriod',
  resetPeriods,
  "When a metered limit starts over, counted from the subscription's anchor.",
  {
    NEVER: 'Never: the limit is for good.',
    DAY: 'Each day.',
    WEEK: 'Each week.',
    MONTH: 'Each month.',
    QUARTER: 'Each three months.',
    YEAR: 'Each year.',
  },
);
export const BillingIntervalEnum = enumFrom('BillingInterval', intervalUnits, 'How long a billing period is.', {
  DAY: 'One day.',
  WEEK: 'Seven days.',
  MONTH: 'One month.',
  QUARTER: 'Three months.',
  YEAR: 'One year.',
});
export const CatalogStatusEnum = enumFrom('CatalogStatus', catalogStatuses, 'Whether something is sold.', {
  ACTIVE: 'It is sold.',
  ARCHIVED: 'It is no longer sold; who has it keeps it.',
});

@ObjectType('Feature', { description: 'A capability that plans, add-ons and grants give.', simpleResolvers: true })
export class FeatureType {
  @Field(() => ID, { description: 'feature_…' })
  id: string;
  @Field(() => String, { description: 'Unique per partner; what entitlementCheck asks for.' })
  code: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => String, { description: 'For people; may be empty.' })
  description: string;
  @Field(() => FeatureKindEnum, { description: 'What it is.' })
  kind: FeatureKind;
  @Field(() => String, { nullable: true, description: 'METERED: what is counted, e.g. calls.' })
  unit?: string | undefined;
  @Field(() => [String], {
    description: 'CONFIG: the values from weakest to strongest; empty: numbers, the largest wins.',
  })
  valueOrder: readonly string[];
}

export function toGraphqlFeature(feature: Feature): FeatureType {
  return { ...feature, id: encodeId('Feature', feature.id) };
}

@ObjectType('Allowance', { description: 'What a plan or an add-on gives of a feature.', simpleResolvers: true })
export class AllowanceType {
  @Field(() => Boolean, { description: 'METERED: there is no limit.' })
  unlimited: boolean;
  @Field(() => DecimalScalar, { nullable: true, description: 'METERED: the limit in each reset period.' })
  limit?: string | undefined;
  @Field(() => ResetPeriodEnum, { nullable: true, description: 'METERED: when the limit starts over.' })
  resetPeriod?: ResetPeriod | undefined;
  @Field(() => String, { nullable: true, description: 'CONFIG: the value.' })
  value?: string | undefined;
  @Field(() => [UsagePriceType], { description: 'METERED: what units cost, one for each currency; none: nothing.' })
  usagePrices: UsagePriceType[];
  readonly featureUuid: string;
}

export function toGraphqlAllowance(allowance: FeatureAllowance): AllowanceType {
  const { unlimited, limit, resetPeriod, value, featureId, usagePrices = [] } = allowance;
  return {
    ...{ unlimited, limit: limit && decimalText(limit), resetPeriod, value },
    usagePrices: usagePrices.map(toGraphqlUsagePrice),
    featureUuid: featureId,
  };
}

@ObjectType('Price', {
  description: 'A fixed price for one whole billing period and one unit of quantity.',
  simpleResolvers: true,
})
export class PriceType {
  @Field(() => BillingIntervalEnum, { description: 'For how long.' })
  interval: IntervalUnit;
  @Field(() => MoneyType, { description: 'How much.' })
  amount: MoneyType;
}

@ObjectType('PlanVersion', {
  description: 'Prices, limits and included add-ons as they are sold; never changed afterwards.',
  simpleResolvers: true,
})
export class PlanVersionType {
  @Field(() => ID, { description: 'planversion_…' })
  id: string;
  @Field(() => Int, { description: '1, 2, 3 …' })
  number: number;
  @Field(() => Boolean, { description: 'It includes every add-on that is sold.' })
  includesAllAddons: boolean;
  @Field(() => Int, {
    nullable: true,
    description: 'Free days for a tenant that starts with the plan and had no trial before; null: none.',
  })
  trialDays?: number | undefined;
  @Field(() => [PriceType], { description: 'One for each interval and currency.' })
  prices: PriceType[];
  @Field(() => [AllowanceType], { description: 'What it gives.' })
  allowances: AllowanceType[];
  @Field(() => DateTimeScalar, { description: 'When it was published, UTC.' })
  createdAt: Instant;
  readonly includedAddonUuids: readonly string[];
}

export function toGraphqlPlanVersion(version: PlanVersion): PlanVersionType {
  return {
    id: encodeId('PlanVersion', version.id),
    number: version.number,
    includesAllAddons: version.includesAllAddons,
    trialDays: version.trialDays,
    prices: version.prices.map(({ interval, amount }) => ({ interval, amount: toGraphqlMoney(amount) })),
    allowances: version.allowances.map(toGraphqlAllowance),
    createdAt: version.createdAt,
    includedAddonUuids: version.includedAddonIds,
  };
}

@ObjectType('Plan', { description: 'What a tenant subscribes to.', simpleResolvers: true })
export class PlanType {
  @Field(() => ID, { description: 'plan_…' })
  id: string;
  @Field(() => String, { description: 'Unique per partner; stands wherever the id does.' })
  code: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => String, { description: 'For people; may be empty.' })
  description: string;
  @Field(() => Int, { description: 'Add-ons are sold from a rank upwards.' })
  rank: number;
  @Field(() => CatalogStatusEnum, { description: 'Whether it is sold.' })
  status: CatalogStatus;
  @Field(() => ProrationBasisEnum, {
    nullable: true,
    description: 'How parts of a period are measured; null: as the partner does.',
  })
  prorationBasis?: ProrationBasis | undefined;
  @Field(() => Int, { description: 'Grows with each change; give it as expectedVersion.' })
  version: number;
  readonly uuid: string;
  /** Known where the version was made in this very request. */
  readonly versionMade?: PlanVersion | undefined;
  /** It is answered as it was at this instant. */
  readonly asOf?: Instant | undefined;
}

export function toGraphqlPlan(plan: Plan, versionMade?: PlanVersion, asOf?: Instant): PlanType {
  return { ...plan, id: encodeId('Plan', plan.id), uuid: plan.id, versionMade, asOf };
}

@ObjectType('Addon', { description: 'Something that is sold beside a plan.', simpleResolvers: true })
export class AddonType {
  @Field(() => ID, { description: 'addon_…' })
  id: string;
  @Field(() => String, { description: 'Unique per partner; stands wherever the id does.' })
  code: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => String, { description: 'For people; may be empty.' })
  description: string;
  @Field(() => Int, { nullable: true, description: 'Sold from this plan rank upwards; null: with every plan.' })
  minimumPlanRank?: number | undefined;
  @Field(() => CatalogStatusEnum, { description: 'Whether it is sold.' })
  status: CatalogStatus;
  @Field(() => [PriceType], {
    description: 'One for each interval and currency; live attachments keep the price they bought.',
  })
  prices: PriceType[];
  @Field(() => [AllowanceType], { description: 'What it gives, for each unit.' })
  allowances: AllowanceType[];
  @Field(() => Int, { description: 'Grows with each change; give it as expectedVersion.' })
  version: number;
  readonly uuid: string;
  readonly partnerUuid: string;
  readonly requiredAddonUuids: readonly string[];
}

export function toGraphqlAddon(addon: Addon): AddonType {
  const { id, code, name, description, minimumPlanRank, status, version } = addon;
  return {
    ...{ code, name, description, minimumPlanRank, status, version },
    id: encodeId('Addon', id),
    uuid: id,
    partnerUuid: addon.partnerId,
    prices: addon.prices.map(({ interval, amount }) => ({ interval, amount: toGraphqlMoney(amount) })),
    allowances: addon.allowances.map(toGraphqlAllowance),
    requiredAddonUuids: addon.requiredAddonIds,
  };
}

export const FeatureConnection = connectionOf('Feature', FeatureType);
export const PlanConnection = countedConnectionOf('Plan', PlanType);
export const AddonConnection = countedConnectionOf('Addon', AddonType);

@InputType('AllowanceInput', { description: 'What is given of a feature.' })
export class AllowanceInputType {
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
  @Field(() => [UsagePriceInputType], {
    nullable: true,
    description: 'METERED: what units cost, one for each currency. Default: nothing, and the limit is hard.',
  })
  usagePrices?: UsagePriceInputType[];
}

@InputType('PriceInput', { description: 'A fixed price for one whole billing period and one unit.' })
export class PriceInputType {
  @Field(() => BillingIntervalEnum, { description: 'For how long.' })
  interval: IntervalUnit;
  @Field(() => MoneyInputType, { description: 'How much; a free plan costs 0.' })
  price: MoneyInputType;
}

@InputType('CreateFeatureInput', { description: 'A new capability.' })
export class CreateFeatureInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => String, { description: 'Lower-case letters, digits, . _ and -; unique per partner.' })
  code: string;
  @Field(() => String, { description: '1 to 200 characters.' })
  name: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  description?: string;
  @Field(() => FeatureKindEnum, { description: 'What it is; never changes.' })
  kind: FeatureKind;
  @Field(() => String, { nullable: true, description: 'METERED: what is counted, e.g. calls.' })
  unit?: string;
  @Field(() => [String], { nullable: true, description: 'CONFIG: the values from weakest to strongest.' })
  valueOrder?: string[];
}

@InputType({ description: 'What a plan version holds.' })
class PlanVersionInputType {
  @Field(() => [PriceInputType], { description: 'One for each interval and currency.' })
  prices: PriceInputType[];
  @Field(() => [AllowanceInputType], { nullable: true, description: 'What it gives.' })
  features?: AllowanceInputType[];
  @Field(() => [ID], { nullable: true, description: 'Add-ons that come with it: ids or codes.' })
  includedAddons?: string[];
  @Field(() => Boolean, { nullable: true, description: 'Every add-on that is sold comes with it. Default false.' })
  includesAllAddons?: boolean;
  @Field(() => Int, {
    nullable: true,
    description:
      'Free days for a tenant that starts with it and had no trial before, 1 to 730. Default: it has no trial of its own.',
  })
  trialDays?: number;
}

@InputType('CreatePlanInput', { description: 'A new plan and its first version.' })
export class CreatePlanInputType extends PlanVersionInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => String, { description: 'Lower-case letters, digits, _ and -; unique per partner.' })
  code: string;
  @Field(() => String, { description: '1 to 200 characters.' })
  name: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  description?: string;
  @Field(() => Int, { description: '0 to 1000000: add-ons are sold from a rank upwards.' })
  rank: number;
  @Field(() => ProrationBasisEnum, { nullable: true, description: "Default: the partner's." })
  prorationBasis?: ProrationBasis;
}

@InputType('PublishPlanVersionInput', {
  description: 'What is sold from now on; who has the plan keeps their version.',
})
export class PublishPlanVersionInputType extends PlanVersionInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  plan: string;
}

@InputType('UpdatePlanInput', { description: 'What may change on a plan; prices and limits are a new version.' })
export class UpdatePlanInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  plan: string;
  @Field(() => Int, { nullable: true, description: 'Refused with VERSION_CONFLICT unless it still has this version.' })
  expectedVersion?: number;
  @Field(() => String, { nullable: true, description: '1 to 200 characters.' })
  name?: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  description?: string;
  @Field(() => Int, { nullable: true, description: '0 to 1000000.' })
  rank?: number;
  @Field(() => CatalogStatusEnum, { nullable: true, description: 'ARCHIVED: no longer sold.' })
  status?: CatalogStatus;
  @Field(() => ProrationBasisEnum, { nullable: true, description: 'For changes from now on.' })
  prorationBasis?: ProrationBasis;
}

@InputType('CreateAddonInput', { description: 'A new add-on.' })
export class CreateAddonInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => String, { description: 'Lower-case letters, digits, _ and -; unique per partner.' })
  code: string;
  @Field(() => String, { description: '1 to 200 characters.' })
  name: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  description?: string;
  @Field(() => ID, {
    nullable: true,
    description: 'The weakest plan it is sold with: id or code. Default: every plan.',
  })
  minimumPlan?: string;
  @Field(() => [PriceInputType], { description: 'One for each interval and currency.' })
  prices: PriceInputType[];
  @Field(() => [AllowanceInputType], { nullable: true, description: 'What it gives, for each unit.' })
  features?: AllowanceInputType[];
  @Field(() => [ID], { nullable: true, description: 'Add-ons that must be there already: ids or codes.' })
  requires?: string[];
}

@InputType('UpdateAddonInput', { description: 'What changes; what is left out stays.' })
export class UpdateAddonInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  addon: string;
  @Field(() => Int, { nullable: true, description: 'Refused with VERSION_CONFLICT unless it still has this version.' })
  expectedVersion?: number;
  @Field(() => String, { nullable: true, description: '1 to 200 characters.' })
  name?: string;
  @Field(() => String, { nullable: true, description: 'For people.' })
  description?: string;
  @Field(() => ID, { nullable: true, description: 'Id or code; null: sold with every plan.' })
  minimumPlan?: string | null;
  @Field(() => [PriceInputType], { nullable: true, description: 'All prices from now on.' })
  prices?: PriceInputType[];
  @Field(() => [AllowanceInputType], { nullable: true, description: 'All allowances from now on.' })
  features?: AllowanceInputType[];
  @Field(() => CatalogStatusEnum, { nullable: true, description: 'ARCHIVED: no longer sold.' })
  status?: CatalogStatus;
}

@InputType('ArchiveAddonInput', { description: 'Which add-on is no longer sold.' })
export class ArchiveAddonInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  addon: string;
  @Field(() => Int, { nullable: true, description: 'Refused with VERSION_CONFLICT unless it still has this version.' })
  expectedVersion?: number;
}

@ObjectType('CreateFeatureDone', { description: 'The feature was made.', simpleResolvers: true })
export class CreateFeatureDone extends MutationDone {
  @Field(() => FeatureType, { description: 'The new feature.' })
  feature: FeatureType;
}
@ObjectType('CreatePlanDone', { description: 'The plan was made.', simpleResolvers: true })
export class CreatePlanDone extends MutationDone {
  @Field(() => PlanType, { description: 'The new plan.' })
  plan: PlanType;
}
@ObjectType('PublishPlanVersionDone', { description: 'The version is sold from now on.', simpleResolvers: true })
export class PublishPlanVersionDone extends MutationDone {
  @Field(() => PlanType, { description: 'The plan with its new version.' })
  plan: PlanType;
}
@ObjectType('UpdatePlanDone', { description: 'The plan was changed.', simpleResolvers: true })
export class UpdatePlanDone extends MutationDone {
  @Field(() => PlanType, { description: 'The plan as it is now.' })
  plan: PlanType;
}
@ObjectType('CreateAddonDone', { description: 'The add-on was made.', simpleResolvers: true })
export class CreateAddonDone extends MutationDone {
  @Field(() => AddonType, { description: 'The new add-on.' })
  addon: AddonType;
}
@ObjectType('UpdateAddonDone', { description: 'The add-on was changed.', simpleResolvers: true })
export class UpdateAddonDone extends MutationDone {
  @Field(() => AddonType, { description: 'The add-on as it is now.' })
  addon: AddonType;
}
@ObjectType('ArchiveAddonDone', { description: 'The add-on is no longer sold.', simpleResolvers: true })
export class ArchiveAddonDone extends MutationDone {
  @Field(() => AddonType, { description: 'The add-on as it is now.' })
  addon: AddonType;
}

export const CreateFeatureResult = resultOf('CreateFeature', CreateFeatureDone);
export const CreatePlanResult = resultOf('CreatePlan', CreatePlanDone);
export const PublishPlanVersionResult = resultOf('PublishPlanVersion', PublishPlanVersionDone);
export const UpdatePlanResult = resultOf('UpdatePlan', UpdatePlanDone);
export const CreateAddonResult = resultOf('CreateAddon', CreateAddonDone);
export const UpdateAddonResult = resultOf('UpdateAddon', UpdateAddonDone);
export const ArchiveAddonResult = resultOf('ArchiveAddon', ArchiveAddonDone);

/** Texts of the API as the commands take them. */
export function allowancesFromGraphql(
  inputs: readonly AllowanceInputType[] | undefined,
  parse: (text: string) => DecimalValue,
) {
  return inputs?.map((input) => ({
    ...input,
    limit: input.limit === undefined ? undefined : parse(input.limit),
    usagePrices: usagePricesFromGraphql(input.usagePrices, parse),
  }));
}
