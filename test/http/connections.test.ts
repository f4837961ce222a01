import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { metricsHeaders, startTestGateway, type TestGateway } from '../support/gateway';

/** Milliseconds that a request of these tests may take to arrive; half a minute by itself. */
const limit = 400;
let gateway: TestGateway;
let key: string;
beforeAll(async () => {
  gateway = await startTestGateway({ http: { request: limit } });
  key = await gateway.token('tenant-admin');
});
afterAll(() => gateway.stop());

/** A client that sends what it likes and never closes anything by itself. */
class Client {
  private text = '';

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (part: string) => {
      this.text += part;
    });
    socket.on('error', () => undefined);
  }

  static async open(first = ''): Promise<Client> {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    await once(socket, 'connect');
    const client = new Client(socket);
    socket.write(first);
    return client;
  }

  /**
   * Says something again and again, until the gateway has ended the connection: of one whose other half is kept open that is
   * only noticed by writing. Answers all that it said.
   */
  async drip(piece: string): Promise<string> {
    const timer = setInterval(() => this.socket.write(piece), 20);
    await new Promise((resolve) => this.socket.once('close', resolve));
    clearInterval(timer);
    return this.text;
  }
}

const ndjson = { 'content-type': 'application/x-ndjson' };
const json = (body: string): RequestInit => ({
  ...{ method: 'POST', body },
  headers: { 'content-type': 'application/json' },
});
const post = (path: string, type: string, more = '') =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\nauthorization: Bearer ${key}\r\n${more}`;

describe('who is slow is cut off', () => {
  const slow: readonly [string, () => string, string][] = [
    ['headers that never end', () => 'POST /graphql HTTP/1.1\r\nhost: x\r\n', 'x-a: b\r\n'],
    ['a body of JSON', () => post('/graphql', 'application/json', 'content-length: 50000\r\n\r\n{'), ' '],
    [
      'a body of JSON in chunks',
      () => post('/graphql', 'application/json', 'transfer-encoding: chunked\r\n\r\n'),
      '1\r\n \r\n',
    ],
    [
      'a stream of events',
      () => post('/v1/usage', 'application/x-ndjson', 'transfer-encoding: chunked\r\n\r\n'),
      '1\r\n \r\n',
    ],
    ['a webhook', () => post('/webhooks/fake', 'application/json', 'content-length: 50000\r\n\r\n{'), ' '],
    ['a body for nobody', () => post('/nothing', 'application/json', 'content-length: 50000\r\n\r\n{'), ' '],
  ];
  test.each(slow)('%s', async (what, start, piece) => {
    const text = await (await Client.open(start())).drip(piece);
    expect(text).toMatch(what === 'a body for nobody' ? /^HTTP\/1\.1 404 / : /^HTTP\/1\.1 408 /);
    expect(text).toMatch(/"code":"BAD_REQUEST"/);
    expect(text).toMatch(/x-content-type-options: nosniff\r\n/i);
  });

  test('a body that goes on after its answer', async () => {
    const headers = 'host: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n';
    const text = await (await Client.open(`POST /v1/usage HTTP/1.1\r\n${headers}`)).drip('1\r\n \r\n');
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('what is no HTTP, of a client that keeps its half of the connection open', async () => {
    expect(await (await Client.open('\u0016\u0003\u0001 hello\r\n\r\n')).drip(' ')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a connection over which nothing is asked', async () => {
    const { socket } = await Client.open();
    await once(socket, 'end');
    socket.destroy();
  });

  test('a connection over which nothing more is asked', async () => {
    const { socket } = await Client.open('GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(socket, 'end');
    socket.destroy();
  });
});

/** One of each kind of answer, by the routes that there are. */
const answers: readonly [string, RequestInit & { path: string; status: number }][] = [
  ['a question', { path: '/graphql', status: 200, ...json('{"query":"{ __typename }"}') }],
  ['a question that is refused', { path: '/graphql', status: 400, ...json('{"query":"{"}') }],
  ['no JSON', { path: '/graphql', status: 400, ...json('{') }],
  ['a GET where there is none', { path: '/graphql', status: 405 }],
  ['nothing', { path: '/nothing', status: 404 }],
  ['a path that cannot be read', { path: '/%zz', status: 400 }],
  ['usage of a stranger', { path: '/v1/usage', status: 401, method: 'POST', headers: ndjson, body: '{}' }],
  ['a document of a stranger', { path: '/invoices/invoice_1.pdf', status: 404 }],
  ['a webhook without a signature', { path: '/webhooks/fake', status: 400, ...json('{}') }],
  ['a webhook of nobody', { path: '/webhooks/nobody', status: 404, ...json('{}') }],
  ['life', { path: '/health/live', status: 200 }],
  ['readiness', { path: '/health/ready', status: 200 }],
  ['health', { path: '/health', status: 200 }],
  ['metrics', { path: '/metrics', status: 200, headers: metricsHeaders }],
  ['metrics for a stranger', { path: '/metrics', status: 401 }],
  ['metrics for another', { path: '/metrics', status: 401, headers: { authorization: 'Bearer of something else' } }],
];

describe('every answer', () => {
  test.each(answers)('%s: is kept by nobody and taken for nothing else', async (_what, { path, status, ...init }) => {
    const answer = await fetch(`${gateway.url}${path}`, init);
    await answer.arrayBuffer();
    expect({ status: answer.status, ...Object.fromEntries(answer.headers) }).toMatchObject({
      ...{ status, 'x-content-type-options': 'nosniff' },
      'cache-control': expect.stringContaining('no-store'),
    });
  });
});

describe('a query parameter that there is not', () => {
  const routes = answers.filter(([, { path }]) => !['/nothing', '/%zz'].includes(path));
  test.each(routes)('%s: refused by its name', async (_what, { path, status, ...init }) => {
    const answer = await fetch(`${gateway.url}${path}?dryRun=true`, init);
    const { errors } = (await answer.json()) as { errors: { message: string; extensions: { code: string } }[] };
    // A GET of /graphql is refused as one, whatever it asks.
    const expected = status === 405 ? 'POST a JSON body to /graphql.' : /^There is no query parameter dryRun here\./;
    expect(answer.status).toBe(status === 405 ? 405 : 400);
    expect(errors[0]!.message).toMatch(expected);
    expect(errors[0]!.extensions.code).toBe('BAD_REQUEST');
  });

  test('what it is called is repeated only where it is a name', async () => {
    const answer = await fetch(`${gateway.url}/health?${encodeURIComponent('<script>')}=1`);
    expect(await answer.text()).not.toContain('script');
  });
});
