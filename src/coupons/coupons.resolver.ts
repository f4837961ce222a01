import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { PlanType, toGraphqlPlan } from '../catalog/catalog.graphql';
import { planLoader } from '../catalog/catalog.loaders';
import { findCoupon, findPlan } from '../catalog/find-catalog.query';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { limitGuesses } from '../graphql/rate-limit';
import { Refuses, toGraphqlRefused } from '../graphql/refusal.graphql';
import { applyCoupon, applyCouponRefusals } from './apply-coupon.command';
import {
  ApplyCouponInputType,
  ApplyCouponResult,
  CouponConnection,
  CouponRedemptionConnection,
  CouponRedemptionType,
  CouponType,
  CouponValidationType,
  CreateCouponInputType,
  CreateCouponResult,
  PendingCouponConnection,
  PendingCouponType,
  RemovePendingCouponInputType,
  RemovePendingCouponResult,
  toGraphqlCoupon,
  toGraphqlCouponRedemption,
  toGraphqlPendingCoupon,
  UpdateCouponInputType,
  UpdateCouponResult,
} from './coupons.graphql';
import { couponLoader } from './coupons.loaders';
import { createCoupon, createCouponRefusals } from './create-coupon.command';
import { removePendingCoupon, removePendingCouponRefusals } from './remove-pending-coupon.command';
import { updateCoupon, updateCouponRefusals } from './update-coupon.command';
import { validateCoupon } from './validate-coupon.query';

@Resolver(() => CouponType)
export class CouponResolver {
  @Query(() => CouponType, { nullable: true, description: "One of the partner's coupons, by id or code." })
  async coupon(
    @Arg('id', () => ID, { description: 'Id or code.' }) id: string,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<CouponType | undefined> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    const coupon =
      tx && partner ? await findCoupon({ coupons: tx.coupons, partnerId: partner as never }, id) : undefined;
    return coupon && toGraphqlCoupon(coupon);
  }

  @Query(() => CouponConnection, { description: "The partner's coupons, oldest first." })
  async coupons(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<CouponType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const page = await tx.coupons.page(partner, pageRequest(args));
    return toGraphqlPage(
      page,
      (coupon) => coupon.id,
      toGraphqlCoupon,
      () => tx.coupons.count(partner),
    );
  }

  @Query(() => CouponValidationType, {
    description: 'Would this coupon work for the next invoice? Changes nothing, and says every reason why not.',
  })
  async validateCoupon(
    @Arg('code', () => String, { description: 'Without regard to case.' }) code: string,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Arg('plan', () => ID, { nullable: true, description: 'For a change to this plan: id or code.' }) plan:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<CouponValidationType> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    await limitGuesses(context, tenant ?? 'none');
    const found = tx && tenant ? await tx.tenantFor(tenant) : undefined;
    if (!tx || !found) return { valid: false, reasons: ['COUPON_NOT_FOUND'] };
    const target = plan ? await findPlan({ plans: tx.plans, partnerId: found.partnerId }, plan) : undefined;
    const { coupon, reasons } = await validateCoupon(tx, found.id, code, target);
    return { valid: reasons.length === 0, reasons, coupon: coupon && toGraphqlCoupon(coupon) };
  }

  @Mutation(() => CreateCouponResult, { description: 'Makes a discount code.' })
  @Refuses(createCouponRefusals)
  createCoupon(
    @Arg('input', () => CreateCouponInputType, { description: 'The coupon.' }) input: CreateCouponInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'createCoupon', permission: 'PARTNER_WRITE', scope, input, options },
      createCoupon,
      ({ coupon }) => ({ __typename: 'CreateCouponDone', coupon: toGraphqlCoupon(coupon) }),
    );
  }

  @Mutation(() => UpdateCouponResult, { description: 'Changes name, limits or status of a coupon.' })
  @Refuses(updateCouponRefusals)
  updateCoupon(
    @Arg('input', () => UpdateCouponInputType, { description: 'What changes.' }) input: UpdateCouponInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    const nullable = ['validFrom', 'validUntil', 'maxRedemptions'];
    return context.mutate(
      { mutation: 'updateCoupon', permission: 'PARTNER_WRITE', scope, input, options, nullable },
      updateCoupon,
      ({ coupon }) => ({ __typename: 'UpdateCouponDone', coupon: toGraphqlCoupon(coupon) }),
    );
  }
}

@Resolver(() => PendingCouponType)
export class PendingCouponResolver {
  @Query(() => PendingCouponConnection, { description: "A tenant's coupons: queued, running and past, oldest first." })
  async pendingCoupons(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<PendingCouponType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.pendingCoupons.page(tenant, pageRequest(args));
    return toGraphqlPage(page, (pending) => pending.id, toGraphqlPendingCoupon);
  }

  @FieldResolver(() => CouponType, { description: 'Which coupon.' })
  async coupon(@Root() pending: PendingCouponType, @Ctx() context: Context): Promise<CouponType | undefined> {
    const coupon = await (await context.loader(couponLoader)).load(pending.couponUuid);
    return coupon && toGraphqlCoupon(coupon);
  }

  @Mutation(() => ApplyCouponResult, {
    description:
      'Queues a coupon for the next invoice and reserves one redemption. Applying it again while it waits or runs is the same act.',
  })
  @Refuses(applyCouponRefusals)
  async applyCoupon(
    @Arg('input', () => ApplyCouponInputType, { description: 'Which coupon for whom.' }) input: ApplyCouponInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const limited = await limitGuesses(context, context.tenantUuidIfAny(input.tenantId) ?? 'none', false);
    if (limited) return toGraphqlRefused(limited);
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'applyCoupon', permission: 'TENANT_WRITE', scope, input, options },
      applyCoupon,
      ({ pendingCoupon, created }) => ({
        __typename: 'ApplyCouponDone',
        pendingCoupon: toGraphqlPendingCoupon(pendingCoupon),
        created,
      }),
    );
  }

  @Mutation(() => RemovePendingCouponResult, { description: 'Takes a queued coupon back before its first use.' })
  @Refuses(removePendingCouponRefusals)
  removePendingCoupon(
    @Arg('input', () => RemovePendingCouponInputType, { description: 'Which.' }) input: RemovePendingCouponInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'removePendingCoupon', permission: 'TENANT_WRITE', scope, input, options },
      removePendingCoupon,
      ({ pendingCoupon }) => ({
        __typename: 'RemovePendingCouponDone',
        pendingCoupon: toGraphqlPendingCoupon(pendingCoupon),
      }),
    );
  }
}

@Resolver(() => CouponRedemptionType)
export class CouponRedemptionResolver {
  @Query(() => CouponRedemptionConnection, { description: "A tenant's uses of coupons, oldest first." })
  async couponRedemptions(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<CouponRedemptionType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.pendingCoupons.redemptions(tenant, pageRequest(args));
    return toGraphqlPage(page, (redemption) => redemption.id, toGraphqlCouponRedemption);
  }

  @FieldResolver(() => CouponType, { description: 'Which coupon.' })
  async coupon(@Root() redemption: CouponRedemptionType, @Ctx() context: Context): Promise<CouponType | undefined> {
    const coupon = await (await context.loader(couponLoader)).load(redemption.couponUuid);
    return coupon && toGraphqlCoupon(coupon);
  }

  @FieldResolver(() => PlanType, { nullable: true, description: 'Before the plan change it came with.' })
  async planBefore(@Root() redemption: CouponRedemptionType, @Ctx() context: Context): Promise<PlanType | undefined> {
    const id = redemption.planUuidBefore;
    const plan = id ? await (await context.loader(planLoader)).load(id) : undefined;
    return plan && toGraphqlPlan(plan);
  }

  @FieldResolver(() => PlanType, { nullable: true, description: 'After it.' })
  async planAfter(@Root() redemption: CouponRedemptionType, @Ctx() context: Context): Promise<PlanType | undefined> {
    const id = redemption.planUuidAfter;
    const plan = id ? await (await context.loader(planLoader)).load(id) : undefined;
    return plan && toGraphqlPlan(plan);
  }
}
