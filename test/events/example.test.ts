import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';
import { dispatcherOf, Webhooks } from './support/webhooks';

const root = join(__dirname, '..', '..');
let gateway: TestGateway;
let child: ChildProcess | undefined;
beforeAll(async () => {
  gateway = await startTestGateway({ loopback: true });
});
afterAll(async () => {
  if (child && child.exitCode === null) {
    child.kill();
    await once(child, 'exit');
  }
  await gateway.stop();
});

test('docs/examples/receive-webhooks.mjs takes what is signed, once, and nothing else', async () => {
  const webhooks = new Webhooks(gateway, await World.create(gateway));
  // The secret is known when the endpoint is: it is made first, and gets the receiver's address afterwards.
  const { endpoint, secret } = await webhooks.create('http://127.0.0.1:1/', { eventTypes: ['coupon.created'] });
  const lines: string[] = [];
  child = spawn(process.execPath, [join(root, 'docs', 'examples', 'receive-webhooks.mjs')], {
    cwd: root,
    env: { PATH: process.env['PATH'], WEBHOOK_SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout!.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  while (!lines[0]) await new Promise((resolve) => setTimeout(resolve, 20));
  const url = `http://127.0.0.1:${/^listening on (\d+)$/.exec(lines[0])![1]}/`;
  await webhooks.update(endpoint.id, { url });
  const code = await webhooks.happen();
  const dispatcher = dispatcherOf(gateway);
  await dispatcher.drain();
  await webhooks.replay(endpoint.id, '1');
  await dispatcher.drain();
  await webhooks.test(endpoint.id);
  await dispatcher.drain();
  const forged = await fetch(url, { method: 'POST', body: '{}', headers: { 'webhook-id': 'event_x' } });
  expect(forged.status).toBe(401);
  expect((await webhooks.deliveries(endpoint.id)).map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  while (lines.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(new RegExp(`^3 coupon.created \\{"coupon":.*${code}`)),
    expect.stringMatching(/^- webhook.test /),
  ]);
});
