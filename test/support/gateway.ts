import { join } from 'node:path';
import { dataSourceFor } from '../../ormconfig';
import { App } from '../../src/app';
import type { HttpSettings } from '../../src/config';
import { encodeId } from '../../src/core/ids';
import { createGraphqlServer } from '../../src/graphql/server';
import { createHttpServer, defaultHttpSettings } from '../../src/http/server';
import { FakeProvider } from '../../src/payments/fake/fake-provider';
import type { PaymentProvider } from '../../src/payments/provider';
import { Providers } from '../../src/payments/providers';
import { type Clock, wallClock } from '../../src/platform/clock';
import { createLog, type Log } from '../../src/platform/log';
import { createMetrics } from '../../src/platform/metrics';
import { createTextSigner } from '../../src/platform/signed-text';
import { signDemoToken, verifierForDemo } from '../../src/platform/tokens';
import { webhookSecretsFrom } from '../../src/platform/webhook-signing';
import { defaultRates, type RateSettings } from '../../src/rate-limits';
import { type DemoIdentity, demoEmail, demoSubject } from '../../src/seed/identities';
import { createDatabase, type TestDatabase, testServer } from './database';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  readonly data: any;
  readonly errors?: readonly { message: string; path?: (string | number)[]; extensions: { code: string } }[];
}

export interface TestGateway {
  readonly url: string;
  readonly app: App;
  readonly database: TestDatabase;
  /** The payment provider that it has where no others were given. */
  readonly fake: FakeProvider;
  /** Runs an operation over real HTTP as a demo identity, with a token or key of one's own, or anonymously (null). */
  ask(
    who: DemoIdentity | { readonly bearer: string } | null,
    query: string,
    variables?: object,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** As `ask`, for an operation that must succeed: throws on `errors` and answers the one root field. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  get(who: DemoIdentity | { readonly bearer: string }, query: string, variables?: object): Promise<any>;
  token(identity: DemoIdentity): Promise<string>;
  /** Opaque id of a demo tenant by its external id (globex, initech, hooli) or of a partner by code. */
  idOf(name: 'globex' | 'initech' | 'hooli' | 'acme' | 'umbrella'): Promise<string>;
  /** SQL statements that the request pool has sent since the last call. */
  statements(): string[];
  stop(): Promise<void>;
}

export interface TestGatewayOptions {
  readonly world?: 'empty' | 'demo';
  readonly clock?: Clock;
  readonly poolSize?: number;
  readonly introspection?: boolean;
  readonly database?: TestDatabase;
  /** Webhooks may go to this machine. */
  readonly loopback?: boolean;
  /** Default: a fake of this gateway's own. */
  readonly providers?: readonly PaymentProvider[];
  /** Beside those. */
  readonly moreProviders?: readonly PaymentProvider[];
  /** Default: as the product, but any number of requests: a test machine asks as fast as it can. */
  readonly rates?: Partial<RateSettings>;
  readonly http?: Partial<HttpSettings>;
  readonly log?: Log;
}

/** Opens `/metrics` of a test gateway. */
export const metricsHeaders = { authorization: 'Bearer the metrics token of the tests' };

/** What the fake provider of a test gateway signs its events with. */
export const fakeWebhookSecret = 'fake_webhook_secret_of_the_tests';

/** A whole gateway on a database of its own: real PostgreSQL, real HTTP on a free port. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const { identityKey } = testServer();
  const database = options.database ?? (await createDatabase(options.world ?? 'demo'));
  const source = dataSourceFor({ url: database.appUrl, poolSize: options.poolSize ?? 25, name: 'test' });
  const sent: string[] = [];
  source.setOptions({
    logging: ['query'],
    logger: {
      logQuery: (sql: string) => void sent.push(sql),
      logQueryError: () => undefined,
      logQuerySlow: () => undefined,
      logSchemaBuild: () => undefined,
      logMigration: () => undefined,
      log: () => undefined,
    },
  });
  const jobSource = dataSourceFor({ url: database.jobUrl, poolSize: 2, name: 'test-job' });
  const inboxSource = dataSourceFor({ url: database.appUrl, poolSize: 4, name: 'test-inbox' });
  await source.initialize();
  await jobSource.initialize();
  await inboxSource.initialize();
  const log = options.log ?? createLog((process.env.GATEWAY_LOG as 'silent') ?? 'silent');
  const clock = options.clock ?? wallClock;
  const fake = new FakeProvider({ clock, webhookSecrets: [fakeWebhookSecret] });
  const app = new App({
    ...{ source, jobSource, inboxSource, log },
    clock,
    rates: { ...defaultRates, actor: 0, account: 0, ...options.rates },
    providers: new Providers([...(options.providers ?? [fake]), ...(options.moreProviders ?? [])]),
    verifier: verifierForDemo(identityKey),
    signer: createTextSigner('a secret for the quotes of the tests'),
    webhooks: {
      ...webhookSecretsFrom('a key for the webhooks of the tests'),
      allowLoopback: options.loopback ?? false,
    },
  });
  const server = createGraphqlServer({ introspection: options.introspection ?? true, log });
  await server.start();
  const http = createHttpServer({
    ...{ app, server, metrics: createMetrics(), source, playground: undefined },
    printer: { execArgv: ['--require', join(__dirname, 'typescript.cjs')] },
    settings: { ...defaultHttpSettings, ...options.http },
    metricsToken: metricsHeaders.authorization.slice('Bearer '.length),
  });
  const url = await http.fastify.listen({ host: '127.0.0.1', port: 0 });
  const tokens = new Map<DemoIdentity, Promise<string>>();
  const token = (identity: DemoIdentity) => {
    let made = tokens.get(identity);
    if (!made) {
      made = signDemoToken(identityKey, demoSubject(identity), demoEmail(identity));
      tokens.set(identity, made);
    }
    return made;
  };
  const ask: TestGateway['ask'] = async (who, query, variables = {}, headers = {}) => {
    const bearer = who === null ? undefined : typeof who === 'string' ? await token(who) : who.bearer;
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        ...headers,
      },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, ...((await response.json()) as Omit<Answer, 'status'>) };
  };
  return {
    ...{ url, app, database, ask, token, fake },
    get: async (who, query, variables) => {
      let { data, errors } = await ask(who, query, variables);
      // A test machine that is busy is no defect: what says that it may be tried again is tried again, as a client does.
      for (let tries = 0; tries < 10 && errors?.every(({ extensions }) => 'retryable' in extensions); tries += 1) {
        ({ data, errors } = await ask(who, query, variables));
      }
      if (errors) throw new Error(`${query.slice(0, 200)}: ${JSON.stringify(errors)}`);
      return Object.values(data)[0];
    },
    idOf: async (name) => {
      const isPartner = name === 'acme' || name === 'umbrella';
      const rows = await database.asOwner<{ id: string }>(
        isPartner ? 'select id from partners where code = $1' : 'select id from tenants where external_id = $1',
        [name],
      );
      return encodeId(isPartner ? 'Partner' : 'Tenant', rows[0]!.id);
    },
    statements: () => sent.splice(0),
    stop: async () => {
      await http.fastify.close();
      await server.stop();
      await source.destroy();
      await jobSource.destroy();
      await inboxSource.destroy();
      const [counted] = await database.asOwner<{ deadlocks: number }>(
        'select deadlocks::integer from pg_stat_database where datname = current_database()',
      );
      if (!options.database) await database.drop();
      // It is tried again and goes unseen, until a busy day: two writers take the same locks in different orders.
      if (counted!.deadlocks > 0) throw new Error(`PostgreSQL broke ${counted!.deadlocks} deadlocks.`);
    },
  };
}
