import type { ApolloServer } from '@apollo/server';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { DataSource } from 'typeorm';
import type { App } from '../app';
import type { Context } from '../graphql/context';
import type { Metrics } from '../platform/metrics';
import { registerGraphqlRoute } from './graphql-route';
import { type PlaygroundOptions, registerPlayground } from './playground';

export interface HttpParts {
  readonly app: App;
  readonly server: ApolloServer<Context>;
  readonly metrics: Metrics;
  readonly source: DataSource;
  readonly playground: PlaygroundOptions | undefined;
}

export interface HttpServer {
  readonly fastify: FastifyInstance;
  /** Readiness turns false; what is being answered is answered. */
  drain(): void;
}

const errorText: Readonly<Record<number, { message: string; code: string }>> = {
  404: { message: 'There is nothing here.', code: 'BAD_REQUEST' },
  405: { message: 'POST a JSON body to /graphql.', code: 'BAD_REQUEST' },
  413: { message: 'The body is too large.', code: 'BAD_REQUEST' },
  415: { message: 'The body is application/json in UTF-8.', code: 'BAD_REQUEST' },
};

/** Everything that speaks HTTP. Every refusal is JSON in the shape of a GraphQL answer, whatever refused it. */
export function createHttpServer(parts: HttpParts): HttpServer {
  const { app, server, metrics, source } = parts;
  const fastify = Fastify({
    logger: false,
    // Slow bodies do not hold a connection for ever.
    connectionTimeout: 30_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: 'idle',
  });
  let draining = false;

  // Only JSON in UTF-8: everything else is refused before it is read.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const charset = /charset=([^;]+)/i
      .exec(request.headers['content-type'] ?? '')?.[1]
      ?.trim()
      .toLowerCase();
    if (charset && charset !== 'utf-8' && charset !== 'utf8') {
      return done(Object.assign(new Error('charset'), { statusCode: 415 }), undefined);
    }
    try {
      done(null, JSON.parse(body as string));
    } catch {
      done(Object.assign(new Error('not JSON'), { statusCode: 400 }), undefined);
    }
  });
  const refusal = (status: number) => ({
    errors: [
      {
        message: errorText[status]?.message ?? 'The body is not JSON.',
        extensions: { code: errorText[status]?.code ?? 'BAD_REQUEST' },
      },
    ],
  });
  fastify.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode && error.statusCode < 500 ? error.statusCode : 500;
    if (status < 500) return reply.status(status).send(refusal(status));
    app.log.error({ err: error }, 'request failed');
    return reply.status(500).send({
      errors: [{ message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
  });
  fastify.setNotFoundHandler((request, reply) => {
    const status = request.url.split('?')[0] === '/graphql' ? 405 : 404;
    if (status === 405) reply.header('allow', 'POST');
    return reply.status(status).send(refusal(status));
  });

  registerGraphqlRoute(fastify, { app, server, metrics });
  if (parts.playground) registerPlayground(fastify, parts.playground);

  fastify.get('/health/live', async () => ({ status: 'live' }));
  fastify.get('/health/ready', async (_request, reply) => {
    if (draining) return reply.status(503).send({ status: 'draining' });
    try {
      await source.query('select 1');
      return { status: 'ready' };
    } catch {
      return reply.status(503).send({ status: 'database unavailable' });
    }
  });
  fastify.get('/metrics', async (_request, reply) => {
    const pool = (
      source.driver as unknown as { master: { totalCount: number; idleCount: number; waitingCount: number } }
    ).master;
    metrics.databaseConnections.set({ state: 'total' }, pool.totalCount);
    metrics.databaseConnections.set({ state: 'idle' }, pool.idleCount);
    metrics.databaseConnections.set({ state: 'waiting' }, pool.waitingCount);
    return reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  return {
    fastify,
    drain: () => {
      draining = true;
    },
  };
}
