import { type DispatcherOptions, WebhookDispatcher } from '../../../src/events/dispatch-webhooks.job';
import type { TestGateway } from '../../support/gateway';
import type { World } from '../../support/world';

/** A dispatcher of the gateway's own, without jitter: the middle of each range. */
export function dispatcherOf(gateway: TestGateway, options: Partial<DispatcherOptions> = {}): WebhookDispatcher {
  const { app } = gateway;
  return new WebhookDispatcher({
    ...{ system: app.system, webhooks: app.webhooks, random: () => 0.5 },
    ...options,
  });
}

const endpointFields =
  'id url description eventTypes status disabledReason previousSecretUntil failingSince version createdAt';
export const deliveryFields = `id endpointId sequence eventType status attemptCount nextAttemptAt lastAttemptAt responseStatus problem
  attempts { at responseStatus problem milliseconds }`;

/** The webhook side of a partner, through the API. */
export class Webhooks {
  constructor(
    private readonly gateway: TestGateway,
    private readonly world: World,
  ) {}

  private get partnerId() {
    return this.world.partnerId;
  }

  /** Answers `{ endpoint, secret }`, or the refusal. */
  create(url: string, extra: object = {}) {
    const input = { partnerId: this.partnerId, url, ...extra };
    return this.world.act('createWebhookEndpoint', input, `secret endpoint { ${endpointFields} }`);
  }

  update(endpointId: string, changes: object) {
    const input = { partnerId: this.partnerId, endpointId, ...changes };
    return this.world.act('updateWebhookEndpoint', input, `endpoint { ${endpointFields} }`);
  }

  remove(endpointId: string) {
    return this.world.act('deleteWebhookEndpoint', { partnerId: this.partnerId, endpointId }, 'endpointId');
  }

  rotate(endpointId: string, extra: object = {}) {
    const input = { partnerId: this.partnerId, endpointId, ...extra };
    return this.world.act('rotateWebhookSecret', input, `secret endpoint { ${endpointFields} }`);
  }

  test(endpointId: string) {
    return this.world.act('sendTestEvent', { partnerId: this.partnerId, endpointId }, `delivery { ${deliveryFields} }`);
  }

  replay(endpointId: string, fromSequence: string) {
    const input = { partnerId: this.partnerId, endpointId, fromSequence };
    return this.world.act('replayEvents', input, 'count nextSequence');
  }

  /** Something happens: one event, `coupon.created`, whose code is answered. */
  async happen(code = `C${Math.random().toString(36).slice(2, 10).toUpperCase()}`): Promise<string> {
    await this.world.coupon(code, { name: code, kind: 'PERCENT', percent: '10' });
    return code;
  }

  async endpoint(endpointId: string) {
    const { nodes } = await this.gateway.get(
      'super-admin',
      `query ($id: ID) { webhookEndpoints(partnerId: $id, first: 100) { nodes { ${endpointFields} } } }`,
      { id: this.partnerId },
    );
    return nodes.find(({ id }: { id: string }) => id === endpointId);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  async deliveries(endpointId: string): Promise<any[]> {
    const { nodes } = await this.gateway.get(
      'super-admin',
      `query ($id: ID, $endpoint: ID!) { webhookDeliveries(partnerId: $id, endpointId: $endpoint, first: 100) { nodes { ${deliveryFields} } } }`,
      { id: this.partnerId, endpoint: endpointId },
    );
    return nodes;
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  async events(fromSequence?: string, extra = ''): Promise<any[]> {
    const { nodes } = await this.gateway.get(
      'super-admin',
      `query ($id: ID, $from: BigInt) { events(partnerId: $id, fromSequence: $from, first: 100${extra}) {
        nodes { id sequence type tenantId sandbox occurredAt body } } }`,
      { id: this.partnerId, from: fromSequence },
    );
    return nodes;
  }
}
