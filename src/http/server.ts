import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { WorkerOptions } from 'node:worker_threads';
import type { ApolloServer } from '@apollo/server';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { DataSource } from 'typeorm';
import type { App } from '../app';
import type { HttpSettings } from '../config';
import type { Context } from '../graphql/context';
import { isOutage } from '../graphql/errors';
import { limits } from '../graphql/limits';
import { NoSuchAccount } from '../platform/database';
import { Crowded } from '../platform/fair-queue';
import type { Metrics } from '../platform/metrics';
import {
  type ConnectionLimits,
  guardConnections,
  refuseConnection,
  refuseUnroutable,
  serverOptions,
} from './connections';
import { DocumentPrinter } from './document-printer';
import { registerDocumentRoute } from './document-route';
import { LongBody, registerGraphqlRoute } from './graphql-route';
import { registerHealthRoute } from './health-route';
import { type MetricsParts, registerMetricsRoute } from './metrics-route';
import { type PlaygroundOptions, registerPlayground } from './playground';
import { checkQueries } from './query-parameters';
import { readBody } from './read-body';
import { refusalOf, refuseCrowded, refuseOutage } from './refusal';
import { registerUsageRoute } from './usage-route';
import { registerWebhookRoute } from './webhook-route';

export const defaultHttpSettings: HttpSettings = {
  request: 30_000,
  usage: { bytes: 256 * 1024 * 1024, streams: 4 },
};

export interface HttpParts {
  readonly app: App;
  readonly server: ApolloServer<Context>;
  readonly metrics: Metrics;
  readonly source: DataSource;
  readonly playground: PlaygroundOptions | undefined;
  readonly settings?: HttpSettings;
  /** Readers of the metrics on this port send it; `undefined`: the metrics are not on this port. */
  readonly metricsToken?: string | undefined;
  /** Of the thread that prints. */
  readonly printer?: WorkerOptions;
}

export interface HttpServer {
  readonly fastify: FastifyInstance;
  /** Readiness turns false; what is being answered is answered. */
  drain(): void;
}

const isUtf8Name = (charset: string) => /^"?utf-?8"?$/i.test(charset.trim());

const failed = (status: number) => Object.assign(new Error(String(status)), { statusCode: status });

type Report = (error: unknown, requestId: string) => void;

/** What all servers of this process have in common: their answers when something fails, and what a connection may take. */
function createServer(connections: ConnectionLimits, report: Report): FastifyInstance {
  const fastify = Fastify({
    logger: false,
    ...serverOptions(connections),
    forceCloseConnections: 'idle',
    // What the answer, its header and our log call the request. Ours alone: what a client sends proves nothing.
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) =>
      refuseUnroutable(error, request as FastifyRequest, reply as FastifyReply),
  });
  guardConnections(fastify);
  checkQueries(fastify);
  fastify.removeAllContentTypeParsers();
  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof Crowded) return refuseCrowded(error, request, reply);
    // Its key was revoked, or its role taken away, a moment ago.
    if (error instanceof NoSuchAccount) return reply.status(401).send(refusalOf(401, request.id));
    const status = error.statusCode && error.statusCode < 500 ? error.statusCode : 500;
    if (status === 500) report(error, request.id);
    if (status === 500 && isOutage(error)) return refuseOutage(request, reply);
    return reply.status(status).send(refusalOf(status, request.id));
  });
  fastify.setNotFoundHandler((request, reply) => {
    const status = request.url.split('?')[0] === '/graphql' ? 405 : 404;
    if (status === 405) reply.header('allow', 'POST');
    return reply.status(status).send(refusalOf(status, request.id));
  });
  return fastify;
}

/**
 * Only JSON in UTF-8: everything else is refused before it is read. Of a body that is long enough to be dear no more is read
 * than tells that, until it is known who sends it.
 */
function readJson(fastify: FastifyInstance, app: App): void {
  fastify.addContentTypeParser('application/json', async (request: FastifyRequest) => {
    if (request.is404) return undefined;
    const type = request.headers['content-type'] ?? '';
    const charsets = type.includes(';') ? [...type.matchAll(/charset\s*=\s*([^;]+)/gi)] : [];
    if (!charsets.every(([, charset]) => isUtf8Name(charset!))) throw failed(415);
    const bytes = await readBody(request.raw, Number(request.headers['content-length']), {
      most: limits.batchBodyBytes,
      short: limits.bodyBytes,
      mayBeLong: async () => {
        const { authorization, 'tollgate-account': account } = request.headers;
        const { outcome } = await app.authenticate(authorization, typeof account === 'string' ? account : undefined);
        return outcome === 'ACTOR' || outcome === 'ACCOUNT_REQUIRED';
      },
    });
    if (!Buffer.isBuffer(bytes)) return bytes;
    // Bytes that are not UTF-8 would become another text, silently.
    if (!isUtf8(bytes)) throw failed(400);
    if (bytes.length > limits.bodyBytes) return new LongBody(bytes);
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      throw failed(400);
    }
  });
}

/** Everything that speaks HTTP. */
export function createHttpServer(parts: HttpParts): HttpServer {
  const { app, server, metrics, source, settings = defaultHttpSettings, metricsToken } = parts;
  const fastify = createServer(settings, (err, requestId) => app.log.error({ err, requestId }, 'request failed'));
  let draining = false;
  readJson(fastify, app);
  registerGraphqlRoute(fastify, { app, server, metrics });
  // It ends by itself, and says how far it came, a little before a request that is still arriving is cut off.
  const usage = { ...settings.usage, milliseconds: Math.floor((settings.request * 5) / 6) };
  registerUsageRoute(fastify, { app, metrics, limits: usage });
  const printer = new DocumentPrinter(app, parts.printer);
  fastify.addHook('onClose', () => printer.close());
  registerDocumentRoute(fastify, app, printer);
  registerWebhookRoute(fastify, { app, metrics });
  registerHealthRoute(fastify, source, () => draining);
  if (metricsToken !== undefined) registerMetricsRoute(fastify, { metrics, source, token: metricsToken });
  if (parts.playground) registerPlayground(fastify, parts.playground);
  return {
    fastify,
    drain: () => {
      draining = true;
    },
  };
}

/** A server of its own for the metrics, on a port that is not for customers. */
export function createMetricsServer(parts: MetricsParts, report: Report): FastifyInstance {
  const fastify = createServer(defaultHttpSettings, report);
  registerMetricsRoute(fastify, parts);
  return fastify;
}
