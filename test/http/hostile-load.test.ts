import { once } from 'node:events';
import { request } from 'node:http';
import { ChildGateway } from '../support/child-gateway';

let gateway: ChildGateway;
let token: string;
beforeAll(async () => {
  gateway = await ChildGateway.start({ USAGE_BODY_MB: '2000', REQUEST_SECONDS: '600' });
  token = await gateway.token('tenant-admin');
});
afterAll(() => gateway.stop());

const megabyte = 1024 * 1024;

/** A line as long as may be, of an event that counts for nothing, with as many objects in it as will go. */
const hostileLine = Buffer.from(`{"id":"m","type":"nope","a":[${Array(21_800).fill('{}').join(',')}]}\n`);

/** Sends so many bytes of hostile lines; answers what the gateway said, and the most memory that it had meanwhile. */
async function stream(bytes: number) {
  const sent = request(`${gateway.url}/v1/usage`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${token}` },
  });
  const answered = once(sent, 'response');
  let most = 0;
  let next = 0;
  for (let count = 0; count < bytes; count += hostileLine.length) {
    if (!sent.write(hostileLine)) await once(sent, 'drain');
    if (count < next) continue;
    most = Math.max(most, (await gateway.used()).memory);
    next = count + bytes / 32;
  }
  sent.end();
  const [response] = await answered;
  let text = '';
  for await (const part of response) text += part;
  return { most, status: response.statusCode as number, answer: JSON.parse(text) };
}

/** By default what took 1.4 GB once; `STREAM_MB=1024` sends a gigabyte. */
const long = Number(process.env.STREAM_MB ?? 64) * megabyte;

test('a stream takes no more memory however long it is', async () => {
  const short = await stream(12 * megabyte);
  const whole = await stream(long);
  expect({ status: whole.status, rejected: whole.answer.rejected }).toEqual({
    status: 200,
    rejected: Math.ceil(long / hostileLine.length),
  });
  // Without a bound it was 3.1 times as much for 64 MB: 1.6 GB.
  expect(whole.most / short.most).toBeLessThan(1.5);
});

test('a megabyte of a stranger costs little more than a small question', async () => {
  const values = `[${Array(340_000).fill('{}').join(',')}]`;
  const query = '{ __typename }';
  const large = `{"query":"${query}","variables":{"x":${values}}}`;
  const ask = async (body: string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return response.status;
  };
  const cost = async (body: string, status: number) => {
    const before = (await gateway.used()).cpu;
    for (let turn = 0; turn < 20; turn += 1) expect(await ask(body)).toBe(status);
    return (await gateway.used()).cpu - before;
  };
  const small = JSON.stringify({ query });
  // Once before it counts: what is compiled then is compiled for both.
  for (const [body, status] of [
    [small, 200],
    [large, 413],
  ] as const)
    await cost(body, status);
  const costs = { small: await cost(small, 200), large: await cost(large, 413) };
  // 194 times as much where all of it was walked before anybody asked who sends it.
  expect(costs.large / costs.small).toBeLessThan(10);
});
