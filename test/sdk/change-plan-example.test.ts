import { main } from '../../docs/examples/change-plan';
import * as sdk from '../../src/sdk';
import { startTestGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** Runs the example; `before` may do something each time a plan change is about to be sent. */
async function run(plan: string, before?: () => Promise<unknown>) {
  const lines: string[] = [];
  const token = await gateway.token('tenant-admin');
  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (before && String(init?.body).includes('"operationName":"ChangePlan"')) await before();
    return globalThis.fetch(url, init);
  };
  const outcome = await main({ url: gateway.url, token, plan, fetch, print: (line) => void lines.push(line) });
  return { outcome, text: lines.join('\n') };
}

test('a plan that is not there is refused with advice', async () => {
  const { outcome } = await run('platinum');
  expect(outcome).toMatchObject({ outcome: 'refused', code: 'PLAN_NOT_FOUND' });
});

test('a price that moves is shown again, then the plan is changed at the new one', async () => {
  const client = sdk.createClient({ url: gateway.url, token: await gateway.token('tenant-admin') });
  // An add-on that enterprise includes: its unused rest lowers what the change costs.
  let attached = false;
  const { outcome, text } = await run('enterprise', async () => {
    if (attached) return;
    attached = true;
    sdk.unwrap(await sdk.subscribeAddon(client, { input: { addon: 'importer_distributor' } }));
  });
  // 1499.00 × 11/31 = 531.90, less 49.00 × 11/31 = 17.39, less 149.00 × 11/31 = 52.87
  expect(outcome).toEqual({ outcome: 'changed', quotes: 2, net: '461.64 EUR' });
  expect(text).toContain('Provider Track: 499.00 EUR a month, 4990.00 EUR a year');
  expect(text).toContain('provider_track: not allowed (NOT_ENTITLED)');
  expect(text).toContain('The price has moved by -52.87; here is the new one.');
  expect(text).toContain('Changed to Enterprise for 461.64 EUR.');
  expect(text).toContain('provider_track: allowed, by Provider Track (included in Enterprise)');
});

test('the same plan again is no change', async () => {
  const { outcome } = await run('enterprise');
  expect(outcome).toMatchObject({ outcome: 'refused', code: 'NO_CHANGE', advice: 'You have this plan already.' });
});
