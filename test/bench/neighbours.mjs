// How long a quiet tenant's read takes beside a neighbour that asks for as much as it can, in the same run as how long it
// takes alone: the ratio of both is what is read. An answer of the quiet tenant that is not whole is counted as refused.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const { Client } = createRequire(import.meta.url)('pg');
const customer = 'cus_neighbour';

export const neighbours = [
  ...['locked writes', 'writes', 'batches', 'documents', 'wide reads', 'slow reads', 'previews', 'checks'],
  ...['webhooks', 'slow readers'],
];
/** For the gateway: what would end a neighbour sooner is lifted, so that it is what shares the places that is measured. */
export const neighbourEnvironment = {
  ...{ RATE_LIMIT_ACTOR: '0', RATE_LIMIT_ACCOUNT: '0', RATE_LIMIT_DOCUMENTS: '0' },
};

const read = '{ invoices(first: 5) { nodes { number total { amount } lines { description amount { amount } } } } }';

async function ask(url, token, query, variables = {}) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  if (answer.errors) throw new Error(`refused: ${JSON.stringify(answer.errors)}`);
  return answer.data;
}

/** One read after the other, as a person clicks. */
async function quietly(url, token, seconds) {
  const until = performance.now() + seconds * 1_000;
  const took = [];
  let refused = 0;
  while (performance.now() < until) {
    const sent = performance.now();
    await ask(url, token, read).catch(() => {
      refused += 1;
    });
    took.push(performance.now() - sent);
    await new Promise((done) => setTimeout(done, 2));
  }
  const at = (share) => took.toSorted((one, two) => one - two)[Math.floor((took.length - 1) * share)];
  return { p50: at(0.5), p99: at(0.99), refused };
}

async function documentOf(url, token) {
  const query = `mutation { subscribeAddon(input: { addon: "importer_distributor" }) { __typename } }`;
  await ask(url, token, query);
  const { invoices } = await ask(url, token, '{ invoices(last: 1) { nodes { id } } }');
  return `/invoices/${invoices.nodes[0].id}.pdf`;
}

export async function benchNeighbours({
  gateway,
  tokens,
  databaseUrl,
  start,
  stops,
  rounds,
  seconds,
  secret,
  kinds,
  say,
}) {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  await owner.query(
    `insert into provider_customers (tenant_id, provider, partner_id, external_id, created_at)
     select id, 'STRIPE', partner_id, $1, now() from tenants where external_id = 'globex' on conflict do nothing`,
    [customer],
  );
  const { url } = gateway;
  const documentPath = await documentOf(url, tokens['tenant-admin']);
  const quiet = tokens['other-partner-tenant-admin'];
  const loader = await start(join(here, 'neighbour-loader.mjs'), [
    JSON.stringify({ url, tokens, documentPath, secret, customer }),
  ]);
  stops.push(loader.stop);
  const rows = [];
  await quietly(url, quiet, 2);
  for (const kind of kinds) {
    const alone = [];
    const beside = [];
    let counts = {};
    for (let round = 1; round <= rounds; round += 1) {
      say(`neighbours: ${kind}, round ${round} of ${rounds}`);
      alone.push(await quietly(url, quiet, seconds));
      const locked = kind === 'locked writes';
      if (locked) {
        await owner.query('begin');
        await owner.query(`select 1 from tenants where external_id = 'globex' for no key update`);
      }
      await loader.tell({ kind: locked ? 'writes' : kind });
      // Until it is at its worst.
      await new Promise((done) => setTimeout(done, 1_000));
      beside.push(await quietly(url, quiet, seconds));
      if (locked) await owner.query('rollback');
      ({ counts } = await loader.tell({}));
    }
    const median = (values) => values.toSorted((one, two) => one - two)[Math.floor(values.length / 2)];
    rows.push({
      ...{ question: 'neighbours', kind, counts },
      refused: beside.reduce((sum, { refused }) => sum + refused, 0),
      ...{ alone: median(alone.map(({ p99 }) => p99)), p50: median(beside.map(({ p50 }) => p50)) },
      ...{ p99: median(beside.map(({ p99 }) => p99)), ofAlone: median(beside.map(({ p99 }, n) => p99 / alone[n].p99)) },
    });
  }
  loader.stop();
  await owner.end();
  return rows;
}
