import type { JWK } from 'jose';
import { Client } from 'pg';
import { dataSourceFor } from '../../ormconfig';
import { createSuperAdmin } from '../access/create-super-admin.command';
import { mostFollowUps } from '../admission';
import { App } from '../app';
import { runBilling } from '../billing/billing-run.job';
import { runChecks } from '../billing/run-checks.job';
import { type Config, ConfigError } from '../config';
import { WebhookDispatcher } from '../events/dispatch-webhooks.job';
import { createGraphqlServer } from '../graphql/server';
import { createHttpServer, createMetricsServer } from '../http/server';
import { keepSubscriptionsInStep } from '../licences/keep-subscriptions-in-step.job';
import { processInbox } from '../payments/process-inbox.job';
import { setupProblem } from '../payments/stripe/stripe-setup';
import { type Clock, wallClock } from '../platform/clock';
import { type ScheduledTask, startJobQueue } from '../platform/job-queue';
import { createLog } from '../platform/log';
import { createMetrics } from '../platform/metrics';
import { openDatabase } from '../platform/open-database';
import { repeat } from '../platform/repeat';
import { demoSecrets } from '../platform/secrets';
import { createTextSigner } from '../platform/signed-text';
import { signDemoToken, verifierForDemo, verifierForProvider } from '../platform/tokens';
import { webhookSecretsFrom } from '../platform/webhook-signing';
import { demoSteps, seedDemo } from '../seed/demo';
import { demoEmail, demoIdentities, demoSubject } from '../seed/identities';
import type { System } from '../system';
import { createProviders } from './providers';
import { checkDataFolder, checkPort, listenProblem } from './startup-problem';

export interface Progress {
  line(text: string): void;
  /** A long step: how far it is. */
  bar(what: string, steps: number): { advance(): void; end(): void };
}

export interface Gateway {
  readonly url: string;
  /** Where `/metrics` is; `undefined`: nowhere. */
  readonly metricsUrl: string | undefined;
  readonly databaseAbout: string;
  readonly app: App;
  stop(): Promise<void>;
}

export async function demoTokens(identityKey: JWK): Promise<{ name: string; about: string; token: string }[]> {
  return Promise.all(
    demoIdentities.map(async ({ name, about }) => ({
      ...{ name, about },
      token: await signDemoToken(identityKey, demoSubject(name), demoEmail(name)),
    })),
  );
}

const firstPort = 4_000;

/** Starts everything, in the order in which the parts need each other; `stop` ends it in the other order. */
export async function startGateway(config: Config, progress: Progress, clock: Clock = wallClock): Promise<Gateway> {
  const log = createLog(config.logLevel, config.secrets);
  // Before anything is made: what would end the start anyway.
  await checkPort(config.host, config.port, 'PORT');
  if (config.metrics.at) await checkPort(config.metrics.at.host, config.metrics.at.port, 'METRICS_PORT');
  if (config.mode === 'demo' || config.databaseUrl === undefined) checkDataFolder(config);
  const demo = config.mode === 'demo' ? await demoSecrets(config.dataFolder) : undefined;
  const database = await openDatabase(
    config,
    async () => (await demoSecrets(config.dataFolder)).databasePassword,
    progress.line,
  );
  const closing: (() => Promise<unknown>)[] = [() => database.close()];
  const stop = async () => {
    for (const close of closing.reverse().splice(0))
      await close().catch((error) => log.error({ err: error }, 'while stopping'));
  };
  try {
    const onPoolError = (error: Error) => log.info({ err: error }, 'an idle database connection ended');
    const { poolSize } = config;
    const source = dataSourceFor({ url: database.appUrl, poolSize, name: 'app', onPoolError });
    const jobSource = dataSourceFor({
      url: database.jobUrl,
      // A connection for each worker, a few for the dispatcher's short transactions, some to spare, and as many again for
      // what follows the writes of requests.
      poolSize:
        (config.billing?.workers ?? 0) +
        3 * config.paymentWorkers +
        (config.webhookDispatcher ? 4 : 0) +
        3 +
        mostFollowUps,
      ...{ name: 'job', onPoolError },
    });
    // An event is stored in one short statement that waits for no lock: a few at once are many in a second.
    const inboxSource = dataSourceFor({ url: database.appUrl, poolSize: 4, name: 'inbox', onPoolError });
    await source.initialize();
    closing.push(() => source.destroy());
    await jobSource.initialize();
    closing.push(() => jobSource.destroy());
    await inboxSource.initialize();
    closing.push(() => inboxSource.destroy());

    const verifier = demo
      ? verifierForDemo(demo.identityKey)
      : verifierForProvider(config.identity!.jwksUrl, config.identity!.issuer, config.identity!.audience);
    const signer = createTextSigner(config.quoteSecret ?? demo!.quoteSecret);
    const webhooks = {
      ...webhookSecretsFrom(config.webhookKey ?? `webhooks ${demo!.quoteSecret}`),
      allowLoopback: config.webhookLoopback,
    };
    let listensAt: string | undefined;
    const providers = createProviders(config, demo, clock, log, (event) =>
      listensAt === undefined ? undefined : fetch(`${listensAt}/webhooks/fake`, { method: 'POST', ...event }),
    );
    const { rates } = config;
    const app = new App({ source, jobSource, inboxSource, clock, verifier, signer, webhooks, log, providers, rates });
    if (demo) await loadDemo(app, database.ownerUrl, progress);

    if (config.webhookDispatcher) {
      const dispatcher = new WebhookDispatcher({ system: app.system, webhooks });
      dispatcher.start();
      closing.push(() => dispatcher.stop());
    }

    const server = createGraphqlServer({ introspection: config.mode === 'demo', log });
    await server.start();
    closing.push(() => server.stop());
    const playground = demo ? { identities: await demoTokens(demo.identityKey) } : undefined;
    const metrics = createMetrics();
    const http = createHttpServer({
      ...{ app, server, metrics, source, playground, settings: config.http },
      metricsToken: config.metrics.at ? undefined : config.metrics.token,
    });
    closing.push(async () => {
      http.drain();
      await http.fastify.close();
    });
    const url = await listen(http.fastify, config);
    listensAt = url;
    let metricsUrl = config.metrics.token === undefined ? undefined : url;
    if (config.metrics.at) {
      const { token, at } = config.metrics;
      const report = (err: unknown) => log.error({ err }, 'the metrics could not be read');
      const metricsServer = createMetricsServer({ metrics, source, token }, report);
      closing.push(() => metricsServer.close());
      metricsUrl = await metricsServer.listen(at);
    }
    void warnOfStripeSetup(app);
    if (config.paymentWorkers > 0) {
      const workers = config.paymentWorkers;
      const inbox = (signal: AbortSignal) => processInbox(app.system, providers, { workers, signal });
      const payments = (signal: AbortSignal) => app.paymentWork.runDue({ workers, signal });
      const licences = (signal: AbortSignal) => keepSubscriptionsInStep(app.system, providers, signal);
      const checkouts = (signal: AbortSignal) => app.stripeCheckouts.runDue({ workers, signal });
      const rounds = [
        repeat('inbox', 500, inbox, log),
        repeat('payments', 1_000, payments, log),
        repeat('licences', 30_000, licences, log),
        repeat('checkouts', 1_000, checkouts, log),
      ];
      closing.push(() => Promise.all(rounds.map((round) => round.stop())));
    }
    const tasks = tasksOf(config, app.system);
    if (tasks.length > 0) {
      const queue = startJobQueue({ url: database.queueUrl, tasks, log });
      closing.push(() => queue.stop());
    }
    return { url, metricsUrl, databaseAbout: database.about, app, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A start does not wait for Stripe. */
async function warnOfStripeSetup({ stripeCheckouts, log }: App): Promise<void> {
  const problem = stripeCheckouts.provider && (await setupProblem(stripeCheckouts.provider).catch(() => undefined));
  if (problem) log.warn({ provider: 'STRIPE' }, problem);
}

/** What the server does by itself. */
function tasksOf(config: Config, system: System): ScheduledTask[] {
  const { billing, checkSchedule } = config;
  const tasks: ScheduledTask[] = [];
  if (billing) {
    const { schedule, workers } = billing;
    tasks.push({
      ...{ name: 'bill', schedule },
      // Everything that is due by now, each subscription by its own zone.
      work: async (signal) => {
        const asOf = { latest: system.clock.now() };
        const { tenants, invoices, parkedCount } = await runBilling(system, { asOf, workers, signal });
        system.log.info({ tenants, invoices, parked: parkedCount }, 'billing run done');
      },
    });
  }
  if (checkSchedule) {
    tasks.push({ name: 'check', schedule: checkSchedule, work: (signal) => runChecks(system, signal) });
  }
  return tasks;
}

async function loadDemo(app: App, ownerUrl: string, progress: Progress): Promise<void> {
  const owner = new Client({ connectionString: ownerUrl });
  await owner.connect();
  let superAdminId: string;
  let isNew: boolean;
  try {
    isNew =
      (await owner.query(`select 1 from profiles where email = $1`, [demoEmail('other-partner-tenant-admin')]))
        .rowCount === 0;
    superAdminId = await createSuperAdmin(owner, demoEmail('super-admin'));
  } finally {
    await owner.end();
  }
  if (!isNew) return;
  const bar = progress.bar('loading the demo world', demoSteps);
  await seedDemo(app, superAdminId, () => bar.advance());
  bar.end();
}

/** The wished port, or 4000 and upwards where none was wished: two gateways on one machine do not collide. */
async function listen(fastify: { listen(options: object): Promise<string> }, config: Config): Promise<string> {
  const { host } = config;
  for (let port = config.port ?? firstPort; ; port += 1) {
    try {
      return await fastify.listen({ host, port });
    } catch (error) {
      const problem = error as { code?: string };
      const next = config.port === undefined && problem.code === 'EADDRINUSE';
      if (!next || port > firstPort + 100) throw new ConfigError(listenProblem(problem, host, port, 'PORT'));
    }
  }
}
