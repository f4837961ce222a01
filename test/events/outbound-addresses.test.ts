import https from 'node:https';
import { createServer, type Server } from 'node:net';
import { parseEndpointUrl } from '../../src/events/webhook-endpoint';
import { type OutboundOptions, postOutbound } from '../../src/platform/outbound-post';
import { isPublicAddress } from '../../src/platform/public-address';

/** Counts every connection that is made to this machine. */
let connections = 0;
let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  connections = 0;
});

const post = (url: string, options: Partial<OutboundOptions> = {}) =>
  postOutbound(url, {}, '{}', {
    resolve: async () => [],
    allowLoopback: false,
    timeoutMilliseconds: 2_000,
    ...options,
  });

const addresses: Readonly<Record<string, boolean>> = {
  '8.8.8.8': true,
  '1.1.1.1': true,
  '93.184.216.34': true,
  '172.15.255.255': true,
  '172.32.0.0': true,
  '100.63.255.255': true,
  '100.128.0.0': true,
  '223.255.255.255': true,
  '0.0.0.0': false,
  '0.1.2.3': false,
  '10.0.0.1': false,
  '10.255.255.255': false,
  '100.64.0.1': false,
  '100.127.255.255': false,
  '127.0.0.1': false,
  '127.255.255.254': false,
  '169.254.0.1': false,
  '169.254.169.254': false,
  '172.16.0.1': false,
  '172.31.255.255': false,
  '192.0.0.1': false,
  '192.0.2.1': false,
  '192.168.0.1': false,
  '198.18.0.1': false,
  '198.51.100.1': false,
  '203.0.113.1': false,
  '224.0.0.1': false,
  '240.0.0.1': false,
  '255.255.255.255': false,
  '2606:4700:4700::1111': true,
  '2a00:1450:4001:800::200e': true,
  '::': false,
  '::1': false,
  '::ffff:127.0.0.1': false,
  '::ffff:7f00:1': false,
  '::ffff:8.8.8.8': false,
  '::127.0.0.1': false,
  '64:ff9b::a00:1': false,
  '64:ff9b:1::1': false,
  '100::1': false,
  '2001::1': false,
  '2001:db8::1': false,
  '2002:7f00:1::': false,
  '3fff::1': false,
  'fc00::1': false,
  'fd12:3456::1': false,
  'fe80::1': false,
  'fe80::1%eth0': false,
  '2606:4700::1%eth0': false,
  'ff02::1': false,
  '0x7f000001': false,
  '2130706433': false,
  '0177.0.0.1': false,
  '127.1': false,
  '': false,
  localhost: false,
};

test.each(Object.entries(addresses))('%s is public: %s', (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});

/** Hosts that lead to this machine, in every spelling; the port is one where somebody listens. */
const hosts = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '0177.0.0.1',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0',
  '0.0.0.0',
  'localhost',
  'localhost.',
  'LOCALHOST',
  '127.0.0.1.',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:1]',
  '[::127.0.0.1]',
  '１２７.0.0.1',
  '①②⑦.0.0.1',
];

test.each(hosts)('no connection to http(s)://%s', async (host) => {
  for (const scheme of ['http', 'https']) {
    const url = `${scheme}://${host}:${port}/`;
    expect(await post(url, { resolve: async () => ['127.0.0.1'] })).toEqual({ problem: 'NO_PUBLIC_ADDRESS' });
    // Refused when it is written down already, whatever the port.
    expect(parseEndpointUrl(url, { allowLoopback: false })).toHaveProperty('problem');
    expect(parseEndpointUrl(`${scheme}://${host}/`, { allowLoopback: false })).toHaveProperty('problem');
  }
  expect(connections).toBe(0);
});

test('a name that leads inside is not called, nor one with both kinds of address, nor one without any', async () => {
  const url = `https://rebinding.example:${port}/`;
  for (const answer of [
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['169.254.169.254'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['93.184.216.34', '127.0.0.1'],
    ['127.0.0.1', '93.184.216.34'],
    ['fe80::1%lo'],
    [],
  ]) {
    expect(await post(url, { resolve: async () => answer })).toEqual({ problem: 'NO_PUBLIC_ADDRESS' });
    expect(await post(url, { resolve: async () => answer, allowLoopback: true })).toEqual({
      problem: 'NO_PUBLIC_ADDRESS',
    });
  }
  expect(connections).toBe(0);
});

test('the address that was judged is the one that is dialled: nobody asks DNS a second time', async () => {
  let asked = 0;
  const resolve = async () => {
    asked += 1;
    return asked === 1 ? ['93.184.216.34', '2606:4700:4700::1111'] : ['127.0.0.1'];
  };
  const looked: unknown[] = [];
  const request = jest.spyOn(https, 'request').mockImplementation(((options: https.RequestOptions) => {
    // As the connection does, once for all addresses and once for the first.
    const note = (_error: unknown, found: unknown) => void looked.push(found);
    options.lookup!('rebinding.example', { all: true }, note as never);
    options.lookup!('rebinding.example', {}, note as never);
    throw new Error('not dialled in this test');
  }) as never);
  await post('https://rebinding.example/', { resolve });
  request.mockRestore();
  expect(asked).toBe(1);
  expect(looked).toEqual([
    [
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ],
    '93.184.216.34',
  ]);
});

test('for development loopback is let in by name, and nothing else with it', async () => {
  const options = { allowLoopback: true };
  for (const host of ['localhost', '127.0.0.1']) {
    expect(await post(`http://${host}:${port}/`, options)).toEqual({ problem: 'CONNECTION_FAILED' });
  }
  expect(connections).toBeGreaterThan(0);
  for (const url of [
    'http://10.0.0.1/',
    'http://169.254.169.254/latest',
    'http://[::ffff:127.0.0.1]/',
    'http://example.com/',
  ]) {
    expect(await post(url, options)).toEqual({ problem: 'NO_PUBLIC_ADDRESS' });
    expect(parseEndpointUrl(url, options)).toHaveProperty('problem');
  }
});

test('what an endpoint URL may be', () => {
  const rules = { allowLoopback: false };
  for (const url of [
    'https://hooks.example.com/',
    'https://hooks.example.com:8443/a?b=c',
    'https://xn--bcher-kva.example/',
  ]) {
    expect(parseEndpointUrl(url, rules)).toEqual({ url });
  }
  for (const url of [
    '',
    'hooks.example.com',
    'https:hooks.example.com',
    'https:/hooks.example.com',
    'https:\\\\hooks.example.com',
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://user:password@hooks.example.com/',
    'https://hooks.example.com@127.0.0.1/',
    'https://hooks.example.com:22/',
    'https://hooks.example.com:6379/',
    'https://hooks.example.com/#fragment',
    'https://hooks/',
    'https://hooks.local/',
    'https://metadata.google.internal/',
    'https://hooks.localhost/',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://1.2.3.4.5/',
    'https://hooks.example.com/\n',
    ' https://hooks.example.com/',
    `https://hooks.example.com/${'a'.repeat(2_000)}`,
  ]) {
    expect([url, parseEndpointUrl(url, rules)]).toEqual([url, { problem: expect.any(String) }]);
  }
});
