import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { buildSchema, parse, validate } from 'graphql';
import { loadOperations, type PlaygroundIdentity, registerPlayground } from '../../src/http/playground';
import { createHttpServer } from '../../src/http/server';

const root = join(__dirname, '..', '..');
const schema = buildSchema(readFileSync(join(root, 'schema', 'schema.graphql'), 'utf8'));
const identities: PlaygroundIdentity[] = [{ name: 'tenant-admin', about: 'admin of globex', token: 'a-token' }];

let fastify: FastifyInstance;
beforeAll(async () => {
  fastify = Fastify();
  registerPlayground(fastify, { identities });
  await fastify.ready();
});
afterAll(() => fastify.close());

const host = '127.0.0.1:4000';
const get = (url: string, headers: Record<string, string> = {}) =>
  fastify.inject({ url, headers: { host, ...headers } });

const addressesIn = (html: string) => [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
const contentsOf = (html: string) =>
  JSON.parse(/<script type="application\/json" id="operations">(.*)<\/script>/.exec(html)![1]!);

describe('the page', () => {
  test('asks for nothing but its own assets, under a policy that allows nothing else', async () => {
    const page = await get('/');
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    const policy = String(page.headers['content-security-policy']).split('; ');
    expect(policy).toEqual([
      "default-src 'self'",
      "style-src 'self' 'unsafe-inline'",
      'font-src data:',
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    const addresses = addressesIn(page.body);
    expect(addresses).toHaveLength(7);
    for (const address of addresses) expect(address).toMatch(/^\/playground\/assets\/[0-9a-f]{16}\/[a-z.-]+$/);
    // No script of its own stands in it: only data, which no browser runs.
    const inline = [...page.body.matchAll(/<script(?![^>]*\bsrc=)[^>]*>/g)].map(([tag]) => tag);
    expect(inline).toEqual(['<script type="application/json" id="operations">']);
  });

  test('its assets may be kept for ever, since their address changes with them', async () => {
    const page = await get('/');
    for (const address of addressesIn(page.body)) {
      const plain = await get(address);
      expect(plain.statusCode).toBe(200);
      expect(plain.headers).toMatchObject({
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
        'content-type': expect.stringMatching(/^(text\/(javascript|css); charset=utf-8|image\/svg\+xml)$/),
        vary: 'accept-encoding',
      });
      expect(plain.body).not.toContain('sourceMappingURL');
      const small = await get(address, { 'accept-encoding': 'gzip, br' });
      expect(small.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(small.rawPayload).equals(plain.rawPayload)).toBe(true);
    }
    expect((await get('/playground/assets/0000000000000000/react.js')).statusCode).toBe(404);
    expect((await get('/playground/assets/..%2f..%2fpackage.json/x')).statusCode).toBe(404);
  });

  test('is GraphiQL and React as they were published', async () => {
    const [js] = addressesIn((await get('/')).body).filter((address) => address.endsWith('/graphiql.js'));
    const published = readFileSync(join(root, 'node_modules', 'graphiql', 'graphiql.min.js'), 'utf8');
    expect(published.startsWith((await get(js!)).body.trimEnd())).toBe(true);
  });
});

describe('the operations', () => {
  const operations = loadOperations();

  test('each is complete by itself, as it stands in its tab', () => {
    expect(operations.length).toBeGreaterThan(50);
    for (const { name, text, about, group } of operations) {
      expect({ name, problems: validate(schema, parse(text)).map(({ message }) => message) }).toEqual({
        name,
        problems: [],
      });
      expect(text.startsWith('# ')).toBe(true);
      expect(about).toMatch(/^[A-Z].*[.?]$/);
      expect(group).toMatch(/^[A-Z]/);
    }
  });

  test('a few have a tab from the start; their fingerprint tells the page when they have changed', async () => {
    const page = contentsOf((await get('/')).body);
    expect(page.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(page.operations).toEqual(operations);
    const tabs = operations.filter(({ tab }) => tab).map(({ name }) => name);
    expect(tabs[0]).toBe('ProrationPreview');
    expect(tabs.length).toBeLessThan(10);
  });

  test('the first tab is text only, and valid', () => {
    const script = readFileSync(join(root, 'src', 'console', 'playground.js'), 'utf8');
    const query = /const firstQuery = `([^`]*)`/.exec(script)![1]!;
    expect(validate(schema, parse(query))).toEqual([]);
    expect(query).not.toContain('$');
  });

  test('nothing in an operation can end the element it stands in', async () => {
    const page = (await get('/')).body;
    expect(page.split('id="operations">')[1]!.split('</script>')[0]).not.toContain('<');
  });
});

describe('the identities', () => {
  const own = { 'tollgate-playground': '1', 'sec-fetch-site': 'same-origin' };

  test('are for the page itself, and never kept', async () => {
    const answer = await get('/playground/identities', own);
    expect(answer.json()).toEqual({ identities });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  const strangers: [string, Record<string, string>][] = [
    ['a link or a form, which can send no header', { 'sec-fetch-site': 'same-origin' }],
    ['a page of another site', { ...own, 'sec-fetch-site': 'cross-site' }],
    ['a page of another port of this machine', { ...own, 'sec-fetch-site': 'same-site' }],
    ['an address that was typed', { ...own, 'sec-fetch-site': 'none' }],
    ['another origin, in a browser that says no more', { 'tollgate-playground': '1', origin: 'https://evil.example' }],
    ['a sandboxed frame', { 'tollgate-playground': '1', origin: 'null' }],
    ['a name that somebody points at this machine', { ...own, host: 'evil.example:4000' }],
    ['a name that only looks like this machine', { ...own, host: 'localhost.evil.example:4000' }],
  ];
  test.each(strangers)('not for %s', async (_what, headers) => {
    const answer = await get('/playground/identities', headers);
    expect(answer.statusCode).toBe(403);
    expect(answer.body).not.toContain('a-token');
    expect(answer.json().errors[0].extensions.code).toBe('BAD_REQUEST');
  });

  test.each(['localhost:4000', 'LOCALHOST', '[::1]:4000', '192.168.1.20:4000', 'tollgate.localhost'])(
    'this machine is also %s',
    async (name) => {
      expect((await get('/playground/identities', { ...own, host: name })).statusCode).toBe(200);
    },
  );

  test('may be asked for anew each time, so that their tokens never end', async () => {
    let asked = 0;
    const another = Fastify();
    registerPlayground(another, { identities: async () => [{ ...identities[0]!, token: `token-${++asked}` }] });
    const read = async () =>
      (await another.inject({ url: '/playground/identities', headers: { host, ...own } })).json();
    expect((await read()).identities[0].token).toBe('token-1');
    expect((await read()).identities[0].token).toBe('token-2');
    await another.close();
  });
});

test('guides are served as they are written, and nothing beside them', async () => {
  const guide = await get('/docs/playground.md');
  expect(guide.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(guide.body).toBe(readFileSync(join(root, 'docs', 'playground.md'), 'utf8'));
  expect(contentsOf((await get('/')).body).guides).toContainEqual({ title: 'Guide', href: '/docs/playground.md' });
  for (const url of ['/docs/..%2fpackage.json', '/docs/examples', '/docs/missing.md']) {
    expect((await get(url)).statusCode).toBe(404);
  }
});

test('outside the demo there is none of it', async () => {
  const { fastify: production } = createHttpServer({ playground: undefined } as never);
  for (const url of ['/', '/playground/identities', '/docs/playground.md']) {
    expect((await production.inject({ url, headers: { 'tollgate-playground': '1' } })).statusCode).toBe(404);
  }
  await production.close();
});
