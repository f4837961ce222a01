import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Client } from 'pg';
import { leakIn } from '../graphql/support/leaks';
import { type Answer, metricsHeaders, startTestGateway, type TestGateway } from '../support/gateway';

/** A wire between the gateway and PostgreSQL that can be cut and mended. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private connected = true;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(port: number): Promise<Wire> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const wire = new Wire(server, (server.address() as { port: number }).port);
    server.on('connection', (near) => {
      if (!wire.connected) return near.destroy();
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        wire.sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          wire.sockets.delete(from);
          to.destroy();
        });
      }
    });
    return wire;
  }

  cut(): void {
    this.connected = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.connected = true;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code ?? 'DATA';
const viewer = '{ viewer { role } tenant { name } }';
const rebuild = 'mutation { rebuildEntitlements(input: {}) { __typename ... on Refused { code } } }';

describe('PostgreSQL goes away and comes back', () => {
  let gateway: TestGateway;
  let other: TestGateway;
  let wire: Wire;
  beforeAll(async () => {
    other = await startTestGateway();
    const { database } = other;
    wire = await Wire.to(Number(new URL(database.appUrl).port));
    const through = (text: string) => {
      const url = new URL(text);
      url.port = String(wire.port);
      return url.toString();
    };
    gateway = await startTestGateway({
      poolSize: 4,
      database: { ...database, appUrl: through(database.appUrl), jobUrl: through(database.jobUrl) },
    });
  });
  afterAll(async () => {
    await gateway.stop();
    wire.close();
    await other.stop();
  });

  test('meanwhile each request is told so, by status and code; afterwards everything goes on', async () => {
    expect(codeOf(await gateway.ask('tenant-admin', viewer))).toBe('DATA');
    wire.cut();
    const down = await Promise.all([
      ...Array.from({ length: 12 }, () => gateway.ask('tenant-admin', viewer)),
      ...Array.from({ length: 12 }, () => gateway.ask('tenant-admin', rebuild)),
      // Nobody has asked for this one yet, so nothing of it is remembered.
      gateway.ask('tenant-member', viewer),
    ]);
    expect(new Set(down.map(codeOf))).toEqual(new Set(['SERVICE_UNAVAILABLE']));
    expect(JSON.stringify(down)).not.toMatch(/ECONN|terminat|postgres|127\.0\.0\.1/i);
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
    wire.mend();
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
    const up = await Promise.all(Array.from({ length: 12 }, () => gateway.ask('tenant-admin', rebuild)));
    expect(new Set(up.map(codeOf))).toEqual(new Set(['DATA']));
  });

  test('on every route: 503; what needs no database is answered', async () => {
    const bearer = { authorization: `Bearer ${await gateway.token('tenant-admin')}` };
    const json = { 'content-type': 'application/json' };
    const globex = await gateway.get(
      'tenant-admin',
      '{ invoices(last: 1) { nodes { id download(format: PDF) { path } } } }',
    );
    const [{ id, download }] = globex.nodes;
    const now = gateway.app.clock.now().epochMilliseconds;
    const event = () => {
      const body = JSON.stringify({
        id: 'fevt_outage',
        type: 'something.happened',
        created: now,
        live: false,
        data: {},
      });
      return gateway.fake.sign(body);
    };
    const post = (body: string, headers: object) => ({ method: 'POST', body, headers: { ...headers } });
    const question = (query: string) => JSON.stringify({ query });
    const routes: Readonly<Record<string, () => readonly [string, RequestInit, number]>> = {
      'a question': () => ['/graphql', post(question(viewer), { ...json, ...bearer }), 503],
      'a mutation': () => ['/graphql', post(question(rebuild), { ...json, ...bearer }), 503],
      'a check': () => [
        '/graphql',
        post(question('{ entitlementCheck(feature: "api_calls") { allowed } }'), { ...json, ...bearer }),
        503,
      ],
      'a question of nobody': () => ['/graphql', post(question('{ __typename }'), json), 200],
      'a long batch': () => [
        '/graphql',
        post(`{"query":"mutation { recordUsageBatch(input: {events: []}) { __typename } }"}${' '.repeat(70_000)}`, {
          ...{ ...json, ...bearer },
        }),
        503,
      ],
      usage: () => [
        '/v1/usage',
        post('{"id":"a","type":"api_calls"}', { 'content-type': 'application/x-ndjson', ...bearer }),
        503,
      ],
      'a document': () => [`/invoices/${id}.pdf`, { headers: bearer }, 503],
      'a document by its link': () => [download.path, {}, 503],
      'a webhook': () => ['/webhooks/fake', post(event().body, event().headers), 503],
      'a webhook that is forged': () => ['/webhooks/fake', post('{}', json), 400],
      readiness: () => ['/health/ready', {}, 503],
      health: () => ['/health', {}, 503],
      life: () => ['/health/live', {}, 200],
      metrics: () => ['/metrics', { headers: metricsHeaders }, 200],
    };
    wire.cut();
    // Once while it is remembered who asks, and once when it is not.
    for (const bearerOf of ['tenant-admin', 'tenant-member'] as const) {
      bearer.authorization = `Bearer ${await gateway.token(bearerOf)}`;
      for (const [name, make] of Object.entries(routes)) {
        const [path, init, status] = make();
        const answer = await fetch(`${gateway.url}${path}`, init);
        const text = await answer.text();
        expect({ name, status: answer.status }).toEqual({ name, status });
        if (status === 503) expect({ name, leak: leakIn(text) }).toEqual({ name, leak: undefined });
      }
    }
    wire.mend();
    expect(codeOf(await gateway.ask('tenant-admin', viewer))).toBe('DATA');
  });

  test('idle connections that are ended do not end the process', async () => {
    await gateway.ask('tenant-admin', viewer);
    await other.database.asOwner(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tollgate_app' and datname = current_database()`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(codeOf(await gateway.ask('tenant-admin', viewer))).toBe('DATA');
  });
});

describe('the only connection is busy', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({ poolSize: 1 });
  });
  afterAll(() => gateway.stop());

  test('others are told to come back; what waited is done when the lock is free', async () => {
    const blocker = new Client({ connectionString: gateway.database.ownerUrl });
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query(`select 1 from tenants where external_id = 'globex' for update`);
    const waiting = [gateway.ask('tenant-admin', rebuild), gateway.ask('tenant-admin', rebuild)];
    const { transactions } = gateway.app.admission;
    for (let tries = 0; transactions.state().waiting < 1 && tries < 500; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const refused = await Promise.all(
      Array.from({ length: 5 }, () => gateway.ask('other-partner-tenant-admin', viewer)),
    );
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
    expect(new Set(refused.map(codeOf))).toEqual(new Set(['SERVICE_UNAVAILABLE']));
    await blocker.query('rollback');
    await blocker.end();
    expect((await Promise.all(waiting)).map(codeOf)).toEqual(['DATA', 'DATA']);
    expect(codeOf(await gateway.ask('other-partner-tenant-admin', viewer))).toBe('DATA');
  });

  test('100 failures later no connection is missing', async () => {
    const bad = [
      '{ addons(after: "nonsense") { nodes { code } } }',
      'mutation { applyCoupon(input: { code: "NO_SUCH" }) { __typename } }',
      'mutation { subscribeAddon(input: { addon: "importer_distributor" }, dryRun: true) { __typename ... on SubscribeAddonDone { addonSubscription { addon { code } } } } }',
      'mutation { rebuildEntitlements(input: { tenantId: "tenant_nonsense" }) { __typename } }',
      '{ a: tenants(first: 0) { nodes { id } } b: tenant { name } }',
    ];
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(bad.map((document) => gateway.ask('tenant-admin', document)));
    }
    const answers = await Promise.all(Array.from({ length: 8 }, () => gateway.ask('tenant-admin', viewer)));
    expect(new Set(answers.map(codeOf))).toEqual(new Set(['DATA']));
  });
});
