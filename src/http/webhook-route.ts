import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../app';
import type { Metrics } from '../platform/metrics';

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
    const body = request.body as Buffer;
    if (!Buffer.isBuffer(body) || body.length === 0 || !isUtf8(body)) return refuse(400, 'BODY_INVALID');
    const verified = await provider.verifyWebhook(body, request.headers, app.clock.now());
    if (!verified.ok) return refuse(400, verified.refusal.code);
    const isNew = await app.storeInbound(verified.value, body.toString('utf8'));
    metrics.inboundEvents.inc({ provider: provider.name, outcome: isNew ? 'stored' : 'repeated' });
    return reply.status(200).send({ received: true });
  }

  fastify.register(async (child) => {
    child.removeAllContentTypeParsers();
    child.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
    child.post('/webhooks/:provider', { bodyLimit }, handle);
  });
}
