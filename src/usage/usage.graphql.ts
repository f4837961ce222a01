import { GraphQLScalarType, type ValueNode, valueFromASTUntyped } from 'graphql';
import { GraphQLJSONObject } from 'graphql-scalars';
import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { encodeId } from '../core/ids';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar, DecimalScalar } from '../graphql/scalars';
import { type Aggregation, aggregations, type Meter } from './meter';
import type { RejectedEvent } from './record-usage-batch.command';
import { type EventProblemCode, eventProblems, readUsageEvent, type SentEvent, type UnreadEvent } from './usage-event';
import type { UsageThreshold } from './usage-threshold';

export const AggregationEnum = enumFrom('Aggregation', aggregations, 'What the events of a window come to.', {
  SUM: 'The sum of their values.',
  COUNT: 'How many there are.',
  MAX: 'The largest value.',
  UNIQUE_COUNT: 'How many different values a property has.',
  LATEST: 'The value of the latest event.',
});
export const UsageEventProblemEnum = enumFrom(
  'UsageEventProblem',
  eventProblems,
  'Why an event of a batch was not recorded.',
  {
    INVALID_EVENT: 'It cannot be read; the message says why.',
    EVENT_TYPE_UNKNOWN: 'No meter counts events of this type, and no metered feature has it as its code.',
    EVENT_IN_FUTURE: "It is more than five minutes ahead of the tenant's clock.",
    EVENT_CONFLICT: 'An event with this id was recorded before and says something else.',
    NOT_ENTITLED: 'Enforced: the tenant does not have the feature.',
    LIMIT_REACHED: 'Enforced: there is not enough left of the limit.',
  },
);

/**
 * A scalar, so that a CloudEvent is taken as it is. It takes whatever was sent: one bad event of a thousand is answered by its
 * place, and does not refuse the request. What goes on is bounded in size and depth.
 */
export const UsageEventScalar = new GraphQLScalarType<SentEvent | UnreadEvent, unknown>({
  name: 'UsageEvent',
  description: `What happened, as a JSON object: a CloudEvent 1.0 as it is, or just { id, type, quantity }.
id: yours, at most 200 characters; with source (optional) it tells events apart. type: what a meter counts; for a feature without a meter, its code.
time: RFC 3339, default now. quantity: a decimal as a string, default "1". data: an object, at most 8 KB; meters filter by and count its properties. subject: kept.`,
  parseValue: readUsageEvent,
  parseLiteral: (node: ValueNode, variables) => readUsageEvent(valueFromASTUntyped(node, variables)),
  serialize: (value) => value,
});

@ObjectType('MeterFilter', {
  description: 'An event counts where this property of its data is one of these values.',
  simpleResolvers: true,
})
export class MeterFilterType {
  @Field(() => String, { description: 'The name of the property.' })
  property: string;
  @Field(() => [String], { description: 'As text.' })
  values: readonly string[];
}

@ObjectType('Meter', { description: 'How a METERED feature is counted. Never changed.', simpleResolvers: true })
export class MeterType {
  @Field(() => ID, { description: 'meter_…' })
  id: string;
  @Field(() => AggregationEnum, { description: 'What the events of a window come to.' })
  aggregation: Aggregation;
  @Field(() => String, { description: 'Which events count.' })
  eventType: string;
  @Field(() => String, { nullable: true, description: "What is counted; null: the event's quantity." })
  valueProperty?: string | undefined;
  @Field(() => String, { nullable: true, description: 'UNIQUE_COUNT: whose values are told apart.' })
  uniqueProperty?: string | undefined;
  @Field(() => [MeterFilterType], { description: 'An event counts where all of them hold.' })
  filters: readonly MeterFilterType[];
  @Field(() => [Int], { description: 'Percent of the limit at which it is told, once in each window.' })
  thresholds: readonly number[];
  readonly featureUuid: string;
}

export function toGraphqlMeter(meter: Meter): MeterType {
  return { ...meter, id: encodeId('Meter', meter.id), featureUuid: meter.featureId };
}

export const MeterConnection = connectionOf('Meter', MeterType);

@InputType('MeterFilterInput', { description: 'An event counts where this property is one of these values.' })
export class MeterFilterInputType {
  @Field(() => String, { description: 'The name of the property, 1 to 100 characters.' })
  property: string;
  @Field(() => [String], { description: '1 to 100 values, as text.' })
  values: string[];
}

@InputType('CreateMeterInput', { description: 'How a METERED feature is counted.' })
export class CreateMeterInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins.' })
  partnerId?: string;
  @Field(() => ID, { description: "The feature's id or code. It has no meter, and nothing was counted for it yet." })
  feature: string;
  @Field(() => AggregationEnum, { description: 'What the events of a window come to.' })
  aggregation: Aggregation;
  @Field(() => String, { nullable: true, description: "Which events count. Default: the feature's code." })
  eventType?: string;
  @Field(() => String, {
    nullable: true,
    description: "SUM, MAX, LATEST: which property of data holds the value. Default: the event's quantity.",
  })
  valueProperty?: string;
  @Field(() => String, { nullable: true, description: 'UNIQUE_COUNT: whose values are told apart.' })
  uniqueProperty?: string;
  @Field(() => [MeterFilterInputType], { nullable: true, description: 'At most 10; all must hold. Default: none.' })
  filters?: MeterFilterInputType[];
  @Field(() => [Int], { nullable: true, description: 'Percent of the limit, 1 to 1000. Default: 80 and 100.' })
  thresholds?: number[];
}

const ENFORCE =
  'Records only what the limits allow, checked and used up in one: never more, however many ask at once. Default: what happened is recorded.';

@InputType('RecordUsageInput', { description: 'One event of usage.' })
export class RecordUsageInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => String, { description: 'Yours, new for each event and the same for a retry; 1 to 200 characters.' })
  id: string;
  @Field(() => String, { description: 'What a meter counts; for a feature without a meter, its code.' })
  type: string;
  @Field(() => String, { nullable: true, description: 'The CloudEvents source: tells equal ids apart.' })
  source?: string;
  @Field(() => String, { nullable: true, description: 'Whom or what it is about; kept.' })
  subject?: string;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When. Default: now.' })
  time?: Instant;
  @Field(() => DecimalScalar, { nullable: true, description: 'How much, not negative, below 10^12. Default: 1.' })
  quantity?: string;
  @Field(() => GraphQLJSONObject, { nullable: true, description: 'Its properties; at most 8 KB.' })
  data?: Record<string, unknown>;
  @Field(() => Boolean, { nullable: true, description: ENFORCE })
  enforce?: boolean;
}

@InputType('RecordUsageBatchInput', { description: 'Many events of one tenant.' })
export class RecordUsageBatchInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
  @Field(() => [UsageEventScalar], { description: '1 to 1000. The body of the request may have 1 MB.' })
  events: (SentEvent | UnreadEvent)[];
  @Field(() => Boolean, {
    nullable: true,
    description: 'All or none. Default: what can be recorded is, and the rest is reported.',
  })
  atomic?: boolean;
  @Field(() => Boolean, { nullable: true, description: ENFORCE })
  enforce?: boolean;
}

@ObjectType('UsageThreshold', {
  description: 'A share of a limit that was reached. Told once in each of its windows.',
  simpleResolvers: true,
})
export class UsageThresholdType {
  @Field(() => ID, { description: 'threshold_…' })
  id: string;
  @Field(() => Int, { description: 'Which share of the limit.' })
  percent: number;
  @Field(() => DecimalScalar, { description: 'The limit, when it was reached.' })
  limit: string;
  @Field(() => DecimalScalar, { description: 'What had been used then.' })
  used: string;
  @Field(() => DateTimeScalar, { description: 'When the limit had started over last, UTC.' })
  windowStart: Instant;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it starts over next, UTC; null: never.' })
  windowEnd?: Instant | undefined;
  @Field(() => DateTimeScalar, { description: "When, by the tenant's clock, UTC." })
  reachedAt: Instant;
  readonly featureUuid: string;
}

export function toGraphqlUsageThreshold(threshold: UsageThreshold): UsageThresholdType {
  const { percent, windowStart, windowEnd, reachedAt } = threshold;
  return {
    ...{ percent, windowStart, windowEnd, reachedAt },
    id: encodeId('UsageThreshold', threshold.id, threshold.tenantId),
    limit: decimalText(threshold.limit),
    used: decimalText(threshold.used),
    featureUuid: threshold.featureId,
  };
}

export const UsageThresholdConnection = connectionOf('UsageThreshold', UsageThresholdType);

@ObjectType('RejectedUsageEvent', { description: 'An event that was not recorded.', simpleResolvers: true })
export class RejectedUsageEventType {
  @Field(() => Int, { description: 'Its place in the batch, from 0.' })
  index: number;
  @Field(() => String, { nullable: true, description: 'Its id, where it has one.' })
  id?: string | undefined;
  @Field(() => UsageEventProblemEnum, { description: 'For programs.' })
  code: EventProblemCode;
  @Field(() => String, { description: 'For people.' })
  message: string;
}

@ObjectType('CreateMeterDone', { description: 'The meter counts.', simpleResolvers: true })
export class CreateMeterDone extends MutationDone {
  @Field(() => MeterType, { description: 'The meter.' })
  meter: MeterType;
}
@ObjectType('RecordUsageDone', { description: 'The event is recorded.', simpleResolvers: true })
export class RecordUsageDone extends MutationDone {
  @Field(() => Boolean, { description: 'It was recorded before; nothing was counted again.' })
  duplicate: boolean;
}
@ObjectType('RecordUsageBatchDone', { description: 'What could be recorded is.', simpleResolvers: true })
export class RecordUsageBatchDoneType extends MutationDone {
  @Field(() => Int, { description: 'How many are new.' })
  recorded: number;
  @Field(() => Int, { description: 'How many were recorded before; nothing was counted again.' })
  duplicates: number;
  @Field(() => [RejectedUsageEventType], { description: 'The others, by their place.' })
  rejected: readonly RejectedEvent[];
}

export const CreateMeterResult = resultOf('CreateMeter', CreateMeterDone);
export const RecordUsageResult = resultOf('RecordUsage', RecordUsageDone);
export const RecordUsageBatchResult = resultOf('RecordUsageBatch', RecordUsageBatchDoneType);
