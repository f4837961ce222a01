// Events per second through recordUsageBatch, beside a bare COPY of the same rows into an equal table in the same run.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const { Client } = createRequire(import.meta.url)('pg');
const batch = 1_000;
const connections = 8;
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

/** Made before the clock runs: the load shares its core with PostgreSQL. */
const bodiesOf = (seconds, tenantId) => Array.from({ length: seconds * 40 }, () => bodyOf(batch, tenantId));

async function record(url, token, tenants, seconds) {
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

/** One tenant for each connection, with a limit that they pass on the way. */
async function makeTenants(url, token) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const act = async (mutation, input, selection) => {
    const type = `${mutation[0].toUpperCase()}${mutation.slice(1)}`;
    const query = `mutation ($input: ${type}Input!) { ${mutation}(input: $input) {
      ... on ${type}Done { ${selection} } ... on Refused { code message } } }`;
    const response = await fetch(`${url}/graphql`, {
      ...{ method: 'POST', headers },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const answer = await response.json();
    const done = answer.data?.[mutation];
    if (!done || done.code) throw new Error(JSON.stringify(answer).slice(0, 500));
    return done;
  };
  const tenants = [];
  for (let n = 1; n <= connections; n += 1) {
    const input = { name: `Bench ${n}`, currency: 'EUR', sandbox: true, testClock: '2025-12-21T15:00:00Z' };
    const { tenant } = await act('createTenant', input, 'tenant { id }');
    await act('startSubscription', { tenantId: tenant.id, plan: 'starter' }, 'subscription { id }');
    tenants.push(tenant.id);
  }
  return tenants;
}

/** Each round loads both, one after the other. */
export async function benchIngest({ gateway, token, databaseUrl, start, rounds, seconds, say }) {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  const { rows } = await owner.query(`select id, partner_id from tenants where external_id = 'globex'`);
  await owner.query('drop table if exists bench_events');
  // The same columns and the same key; no partitions, no policies.
  await owner.query('create table bench_events (like usage_events including all)');
  const [{ id: tenantId, partner_id: partnerId }] = rows;
  const argument = JSON.stringify({ url: databaseUrl, connections, batch, tenantId, partnerId });
  const copy = await start(join(here, 'copy-loader.mjs'), [argument]);
  const measured = [];
  const tenants = await makeTenants(gateway.url, token);
  await record(gateway.url, token, tenants, 2);
  await copy.tell({ seconds: 2 });
  for (let round = 1; round <= rounds; round += 1) {
    say(`recordUsageBatch: tollgate, round ${round} of ${rounds}`);
    const recorded = await record(gateway.url, token, tenants, seconds);
    say(`recordUsageBatch: COPY, round ${round} of ${rounds}`);
    const { rate } = await copy.tell({ seconds });
    measured.push({ ...recorded, copy: rate, ofCopy: recorded.rate / rate });
  }
  copy.stop();
  await owner.query('drop table bench_events');
  await owner.end();
  const median = (name) => measured.map((one) => one[name]).toSorted((one, two) => one - two)[Math.floor(rounds / 2)];
  return Object.fromEntries(['rate', 'p50', 'p99', 'copy', 'ofCopy'].map((name) => [name, median(name)]));
}
export const ingestSize = { batch, connections };
