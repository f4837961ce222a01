import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { signDemoToken } from '../../src/platform/tokens';
import { type DemoIdentity, demoEmail, demoSubject } from '../../src/seed/identities';
import { Receiver } from '../events/support/receiver';
import { sightings } from '../support/canaries';
import { Tollgate } from '../support/command-line';
import { createDatabase, type TestDatabase, testServer } from '../support/database';
import { type Echo, EchoingProvider, paddleError, stripeError } from '../support/echoing-provider';
import { PaddleStandIn } from '../support/paddle-stand-in';
import { signatureOf } from '../support/stripe/hooks';
import { type StripeStandIn, startStripe } from '../support/stripe/stand-in';

const fresh = (prefix: string) => `${prefix}canary${randomBytes(12).toString('hex')}`;

const secrets = {
  stripeKey: fresh('sk_test_'),
  stripePublishable: fresh('pk_test_'),
  stripeWebhook: fresh('whsec_'),
  stripeWebhookBefore: fresh('whsec_'),
  paddleKey: fresh('pdl_sdbx_apikey_'),
  paddleWebhook: fresh('pdl_ntfset_'),
  paddleWebhookBefore: fresh('pdl_ntfset_'),
  // What has to be written otherwise in an address.
  databasePassword: `p+w/%ä ${randomBytes(12).toString('hex')}`,
  quoteSecret: fresh('quotes '),
  webhookKey: fresh('webhooks '),
  metricsToken: fresh('metrics_'),
  cardNumber: '4242424242424242',
  clientSecret: `pi_3canary_secret_${randomBytes(12).toString('hex')}`,
  // Whatever a provider says in an error: words of customers, for example.
  providersWords: fresh('Globex said '),
};
const canaries = new Map<string, string>(Object.entries(secrets));
const said = () =>
  [...canaries.values(), ...[...canaries.values()].map((value) => Buffer.from(value).toString('base64'))].join(' ');

/** A wire to PostgreSQL on which nothing comes through for a while, and nothing ends either. */
async function wireTo(port: number) {
  let stalled = false;
  const pairs: [Socket, Socket][] = [];
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    pairs.push([near, far]);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => void to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      if (stalled) from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const each = (act: (socket: Socket) => void) => {
    for (const socket of pairs.flat()) act(socket);
  };
  return {
    port: (server.address() as { port: number }).port,
    stall: () => {
      stalled = true;
      each((socket) => socket.pause());
    },
    mend: () => {
      stalled = false;
      each((socket) => socket.resume());
    },
    stop: () => {
      each((socket) => socket.destroy());
      server.close();
    },
  };
}

let database: TestDatabase;
let wire: Awaited<ReturnType<typeof wireTo>>;
let standIn: StripeStandIn;
let paddle: PaddleStandIn;
let stripeFront: EchoingProvider;
let paddleFront: EchoingProvider;
let receiver: Receiver;
let gateway: Tollgate;
let variables: Record<string, string>;
let url: string;
const folder = mkdtempSync(join(tmpdir(), 'tollgate-secrets-'));
const owner = `canary_${randomBytes(6).toString('hex')}`;
/** Everything that was answered or printed, by where. */
const seen = new Map<string, string[]>();
const see = (where: string, text: string) => void seen.set(where, [...(seen.get(where) ?? []), text]);

async function asSuperuser(sql: string): Promise<void> {
  const client = new Client({ connectionString: testServer().superuserUrl });
  await client.connect();
  await client.query(sql);
  await client.end();
}

beforeAll(async () => {
  database = await createDatabase('demo');
  await asSuperuser(`create role ${owner} login superuser password '${secrets.databasePassword}'`);
  wire = await wireTo(Number(new URL(database.ownerUrl).port));
  const through = (address: string, user?: string, password?: string) => {
    const changed = new URL(address);
    changed.port = String(wire.port);
    if (user) changed.username = user;
    if (password) changed.password = encodeURIComponent(password);
    else canaries.set(`password of ${changed.username}`, changed.password);
    return changed.toString();
  };
  standIn = await startStripe({ secretKey: secrets.stripeKey });
  paddle = await PaddleStandIn.start(secrets.paddleKey, secrets.paddleWebhook);
  stripeFront = await EchoingProvider.before(standIn.url, said, stripeError);
  paddleFront = await EchoingProvider.before(paddle.url, said, paddleError);
  receiver = await new Receiver().start();
  receiver.answer = (received, response) => {
    response.writeHead(500, { 'x-echo': [...canaries.values()].map(encodeURIComponent).join(' ') });
    response.end(`${said()} ${JSON.stringify(received.headers)}`);
  };
  const { identityKey } = testServer();
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    join(folder, 'data', 'secrets.json'),
    JSON.stringify({ quoteSecret: secrets.quoteSecret, databasePassword: 'unused', identityKey }),
  );
  variables = {
    ...{ TOLLGATE_ENV: 'demo', PORT: '0', DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'trace' },
    ...{ BILLING_SCHEDULE: 'off', CHECK_SCHEDULE: 'off', WEBHOOK_ALLOW_LOOPBACK: 'true', DATABASE_POOL: '6' },
    DATABASE_URL: through(database.ownerUrl, owner, secrets.databasePassword),
    DATABASE_APP_URL: through(database.appUrl),
    DATABASE_JOB_URL: through(database.jobUrl),
    DATABASE_QUEUE_URL: through(database.queueUrl),
    ...{ QUOTE_SECRET: secrets.quoteSecret, WEBHOOK_KEY: secrets.webhookKey },
    METRICS_TOKEN: secrets.metricsToken,
    STRIPE_SECRET_KEY: secrets.stripeKey,
    STRIPE_WEBHOOK_SECRET: `${secrets.stripeWebhook},${secrets.stripeWebhookBefore}`,
    STRIPE_API_URL: stripeFront.url,
    PADDLE_API_KEY: secrets.paddleKey,
    PADDLE_WEBHOOK_SECRET: `${secrets.paddleWebhook},${secrets.paddleWebhookBefore}`,
    PADDLE_API_URL: paddleFront.url,
  };
  gateway = new Tollgate(['serve'], variables);
  url = await gateway.ready();
});
afterAll(async () => {
  await gateway.stop();
  await receiver.stop();
  for (const front of [stripeFront, paddleFront]) await front.stop();
  await standIn.stop();
  await paddle.stop();
  wire.stop();
  await database.drop();
  await asSuperuser(`drop role ${owner}`);
  rmSync(folder, { recursive: true });
});

const tokens = new Map<string, string>();
async function tokenOf(who: DemoIdentity): Promise<string> {
  const known = tokens.get(who);
  if (known) return known;
  const token = await signDemoToken(testServer().identityKey, demoSubject(who), demoEmail(who));
  tokens.set(who, token);
  canaries.set(`bearer token of ${who}`, token);
  canaries.set(`signature of the token of ${who}`, token.split('.')[2]!);
  return token;
}

async function send(where: string, path: string, request: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(`${url}${path}`, { ...request, signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    see(where, `${response.status} ${JSON.stringify([...response.headers])} ${text}`);
    return { status: response.status, text };
  } catch {
    return { status: 0, text: '{}' };
  }
}

let serial = 0;
// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
async function ask(who: DemoIdentity | { bearer: string }, query: string, values: object = {}): Promise<any> {
  const bearer = typeof who === 'string' ? await tokenOf(who) : who.bearer;
  const { text } = await send('GraphQL', '/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
    body: JSON.stringify({ query, variables: values }),
  });
  const { data } = JSON.parse(text) as { data?: object };
  return data ? Object.values(data)[0] : undefined;
}
function act(who: DemoIdentity, mutation: string, input: object, fields = '__typename', keyed = true) {
  serial += 1;
  const name = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}`;
  return ask(
    who,
    `mutation ($input: ${name}Input!) { ${mutation}(input: $input${keyed ? `, idempotencyKey: "secrets-${serial}"` : ''}) {
      ... on ${name}Done { ${fields} } ... on Refused { code message facts { name value } } } }`,
    { input },
  );
}

/** A secret that is shown once, to whoever asked for it: that answer is not looked through. */
async function shownOnce(work: () => Promise<{ secret: string }>): Promise<{ secret: string }> {
  const before = seen.get('GraphQL') ?? [];
  const answer = await work();
  seen.set('GraphQL', before);
  expect(typeof answer.secret).toBe('string');
  return answer;
}

const pages = { successUrl: 'https://shop.example/done', cancelUrl: 'https://shop.example/back' };
const admin = 'tenant-admin';

/** Everything that makes the gateway ask a provider. */
async function everyCall(invoiceId: string | undefined): Promise<unknown[]> {
  // The page that is open would be shown again.
  await database.asOwner(`update stripe_checkouts set status = 'EXPIRED', sync_at = null where status <> 'EXPIRED'`);
  return [
    await act(admin, 'addPaymentMethod', { provider: 'STRIPE', token: 'pm_card_visa' }),
    await act(admin, 'startPaymentMethodSetup', { provider: 'STRIPE', returnUrl: pages.successUrl }),
    await act(
      admin,
      'createAddonCheckout',
      { addon: 'importer_distributor', ...pages },
      'checkout { id url parkedReason }',
    ),
    await act(admin, 'createPortalLink', { returnUrl: pages.successUrl }, 'url', false),
    invoiceId && (await act(admin, 'payInvoice', { invoiceId }, 'payment { status declineCode }')),
    await act(
      'other-partner-tenant-admin',
      'buyLicences',
      { product: 'cad_seat', quantity: 1 },
      'purchase { id parkDetail }',
    ),
  ];
}

const webhook = (provider: string, headers: Record<string, string>, body: string) =>
  send('webhooks', `/webhooks/${provider}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });

const stripeEvent = (type: string, object: object) =>
  JSON.stringify({
    ...{ id: `evt_${randomBytes(6).toString('hex')}`, object: 'event', type, livemode: false },
    created: Math.floor(Date.now() / 1_000),
    data: { object },
  });

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await what()); tries += 1) {
    if (tries > 600) throw new Error(`it does not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('secrets that go through success and failure are in no log, answer, event, metric, row or line of the command line', async () => {
  // A start on a PostgreSQL that takes the connection and says nothing: it takes its time to give up.
  const refusedStart = async (wrong: Record<string, string>) => {
    const start = new Tollgate(['serve'], { ...variables, ...wrong });
    expect(await start.ended).toBe(1);
    expect(start.stderr.length).toBeGreaterThan(20);
    see('command line', `${start.stdout}${start.stderr}`);
  };
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const elsewhere = (port: number) =>
    `postgres://someone:${encodeURIComponent(secrets.databasePassword)}@127.0.0.1:${port}/x`;
  const hanging = refusedStart({ DATABASE_URL: elsewhere((silent.address() as { port: number }).port) });

  // Success.
  const { secret: apiKey } = await shownOnce(() =>
    act('partner-owner', 'createApiKey', { name: 'shop', live: false, scopes: ['READ'] }, 'secret'),
  );
  canaries.set('API key', apiKey);
  const { secret: signing } = await shownOnce(() =>
    act('partner-owner', 'createWebhookEndpoint', { url: receiver.url('/hook') }, 'secret'),
  );
  canaries.set('signing secret', signing);
  canaries.set('signing secret without its prefix', signing.slice('whsec_'.length));
  expect(await ask({ bearer: apiKey }, '{ viewer { role } }')).toEqual({ role: 'API_KEY' });
  const calls = await everyCall(undefined);
  expect(JSON.stringify(calls)).not.toContain('"code"');
  const { nodes } = await ask(admin, '{ invoices(first: 5) { nodes { id status } } }');
  const open = nodes.find(({ status }: { status: string }) => status === 'FINALIZED')?.id;

  // Webhooks: by each secret that holds, by none, and with things in them that must not come out.
  const seconds = Math.floor(Date.now() / 1_000);
  const words = { message: said(), code: secrets.stripeKey, decline_code: secrets.cardNumber };
  const intent = {
    ...{ id: 'pi_3canary', object: 'payment_intent', amount: 100, currency: 'eur', status: 'requires_payment_method' },
    ...{ last_payment_error: words, client_secret: secrets.clientSecret, metadata: { tollgate_reference: said() } },
  };
  const dispute = {
    id: 'du_1',
    object: 'dispute',
    amount: 100,
    currency: 'eur',
    payment_intent: 'pi_3canary',
    reason: said(),
  };
  for (const [body, signer, status] of [
    [stripeEvent('payment_intent.payment_failed', intent), secrets.stripeWebhook, 200],
    [stripeEvent('charge.dispute.created', dispute), secrets.stripeWebhookBefore, 200],
    [stripeEvent('payment_intent.succeeded', intent), 'whsec_wrong', 400],
    [`{"id": "${said()}`, secrets.stripeWebhook, 400],
  ] as const) {
    const answer = await webhook('stripe', { 'stripe-signature': signatureOf(body, [signer], seconds) }, body);
    expect(answer.status).toBe(status);
  }
  for (const secret of [secrets.paddleWebhook, secrets.paddleWebhookBefore, 'pdl_ntfset_wrong']) {
    const body = JSON.stringify({
      ...{
        event_id: `evt_${secret.slice(-6)}`,
        event_type: 'transaction.completed',
        occurred_at: new Date().toISOString(),
      },
      data: { id: 'txn_01unknown', status: said(), custom_data: { reference: said() } },
    });
    const answer = await webhook('paddle', paddle.sign(body, [secret]), body);
    expect(answer.status).toBe(secret.endsWith('wrong') ? 400 : 200);
  }
  for (const held of [secrets.stripeWebhook, secrets.paddleWebhook]) {
    await webhook('stripe', { 'stripe-signature': held }, '{}');
    await webhook('paddle', { 'paddle-signature': `ts=${seconds};h1=${held}` }, '{}');
    await webhook(encodeURIComponent(held), {}, '{}');
  }

  // Providers whose errors repeat the key, in each shape.
  const echoes: Echo[] = [
    ...[400, 402, 404, 409].map((status) => ({
      status,
      type: status === 402 ? 'card_error' : 'invalid_request_error',
    })),
    ...[400, 401, 403, 429, 500].map((status) => ({
      status,
      type: status === 400 ? 'idempotency_error' : 'api_error',
    })),
    'HTML',
  ];
  const paddleTypes: Record<string, string> = {
    '400': 'request_error',
    '404': 'request_error',
    '409': 'request_error',
  };
  for (const echo of echoes) {
    // Five errors in a row, and it would be left alone for a while.
    stripeFront.echo = undefined;
    await act(admin, 'addPaymentMethod', { provider: 'STRIPE', token: 'pm_card_visa' });
    stripeFront.echo = echo;
    paddleFront.echo = echo === 'HTML' ? echo : { ...echo, type: paddleTypes[echo.status] ?? 'api_error' };
    await everyCall(open);
  }
  expect([stripeFront.told > 20, paddleFront.told > 8]).toEqual([true, true]);

  // The command line, while providers answer like that.
  const run = async (...args: string[]) => {
    const process = new Tollgate(args, variables);
    const code = await process.ended;
    see('command line', `${process.stdout}${process.stderr}`);
    return code;
  };
  stripeFront.echo = { status: 401, type: 'invalid_request_error' };
  expect(await run('reconcile', '--days', '1')).toBe(1);
  stripeFront.echo = { status: 400, type: 'invalid_request_error' };
  expect(await run('stripe-sync')).toBe(1);
  stripeFront.echo = paddleFront.echo = undefined;

  // Starts that are refused.
  await Promise.all([
    refusedStart({ DATABASE_URL: elsewhere(1) }),
    // Who it is for is not there.
    refusedStart({ DATABASE_URL: elsewhere(Number(new URL(database.ownerUrl).port)) }),
    refusedStart({ DATABASE_URL: `postgres://x:${secrets.databasePassword}@:::/x` }),
    refusedStart({ STRIPE_SECRET_KEY: secrets.stripePublishable, PADDLE_API_KEY: secrets.stripeKey }),
    refusedStart({
      STRIPE_WEBHOOK_SECRET: '',
      QUOTE_SECRET: secrets.cardNumber,
      PORT: secrets.stripeKey,
      LOG_LEVEL: secrets.paddleKey,
    }),
  ]);

  // Secrets in the wrong place of a request.
  const authorized = { authorization: `Bearer ${await tokenOf(admin)}` };
  const misplace = async (value: string) => {
    const inputs: [string, object, string?][] = [
      ['addPaymentMethod', { provider: value, token: 'x' }],
      ['addPaymentMethod', { provider: 'STRIPE', token: { value } }],
      ['addPaymentMethod', { provider: 'STRIPE', token: 'x', [value]: value }],
      ['addPaymentMethod', { provider: 'STRIPE', token: value, makeDefault: value }],
      ['buyLicences', { product: value, quantity: value }],
      ['buyLicences', { product: value, quantity: 1, quote: value }],
      ['payInvoice', { invoiceId: value }],
      ['createAddonCheckout', { addon: value, successUrl: `https://x/${value}`, cancelUrl: value, quantity: [value] }],
      ['advanceClock', { to: value }],
    ];
    for (const [mutation, input] of inputs) await act(admin, mutation, input);
    const literal = JSON.stringify(value);
    const word = value.replaceAll(/\W/g, '_');
    await ask(admin, `{ entitlementCheck(feature: 1, asOf: ${literal}) { allowed } }`);
    await ask(admin, `query ($n: Int!) { invoices(first: $n) { nodes { id } } }`, { n: value });
    await ask(admin, `{ invoices(first: ${literal}) { nodes { id } } ${word} { x } }`);
    await ask(admin, `{ ${value}`);
    await ask({ bearer: encodeURIComponent(value) }, '{ viewer { role } }');
    await send('HTTP', `/graphql?query=${encodeURIComponent(value)}`, { headers: authorized });
    await send('HTTP', `/${encodeURIComponent(value)}/%ff`, { headers: authorized });
    await send('HTTP', '/graphql', {
      method: 'POST',
      body: value,
      headers: { ...authorized, 'content-type': 'application/json' },
    });
    const usage = { method: 'POST', headers: { ...authorized, 'content-type': 'application/x-ndjson' } };
    await send('HTTP', '/v1/usage', { ...usage, body: `${value}\n{"feature":${literal},"quantity":${literal}}\n` });
  };
  await Promise.all([...canaries.values()].map(misplace));
  await send('HTTP', '/graphql', { method: 'POST', headers: { ...authorized, 'content-type': said() }, body: '{}' });

  // A webhook of ours that fails, at a receiver that repeats what it got.
  await until(() => receiver.received.length > 0);
  expect(receiver.received[0]!.headers['webhook-signature']).toMatch(/^v1,/);
  await until(async () => {
    const rows = await database.asOwner(`select 1 from webhook_deliveries where problem = 'BAD_STATUS'`);
    return rows.length > 0;
  });

  // PostgreSQL hangs, and comes back.
  wire.stall();
  await Promise.all([
    // More than there are connections, and of more accounts than one: a lone one is told that it asks too much.
    ...Array.from({ length: 12 }, () => ask(admin, '{ tenant { name } }')),
    ...(['partner-owner', 'other-partner-owner', 'other-partner-tenant-admin', 'super-admin'] as const).flatMap((who) =>
      Array.from({ length: 3 }, () => ask(who, '{ viewer { role } addons(first: 1) { nodes { code } } }')),
    ),
    act(admin, 'addPaymentMethod', { provider: 'STRIPE', token: secrets.cardNumber }),
    webhook('stripe', { 'stripe-signature': signatureOf('{}', [secrets.stripeWebhook], seconds) }, '{}'),
    send('HTTP', '/health/ready', {}),
  ]);
  wire.mend();
  await until(async () => (await send('HTTP', '/health/ready', {})).status === 200);
  await hanging;
  silent.close();

  const metrics = await send('metrics', '/metrics', {
    headers: { authorization: `Bearer ${secrets.metricsToken}` },
  });
  expect(metrics.text).toContain('tollgate_inbound_events_total{provider="STRIPE",outcome="refused"}');

  // Every row of every table, but for the bodies that providers signed: those are kept as they came.
  const tables = await database.asOwner<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
  );
  for (const { name } of tables) {
    const body = name === 'inbound_events' ? " - 'body'" : '';
    const rows = await database.asOwner<{ row: string }>(`select (to_jsonb(t)${body})::text as row from "${name}" t`);
    see(`rows of ${name}`, rows.map(({ row }) => row).join('\n'));
  }
  await gateway.stop();
  see('log', gateway.stderr);
  see('first screen', gateway.stdout);

  // It did happen.
  const of = (where: string) => (seen.get(where) ?? []).join('\n');
  for (const line of [
    'a call to Stripe failed',
    'a webhook was refused',
    'an inbound event was parked',
    'request failed',
  ]) {
    expect(of('log')).toContain(line);
  }
  expect(of('rows of webhook_deliveries')).toContain('BAD_STATUS');
  expect(of('rows of inbound_events')).toContain('PARKED');
  expect(of('rows of partner_events').length).toBeGreaterThan(1_000);
  expect(of('command line')).toContain('STRIPE did not answer (SERVER_ERROR)');
  expect(of('GraphQL')).toContain('got an invalid value');
  expect(of('GraphQL')).toContain('SERVICE_UNAVAILABLE');
  expect(canaries.size).toBeGreaterThanOrEqual(15);

  const hits = [...seen].flatMap(([where, texts]) =>
    sightings(texts.join('\n'), canaries).map((sighting) => `${where}: ${sighting}`),
  );
  expect(hits).toEqual([]);

  // And it would have been seen: each of them, in each form, amid other words.
  for (const [name, value] of canaries) {
    const one = new Map([[name, value]]);
    const hidden = [
      value,
      encodeURIComponent(value),
      Buffer.from(`ab${value}c`).toString('base64'),
      Buffer.from(`a${value}`).toString('base64url'),
    ];
    for (const text of hidden) expect([name, sightings(`x ${text} y`, one).length > 0]).toEqual([name, true]);
  }
}, 120_000);
