import type { FastifyInstance } from 'fastify';
import type { DataSource } from 'typeorm';

/** A readiness check is asked again in a moment; one that waits for a pool or a stuck database says nothing at all. */
const readinessMilliseconds = 2_000;

/** Whether the process runs (`/health/live`), can answer (`/health/ready`), and has a reason for an alarm (`/health`). */
export function registerHealthRoute(fastify: FastifyInstance, source: DataSource, isDraining: () => boolean): void {
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
  fastify.get('/health/live', async () => ({ status: 'live' }));
  fastify.get('/health/ready', async (_request, reply) => {
    if (isDraining()) return reply.status(503).send({ status: 'draining' });
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
}
