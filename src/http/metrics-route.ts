import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { DataSource } from 'typeorm';
import type { Metrics } from '../platform/metrics';
import { refusalBody } from './refusal';

export interface MetricsParts {
  readonly metrics: Metrics;
  readonly source: DataSource;
  /** The bearer token that readers of the metrics send; `undefined`: none, which is for a port of its own. */
  readonly token: string | undefined;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

/** GET /metrics for Prometheus. */
export function registerMetricsRoute(fastify: FastifyInstance, { metrics, source, token }: MetricsParts): void {
  const wanted = token === undefined ? undefined : digest(`Bearer ${token}`);
  fastify.get('/metrics', async (request, reply) => {
    if (wanted && !timingSafeEqual(digest(request.headers.authorization ?? ''), wanted)) {
      return reply.status(401).send(refusalBody('UNAUTHENTICATED', 'Give the token of METRICS_TOKEN.', request.id));
    }
    const pool = (
      source.driver as unknown as { master: { totalCount: number; idleCount: number; waitingCount: number } }
    ).master;
    metrics.databaseConnections.set({ state: 'total' }, pool.totalCount);
    metrics.databaseConnections.set({ state: 'idle' }, pool.idleCount);
    metrics.databaseConnections.set({ state: 'waiting' }, pool.waitingCount);
    return reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
