import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { encodeId } from '../core/ids';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { BigIntScalar, DateTimeScalar } from '../graphql/scalars';
import { bodyOf, type Event } from './event';
import {
  type DeliveryAttempt,
  type DeliveryProblem,
  type DeliveryStatus,
  deliveryProblems,
  deliveryStatuses,
  type WebhookDelivery,
} from './webhook-delivery';
import {
  type DisabledReason,
  disabledReasons,
  type EndpointStatus,
  endpointStatuses,
  type WebhookEndpoint,
} from './webhook-endpoint';

const EndpointStatusEnum = enumFrom('WebhookEndpointStatus', endpointStatuses, 'Whether events are sent there.', {
  ENABLED: 'They are.',
  DISABLED: 'They are not, and those that happen meanwhile are sent only by replayEvents.',
});
const DisabledReasonEnum = enumFrom('WebhookDisabledReason', disabledReasons, 'Why an endpoint is disabled.', {
  BY_REQUEST: 'By updateWebhookEndpoint.',
  FAILING: 'Every attempt failed for five days.',
  GONE: 'It answered 410.',
});
export const DeliveryStatusEnum = enumFrom('WebhookDeliveryStatus', deliveryStatuses, 'How far a delivery is.', {
  PENDING: 'To be sent, or to be tried again at nextAttemptAt.',
  SUCCEEDED: 'The endpoint answered 2xx.',
  FAILED: 'All ten attempts were used up. replayEvents begins anew.',
});
const DeliveryProblemEnum = enumFrom(
  'WebhookDeliveryProblem',
  deliveryProblems,
  'Why the last attempt did not succeed.',
  {
    NO_PUBLIC_ADDRESS: 'The host has no address, or one that is not public.',
    CONNECTION_FAILED: 'No connection, or it broke, or the certificate does not hold.',
    TIMEOUT: 'No answer in time.',
    BAD_STATUS: 'Another answer than 2xx; redirects are not followed.',
  },
);

@ObjectType('WebhookEndpoint', { description: 'Where a partner wants its events.', simpleResolvers: true })
export class WebhookEndpointType {
  @Field(() => ID, { description: 'webhook_…' })
  id: string;
  @Field(() => String, { description: 'Called by POST.' })
  url: string;
  @Field(() => String, { description: 'For people.' })
  description: string;
  @Field(() => [String], { description: 'Which events are sent there; empty: all.' })
  eventTypes: readonly string[];
  @Field(() => EndpointStatusEnum, { description: 'Whether events are sent there.' })
  status: EndpointStatus;
  @Field(() => DisabledReasonEnum, { nullable: true, description: 'Why not.' })
  disabledReason?: DisabledReason | undefined;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until then the secret before the last rotation signs too.',
  })
  previousSecretUntil?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Since when every attempt has failed, UTC.' })
  failingSince?: Instant | undefined;
  @Field(() => Int, { description: 'Grows with each change.' })
  version: number;
  @Field(() => DateTimeScalar, { description: 'When it was made, UTC.' })
  createdAt: Instant;
}

export function toGraphqlEndpoint(endpoint: WebhookEndpoint): WebhookEndpointType {
  return { ...endpoint, id: encodeId('WebhookEndpoint', endpoint.id) };
}

@ObjectType('WebhookAttempt', { description: 'One request to an endpoint.', simpleResolvers: true })
export class WebhookAttemptType {
  @Field(() => DateTimeScalar, { description: 'When it began, UTC.' })
  at: Instant;
  @Field(() => Int, { nullable: true, description: 'What was answered; null: nothing.' })
  responseStatus?: number | undefined;
  @Field(() => DeliveryProblemEnum, { nullable: true, description: 'Why it did not succeed; null: it did.' })
  problem?: DeliveryProblem | undefined;
  @Field(() => Int, { description: 'How long it took.' })
  milliseconds: number;
}

@ObjectType('WebhookDelivery', { description: 'One event on its way to one endpoint.', simpleResolvers: true })
export class WebhookDeliveryType {
  @Field(() => ID, { description: 'delivery_…' })
  id: string;
  @Field(() => ID, { description: 'webhook_…' })
  endpointId: string;
  @Field(() => BigIntScalar, { nullable: true, description: "The event's number; null: a test event." })
  sequence?: bigint | undefined;
  @Field(() => String, { description: 'The type of the event.' })
  eventType: string;
  @Field(() => DeliveryStatusEnum, { description: 'How far it is.' })
  status: DeliveryStatus;
  @Field(() => Int, { description: 'How often it was tried, since it was last replayed.' })
  attemptCount: number;
  @Field(() => [WebhookAttemptType], { description: 'The last 20 attempts, also those before a replay, oldest first.' })
  attempts: readonly DeliveryAttempt[];
  @Field(() => DateTimeScalar, { nullable: true, description: 'Pending: not tried before, UTC.' })
  nextAttemptAt?: Instant | undefined;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was last tried, UTC.' })
  lastAttemptAt?: Instant | undefined;
  @Field(() => Int, { nullable: true, description: 'What the endpoint answered last.' })
  responseStatus?: number | undefined;
  @Field(() => DeliveryProblemEnum, { nullable: true, description: 'Why the last attempt did not succeed.' })
  problem?: DeliveryProblem | undefined;
  @Field(() => DateTimeScalar, { description: 'When it was first put on its way, UTC.' })
  createdAt: Instant;
}

export function toGraphqlDelivery(delivery: WebhookDelivery): WebhookDeliveryType {
  const { attempts: attemptCount, attemptLog: attempts, ...rest } = delivery;
  return {
    ...{ ...rest, attemptCount, attempts },
    id: encodeId('WebhookDelivery', delivery.id),
    endpointId: encodeId('WebhookEndpoint', delivery.endpointId),
    nextAttemptAt: delivery.status === 'PENDING' ? delivery.nextAttemptAt : undefined,
  };
}

@ObjectType('Event', { description: "One event of the partner's log.", simpleResolvers: true })
export class EventType {
  @Field(() => ID, { description: 'event_…: the webhook-id of its deliveries.' })
  id: string;
  @Field(() => BigIntScalar, { description: '1, 2, 3 … for each partner, without holes.' })
  sequence: bigint;
  @Field(() => String, { description: 'For example invoice.finalized; docs/events.md lists them.' })
  type: string;
  @Field(() => ID, { nullable: true, description: 'Whom it is about: tenant_…' })
  tenantId?: string | undefined;
  @Field(() => Boolean, { description: 'It is about a sandbox tenant.' })
  sandbox: boolean;
  @Field(() => DateTimeScalar, { description: "When it happened, UTC; by a sandbox tenant's own clock." })
  occurredAt: Instant;
  @Field(() => String, { description: 'The JSON text that is sent to endpoints, to the letter.' })
  body: string;
}

export function toGraphqlEvent(event: Event): EventType {
  return {
    ...event,
    id: encodeId('Event', event.id),
    tenantId: event.tenantId && encodeId('Tenant', event.tenantId),
    body: bodyOf(event),
  };
}

export const WebhookEndpointConnection = connectionOf('WebhookEndpoint', WebhookEndpointType);
export const WebhookDeliveryConnection = connectionOf('WebhookDelivery', WebhookDeliveryType);
export const EventConnection = connectionOf('Event', EventType);

const partnerField = { nullable: true, description: 'Only for super admins: whose.' } as const;

@InputType('CreateWebhookEndpointInput', { description: 'A new endpoint.' })
export class CreateWebhookEndpointInputType {
  @Field(() => ID, partnerField)
  partnerId?: string;
  @Field(() => String, { description: 'https, a public name, port 443 or 8443, no credentials.' })
  url: string;
  @Field(() => String, { nullable: true, description: 'For people; up to 200 characters.' })
  description?: string;
  @Field(() => [String], { nullable: true, description: 'Which events; none or an empty list: all.' })
  eventTypes?: string[];
}

@InputType('UpdateWebhookEndpointInput', { description: 'What changes; what is not given stays.' })
export class UpdateWebhookEndpointInputType {
  @Field(() => ID, partnerField)
  partnerId?: string;
  @Field(() => ID, { description: 'webhook_…' })
  endpointId: string;
  @Field(() => Int, { nullable: true, description: 'Refuses when it was changed since this version.' })
  expectedVersion?: number;
  @Field(() => String, { nullable: true, description: 'https, a public name, port 443 or 8443, no credentials.' })
  url?: string;
  @Field(() => String, { nullable: true, description: 'For people; up to 200 characters.' })
  description?: string;
  @Field(() => [String], { nullable: true, description: 'Which events; an empty list: all.' })
  eventTypes?: string[];
  @Field(() => Boolean, { nullable: true, description: 'false: nothing is sent there. true: also forgets failures.' })
  enabled?: boolean;
}

@InputType('DeleteWebhookEndpointInput', { description: 'Which endpoint goes.' })
export class DeleteWebhookEndpointInputType {
  @Field(() => ID, partnerField)
  partnerId?: string;
  @Field(() => ID, { description: 'webhook_…' })
  endpointId: string;
}

@InputType('RotateWebhookSecretInput', { description: 'Whose secret is replaced.' })
export class RotateWebhookSecretInputType {
  @Field(() => ID, partnerField)
  partnerId?: string;
  @Field(() => ID, { description: 'webhook_…' })
  endpointId: string;
  @Field(() => Int, { nullable: true, description: 'How long the old secret signs too: 0 to 168; default 24.' })
  oldSecretValidHours?: number;
}

@InputType('SendTestEventInput', { description: 'Where to.' })
export class SendTestEventInputType {
  @Field(() => ID, partnerField)
  partnerId?: string;
  @Field(() => ID, { description: 'webhook_…' })
  endpointId: string;
}

@InputType('ReplayEventsInput', { description: 'Which events, where to.' })
export class ReplayEventsInputType {
  @Field(() => ID, partnerField)
  partnerId?: string;
  @Field(() => ID, { description: 'webhook_…' })
  endpointId: string;
  @Field(() => BigIntScalar, { description: 'From this number on.' })
  fromSequence: bigint;
}

@ObjectType('CreateWebhookEndpointDone', { description: 'Events are sent there from now on.', simpleResolvers: true })
export class CreateWebhookEndpointDone extends MutationDone {
  @Field(() => WebhookEndpointType, { description: 'The new endpoint.' })
  endpoint: WebhookEndpointType;
  @Field(() => String, { nullable: true, description: 'whsec_…, this one time; null in a replay and in a dry run.' })
  secret?: string | undefined;
}
@ObjectType('UpdateWebhookEndpointDone', { description: 'The endpoint was changed.', simpleResolvers: true })
export class UpdateWebhookEndpointDone extends MutationDone {
  @Field(() => WebhookEndpointType, { description: 'As it is now.' })
  endpoint: WebhookEndpointType;
}
@ObjectType('DeleteWebhookEndpointDone', { description: 'Nothing is sent there any more.', simpleResolvers: true })
export class DeleteWebhookEndpointDone extends MutationDone {
  @Field(() => ID, { description: 'webhook_…' })
  endpointId: string;
}
@ObjectType('RotateWebhookSecretDone', { description: 'The new secret signs.', simpleResolvers: true })
export class RotateWebhookSecretDone extends MutationDone {
  @Field(() => WebhookEndpointType, { description: 'The endpoint.' })
  endpoint: WebhookEndpointType;
  @Field(() => String, { nullable: true, description: 'whsec_…, this one time; null in a replay and in a dry run.' })
  secret?: string | undefined;
}
@ObjectType('SendTestEventDone', { description: 'The test event is on its way.', simpleResolvers: true })
export class SendTestEventDone extends MutationDone {
  @Field(() => WebhookDeliveryType, { description: 'How far it is: ask webhookDeliveries.' })
  delivery: WebhookDeliveryType;
}
@ObjectType('ReplayEventsDone', { description: 'The events are on their way again.', simpleResolvers: true })
export class ReplayEventsDone extends MutationDone {
  @Field(() => Int, { description: 'How many; at most 1000 a call.' })
  count: number;
  @Field(() => BigIntScalar, { nullable: true, description: 'Where the next call goes on; null: that was all.' })
  nextSequence?: bigint | undefined;
}

export const CreateWebhookEndpointResult = resultOf('CreateWebhookEndpoint', CreateWebhookEndpointDone);
export const UpdateWebhookEndpointResult = resultOf('UpdateWebhookEndpoint', UpdateWebhookEndpointDone);
export const DeleteWebhookEndpointResult = resultOf('DeleteWebhookEndpoint', DeleteWebhookEndpointDone);
export const RotateWebhookSecretResult = resultOf('RotateWebhookSecret', RotateWebhookSecretDone);
export const SendTestEventResult = resultOf('SendTestEvent', SendTestEventDone);
export const ReplayEventsResult = resultOf('ReplayEvents', ReplayEventsDone);
