import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What an operator watches. Labels are few and bounded: operation names come from clients and are not among them. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Counter<'outcome'>;
  readonly seconds: Histogram;
  readonly databaseConnections: Gauge<'state'>;
  readonly inboundEvents: Counter<'provider' | 'outcome'>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    requests: new Counter({
      name: 'tollgate_graphql_requests_total',
      help: 'GraphQL requests by outcome: ok, errors, refused before execution.',
      labelNames: ['outcome'],
      registers: [registry],
    }),
    seconds: new Histogram({
      name: 'tollgate_graphql_request_seconds',
      help: 'From the whole body read to the answer written, seconds.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [registry],
    }),
    databaseConnections: new Gauge({
      name: 'tollgate_database_connections',
      help: 'Connections of the request pool by state: total, idle, waiting callers.',
      labelNames: ['state'],
      registers: [registry],
    }),
    inboundEvents: new Counter({
      name: 'tollgate_inbound_events_total',
      help: 'Webhooks of payment providers: stored, repeated, failed (the database is away; the provider sends it again), or refused (signature, timestamp, body). Refusals that begin with a new secret mean that the secret here is stale.',
      labelNames: ['provider', 'outcome'],
      registers: [registry],
    }),
  };
}
