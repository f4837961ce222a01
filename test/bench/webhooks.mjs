// How long `/webhooks/stripe` takes to answer while another transaction holds the customer that the events are about, and more
// requests than there are connections wait for it; beside the same route with nothing locked, in the same run.
import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';

const { Client } = createRequire(import.meta.url)('pg');
const connections = 4;
/** More than the gateway has connections for requests. */
const waitingRequests = 30;
const fewestWaiting = 20;
const secret = 'whsec_of_the_bench_0123456789';
const customer = 'cus_bench';

/** Stripe's secrets for the gateway, and an address at which nobody answers: nothing is asked of Stripe here. */
export const stripeEnvironment = {
  STRIPE_SECRET_KEY: 'sk_test_bench0123456789',
  STRIPE_WEBHOOK_SECRET: secret,
  STRIPE_API_URL: 'http://127.0.0.1:9',
};

let serial = 0;
function signedEvent() {
  serial += 1;
  const created = Math.floor(Date.now() / 1_000);
  const body = JSON.stringify({
    ...{ id: `evt_bench_${process.pid}_${serial}`, object: 'event', type: 'customer.subscription.updated', created },
    livemode: false,
    data: { object: { id: `sub_bench_${serial}`, object: 'subscription', customer, status: 'active', metadata: {} } },
  });
  const signature = createHmac('sha256', secret).update(`${created}.${body}`).digest('hex');
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${created},v1=${signature}` },
    body,
  };
}

async function post(url, seconds) {
  const until = performance.now() + seconds * 1_000;
  const took = [];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        const request = signedEvent();
        const sent = performance.now();
        const response = await fetch(`${url}/webhooks/stripe`, request);
        await response.arrayBuffer();
        if (response.status !== 200) throw new Error(`a webhook was answered with ${response.status}`);
        took.push(performance.now() - sent);
      }
    }),
  );
  const at = (share) => took.toSorted((one, two) => one - two)[Math.floor((took.length - 1) * share)];
  return { rate: took.length / ((performance.now() - started) / 1_000), p50: at(0.5), p99: at(0.99) };
}

/** Runs `work` while the customer is locked and every connection for requests waits for it. */
async function whileLocked({ url, token, owner, watcher, tenantId }, work) {
  const query = 'mutation { subscribeAddon(input: { addon: "nothing" }) { ... on Refused { code } } }';
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const ask = () => fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  await owner.query('begin');
  await owner.query('select 1 from tenants where id = $1 for no key update', [tenantId]);
  let over = false;
  const waiting = Array.from({ length: waitingRequests }, async () => {
    while (!over) await (await ask()).arrayBuffer();
  });
  // On a connection of its own: a transaction sees other sessions as they were when it first looked.
  const waiters = async () =>
    (await watcher.query(`select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock'`)).rows[0].n;
  try {
    for (let tries = 0; (await waiters()) < fewestWaiting; tries += 1) {
      if (tries > 250) throw new Error(`only ${await waiters()} wait for the locked customer`);
      await new Promise((done) => setTimeout(done, 20));
    }
    return await work();
  } finally {
    over = true;
    await owner.query('rollback');
    await Promise.allSettled(waiting);
  }
}

/** Each round measures both, one after the other. */
export async function benchWebhooks({ gateway, token, databaseUrl, tenantId, rounds, seconds, say }) {
  const owner = new Client({ connectionString: databaseUrl });
  const watcher = new Client({ connectionString: databaseUrl });
  await owner.connect();
  await watcher.connect();
  await owner.query(
    `insert into provider_customers (tenant_id, provider, partner_id, external_id, created_at)
     select id, 'STRIPE', partner_id, $2, now() from tenants where id = $1 on conflict do nothing`,
    [tenantId, customer],
  );
  const { url } = gateway;
  const measured = { free: [], locked: [] };
  try {
    await post(url, 2);
    for (let round = 1; round <= rounds; round += 1) {
      say(`webhooks: nothing locked, round ${round} of ${rounds}`);
      measured.free.push(await post(url, seconds));
      say(`webhooks: the customer locked, round ${round} of ${rounds}`);
      measured.locked.push(await whileLocked({ url, token, owner, watcher, tenantId }, () => post(url, seconds)));
    }
  } finally {
    await owner.end();
    await watcher.end();
  }
  const median = (values) => values.toSorted((first, second) => first - second)[Math.floor(values.length / 2)];
  const rowOf = (server, rows) => ({
    ...{ question: 'webhooks/stripe', server },
    ...Object.fromEntries(['rate', 'p50', 'p99'].map((name) => [name, median(rows.map((row) => row[name]))])),
    ofFree: median(rows.map(({ p99 }, round) => p99 / measured.free[round].p99)),
  });
  return [rowOf('nothing locked', measured.free), rowOf('customer locked', measured.locked)];
}
export const webhookSenders = connections;
