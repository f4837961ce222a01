// A neighbour that asks for as much as it can, of one kind, until it is told to stop. A process of its own, so that what it
// does is not in the way of the one who measures.
import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { setPriority } from 'node:os';

const { url, tokens, documentPath, secret, customer } = JSON.parse(process.argv[2]);
// Its machine is another one: it takes what PostgreSQL and the one who measures leave of this one.
setPriority(10);
let serial = 0;
let running = false;
const counts = {};

const graphql = (as, query, variables = {}) => ({
  path: '/graphql',
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens[as]}` },
  body: JSON.stringify({ query, variables }),
});

const changePlan = `mutation ($input: PlanChangeInput!, $key: String!) { changePlan(input: $input, idempotencyKey: $key) {
  __typename ... on Refused { code } } }`;
const preview = `query ($input: PlanChangeInput!) { prorationPreview(input: $input) { __typename ... on Refused { code } } }`;
const record = `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { __typename ... on Refused { code } } }`;
/** As dear as a document may be: 55 lists of 100 with 7 fields each. */
const wide = `{ ${Array.from({ length: 55 }, (_, n) => `t${n}: tenants(first: 100) { ...T }`).join(' ')} }
  fragment T on TenantConnection { nodes { id name currency createdAt sandbox timeZone externalId } }`;
const counting = '{ addons(first: 50) { nodes { code subscriberCount prices { interval amount { amount } } } } }';

const batch = () => {
  const time = new Date(Date.now() - 60_000).toISOString();
  const events = Array.from({ length: 1_000 }, () => {
    serial += 1;
    return { id: `n-${process.pid}-${serial}`, source: '/bench', type: 'api_calls', time, quantity: '1' };
  });
  return graphql('tenant-admin', record, { input: { events } });
};

function webhook() {
  serial += 1;
  const created = Math.floor(Date.now() / 1_000);
  const object = { id: `sub_n_${serial}`, object: 'subscription', customer, status: 'active', metadata: {} };
  const body = JSON.stringify({
    ...{ id: `evt_n_${process.pid}_${serial}`, object: 'event', type: 'customer.subscription.updated', created },
    ...{ livemode: false, data: { object } },
  });
  const signature = createHmac('sha256', secret).update(`${created}.${body}`).digest('hex');
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${created},v1=${signature}` };
  return { path: '/webhooks/stripe', method: 'POST', headers, body };
}

/** How many at once, and what each sends. */
const kinds = {
  writes: [
    60,
    () => {
      serial += 1;
      const input = { plan: serial % 2 ? 'pro' : 'starter' };
      return graphql('tenant-admin', changePlan, { input, key: `neighbour-${process.pid}-${serial}` });
    },
  ],
  batches: [8, batch],
  documents: [
    16,
    () => ({ path: documentPath, method: 'GET', headers: { authorization: `Bearer ${tokens['tenant-admin']}` } }),
  ],
  'wide reads': [16, () => graphql('other-partner-owner', wide)],
  'slow reads': [16, () => graphql('other-partner-owner', counting)],
  previews: [16, () => graphql('tenant-admin', preview, { input: { plan: 'pro' } })],
  checks: [64, () => graphql('tenant-admin', '{ entitlementCheck(feature: "api_calls") { allowed used remaining } }')],
  webhooks: [16, webhook],
};

async function loop(make) {
  while (running) {
    const { path, ...request } = make();
    let outcome;
    try {
      const response = await fetch(`${url}${path}`, request);
      const text = await response.text();
      const code = /"code":"([A-Z_]+)"/.exec(text)?.[1];
      outcome = code ?? response.status;
      // As a client that heeds what it is told, but not for long.
      if (response.status === 429) await new Promise((done) => setTimeout(done, 50));
    } catch (error) {
      outcome = error.cause?.code ?? error.name;
    }
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
}

/** Asks for long answers and reads none of them. */
async function readSlowly() {
  const { hostname, port } = new URL(url);
  const { path, headers, body } = graphql('other-partner-owner', wide);
  const lines = Object.entries({ ...headers, host: hostname, 'content-length': Buffer.byteLength(body) });
  const request = `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
  const sockets = new Set();
  while (running) {
    if (sockets.size < 100) {
      const socket = connect(Number(port), hostname).pause();
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      socket.write(request);
      sockets.add(socket);
      counts.opened = (counts.opened ?? 0) + 1;
    }
    await new Promise((done) => setTimeout(done, 5));
  }
  for (const socket of sockets) socket.destroy();
}

let loops = [];
process.on('message', async ({ kind }) => {
  if (kind) {
    running = true;
    for (const name of Object.keys(counts)) delete counts[name];
    const [many, make] = kinds[kind] ?? [1];
    loops = Array.from({ length: many }, () => (make ? loop(make) : readSlowly()));
    process.send({ started: kind });
    return;
  }
  running = false;
  // What waits is waited for: the next measure begins in silence.
  await Promise.all(loops);
  process.send({ counts });
});
// The bench has ended, one way or the other.
process.on('disconnect', () => process.exit());
process.send({ url: 'neighbour' });
