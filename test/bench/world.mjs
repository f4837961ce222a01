// The world that all three servers answer from: one partner with 50 add-ons and 20,000 attachments over 2,000 tenants.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Client } = require('pg');

export const addonCount = 50;
export const tenantCount = 2_000;
export const attachmentsPerTenant = 10;

/** Fills a migrated and seeded database by set-based SQL as the owner: the bench measures reading, not this. */
export async function fillWorld(ownerUrl) {
  const owner = new Client({ connectionString: ownerUrl });
  await owner.connect();
  const one = async (sql, values) => (await owner.query(sql, values)).rows[0];
  const { id: partnerId } = await one(`select id from partners where code = 'umbrella'`);
  const hooli = await one(
    `select t.id as tenant_id, s.* from tenants t join subscriptions s on s.tenant_id = t.id where t.external_id = 'hooli'`,
  );
  const existing = await one('select count(*)::int as n from partner_addons where partner_id = $1', [partnerId]);
  if (existing.n < addonCount) {
    await owner.query(
      `insert into partner_addons (partner_id, id, code, name, created_at)
       select $1, gen_random_uuid(), 'bench_' || n, 'Bench add-on ' || n, now() from generate_series(1, $2) n`,
      [partnerId, addonCount - existing.n],
    );
    await owner.query(
      `insert into addon_prices (partner_id, id, addon_id, currency, interval, amount, created_at)
       select partner_id, gen_random_uuid(), id, 'USD', 'MONTH', 1000, now() from partner_addons where partner_id = $1`,
      [partnerId],
    );
    await owner.query(
      `insert into tenants (id, partner_id, name, currency, sandbox, created_at)
       select gen_random_uuid(), $1, 'Bench ' || n, 'USD', false, now() from generate_series(1, $2) n`,
      [partnerId, tenantCount],
    );
    await owner.query(
      `insert into subscriptions (tenant_id, id, partner_id, status, plan_id, plan_version_id, plan_item_id, currency,
         interval, anchor_date, time_zone, proration_basis, started_at, period_index, period_start, period_end, created_at)
       select t.id, gen_random_uuid(), $1, 'ACTIVE', $2, $3, gen_random_uuid(), 'USD', 'MONTH', date '2025-12-01', 'UTC', 'DAY',
         now(), 0, now(), now() + interval '30 days', now()
       from tenants t where t.partner_id = $1 and t.name like 'Bench %'`,
      [partnerId, hooli.plan_id, hooli.plan_version_id],
    );
    await owner.query(
      `insert into partner_tenant_addon_subscriptions (tenant_id, id, partner_id, subscription_id, addon_id, addon_price_id,
         interval, currency, unit_amount, quantity, started_at, created_at)
       select s.tenant_id, gen_random_uuid(), s.partner_id, s.id, a.id, p.id, 'MONTH', 'USD', 1000, 1, now(), now()
       from (select *, row_number() over (order by tenant_id) as n from subscriptions
              where partner_id = $1 and tenant_id <> $2) s
       cross join generate_series(0, $3 - 1) k
       join (select *, row_number() over (order by id) - 1 as n from partner_addons where partner_id = $1) a
         on a.n = (s.n + k) % $4
       join addon_prices p on p.addon_id = a.id`,
      [partnerId, hooli.tenant_id, attachmentsPerTenant, addonCount],
    );
    await owner.query(
      `insert into usage_rollups (tenant_id, partner_id, feature_id, grain, bucket_start, quantity, events, maximum,
         latest_quantity, latest_at, latest_key, changed_at)
       select $1, $2, f.id, 'DAY', date_trunc('day', now(), 'UTC') - make_interval(hours => 24 * n), 0.25, 1, 0.25, 0.25,
         now(), n::text, now()
       from features f, generate_series(1, 28) n where f.partner_id = $2 and f.code = 'projects'`,
      [hooli.tenant_id, partnerId],
    );
    await owner.query('vacuum analyze');
  }
  const feature = await one(`select id from features where partner_id = $1 and code = 'projects'`, [partnerId]);
  await owner.end();
  return { partnerId, tenantId: hooli.tenant_id, featureId: feature.id };
}
