// Sends batches of usage events to the gateway, one connection for each tenant. Like the loader of COPY it shares the gateway's
// core, so that PostgreSQL has one to itself in both.
const { url, token, tenants, batch } = JSON.parse(process.argv[2]);
const document = `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { __typename
  ... on RecordUsageBatchDone { recorded } ... on Refused { code message } } }`;

let serial = 0;
const base = Date.parse('2025-12-21T14:59:59Z');
function bodyOf(count, tenantId) {
  const events = [];
  for (let n = 0; n < count; n += 1) {
    serial += 1;
    const time = new Date(base - (serial % 3_600_000)).toISOString();
    const event = { id: `event-${serial}`, source: '/bench', type: 'api_calls', time, quantity: '1' };
    events.push({ ...event, data: { region: 'eu' } });
  }
  return JSON.stringify({ query: document, variables: { input: { tenantId, events } } });
}

/** Made before the clock runs. */
const bodiesOf = (seconds, tenantId) => Array.from({ length: seconds * 40 }, () => bodyOf(batch, tenantId));

async function record(seconds) {
  const bodies = tenants.map((tenantId) => bodiesOf(seconds, tenantId));
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const until = performance.now() + seconds * 1_000;
  const took = [];
  const started = performance.now();
  await Promise.all(
    tenants.map(async (tenantId, index) => {
      while (performance.now() < until) {
        const body = bodies[index].pop() ?? bodyOf(batch, tenantId);
        const sent = performance.now();
        const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body });
        const answer = await response.json();
        if (answer.data?.recordUsageBatch?.recorded !== batch) throw new Error(JSON.stringify(answer).slice(0, 500));
        took.push(performance.now() - sent);
      }
    }),
  );
  const rate = (took.length * batch) / ((performance.now() - started) / 1_000);
  const at = (share) => took.toSorted((one, two) => one - two)[Math.floor((took.length - 1) * share)];
  return { rate, p50: at(0.5), p99: at(0.99) };
}

process.on('message', async ({ seconds }) => process.send(await record(seconds)));
process.send({ url: 'record' });
