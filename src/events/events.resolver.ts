import { Arg, Args, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import { encodeId } from '../core/ids';
import type { Context } from '../graphql/context';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { BigIntScalar } from '../graphql/scalars';
import {
  createWebhookEndpoint,
  createWebhookEndpointRefusals,
  type CreateWebhookEndpointDone as NewEndpoint,
} from './create-webhook-endpoint.command';
import { deleteWebhookEndpoint, deleteWebhookEndpointRefusals } from './delete-webhook-endpoint.command';
import { placeOf } from './event';
import { isEventType } from './event-catalogue';
import {
  CreateWebhookEndpointInputType,
  CreateWebhookEndpointResult,
  DeleteWebhookEndpointInputType,
  DeleteWebhookEndpointResult,
  DeliveryStatusEnum,
  EventConnection,
  type EventType,
  ReplayEventsInputType,
  ReplayEventsResult,
  RotateWebhookSecretInputType,
  RotateWebhookSecretResult,
  SendTestEventInputType,
  SendTestEventResult,
  toGraphqlDelivery,
  toGraphqlEndpoint,
  toGraphqlEvent,
  UpdateWebhookEndpointInputType,
  UpdateWebhookEndpointResult,
  WebhookDeliveryConnection,
  type WebhookDeliveryType,
  WebhookEndpointConnection,
  type WebhookEndpointType,
} from './events.graphql';
import { replayEvents, replayEventsRefusals } from './replay-events.command';
import { rotateWebhookSecret, rotateWebhookSecretRefusals } from './rotate-webhook-secret.command';
import { sendTestEvent, sendTestEventRefusals } from './send-test-event.command';
import { updateWebhookEndpoint, updateWebhookEndpointRefusals } from './update-webhook-endpoint.command';
import type { DeliveryStatus } from './webhook-delivery';

/** What each mutation here has in common: an act of the partner. */
function ofPartner<I extends { readonly partnerId?: string }>(mutation: string, input: I, options: MutationArgs) {
  return {
    ...{ mutation, input, options },
    permission: 'PARTNER_WRITE',
    scope: { kind: 'PARTNER', partnerId: input.partnerId },
  } as const;
}

const withoutSecret = (value: NewEndpoint) => ({ ...value, secret: undefined });

@Resolver()
export class EventsResolver {
  @Query(() => WebhookEndpointConnection, { description: "The partner's webhook endpoints, oldest first." })
  async webhookEndpoints(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<WebhookEndpointType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const page = await tx.webhookEndpoints.page(partner, pageRequest(args));
    return toGraphqlPage(page, (endpoint) => endpoint.id, toGraphqlEndpoint);
  }

  @Query(() => WebhookDeliveryConnection, {
    description: 'What was sent to an endpoint and what waits, oldest first. Kept for 30 days after the end.',
  })
  async webhookDeliveries(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('endpointId', () => ID, { description: 'webhook_…' }) endpointId: string,
    @Arg('status', () => DeliveryStatusEnum, { nullable: true, description: 'Only these.' }) status:
      | DeliveryStatus
      | undefined,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<WebhookDeliveryType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    const endpoint = context.uuidOf('WebhookEndpoint', endpointId);
    if (!tx || !partner || !endpoint) return emptyPage(args);
    const page = await tx.webhookDeliveries.page(partner, endpoint, status ?? undefined, pageRequest(args));
    return toGraphqlPage(page, (delivery) => delivery.id, toGraphqlDelivery);
  }

  @Query(() => EventConnection, {
    description: "The partner's events in the order of their numbers. Kept for 90 days.",
  })
  async events(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('fromSequence', () => BigIntScalar, { nullable: true, description: 'Only from this number on.' })
    fromSequence: bigint | undefined,
    @Arg('types', () => [String], { nullable: true, description: 'Only these types.' }) types: string[] | undefined,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<EventType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const known = (types ?? []).filter(isEventType);
    if (types && types.length > 0 && known.length === 0) return emptyPage(args);
    const filter = { fromSequence: fromSequence ?? undefined, types: known };
    return toGraphqlPage(await tx.events.page(partner, filter, pageRequest(args)), placeOf, toGraphqlEvent);
  }

  @Mutation(() => CreateWebhookEndpointResult, {
    description: 'Sends the partner’s events to a URL from now on. The secret is shown once: keep it.',
  })
  @Refuses(createWebhookEndpointRefusals)
  createWebhookEndpoint(
    @Arg('input', () => CreateWebhookEndpointInputType, { description: 'The endpoint.' })
    input: CreateWebhookEndpointInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const { webhooks } = context.app;
    return context.mutate(
      { ...ofPartner('createWebhookEndpoint', input, options), keep: withoutSecret },
      (tx, given) => createWebhookEndpoint(tx, webhooks, given),
      ({ endpoint, secret }) => ({
        __typename: 'CreateWebhookEndpointDone',
        endpoint: toGraphqlEndpoint(endpoint),
        secret: secret ?? undefined,
      }),
    );
  }

  @Mutation(() => UpdateWebhookEndpointResult, { description: 'Changes, enables or disables an endpoint.' })
  @Refuses(updateWebhookEndpointRefusals)
  updateWebhookEndpoint(
    @Arg('input', () => UpdateWebhookEndpointInputType, { description: 'What changes.' })
    input: UpdateWebhookEndpointInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const { webhooks } = context.app;
    return context.mutate(
      ofPartner('updateWebhookEndpoint', input, options),
      (tx, given) => updateWebhookEndpoint(tx, webhooks, given),
      ({ endpoint }) => ({ __typename: 'UpdateWebhookEndpointDone', endpoint: toGraphqlEndpoint(endpoint) }),
    );
  }

  @Mutation(() => DeleteWebhookEndpointResult, { description: 'Sends nothing there any more.' })
  @Refuses(deleteWebhookEndpointRefusals)
  deleteWebhookEndpoint(
    @Arg('input', () => DeleteWebhookEndpointInputType, { description: 'Which endpoint.' })
    input: DeleteWebhookEndpointInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      ofPartner('deleteWebhookEndpoint', input, options),
      deleteWebhookEndpoint,
      ({ endpointId }) => ({
        __typename: 'DeleteWebhookEndpointDone',
        endpointId: encodeId('WebhookEndpoint', endpointId),
      }),
    );
  }

  @Mutation(() => RotateWebhookSecretResult, {
    description: 'A new secret, shown once. The old one signs too until previousSecretUntil.',
  })
  @Refuses(rotateWebhookSecretRefusals)
  rotateWebhookSecret(
    @Arg('input', () => RotateWebhookSecretInputType, { description: 'Which endpoint.' })
    input: RotateWebhookSecretInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const { webhooks } = context.app;
    return context.mutate(
      { ...ofPartner('rotateWebhookSecret', input, options), keep: withoutSecret },
      (tx, given) => rotateWebhookSecret(tx, webhooks, given),
      ({ endpoint, secret }) => ({
        __typename: 'RotateWebhookSecretDone',
        endpoint: toGraphqlEndpoint(endpoint),
        secret: secret ?? undefined,
      }),
    );
  }

  @Mutation(() => SendTestEventResult, { description: 'Sends webhook.test to one endpoint.' })
  @Refuses(sendTestEventRefusals)
  sendTestEvent(
    @Arg('input', () => SendTestEventInputType, { description: 'Where to.' }) input: SendTestEventInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(ofPartner('sendTestEvent', input, options), sendTestEvent, ({ delivery }) => ({
      __typename: 'SendTestEventDone',
      delivery: toGraphqlDelivery(delivery),
    }));
  }

  @Mutation(() => ReplayEventsResult, {
    description: 'Sends the events from a number on to an endpoint again: at most 1000 a call, with the ids they had.',
  })
  @Refuses(replayEventsRefusals)
  replayEvents(
    @Arg('input', () => ReplayEventsInputType, { description: 'Which events, where to.' })
    input: ReplayEventsInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(ofPartner('replayEvents', input, options), replayEvents, ({ count, nextSequence }) => ({
      __typename: 'ReplayEventsDone',
      ...{ count, nextSequence },
    }));
  }
}
