import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { BillingIntervalEnum } from '../catalog/catalog.graphql';
import type { Instant } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { encodeId } from '../core/ids';
import type { IntervalUnit } from '../core/period';
import { enumFrom } from '../graphql/enums';
import { MoneyInputType, MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf, countedConnectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { refusalCodes } from '../graphql/refusal-codes';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import {
  type Coupon,
  type CouponDuration,
  type CouponKind,
  type CouponReason,
  type CouponStatus,
  couponDurations,
  couponKinds,
  couponReasons,
  couponStatuses,
} from './coupon';
import {
  type CouponRedemption,
  type PendingCoupon,
  type PendingCouponStatus,
  pendingCouponStatuses,
} from './pending-coupon';

export const CouponKindEnum = enumFrom('CouponKind', couponKinds, 'What a coupon takes off.', {
  PERCENT: 'A share of what it applies to.',
  FIXED: 'A fixed amount, one for each currency.',
  FREE_PERIODS: "The plan's fixed price, for as many periods as it lasts; another interval ends it.",
});
export const CouponDurationEnum = enumFrom('CouponDuration', couponDurations, 'For how long, from its first use.', {
  ONCE: 'One period.',
  REPEATING: 'durationPeriods periods, of the interval it is first used in; another interval ends it.',
  FOREVER: 'Every period.',
});
export const CouponStatusEnum = enumFrom('CouponStatus', couponStatuses, 'Whether a coupon can be used.', {
  ACTIVE: 'It can.',
  PAUSED: 'Not now; one that waits keeps waiting.',
  ARCHIVED: 'No longer; one that waits keeps waiting.',
});
export const CouponReasonEnum = enumFrom(
  'CouponReason',
  couponReasons,
  'Why a coupon cannot be used.',
  Object.fromEntries(couponReasons.map((reason) => [reason, refusalCodes[reason]])) as Record<CouponReason, string>,
);
export const PendingCouponStatusEnum = enumFrom(
  'PendingCouponStatus',
  pendingCouponStatuses,
  "Where a tenant's coupon stands.",
  {
    PENDING: 'It waits for the next invoice.',
    RUNNING: 'It was used and has more periods to come.',
    FINISHED: 'It is used up.',
    REMOVED: 'It was taken back before its first use.',
    EXPIRED: 'It ran out before its first use, or was for a first purchase that was made without it.',
    ENDED: 'A plan change or the end of the subscription ended it.',
  },
);

@ObjectType('Coupon', { description: 'A discount code of a partner.', simpleResolvers: true })
export class CouponType {
  @Field(() => ID, { description: 'coupon_…' })
  id: string;
  @Field(() => String, { description: 'Unique per partner without regard to case.' })
  code: string;
  @Field(() => String, { description: 'For people.' })
  name: string;
  @Field(() => CouponKindEnum, { description: 'What it takes off.' })
  kind: CouponKind;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENT: above 0, at most 100.' })
  percent?: string | undefined;
  @Field(() => [MoneyType], { description: 'FIXED: one for each currency.' })
  amounts: MoneyType[];
  @Field(() => CouponDurationEnum, { description: 'For how long.' })
  duration: CouponDuration;
  @Field(() => Int, { nullable: true, description: 'REPEATING: how many periods.' })
  durationPeriods?: number | undefined;
  @Field(() => Boolean, { description: 'FIXED on a plan change: scaled by the part of the period that is left.' })
  scaled: boolean;
  @Field(() => DateTimeScalar, { nullable: true, description: 'From when it can be applied, UTC.' })
  validFrom?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when it can be applied, UTC; exclusive.' })
  validUntil?: Instant | undefined;
  @Field(() => Int, { nullable: true, description: 'How many tenants can use it; null: any number.' })
  maxRedemptions?: number | undefined;
  @Field(() => Int, { description: 'How often one tenant can use it.' })
  maxRedemptionsPerTenant: number;
  @Field(() => Int, { description: 'How many redemptions are used or reserved.' })
  reservedCount: number;
  @Field(() => [MoneyType], {
    description: 'The smallest amount it takes from, each time, one for each currency; empty: any.',
  })
  minimumAmounts: MoneyType[];
  @Field(() => Boolean, { description: "Only for a tenant's first purchase: no invoice above zero was paid before." })
  firstPurchaseOnly: boolean;
  @Field(() => [ID], { description: 'Only for these plans; empty: all.' })
  planIds: string[];
  @Field(() => [ID], { description: 'Only for these add-ons.' })
  addonIds: string[];
  @Field(() => [BillingIntervalEnum], { description: 'Only for these intervals; empty: all.' })
  intervals: readonly IntervalUnit[];
  @Field(() => CouponStatusEnum, { description: 'Whether it can be used.' })
  status: CouponStatus;
  @Field(() => Int, { description: 'Grows with each change; give it as expectedVersion.' })
  version: number;
}

export function toGraphqlCoupon(coupon: Coupon): CouponType {
  return {
    ...coupon,
    id: encodeId('Coupon', coupon.id),
    percent: coupon.percent && decimalText(coupon.percent),
    amounts: coupon.amounts.map(toGraphqlMoney),
    minimumAmounts: coupon.minimumAmounts.map(toGraphqlMoney),
    planIds: coupon.planIds.map((id) => encodeId('Plan', id)),
    addonIds: coupon.addonIds.map((id) => encodeId('Addon', id)),
  };
}

@ObjectType('PendingCoupon', {
  description: "A tenant's coupon, from being queued to its last period.",
  simpleResolvers: true,
})
export class PendingCouponType {
  @Field(() => ID, { description: 'pendingcoupon_…' })
  id: string;
  @Field(() => PendingCouponStatusEnum, { description: 'Where it stands.' })
  status: PendingCouponStatus;
  @Field(() => Int, { description: 'In how many periods it was used.' })
  periodsApplied: number;
  @Field(() => Int, { description: 'Of these, how many came back with invoices that are void.' })
  periodsReturned: number;
  @Field(() => DateTimeScalar, { description: 'When it was queued, UTC.' })
  createdAt: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ended, UTC.' })
  endedAt?: Instant | undefined;
  readonly couponUuid: string;
}

export function toGraphqlPendingCoupon(pending: PendingCoupon): PendingCouponType {
  return { ...pending, id: encodeId('PendingCoupon', pending.id, pending.tenantId), couponUuid: pending.couponId };
}

@ObjectType('CouponRedemption', { description: 'One use of a coupon; append-only.', simpleResolvers: true })
export class CouponRedemptionType {
  @Field(() => ID, { description: 'redemption_…' })
  id: string;
  @Field(() => Int, {
    description: 'Which of its periods: 1 for the first. A change may take again in the same period.',
  })
  periodNumber: number;
  @Field(() => MoneyType, { description: 'What it took off.' })
  discount: MoneyType;
  @Field(() => Boolean, { description: 'It came with a plan change.' })
  isProrationInvolved: boolean;
  @Field(() => MoneyType, { nullable: true, description: 'What it took off the prorated charge.' })
  prorationAmount?: MoneyType | undefined;
  @Field(() => BillingIntervalEnum, { nullable: true, description: 'Before the plan change.' })
  intervalBefore?: IntervalUnit | undefined;
  @Field(() => BillingIntervalEnum, { nullable: true, description: 'After the plan change.' })
  intervalAfter?: IntervalUnit | undefined;
  @Field(() => ID, { nullable: true, description: 'The invoice it stands on.' })
  invoiceId?: string | undefined;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  redeemedAt: Instant;
  readonly couponUuid: string;
  readonly planUuidBefore?: string | undefined;
  readonly planUuidAfter?: string | undefined;
}

export function toGraphqlCouponRedemption(redemption: CouponRedemption): CouponRedemptionType {
  const { tenantId, couponId, planIdBefore, planIdAfter, invoiceId, discount, prorationAmount, ...rest } = redemption;
  return {
    ...rest,
    id: encodeId('CouponRedemption', redemption.id, tenantId),
    discount: toGraphqlMoney(discount),
    prorationAmount: prorationAmount && toGraphqlMoney(prorationAmount),
    invoiceId: invoiceId && encodeId('Invoice', invoiceId, tenantId),
    couponUuid: couponId,
    planUuidBefore: planIdBefore,
    planUuidAfter: planIdAfter,
  };
}

@ObjectType('CouponValidation', {
  description: 'Whether a coupon would work, and all reasons why not.',
  simpleResolvers: true,
})
export class CouponValidationType {
  @Field(() => Boolean, { description: 'It would.' })
  valid: boolean;
  @Field(() => [CouponReasonEnum], { description: 'Why not; all of them.' })
  reasons: readonly CouponReason[];
  @Field(() => CouponType, { nullable: true, description: 'The coupon, where there is one with this code.' })
  coupon?: CouponType | undefined;
}

export const CouponConnection = countedConnectionOf('Coupon', CouponType);
export const PendingCouponConnection = connectionOf('PendingCoupon', PendingCouponType);
export const CouponRedemptionConnection = connectionOf('CouponRedemption', CouponRedemptionType);

@InputType('CreateCouponInput', { description: 'A new discount code.' })
export class CreateCouponInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose coupon.' })
  partnerId?: string;
  @Field(() => String, { description: 'Letters, digits, _ and -; unique per partner without regard to case.' })
  code: string;
  @Field(() => String, { nullable: true, description: 'For people; default: the code.' })
  name?: string;
  @Field(() => CouponKindEnum, { description: 'What it takes off.' })
  kind: CouponKind;
  @Field(() => DecimalScalar, { nullable: true, description: 'PERCENT: above 0, at most 100.' })
  percent?: string;
  @Field(() => [MoneyInputType], { nullable: true, description: 'FIXED: one for each currency.' })
  amounts?: MoneyInputType[];
  @Field(() => CouponDurationEnum, { description: 'For how long, from its first use.' })
  duration: CouponDuration;
  @Field(() => Int, { nullable: true, description: 'REPEATING: 1 to 1000 periods.' })
  durationPeriods?: number;
  @Field(() => Boolean, {
    nullable: true,
    description: 'FIXED on a plan change: scale by what is left. Default false.',
  })
  scaled?: boolean;
  @Field(() => DateTimeScalar, { nullable: true, description: 'From when it can be applied.' })
  validFrom?: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when; exclusive.' })
  validUntil?: Instant;
  @Field(() => Int, { nullable: true, description: 'At least 1; none: any number.' })
  maxRedemptions?: number;
  @Field(() => Int, { nullable: true, description: 'At least 1; default 1.' })
  maxRedemptionsPerTenant?: number;
  @Field(() => [MoneyInputType], { nullable: true, description: 'The smallest amount it takes from.' })
  minimumAmounts?: MoneyInputType[];
  @Field(() => Boolean, {
    nullable: true,
    description: "Only for a tenant's first purchase: no invoice above zero was paid before. Default false.",
  })
  firstPurchaseOnly?: boolean;
  @Field(() => [ID], { nullable: true, description: 'Only for these plans: ids or codes.' })
  plans?: string[];
  @Field(() => [ID], { nullable: true, description: 'Only for these add-ons: ids or codes.' })
  addons?: string[];
  @Field(() => [BillingIntervalEnum], { nullable: true, description: 'Only for these intervals.' })
  intervals?: IntervalUnit[];
}

@InputType('UpdateCouponInput', {
  description: 'What changes; what is left out stays. What it takes off never changes.',
})
export class UpdateCouponInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose coupon.' })
  partnerId?: string;
  @Field(() => ID, { description: 'Id or code.' })
  coupon: string;
  @Field(() => Int, { nullable: true, description: 'Refused with VERSION_CONFLICT unless it still has this version.' })
  expectedVersion?: number;
  @Field(() => String, { nullable: true, description: '1 to 200 characters.' })
  name?: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'null: at once.' })
  validFrom?: Instant | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'null: for good.' })
  validUntil?: Instant | null;
  @Field(() => Int, { nullable: true, description: 'null: any number.' })
  maxRedemptions?: number | null;
  @Field(() => Int, { nullable: true, description: 'At least 1.' })
  maxRedemptionsPerTenant?: number;
  @Field(() => CouponStatusEnum, {
    nullable: true,
    description: 'PAUSED and ARCHIVED stop new uses; running ones go on.',
  })
  status?: CouponStatus;
}

@InputType('ApplyCouponInput', { description: 'Which coupon for whom.' })
export class ApplyCouponInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => String, { description: 'Without regard to case.' })
  code: string;
}

@InputType('RemovePendingCouponInput', { description: 'Which queued coupon is taken back.' })
export class RemovePendingCouponInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => ID, { description: 'pendingcoupon_…' })
  pendingCouponId: string;
}

@ObjectType('CreateCouponDone', { description: 'The coupon was made.', simpleResolvers: true })
export class CreateCouponDone extends MutationDone {
  @Field(() => CouponType, { description: 'The new coupon.' })
  coupon: CouponType;
}
@ObjectType('UpdateCouponDone', { description: 'The coupon was changed.', simpleResolvers: true })
export class UpdateCouponDone extends MutationDone {
  @Field(() => CouponType, { description: 'The coupon as it is now.' })
  coupon: CouponType;
}
@ObjectType('ApplyCouponDone', {
  description: 'The coupon waits for the next invoice, or runs already.',
  simpleResolvers: true,
})
export class ApplyCouponDone extends MutationDone {
  @Field(() => PendingCouponType, { description: "The tenant's coupon." })
  pendingCoupon: PendingCouponType;
  @Field(() => Boolean, { description: 'false: it was applied already, and nothing was reserved again.' })
  created: boolean;
}
@ObjectType('RemovePendingCouponDone', {
  description: 'The coupon was taken back and its redemption is free again.',
  simpleResolvers: true,
})
export class RemovePendingCouponDone extends MutationDone {
  @Field(() => PendingCouponType, { description: "The tenant's coupon." })
  pendingCoupon: PendingCouponType;
}

export const CreateCouponResult = resultOf('CreateCoupon', CreateCouponDone);
export const UpdateCouponResult = resultOf('UpdateCoupon', UpdateCouponDone);
export const ApplyCouponResult = resultOf('ApplyCoupon', ApplyCouponDone);
export const RemovePendingCouponResult = resultOf('RemovePendingCoupon', RemovePendingCouponDone);
