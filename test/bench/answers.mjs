// The three questions, and how a server without a framework answers them: the same data by the least SQL. No identity, no
// tenancy, no policies, no limits: what it costs to answer at all.
export const questions = {
  entitlementCheck: {
    query: `query EntitlementCheck($feature: ID!) { entitlementCheck(feature: $feature) { allowed reason limit used remaining } }`,
    variables: { feature: 'projects' },
    as: 'other-partner-tenant-admin',
  },
  addons: {
    query: `query Addons { addons(first: 50) { nodes { code name subscriberCount prices { interval amount { amount currency } } } } }`,
    variables: {},
    as: 'other-partner-owner',
  },
  prorationPreview: {
    query: `query ProrationPreview($input: PlanChangeInput!) { prorationPreview(input: $input) { ... on ProrationPreview {
      unusedCredit { amount currency } newCharge { amount currency } net { amount currency } } } }`,
    variables: { input: { plan: 'pro_max' } },
    as: 'other-partner-tenant-admin',
  },
};

const text = (minor) => {
  const size = (minor < 0n ? -minor : minor).toString().padStart(3, '0');
  return `${minor < 0n ? '-' : ''}${size.slice(0, -2)}.${size.slice(-2)}`;
};
const round = (numerator, denominator) => (2n * numerator + denominator) / (2n * denominator);
const day = 86_400_000;

/** @param {{ query(sql: object): Promise<{ rows: any[] }> }} pool */
export function answersFrom(pool, { partnerId, tenantId, featureId }) {
  return {
    async entitlementCheck(feature) {
      const { rows } = await pool.query({
        name: 'check',
        text: `select sum(limit_quantity * quantity) as "limit", bool_or(unlimited) as unlimited,
                 (select coalesce(sum(quantity), 0) from usage_rollups
                   where tenant_id = $1 and feature_id = $4 and grain = 'DAY') as used
               from tenant_entitlements
               where tenant_id = $1 and feature_code = $2 and starts_at <= $3 and (ends_at is null or ends_at > $3)`,
        values: [tenantId, feature, '2025-12-21T15:00:00Z', featureId],
      });
      const [limit, used] = [Number(rows[0].limit), Number(rows[0].used)];
      const remaining = String(limit - used);
      return { allowed: true, reason: 'WITHIN_LIMIT', limit: String(limit), used: String(used), remaining };
    },
    async addons() {
      const addons = await pool.query({
        name: 'addons',
        text: 'select id, code, name from partner_addons where partner_id = $1 order by id limit 50',
        values: [partnerId],
      });
      const ids = addons.rows.map((row) => row.id);
      const prices = await pool.query({
        name: 'prices',
        text: 'select addon_id, interval, amount, currency from addon_prices where addon_id = any($1) and replaced_at is null order by id',
        values: [ids],
      });
      const counts = await pool.query({
        name: 'counts',
        text: `select addon_id, count(*) as n from partner_tenant_addon_subscriptions
               where partner_id = $1 and addon_id = any($2) and ended_at is null group by addon_id`,
        values: [partnerId, ids],
      });
      const countOf = new Map(counts.rows.map((row) => [row.addon_id, Number(row.n)]));
      const pricesOf = Map.groupBy ? Map.groupBy(prices.rows, (row) => row.addon_id) : groupBy(prices.rows);
      return {
        nodes: addons.rows.map(({ id, code, name }) => ({
          code,
          name,
          subscriberCount: countOf.get(id) ?? 0,
          prices: (pricesOf.get(id) ?? []).map((row) => ({
            interval: row.interval,
            amount: { amount: text(BigInt(row.amount)), currency: row.currency },
          })),
        })),
      };
    },
    async prorationPreview(plan) {
      const { rows } = await pool.query({
        name: 'preview',
        text: `select i.unit_amount, i.quantity, s.period_start, s.period_end, s.currency, p.amount as target
               from subscriptions s join subscription_items i on i.tenant_id = s.tenant_id and i.id = s.plan_item_id
               join plans t on t.partner_id = s.partner_id and t.code = $2
               join plan_versions v on v.plan_id = t.id join plan_prices p on p.plan_version_id = v.id
                and p.interval = s.interval and p.currency = s.currency
               where s.tenant_id = $1 and s.status <> 'CANCELLED' order by v.number desc limit 1`,
        values: [tenantId, plan],
      });
      const row = rows[0];
      const total = BigInt(Math.round((row.period_end - row.period_start) / day));
      const left = BigInt(Math.round((row.period_end - Date.parse('2025-12-21T05:00:00Z')) / day));
      const quantity = BigInt(row.quantity);
      const credit = round(BigInt(row.unit_amount) * quantity * left, total);
      const charge = round(BigInt(row.target) * quantity * left, total);
      const money = (minor) => ({ amount: text(minor), currency: row.currency });
      return { unusedCredit: money(credit), newCharge: money(charge), net: money(charge - credit) };
    },
  };
}

function groupBy(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.addon_id, [...(groups.get(row.addon_id) ?? []), row]);
  return groups;
}
