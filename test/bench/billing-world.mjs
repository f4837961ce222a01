// What the billing bench bills: one tenant made through the API (a plan, two add-ons, three meters, all of them priced and
// used), and as many copies of its rows as are asked for.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Client } = require('pg');

/** Makes the tenant in the database of a gateway that is started for it. Its copies are live; it is a sandbox itself. */
export async function makeWorld(databaseUrl, dataFolder) {
  require('reflect-metadata');
  const { startGateway, demoTokens } = require('../../dist/src/cli/gateway.js');
  const { readConfig } = require('../../dist/src/config.js');
  const { demoSecrets } = require('../../dist/src/platform/secrets.js');
  const silent = { line: () => undefined, bar: () => ({ advance: () => undefined, end: () => undefined }) };
  const config = readConfig({
    ...{ TOLLGATE_ENV: 'demo', DATABASE_URL: databaseUrl, DATA_DIR: dataFolder, PORT: '0' },
    ...{ BILLING_SCHEDULE: 'off', CHECK_SCHEDULE: 'off' },
  });
  const gateway = await startGateway(config, silent);
  const tokens = await demoTokens((await demoSecrets(config.dataFolder)).identityKey);
  const { token } = tokens.find(({ name }) => name === 'super-admin');
  const act = async (mutation, input, fields) => {
    const name = mutation[0].toUpperCase() + mutation.slice(1);
    const query = `mutation ($input: ${name}Input!) { ${mutation}(input: $input) { ... on ${name}Done { ${fields} } ... on Refused { code message } } }`;
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const { data, errors } = await response.json();
    if (errors || data[mutation].code) throw new Error(`${mutation}: ${JSON.stringify(errors ?? data[mutation])}`);
    return data[mutation];
  };
  const price = (amount) => [{ interval: 'MONTH', price: { amount, currency: 'EUR' } }];
  const usage = (feature, limit) => ({
    ...{ feature, limit, resetPeriod: 'MONTH' },
    usagePrices: [
      {
        currency: 'EUR',
        inside: { kind: 'PER_UNIT', amount: '0.01' },
        overage: { kind: 'PER_UNIT', amount: '0.02' },
      },
    ],
  });
  const { partner } = await act(
    'createPartner',
    { code: 'bench', name: 'Bench', currency: 'EUR', timeZone: 'UTC' },
    'partner { id }',
  );
  const partnerId = partner.id;
  for (const code of ['calls', 'rows', 'mails']) {
    await act('createFeature', { partnerId, code, name: code, kind: 'METERED' }, 'feature { id }');
    await act('createMeter', { partnerId, feature: code, aggregation: 'SUM', eventType: code }, 'meter { id }');
  }
  const features = [usage('calls', '1000'), usage('rows', '1000'), usage('mails', '1000')];
  await act(
    'createPlan',
    { partnerId, code: 'basic', name: 'Basic', rank: 1, prices: price('29.99'), features },
    'plan { id }',
  );
  for (const code of ['first', 'second']) {
    await act('createAddon', { partnerId, code, name: code, prices: price('50') }, 'addon { id }');
  }
  const { tenant } = await act(
    'createTenant',
    { partnerId, name: 'Template', sandbox: true, testClock: '2025-01-01T00:00:00Z' },
    'tenant { id }',
  );
  const tenantId = tenant.id;
  await act('startSubscription', { tenantId, plan: 'basic' }, 'subscription { id }');
  for (const addon of ['first', 'second']) await act('subscribeAddon', { tenantId, addon }, 'created');
  for (const type of ['calls', 'rows', 'mails']) {
    const event = { id: type, type, quantity: '500', time: '2025-01-01T00:00:00Z' };
    await act('recordUsage', { tenantId, ...event }, '__typename');
  }
  await gateway.stop();
}

/** Copies every row of the template tenant: row ids are the tenant's own, so they may stay. */
export async function copyTenants(databaseUrl, count) {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  const template = (await owner.query(`select id from tenants where name = 'Template'`)).rows[0].id;
  await owner.query("set session_replication_role = 'replica'");
  await owner.query(
    `create temp table copies as select gen_random_uuid() as id, n from generate_series(1, ${count}) n`,
  );
  await owner.query(
    `insert into tenants (id, partner_id, name, currency, sandbox, created_at)
     select c.id, t.partner_id, 'Copy ' || c.n, t.currency, false, t.created_at from copies c, tenants t where t.id = $1`,
    [template],
  );
  const { rows: tables } = await owner.query(
    `select c.relname as table, array_agg(quote_ident(a.attname) order by a.attnum) filter (where a.attname <> 'tenant_id') as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and exists (select 1 from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')
        and c.relname not in ('api_keys', 'partner_events')
      group by c.relname`,
  );
  for (const { table, columns } of tables) {
    await owner.query(
      `insert into "${table}" (tenant_id, ${columns}) select c.id, ${columns.map((column) => `x.${column}`)} from copies c, "${table}" x where x.tenant_id = $1`,
      [template],
    );
  }
  await owner.query("set session_replication_role = 'origin'");
  await owner.query('vacuum analyze');
  await owner.end();
}
