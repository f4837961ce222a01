import { Field, ObjectType } from 'type-graphql';
import { FeatureType, toGraphqlFeature } from '../catalog/catalog.graphql';
import type { Instant } from '../core/calendar';
import { decimal, decimalText } from '../core/decimal';
import { EntitlementSourceType, toGraphqlEntitlementSource } from '../entitlements/entitlements.graphql';
import { enumFrom } from '../graphql/enums';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import { ExplanationType, toGraphqlExplanation } from '../invoicing/invoicing.graphql';
import { type UsagePart, usageParts } from './rate-usage';
import type { FeatureUsage, SourceUsage } from './usage-by-subscription.query';
import { wholeLimit } from './usage-pieces';

export const UsagePartEnum = enumFrom('UsagePart', usageParts, 'Where units fall.', {
  INSIDE: "Within a source's limit.",
  OVERAGE: 'Beyond all limits.',
});

@ObjectType('UsageShare', { description: 'What one source bears of the units.', simpleResolvers: true })
export class UsageShareType {
  @Field(() => UsagePartEnum, { description: 'Within its limit, or beyond all.' })
  part: UsagePart;
  @Field(() => EntitlementSourceType, {
    nullable: true,
    description: 'The source. OVERAGE: whose price it has; null where nobody sells any.',
  })
  source?: EntitlementSourceType | undefined;
  @Field(() => DecimalScalar, { description: 'How many units.' })
  quantity: string;
  @Field(() => MoneyType, { nullable: true, description: 'What they cost so far; null: nobody prices them.' })
  amount?: MoneyType | undefined;
  @Field(() => ExplanationType, { nullable: true, description: 'Why they cost that.' })
  explanation?: ExplanationType | undefined;
}

@ObjectType('FeatureUsage', {
  description: 'What was used of a METERED feature since its limit started over, and whose units they are.',
  simpleResolvers: true,
})
export class FeatureUsageType {
  @Field(() => FeatureType, { description: 'Which feature.' })
  feature: FeatureType;
  @Field(() => DateTimeScalar, { description: 'Since when it counts, UTC.' })
  since: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it starts over, UTC; null: never.' })
  resetsAt?: Instant | undefined;
  @Field(() => DecimalScalar, { description: 'Used since then.' })
  used: string;
  @Field(() => DecimalScalar, { nullable: true, description: 'Of all sources together; null: unlimited.' })
  limit?: string | undefined;
  @Field(() => DecimalScalar, { nullable: true, description: 'limit − used, not below 0; null: unlimited.' })
  remaining?: string | undefined;
  @Field(() => DecimalScalar, { description: 'Beyond all limits.' })
  overage: string;
  @Field(() => [UsageShareType], { description: 'Who bears which part, in the order in which usage is drawn.' })
  shares: UsageShareType[];
  @Field(() => MoneyType, { description: 'What all of it costs so far, before coupons.' })
  amount: MoneyType;
  @Field(() => DecimalScalar, { description: 'Units a day, on average since it started over.' })
  perDay: string;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the limit will be reached at this rate, UTC; null: not before it starts over, or it is reached.',
  })
  exhaustedAt?: Instant | undefined;
}

function toGraphqlUsageShare({ part, source, quantity, amount, explanation }: SourceUsage): UsageShareType {
  return {
    part,
    // A rated source has the limit of all its units.
    source:
      source &&
      toGraphqlEntitlementSource({ ...source, limit: wholeLimit(source).dividedBy(source.quantity.toString()) }),
    quantity: decimalText(quantity),
    amount: amount && toGraphqlMoney(amount),
    explanation: explanation && toGraphqlExplanation(explanation),
  };
}

export function toGraphqlFeatureUsage(usage: FeatureUsage): FeatureUsageType {
  const { since, resetsAt, exhaustedAt, limit, used } = usage;
  const left = limit?.minus(used);
  return {
    ...{ since, resetsAt, exhaustedAt },
    feature: toGraphqlFeature(usage.feature),
    used: decimalText(used),
    limit: limit && decimalText(limit),
    remaining: left && decimalText(left.isNegative() ? decimal(0) : left),
    overage: decimalText(usage.overage),
    shares: usage.shares.map(toGraphqlUsageShare),
    amount: toGraphqlMoney(usage.amount),
    perDay: decimalText(usage.perDay),
  };
}
