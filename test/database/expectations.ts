import { actsOf, type PartnerLabel, type Principal, partnerLabels, type TenantLabel, tenantLabels } from './world';

/** Who asks, and as what: entered with `app.enter`, or with `app.enter_as_system` by the job role. */
export interface Actor {
  readonly name: string;
  readonly role: 'tollgate_app' | 'tollgate_job';
  readonly principal?: Principal;
  readonly partner?: PartnerLabel;
  readonly tenant?: TenantLabel;
  /** Entered with `app.enter_as_relay`. */
  readonly relay?: true;
  /** Entering is refused, and what follows is done by nobody. */
  readonly refused?: true;
  readonly sees: Readonly<Record<TableKind, Access>>;
}

/** The labels of the rows that can be read, and those that can be written in each way. */
export interface Access {
  readonly select: readonly string[];
  readonly insert: readonly string[];
  readonly update: readonly string[];
  readonly delete: readonly string[];
}

/**
 * - tenant: rows of a tenant
 * - catalog: rows of a partner that its tenants read too
 * - inner: rows of a partner that its tenants do not see: people and keys
 * - outbox: as tenant, and as relayed: as inner; besides, the relay reads, numbers and sends all of them
 * - acts: a partner's acts without a tenant, each seen by who did them
 * - closed: read by functions of the owner only
 */
export type TableKind = OrdinaryKind | 'outbox' | 'relayed';
type OrdinaryKind = 'tenant' | 'catalog' | 'inner' | 'tenants' | 'partners' | 'numbers' | 'acts' | 'closed';

type Operation = keyof Access;

interface TableExpectation {
  readonly kind: TableKind;
  readonly app: readonly Operation[];
  readonly job: readonly Operation[];
}

const table = (kind: TableKind, app: string, job = ''): TableExpectation => ({
  kind,
  app: app.split(' ').filter(Boolean) as Operation[],
  job: job.split(' ').filter(Boolean) as Operation[],
});

/** What each table is, and what the two roles may try on it. Which rows they then reach, the actors say. */
export const tables: Readonly<Record<string, TableExpectation>> = {
  partners: table('partners', 'select insert update', 'select'),
  tenants: table('tenants', 'select insert update', 'select update'),
  users: table('closed', ''),
  user_roles: table('closed', ''),
  schema_migrations: table('closed', ''),
  inbound_events: table('closed', ''),
  partner_users: table('inner', 'select insert update delete'),
  profiles: table('tenant', 'select insert update delete', 'select'),
  api_keys: table('inner', 'select insert update'),
  idempotency_keys: table('tenant', 'select insert update'),
  partner_idempotency_keys: table('acts', 'select insert update'),
  outbox_events: table('outbox', 'select insert', 'select insert delete'),
  partner_outbox_events: table('relayed', 'select insert', 'select insert delete'),
  partner_event_numbers: table('relayed', '', 'select insert update'),
  partner_events: table('relayed', 'select', 'select insert delete'),
  webhook_endpoints: table('relayed', 'select insert update', 'select update delete'),
  webhook_deliveries: table('relayed', 'select insert update', 'select insert update delete'),
  features: table('catalog', 'select insert', 'select'),
  plans: table('catalog', 'select insert update', 'select'),
  plan_versions: table('catalog', 'select insert', 'select'),
  plan_prices: table('catalog', 'select insert', 'select'),
  plan_features: table('catalog', 'select insert', 'select'),
  plan_addons: table('catalog', 'select insert', 'select'),
  partner_addons: table('catalog', 'select insert update', 'select'),
  addon_prices: table('catalog', 'select insert update', 'select'),
  addon_features: table('catalog', 'select insert delete', 'select'),
  addon_allowance_history: table('catalog', 'select insert', 'select'),
  addon_requirements: table('catalog', 'select insert delete', 'select'),
  partner_coupons: table('catalog', 'select insert update', 'select'),
  coupon_amounts: table('catalog', 'select insert', 'select'),
  subscriptions: table('tenant', 'select insert update', 'select insert update'),
  subscription_items: table('tenant', 'select insert update', 'select insert update'),
  subscription_changes: table('tenant', 'select insert', 'select insert'),
  partner_tenant_addon_subscriptions: table('tenant', 'select insert update', 'select insert update'),
  scheduled_plan_changes: table('tenant', 'select insert update', 'select insert update'),
  invoice_numbers: table('numbers', 'select'),
  invoices: table('tenant', 'select insert update', 'select insert update'),
  invoice_lines: table('tenant', 'select insert', 'select insert'),
  credit_notes: table('tenant', 'select insert', 'select insert'),
  credit_note_lines: table('tenant', 'select insert', 'select insert'),
  credit_balances: table('tenant', 'select insert update', 'select insert update'),
  credit_balance_entries: table('tenant', 'select insert', 'select insert'),
  item_charges: table('tenant', 'select insert', 'select insert'),
  plan_change_prorations: table('tenant', 'select insert', 'select insert'),
  tax_rates: table('catalog', 'select insert update', 'select'),
  tax_categories: table('catalog', 'select insert update delete', 'select'),
  partner_billing_details: table('catalog', 'select insert', 'select'),
  billing_details: table('tenant', 'select insert', 'select'),
  tenant_pending_coupons: table('tenant', 'select insert update', 'select insert update'),
  coupon_redemptions: table('tenant', 'select insert', 'select insert'),
  coupon_discounts: table('tenant', 'select insert update', 'select insert update'),
  check_results: table('closed', ''),
  request_budgets: table('closed', ''),
  document_seals: table('tenant', ''),
  partner_dunning_policies: table('catalog', 'select insert update', 'select'),
  partner_self_service_policies: table('catalog', 'select insert'),
  partner_credit_policies: table('catalog', 'select insert', 'select'),
  stripe_prices: table('catalog', 'select', 'select'),
  stripe_checkouts: table('tenant', 'select insert update', 'select insert update'),
  stripe_invoices: table('tenant', 'select insert', 'select insert'),
  stripe_invoice_refunds: table('tenant', 'select insert', 'select insert'),
  provider_customers: table('tenant', 'select insert', 'select insert delete'),
  former_provider_customers: table('tenant', 'select', 'select insert'),
  payment_methods: table('tenant', 'select insert update', 'select insert update'),
  payment_setups: table('tenant', 'select insert update', 'select insert update'),
  payments: table('tenant', 'select insert update', 'select insert update'),
  refunds: table('tenant', 'select insert update', 'select insert update'),
  disputes: table('tenant', 'select insert update', 'select insert update'),
  invoice_collections: table('tenant', 'select insert update', 'select insert update'),
  billing_work: table('tenant', 'select delete', 'select update delete'),
  licence_products: table('catalog', 'select insert update', 'select'),
  licence_prices: table('catalog', 'select insert update', 'select'),
  licence_product_features: table('catalog', 'select insert delete', 'select'),
  licences: table('tenant', 'select insert update', 'select insert update'),
  licence_seats: table('tenant', 'select insert update', 'select insert update'),
  licence_purchases: table('tenant', 'select insert update', 'select insert update'),
  licence_refunds: table('tenant', 'select insert update', 'select insert update'),
  licence_subscription_ends: table('tenant', 'select insert update', 'select insert update'),
  entitlement_grants: table('tenant', 'select insert update', 'select insert update'),
  tenant_entitlements: table('tenant', 'select insert update delete', 'select insert update delete'),
  meters: table('catalog', 'select insert', 'select'),
  usage_events: table('tenant', 'select insert', 'select insert'),
  usage_event_keys: table('tenant', 'select insert', 'select insert'),
  usage_rollups: table('tenant', 'select insert update', 'select insert update'),
  usage_uniques: table('tenant', 'select insert', 'select insert'),
  usage_locks: table('tenant', 'select insert update', 'select insert update'),
  usage_thresholds: table('tenant', 'select insert', 'select insert'),
  billed_usage: table('tenant', 'select insert update', 'select insert update'),
  billed_usage_charges: table('tenant', 'select insert update', 'select insert update'),
  usage_after_end: table('tenant', 'select insert update delete', 'select insert update delete'),
  metering_spans: table('tenant', 'select insert update', 'select insert update'),
  unused_credits: table('tenant', 'select insert update', 'select insert update'),
};

/** All rows that exist, by label: what must be there for a hidden row to prove anything. */
export const labelsOf: Readonly<Record<TableKind, readonly string[]>> = {
  tenant: tenantLabels,
  tenants: tenantLabels,
  catalog: partnerLabels,
  inner: partnerLabels,
  outbox: tenantLabels,
  relayed: partnerLabels,
  partners: partnerLabels,
  numbers: partnerLabels,
  acts: actsOf.map(([label]) => label),
  closed: ['everybody'],
};

const nothing: Access = { select: [], insert: [], update: [], delete: [] };
const read = (...labels: string[]): Access => ({ ...nothing, select: labels });
const write = (...labels: string[]): Access => ({ select: labels, insert: labels, update: labels, delete: labels });

/** What the relay works on is seen by everybody else as a tenant's rows, or as a partner's inner ones. */
type Sees = Readonly<Record<OrdinaryKind, Access> & Partial<Record<TableKind, Access>>>;

const seesNothing: Sees = {
  tenant: nothing,
  catalog: nothing,
  inner: nothing,
  tenants: nothing,
  partners: nothing,
  numbers: nothing,
  acts: nothing,
  closed: nothing,
};

/** Entered into one tenant, with the rights of its own people. */
const inTenant = (tenant: TenantLabel, partner: PartnerLabel, canWrite: boolean): Sees => ({
  ...seesNothing,
  tenant: canWrite ? write(tenant) : read(tenant),
  tenants: { ...read(tenant), update: canWrite ? [tenant] : [] },
  catalog: read(partner),
  partners: read(partner),
});

/** Entered into one tenant, with the rights of its partner. */
const inTenantForPartner = (tenant: TenantLabel, partner: PartnerLabel, canWrite: boolean): Sees => ({
  ...inTenant(tenant, partner, canWrite),
  catalog: canWrite ? write(partner) : read(partner),
  inner: canWrite ? write(partner) : read(partner),
  partners: { ...read(partner), update: canWrite ? [partner] : [] },
  numbers: read(partner),
});

/** Entered into a partner: its tenants' rows can be read, and its own be written. */
const inPartner = (partner: PartnerLabel, tenants: TenantLabel[], acts: string | undefined): Sees => ({
  ...seesNothing,
  tenant: read(...tenants),
  tenants: { ...read(...tenants), insert: acts ? [partner] : [] },
  catalog: acts ? write(partner) : read(partner),
  inner: acts ? write(partner) : read(partner),
  partners: { ...read(partner), update: acts ? [partner] : [] },
  numbers: read(partner),
  acts: acts ? write(acts) : nothing,
});

const app = { role: 'tollgate_app' } as const;
const job = { role: 'tollgate_job' } as const;

const everybody: readonly (Omit<Actor, 'sees'> & { readonly sees: Sees })[] = [
  { name: 'nobody', ...app, sees: seesNothing },
  {
    name: 'platform super admin',
    ...app,
    principal: 'super admin',
    sees: {
      ...seesNothing,
      tenant: read('A1', 'A2', 'B1'),
      tenants: read('A1', 'A2', 'B1'),
      catalog: read('A', 'B'),
      inner: read('A', 'B'),
      partners: { ...read('A', 'B'), insert: ['new'] },
      acts: write('platform super admin'),
    },
  },
  {
    name: 'super admin in partner A',
    ...{ ...app, principal: 'super admin', partner: 'A' },
    sees: inPartner('A', ['A1', 'A2'], 'A super admin'),
  },
  {
    name: 'super admin in tenant A1',
    ...{ ...app, principal: 'super admin', tenant: 'A1' },
    sees: inTenantForPartner('A1', 'A', true),
  },
  {
    name: 'partner owner',
    ...{ ...app, principal: 'owner of A', partner: 'A' },
    sees: inPartner('A', ['A1', 'A2'], 'A owner'),
  },
  {
    name: 'partner owner in tenant A1',
    ...{ ...app, principal: 'owner of A', partner: 'A', tenant: 'A1' },
    sees: inTenantForPartner('A1', 'A', true),
  },
  {
    name: 'partner viewer',
    ...{ ...app, principal: 'viewer of A', partner: 'A' },
    sees: inPartner('A', ['A1', 'A2'], undefined),
  },
  {
    name: 'partner viewer in tenant A1',
    ...{ ...app, principal: 'viewer of A', tenant: 'A1' },
    sees: inTenantForPartner('A1', 'A', false),
  },
  {
    name: 'partner viewer who is an admin of tenant A1, there',
    ...{ ...app, principal: 'viewer of A and admin of A1', tenant: 'A1' },
    sees: inTenant('A1', 'A', true),
  },
  {
    name: 'partner viewer who is an admin of tenant A1, in tenant A2',
    ...{ ...app, principal: 'viewer of A and admin of A1', tenant: 'A2' },
    sees: inTenantForPartner('A2', 'A', false),
  },
  {
    name: 'tenant admin',
    ...{ ...app, principal: 'admin of A1', partner: 'A', tenant: 'A1' },
    sees: inTenant('A1', 'A', true),
  },
  {
    name: 'tenant member',
    ...{ ...app, principal: 'member of A1', tenant: 'A1' },
    sees: inTenant('A1', 'A', false),
  },
  {
    name: "another tenant's admin of the same partner",
    ...{ ...app, principal: 'admin of A2', tenant: 'A2' },
    sees: inTenant('A2', 'A', true),
  },
  {
    name: "another partner's owner",
    ...{ ...app, principal: 'owner of B', partner: 'B' },
    sees: inPartner('B', ['B1'], 'B owner'),
  },
  {
    name: "another partner's owner in tenant A1",
    ...{ ...app, principal: 'owner of B', tenant: 'A1', refused: true },
    sees: seesNothing,
  },
  {
    name: 'partner API key',
    ...{ ...app, principal: 'live key of A', partner: 'A' },
    sees: inPartner('A', ['A1', 'A2'], 'A live key'),
  },
  {
    name: 'partner API key in tenant A1',
    ...{ ...app, principal: 'live key of A', tenant: 'A1' },
    sees: inTenantForPartner('A1', 'A', true),
  },
  {
    name: 'partner API key that only reads',
    ...{ ...app, principal: 'reading key of A', partner: 'A' },
    sees: inPartner('A', ['A1', 'A2'], undefined),
  },
  {
    name: 'tenant API key',
    ...{ ...app, principal: 'live key of A1', partner: 'A', tenant: 'A1' },
    sees: inTenant('A1', 'A', true),
  },
  {
    name: "partner's test key",
    ...{ ...app, principal: 'test key of A', partner: 'A' },
    sees: { ...seesNothing, tenant: read('A2'), tenants: read('A2'), catalog: read('A'), partners: read('A') },
  },
  {
    name: "partner's test key in the sandbox tenant A2",
    ...{ ...app, principal: 'test key of A', tenant: 'A2' },
    sees: inTenant('A2', 'A', true),
  },
  {
    name: "partner's test key on the live tenant A1",
    ...{ ...app, principal: 'test key of A', tenant: 'A1', refused: true },
    sees: seesNothing,
  },
  {
    name: "tenant's test key on the live tenant A1",
    ...{ ...app, principal: 'test key of A1', tenant: 'A1', refused: true },
    sees: seesNothing,
  },
  { name: 'job role', ...job, sees: seesNothing },
  { name: 'job role for tenant A1', ...job, tenant: 'A1', sees: inTenant('A1', 'A', true) },
  {
    name: 'relay',
    ...{ ...job, relay: true },
    sees: {
      ...seesNothing,
      outbox: { ...nothing, select: tenantLabels, delete: tenantLabels },
      relayed: write(...partnerLabels),
    },
  },
];

export const actors: readonly Actor[] = everybody.map((actor) => ({
  ...actor,
  sees: { outbox: actor.sees.tenant, relayed: actor.sees.inner, ...actor.sees },
}));
