import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../app';
import { isOutage } from '../graphql/errors';
import type { Metrics } from '../platform/metrics';
import { BodyTooLarge, readBody } from './read-body';

export interface WebhookRouteParts {
  readonly app: App;
  readonly metrics: Metrics;
}

/** The largest events of the providers are some 100 KB. */
const bodyLimit = 1024 * 1024;

/**
 * POST /webhooks/:provider. What is signed is the bytes, so they are kept as they came: this plugin has a parser of its own. An
 * event is stored before it is answered, in one statement that waits for nobody; it is processed afterwards.
 */
export function registerWebhookRoute(fastify: FastifyInstance, { app, metrics }: WebhookRouteParts): void {
  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { provider: slug } = request.params as { provider: string };
    const provider = app.providers.bySlug(slug);
    if (!provider) return reply.status(404).send({ error: 'NOT_FOUND' });
    const refuse = (status: number, error: string) => {
      metrics.inboundEvents.inc({ provider: provider.name, outcome: 'refused' });
      app.log.warn({ provider: provider.name, reason: error, requestId: request.id }, 'a webhook was refused');
      return reply.status(status).send({ error });
    };
    const body = request.body as Buffer | BodyTooLarge;
    if (body instanceof BodyTooLarge) return refuse(413, 'BODY_TOO_LARGE');
    if (!Buffer.isBuffer(body) || body.length === 0 || !isUtf8(body)) return refuse(400, 'BODY_INVALID');
    const verified = await provider.verifyWebhook(body, request.headers, app.clock.now());
    if (!verified.ok) return refuse(400, verified.refusal.code);
    let isNew: boolean;
    try {
      isNew = await app.storeInbound(verified.value, body.toString('utf8'));
    } catch (error) {
      if (!isOutage(error)) throw error;
      // Nothing is stored, or nobody knows: the provider sends it again, and what is there already is known by its id.
      metrics.inboundEvents.inc({ provider: provider.name, outcome: 'failed' });
      app.log.error({ err: error, provider: provider.name, requestId: request.id }, 'a webhook could not be stored');
      return reply.status(503).header('retry-after', '5').send({ error: 'SERVICE_UNAVAILABLE' });
    }
    metrics.inboundEvents.inc({ provider: provider.name, outcome: isNew ? 'stored' : 'repeated' });
    return reply.status(200).send({ received: true });
  }

  fastify.register(async (child) => {
    child.removeAllContentTypeParsers();
    child.addContentTypeParser('*', async (request: FastifyRequest) =>
      readBody(request.raw, Number(request.headers['content-length']), { most: bodyLimit }),
    );
    child.post('/webhooks/:provider', handle);
  });
}
