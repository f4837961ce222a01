import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ApolloServer } from '@apollo/server';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import type { DataSource } from 'typeorm';
import type { App } from '../app';
import type { Context } from '../graphql/context';
import type { ErrorCode } from '../graphql/errors';
import type { Metrics } from '../platform/metrics';
import { registerDocumentRoute } from './document-route';
import { registerGraphqlRoute, setBytes } from './graphql-route';
import { type PlaygroundOptions, registerPlayground } from './playground';
import { registerUsageRoute } from './usage-route';
import { registerWebhookRoute } from './webhook-route';

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

const errorText: Readonly<Record<number, { message: string; code: ErrorCode }>> = {
  400: { message: 'The body is not JSON.', code: 'BAD_REQUEST' },
  404: { message: 'There is nothing here.', code: 'BAD_REQUEST' },
  405: { message: 'POST a JSON body to /graphql.', code: 'BAD_REQUEST' },
  413: { message: 'The body is too large.', code: 'BAD_REQUEST' },
  415: { message: 'The body is application/json in UTF-8.', code: 'BAD_REQUEST' },
  408: { message: 'The request took too long to arrive.', code: 'BAD_REQUEST' },
  431: { message: 'The headers are too large.', code: 'BAD_REQUEST' },
  500: { message: 'Something went wrong on our side.', code: 'INTERNAL_SERVER_ERROR' },
};

function refusal(status: number, requestId: string) {
  const { message, code } = errorText[status] ?? { message: 'The request cannot be read.', code: 'BAD_REQUEST' };
  return { errors: [{ message, extensions: { code, requestId } }] };
}

/** What Node itself refuses before there is a request: there is only the connection to answer on. */
function refuseConnection(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : (400 as const);
  const body = JSON.stringify(refusal(status, randomUUID()));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      `\r\n${body}`,
    ].join('\r\n'),
  );
}

const isUtf8Name = (charset: string) => /^"?utf-?8"?$/i.test(charset.trim());

/** A readiness check is asked again in a moment; one that waits for a pool or a stuck database tells nobody anything. */
const readinessMilliseconds = 2_000;

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
    // What the answer, its header and our log call the request. Ours alone: what a client sends proves nothing.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    clientErrorHandler: refuseConnection,
    // What cannot even be routed: a path with a broken escape, for example.
    frameworkErrors: (_error, request, reply) =>
      void (reply as FastifyReply).status(400).send(refusal(400, request.id)),
  });
  let draining = false;
  // By callback: a promise for each hook of each request is not free.
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });

  // Only JSON in UTF-8: everything else is refused before it is read.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const type = request.headers['content-type'] ?? '';
    const charsets = type.includes(';') ? [...type.matchAll(/charset\s*=\s*([^;]+)/gi)] : [];
    if (!charsets.every(([, charset]) => isUtf8Name(charset!))) {
      return done(Object.assign(new Error('charset'), { statusCode: 415 }), undefined);
    }
    try {
      // Bytes that are not UTF-8 would become another text, silently.
      if (!isUtf8(body as Buffer)) throw new Error('not UTF-8');
      setBytes(request, body.length);
      done(null, JSON.parse(body.toString('utf8')));
    } catch {
      done(Object.assign(new Error('not JSON'), { statusCode: 400 }), undefined);
    }
  });
  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode && error.statusCode < 500 ? error.statusCode : 500;
    if (status < 500) return reply.status(status).send(refusal(status, request.id));
    app.log.error({ err: error, requestId: request.id }, 'request failed');
    return reply.status(500).send(refusal(500, request.id));
  });
  fastify.setNotFoundHandler((request, reply) => {
    const status = request.url.split('?')[0] === '/graphql' ? 405 : 404;
    if (status === 405) reply.header('allow', 'POST');
    return reply.status(status).send(refusal(status, request.id));
  });

  registerGraphqlRoute(fastify, { app, server, metrics });
  registerUsageRoute(fastify, { app, metrics });
  registerDocumentRoute(fastify, app);
  registerWebhookRoute(fastify, { app, metrics });
  if (parts.playground) registerPlayground(fastify, parts.playground);

  fastify.get('/health/live', async () => ({ status: 'live' }));
  /** What the invariants said when they were last looked at: a few rows, whatever there is in the database. */
  const lastChecks = async () => {
    const [row] = await source.query('select * from app.check_summary()');
    const { names, oldest } = row as { names: string[]; oldest: Date | null };
    const outcome = names.length > 0 ? 'findings' : oldest ? 'ok' : 'unchecked';
    return { outcome, findings: names, since: oldest?.toISOString() };
  };
  const answered = () =>
    Promise.race([
      lastChecks().catch(() => undefined),
      new Promise<undefined>((resolve) => setTimeout(resolve, readinessMilliseconds, undefined).unref()),
    ]);
  fastify.get('/health/ready', async (_request, reply) => {
    if (draining) return reply.status(503).send({ status: 'draining' });
    const checks = await answered();
    // A wrong row is no reason to take requests away from a server: /health is what raises an alarm.
    return checks
      ? { status: 'ready', checks: checks.outcome }
      : reply.status(503).send({ status: 'database unavailable' });
  });
  fastify.get('/health', async (_request, reply) => {
    const checks = await answered();
    if (!checks) return reply.status(503).send({ status: 'database unavailable' });
    const { outcome, findings, since } = checks;
    return reply.status(outcome === 'findings' ? 503 : 200).send({ status: outcome, findings, since });
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
