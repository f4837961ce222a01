import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCodes as gatewayErrorCodes } from '../../src/graphql/errors';
import * as sdk from '../../src/sdk';
import { startTestGateway, type TestGateway } from '../support/gateway';

type Sent = { readonly url: string; readonly headers: Record<string, string>; readonly body: SentBody };
type SentBody = { readonly query: string; readonly operationName: string; readonly variables: Record<string, unknown> };
type Step = object | Error | { readonly status: number; readonly text: string; readonly headers?: object };

/** A fetch that answers one step after the other and remembers what was sent. */
function scripted(...steps: Step[]) {
  const sent: Sent[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    sent.push({ url, headers: init.headers as Record<string, string>, body: JSON.parse(init.body as string) });
    const step = steps[sent.length - 1];
    if (step === undefined) throw new Error('one request too many');
    if (step instanceof Error) throw step;
    if ('text' in step) {
      const { status, text, headers } = step as { status: number; text: string; headers?: Record<string, string> };
      return new Response(text, { status, ...(headers && { headers }) });
    }
    return new Response(JSON.stringify(step), { headers: { 'x-request-id': 'request-1' } });
  }) as unknown as typeof globalThis.fetch;
  const options = { url: 'http://gateway.example', token: 'a-token', firstWaitMs: 1, fetch } as const;
  return { sent, fetch, options, client: sdk.createClient(options) };
}

const refused = (code: string, more: object = {}) => ({
  __typename: 'Refused',
  ...{ code, message: 'No.', retryable: false, path: null, facts: [], docs: 'docs/refusals.md', ...more },
});
const failed = (code: string, status = 200, headers: object = {}) => ({
  ...{ status, headers },
  text: JSON.stringify({
    data: null,
    errors: [{ message: 'It failed.', extensions: { code, requestId: 'request-2' } }],
  }),
});
const done = { data: { subscribeAddon: { __typename: 'SubscribeAddonDone', created: true } } };
const input = { addon: 'provider_track' };
const caught = (promise: Promise<unknown>) =>
  promise.then(
    (answer) => ({ message: 'it did not fail', answer }),
    (error: unknown) => error,
  );

describe('what is sent', () => {
  test('one operation with its name, variables, token and account, to /graphql', async () => {
    const { sent, options } = scripted({ data: { tenant: null } }, { data: { tenant: null } });
    const client = sdk.createClient({ ...options, account: 'tenant_1' });
    expect(await sdk.tenant(client, { id: 'tenant_2' })).toBeNull();
    await sdk.tenant(client, {}, { account: 'tenant_3' });
    expect(sent[0]).toMatchObject({
      url: 'http://gateway.example/graphql',
      headers: { authorization: 'Bearer a-token', 'tollgate-account': 'tenant_1', 'content-type': 'application/json' },
      body: { operationName: 'Tenant', variables: { id: 'tenant_2' }, query: sdk.tenantOperation.document },
    });
    expect(sent[1]!.headers['tollgate-account']).toBe('tenant_3');
  });

  test('an API key, or a token that is asked for before each attempt', async () => {
    const { sent, fetch } = scripted(new Error('offline'), { data: { tenant: null } }, { data: { tenant: null } });
    let count = 0;
    const token = async () => `token-${++count}`;
    await sdk.tenant(sdk.createClient({ url: 'http://gateway.example/graphql', token, firstWaitMs: 1, fetch }));
    await sdk.tenant(sdk.createClient({ url: 'http://gateway.example/behind/a/path', apiKey: 'tg_test_1', fetch }));
    expect(sent.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer token-1',
      'Bearer token-2',
      'Bearer tg_test_1',
    ]);
    expect(sent[2]!.url).toBe('http://gateway.example/behind/a/path');
  });
});

describe('idempotency keys', () => {
  test('are made for each call, and kept by its retries', async () => {
    const { sent, client } = scripted(new Error('connection reset'), failed('SERVICE_UNAVAILABLE', 503), done, done);
    await sdk.subscribeAddon(client, { input });
    await sdk.subscribeAddon(client, { input });
    const keys = sent.map(({ body }) => body.variables['idempotencyKey']);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys.slice(0, 3)).toEqual([keys[0], keys[0], keys[0]]);
    expect(keys[3]).not.toBe(keys[0]);
  });

  test('of the caller stay as they are; queries have none', async () => {
    const { sent, client } = scripted(done, { data: { tenant: null } });
    await sdk.subscribeAddon(client, { input, idempotencyKey: 'order-17' });
    await sdk.tenant(client);
    expect(sent.map(({ body }) => body.variables['idempotencyKey'])).toEqual(['order-17', undefined]);
  });
});

describe('retries', () => {
  const retried: [string, Step][] = [
    ['a network error', new TypeError('fetch failed')],
    ['an outage', failed('SERVICE_UNAVAILABLE', 503)],
    ['an outage of one field', failed('SERVICE_UNAVAILABLE', 200)],
    ['a bug', failed('INTERNAL_SERVER_ERROR', 500)],
    ['the error page of a proxy', { status: 502, text: '<h1>Bad Gateway</h1>' }],
    ['a limit', failed('RATE_LIMITED', 429)],
    ['a refusal that passes', { data: { subscribeAddon: refused('BUSY', { retryable: true }) } }],
  ];
  test.each(retried)('%s is tried again', async (_what, step) => {
    const { sent, client } = scripted(step, step, done);
    expect(await sdk.subscribeAddon(client, { input })).toMatchObject({ created: true });
    expect(sent).toHaveLength(3);
  });

  const final: [string, Step][] = [
    ['a bad request', failed('BAD_USER_INPUT', 400)],
    ['a credential that does not hold', failed('UNAUTHENTICATED', 401)],
    ['a page that is no gateway', { status: 200, text: 'It works!' }],
  ];
  test.each(final)('%s is not', async (_what, step) => {
    const { sent, client } = scripted(step);
    expect(await caught(sdk.subscribeAddon(client, { input }))).toBeInstanceOf(sdk.GatewayError);
    expect(sent).toHaveLength(1);
  });

  test('a refusal that stays is an answer at once', async () => {
    const { sent, client } = scripted({ data: { subscribeAddon: refused('ADDON_NOT_FOUND') } });
    expect(await sdk.subscribeAddon(client, { input })).toMatchObject({ code: 'ADDON_NOT_FOUND' });
    expect(sent).toHaveLength(1);
  });

  test('end: the last refusal is the answer, the last error is thrown', async () => {
    const busy = { data: { subscribeAddon: refused('BUSY', { retryable: true }) } };
    const { client, sent } = scripted(busy, busy, busy, busy);
    expect(await sdk.subscribeAddon(client, { input })).toMatchObject({ code: 'BUSY' });
    expect(sent).toHaveLength(4);
    const { options } = scripted(failed('SERVICE_UNAVAILABLE', 503));
    const error = await caught(sdk.subscribeAddon(sdk.createClient({ ...options, retries: 0 }), { input }));
    expect(error).toMatchObject({ name: 'GatewayError', code: 'SERVICE_UNAVAILABLE', status: 503 });
  });

  test('a mutation without a key is not sent twice, since nobody knows what became of the first', async () => {
    const { client, sent } = scripted(new Error('offline'));
    const operation = { name: 'Act', kind: 'mutation', root: 'act', document: 'mutation Act{act}' } as const;
    expect(await caught(client.run(operation, {}))).toMatchObject({ code: 'NETWORK_ERROR' });
    expect(sent).toHaveLength(1);
  });

  test('the caller can give up, also while the client waits', async () => {
    const { client, sent } = scripted(failed('SERVICE_UNAVAILABLE', 503, { 'retry-after': '5' }));
    const abort = new AbortController();
    const answer = caught(sdk.tenant(client, {}, { signal: abort.signal }));
    setTimeout(() => abort.abort(new Error('changed my mind')), 20);
    expect(await answer).toMatchObject({ message: 'changed my mind' });
    expect(sent).toHaveLength(1);
  });

  test('an attempt that takes too long is a TIMEOUT', async () => {
    const fetch = ((_url: string, { signal }: RequestInit) =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(signal!.reason));
      })) as typeof globalThis.fetch;
    const client = sdk.createClient({ url: 'http://gateway.example', token: 't', fetch, timeoutMs: 10, retries: 0 });
    expect(await caught(sdk.tenant(client))).toMatchObject({ code: 'TIMEOUT', operation: 'Tenant' });
  });
});

describe('waiting', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['performance'] }));
  afterEach(() => jest.useRealTimers());

  /** After how many milliseconds the second request is sent. */
  async function waitBefore(second: Step, first: Step, options: Partial<sdk.ClientOptions> = {}) {
    const script = scripted(first, second);
    const client = sdk.createClient({ ...script.options, firstWaitMs: 200, ...options } as sdk.ClientOptions);
    const answer = sdk.tenant(client).catch((error: unknown) => error);
    for (let waited = 0; waited <= 30_000; waited += 50) {
      await jest.advanceTimersByTimeAsync(waited === 0 ? 0 : 50);
      if (script.sent.length === 2) {
        await answer;
        return waited;
      }
    }
    return undefined;
  }
  const fine = { data: { tenant: null } };

  test('half to all of the backoff by itself', async () => {
    const waited = await waitBefore(fine, failed('SERVICE_UNAVAILABLE', 503));
    expect(waited).toBeGreaterThanOrEqual(100);
    expect(waited).toBeLessThanOrEqual(250);
  });

  test('as many seconds as Retry-After says', async () => {
    expect(await waitBefore(fine, failed('SERVICE_UNAVAILABLE', 503, { 'retry-after': '7' }))).toBe(7_000);
    expect(await waitBefore(fine, failed('RATE_LIMITED', 429, { 'retry-after': '3' }))).toBe(3_000);
  });

  test('as many seconds as a refusal says', async () => {
    const facts = [{ name: 'retryAfterSeconds', value: '4' }];
    const limited = { data: { tenant: refused('RATE_LIMITED', { retryable: true, facts }) } };
    expect(await waitBefore(fine, limited)).toBe(4_000);
  });

  test('not at all where that would be too long: the error says when', async () => {
    const { options, sent } = scripted(failed('RATE_LIMITED', 429, { 'retry-after': '60' }));
    const error = await caught(sdk.tenant(sdk.createClient(options)));
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 60, requestId: 'request-2' });
    expect(sent).toHaveLength(1);
  });

  test('a date in Retry-After is left aside', async () => {
    const waited = await waitBefore(
      fine,
      failed('SERVICE_UNAVAILABLE', 503, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }),
    );
    expect(waited).toBeLessThanOrEqual(250);
  });
});

describe('answers', () => {
  test('errors carry their code, request id and what was answered beside them', async () => {
    const { client } = scripted({
      status: 200,
      headers: { 'x-request-id': 'request-3' },
      text: JSON.stringify({
        data: { tenant: null },
        errors: [{ message: 'Not a cursor.', path: ['tenant'], extensions: { code: 'BAD_USER_INPUT' } }],
      }),
    });
    const error = (await caught(sdk.tenant(client))) as sdk.GatewayError;
    expect(error).toBeInstanceOf(sdk.GatewayError);
    expect(error).toMatchObject({
      ...{ code: 'BAD_USER_INPUT', message: 'Tenant: Not a cursor.', requestId: 'request-3', status: 200 },
      ...{ operation: 'Tenant', data: { tenant: null } },
    });
    expect(error.errors[0]!.path).toEqual(['tenant']);
  });

  test('the codes are those of the gateway', () => {
    expect([...sdk.errorCodes].sort()).toEqual([...gatewayErrorCodes].sort());
  });

  test('a refusal of a code that nobody knows yet is still a refusal', async () => {
    const { client } = scripted({ data: { subscribeAddon: refused('CODE_OF_NEXT_YEAR') } });
    const answer = await sdk.subscribeAddon(client, { input });
    expect(sdk.isRefused(answer)).toBe(true);
    expect(() => sdk.unwrap(answer)).toThrow(sdk.RefusedError);
    expect(() => sdk.unwrap(answer)).toThrow('CODE_OF_NEXT_YEAR: No.');
  });
});

describe('with a gateway', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.stop());

  test('an answer that was lost on the way is replayed, not carried out twice', async () => {
    let lost = 0;
    const fetch: typeof globalThis.fetch = async (...request) => {
      const response = await globalThis.fetch(...request);
      if (lost++ > 0) return response;
      await response.text();
      throw new TypeError('the connection was lost after the gateway had answered');
    };
    const token = await gateway.token('other-partner-tenant-admin');
    const client = sdk.createClient({ url: gateway.url, token, fetch, firstWaitMs: 1 });
    const change = sdk.unwrap(await sdk.changePlan(client, { input: { plan: 'pro_max', coupon: 'UPGRADE20' } }));
    expect(change).toMatchObject({ replayed: true, net: { amount: '7.17', currency: 'USD' } });
    expect((await sdk.planChangeProrations(client)).nodes).toHaveLength(1);
  });

  test('every entry of a list is walked through, page by page', async () => {
    let requests = 0;
    const fetch: typeof globalThis.fetch = (...request) => {
      requests += 1;
      return globalThis.fetch(...request);
    };
    const client = sdk.createClient({ url: gateway.url, token: await gateway.token('tenant-admin'), fetch });
    const codes: string[] = [];
    for await (const plan of sdk.iteratePlans(client, { first: 2 })) codes.push(plan.code);
    expect(codes).toEqual(['free', 'starter', 'growth', 'pro', 'enterprise']);
    expect(requests).toBe(3);
    for await (const plan of sdk.iteratePlans(client, { first: 1 })) {
      // Whoever stops early asks for nothing more.
      expect(plan.code).toBe('free');
      break;
    }
    expect(requests).toBe(4);
    const history: string[] = [];
    for await (const { kind } of sdk.iterateSubscriptionHistory(client, { first: 1 })) history.push(kind);
    expect(history[0]).toBe('STARTED');
  });

  test('an API key reads what it may, and its refusals are answers', async () => {
    const owner = sdk.createClient({ url: gateway.url, token: await gateway.token('partner-owner') });
    const { secret } = sdk.unwrap(
      await sdk.createApiKey(owner, { input: { name: 'reader', live: false, scopes: ['READ'] } }),
    );
    const client = sdk.createClient({ url: gateway.url, apiKey: secret! });
    expect((await sdk.plans(client)).totalCount).toBe(5);
    const answer = await sdk.createFeature(client, { input: { code: 'x', name: 'X', kind: 'BOOLEAN' } });
    expect(answer).toMatchObject({ __typename: 'Refused', code: 'FORBIDDEN' });
  });

  test('a token that does not hold is an UNAUTHENTICATED error', async () => {
    const client = sdk.createClient({ url: gateway.url, token: 'not-a-token' });
    expect(await caught(sdk.viewer(client))).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
  });
});

test('the SDK imports nothing but itself', () => {
  const folder = join(__dirname, '..', '..', 'src', 'sdk');
  for (const file of ['client.ts', 'generated.ts', 'generated-cache.ts', 'index.ts', 'pages.ts']) {
    const imported = [...readFileSync(join(folder, file), 'utf8').matchAll(/from '([^']+)'/g)].map(
      (match) => match[1]!,
    );
    expect({ file, foreign: imported.filter((name) => !name.startsWith('./')) }).toEqual({ file, foreign: [] });
  }
});
