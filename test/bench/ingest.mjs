// Events per second through recordUsageBatch, beside a bare COPY of the same rows into an equal table in the same run.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const { Client } = createRequire(import.meta.url)('pg');
const batch = 1_000;
const connections = 8;

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
  const tenants = await makeTenants(gateway.url, token);
  const recorder = await start(join(here, 'record-loader.mjs'), [
    JSON.stringify({ url: gateway.url, token, tenants, batch }),
  ]);
  const measured = [];
  await recorder.tell({ seconds: 2 });
  await copy.tell({ seconds: 2 });
  for (let round = 1; round <= rounds; round += 1) {
    say(`recordUsageBatch: tollgate, round ${round} of ${rounds}`);
    const recorded = await recorder.tell({ seconds });
    say(`recordUsageBatch: COPY, round ${round} of ${rounds}`);
    const { rate } = await copy.tell({ seconds });
    measured.push({ ...recorded, copy: rate, ofCopy: recorded.rate / rate });
  }
  copy.stop();
  recorder.stop();
  await owner.query('drop table bench_events');
  await owner.end();
  const median = (name) => measured.map((one) => one[name]).toSorted((one, two) => one - two)[Math.floor(rounds / 2)];
  return Object.fromEntries(['rate', 'p50', 'p99', 'copy', 'ofCopy'].map((name) => [name, median(name)]));
}
export const ingestSize = { batch, connections };
