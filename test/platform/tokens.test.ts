import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isOutage } from '../../src/graphql/errors';
import { demoAudience, demoIssuer, signDemoToken, verifierForProvider } from '../../src/platform/tokens';
import { testServer } from '../support/database';

const { identityKey } = testServer();
const { d: _private, ...publicKey } = identityKey;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A verifier whose identity provider answers so when it is asked for its keys. */
async function verifier(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  return { server, ...verifierForProvider(url, demoIssuer, demoAudience) };
}
const good = () => signDemoToken(identityKey, 'somebody', 'somebody@people.example');

describe('while the identity provider', () => {
  const answers: Readonly<Record<string, RequestListener>> = {
    'answers 500': (_request, response) => void response.writeHead(500).end('{}'),
    'sends its clients elsewhere': (_request, response) =>
      void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    'answers a page': (_request, response) => void response.writeHead(200).end('<html>'),
    'answers keys that are none': (_request, response) => void response.writeHead(200).end('{"keys": 7}'),
    'hangs up': (request) => void request.socket.destroy(),
  };
  test.each(Object.entries(answers))('%s, a token is not called wrong: the service is away', async (_how, listener) => {
    const thrown = await (await verifier(listener)).verify(await good()).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ name: 'IdentityProviderAway' });
    expect(isOutage(thrown)).toBe(true);
  });

  test('is not there, neither', async () => {
    const { server, verify } = await verifier(() => undefined);
    server.close();
    await once(server, 'close');
    expect(isOutage(await verify(await good()).catch((error: unknown) => error))).toBe(true);
  });
});

test('with its keys at hand tokens hold or do not', async () => {
  const { verify } = await verifier((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [publicKey] }));
  });
  expect(await verify(await good())).toEqual({ subject: 'somebody', verifiedEmail: 'somebody@people.example' });
  expect(await verify(`${(await good()).slice(0, -6)}AAAAAA`)).toBeUndefined();
  expect(await verify('a.b.c')).toBeUndefined();
});
