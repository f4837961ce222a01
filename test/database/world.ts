import { createHash } from 'node:crypto';
import type { TestDatabase } from '../support/database';

/**
 * Rows of two partners and three tenants in every table, so that a test can prove of each row that it exists and of each
 * actor which of them it sees.
 */
export const tenantLabels = ['A1', 'A2', 'B1'] as const;
export type TenantLabel = (typeof tenantLabels)[number];
export const partnerLabels = ['A', 'B'] as const;
export type PartnerLabel = (typeof partnerLabels)[number];

/** The same name is the same id in every run. */
export function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
export const tenantId = (label: TenantLabel): string => idOf(`tenant ${label}`);
export const partnerId = (label: PartnerLabel): string => idOf(`partner ${label}`);
export const noPartner = '00000000-0000-0000-0000-000000000000';

export const people = [
  'super admin',
  'owner of A',
  'viewer of A',
  'viewer of A and admin of A1',
  'owner of B',
  'admin of A1',
  'member of A1',
  'admin of A2',
  'admin of B1',
  'stranger',
  // Invited nowhere yet: whom an inserted membership names.
  'newcomer',
] as const;
export type Person = (typeof people)[number];

interface Key {
  readonly partner: PartnerLabel;
  readonly tenant?: TenantLabel;
  readonly live: boolean;
  readonly scopes: readonly string[];
  readonly expiresAt?: string;
  readonly revokedAt?: string;
}
export const keys = {
  'live key of A': { partner: 'A', live: true, scopes: ['READ', 'WRITE'] },
  'reading key of A': { partner: 'A', live: true, scopes: ['READ'] },
  'test key of A': { partner: 'A', live: false, scopes: ['READ', 'WRITE'] },
  'live key of A1': { partner: 'A', tenant: 'A1', live: true, scopes: ['READ', 'WRITE'] },
  'test key of A1': { partner: 'A', tenant: 'A1', live: false, scopes: ['READ', 'WRITE'] },
  'expired key of A': { partner: 'A', live: true, scopes: ['READ'], expiresAt: '2020-01-01T00:00:00Z' },
  'revoked key of A': { partner: 'A', live: true, scopes: ['READ'], revokedAt: '2020-01-01T00:00:00Z' },
  'live key of B': { partner: 'B', live: true, scopes: ['READ', 'WRITE'] },
} as const satisfies Record<string, Key>;
export type KeyName = keyof typeof keys;
export type Principal = Person | KeyName;
export const principalId = (name: Principal): string => idOf(name);
export const keyHash = (name: KeyName): Buffer => createHash('sha256').update(name).digest();

export type Values = Readonly<Record<string, unknown>>;

/** `planted` is there from the start; `fresh` is a second row that an actor tries to insert beside it. */
export type Variant = 'planted' | 'fresh';

const at = '2026-01-01T00:00:00Z';
const later = '2026-02-01T00:00:00Z';
const muchLater = '2026-03-01T00:00:00Z';

interface TenantPlace {
  readonly label: TenantLabel;
  readonly partner: PartnerLabel;
  readonly variant: Variant;
  readonly fresh: boolean;
  /** Of this very row. */
  readonly id: string;
  /** Of the planted row of another table of this tenant. */
  of(table: string): string;
  /** Of the planted row in the partner's catalog. */
  catalog(table: string): string;
  readonly scope: { readonly tenant_id: string; readonly partner_id: string };
}

const currency = 'EUR';
const price = { currency, interval: 'MONTH', unit_amount: 1_000, quantity: 1 };
const span = { period_start: at, period_end: later };
const line = (source: string) => ({
  ...{
    position: 1,
    source_kind: 'PLAN',
    source_id: source,
    description: 'Plan',
    quantity: '1',
    amount: 1_000,
    currency,
  },
  explanation: '{}',
});

/** One row of each tenant table for each tenant; parents before children. */
const tenantRows: Record<string, (place: TenantPlace) => Values> = {
  idempotency_keys: ({ scope, variant }) => ({
    ...scope,
    ...{ actor_id: idOf('owner of A'), key: variant, mutation: 'changePlan', request_hash: Buffer.from('hash') },
    ...{ response: '{}', created_at: at },
  }),
  billing_work: ({ scope }) => ({
    ...scope,
    ...{ due_at: at, bill_until: later, parked_at: later, reason: 'UNEXPECTED', created_at: at },
  }),
  document_seals: ({ scope, id }) => ({ ...scope, document_id: id, seal: Buffer.from('seal'), sealed_at: at }),
  outbox_events: ({ scope, id }) => ({ ...scope, id, type: 'invoice.finalized', payload: '{}', occurred_at: at }),
  subscriptions: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, status: fresh ? 'CANCELLED' : 'ACTIVE', plan_id: catalog('plans') },
    ...{
      plan_version_id: catalog('plan_versions'),
      plan_item_id: of('subscription_items'),
      currency,
      interval: 'MONTH',
    },
    ...{ anchor_date: '2026-01-01', time_zone: 'Europe/Berlin', proration_basis: 'DAY', started_at: at },
    ...{ period_index: 0, ...span, created_at: at },
  }),
  subscription_items: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), plan_id: catalog('plans') },
    ...{ plan_version_id: catalog('plan_versions'), plan_price_id: catalog('plan_prices'), ...price },
    ...{ started_at: at, ended_at: fresh ? later : null },
  }),
  partner_tenant_addon_subscriptions: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), addon_id: catalog('partner_addons') },
    ...{
      addon_price_id: catalog('addon_prices'),
      ...price,
      started_at: at,
      ended_at: fresh ? later : null,
      created_at: at,
    },
  }),
  scheduled_plan_changes: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), effective_at: later, plan_id: catalog('plans') },
    ...{ plan_version_id: catalog('plan_versions'), plan_price_id: catalog('plan_prices'), quantity: 1, options: '{}' },
    ...{ status: fresh ? 'APPLIED' : 'PENDING', created_at: at },
  }),
  subscription_changes: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), kind: 'STARTED', happened_at: at, facts: '{}' },
  }),
  invoices: ({ scope, id, fresh, of, label }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), number: `${label}-${fresh ? 2 : 1}` },
    ...{ kind: fresh ? 'ONE_TIME' : 'PERIOD', reason: 'START', status: 'FINALIZED', currency, ...span },
    ...{ subtotal: 1_000, discount: 0, total: 1_000, amount_due: 1_000, coupon_order: 'TARGETED_FIRST' },
    ...{ issued_at: at, created_at: at },
  }),
  invoice_lines: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, id, invoice_id: of('invoices'), kind: 'PLAN_FIXED', ...line(of('subscription_items')) },
    ...{ position: fresh ? 2 : 1, discounts_line_id: fresh ? of('invoice_lines') : null },
  }),
  credit_notes: ({ scope, id, fresh, of, label }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), number: `${label}-CN-${fresh ? 2 : 1}`, reason: 'CORRECTION' },
    ...{ settlement: 'CREDIT_BALANCE', currency, total: 100, issued_at: at, created_at: at },
  }),
  credit_note_lines: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, id, credit_note_id: of('credit_notes'), kind: 'CORRECTION', ...line(of('subscription_items')) },
    ...{ position: fresh ? 2 : 1, invoice_line_id: of('invoice_lines') },
  }),
  credit_balances: ({ scope, fresh }) => ({ ...scope, currency: fresh ? 'USD' : currency, balance: 100 }),
  credit_balance_entries: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, currency, amount: 100, balance_after: 100, kind: 'CREDIT_NOTE', credit_note_id: of('credit_notes') },
    ...{ invoice_id: of('invoices'), created_at: at },
  }),
  provider_customers: ({ scope, fresh, label }) => ({
    ...scope,
    ...{ provider: fresh ? 'STRIPE' : 'FAKE', external_id: `customer of ${label}`, created_at: at },
  }),
  former_provider_customers: ({ scope, id }) => ({ ...scope, provider: 'FAKE', external_id: id, gone_at: at }),
  payment_methods: ({ scope, id, fresh }) => ({
    ...scope,
    ...{ id, provider: 'FAKE', customer_external_id: 'customer', external_id: id, kind: 'CARD' },
    ...{ is_default: !fresh, created_at: at },
  }),
  payment_setups: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, provider: 'FAKE', status: 'SUCCEEDED', make_default: true, payment_method_id: of('payment_methods') },
    ...{ created_at: at, settled_at: at },
  }),
  payments: ({ scope, id, fresh, of }) => ({
    ...scope,
    ...{ id, invoice_id: of('invoices'), payment_method_id: of('payment_methods'), provider: 'FAKE', amount: 1_000 },
    ...{ currency, status: fresh ? 'PENDING' : 'SUCCEEDED', created_at: at, first_asked_at: at },
    settled_at: fresh ? null : at,
  }),
  refunds: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, payment_id: of('payments'), reason: 'REQUESTED', amount: 100, currency, status: 'PENDING' },
    ...{ created_at: at },
  }),
  disputes: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, payment_id: of('payments'), external_id: id, status: 'OPEN', reason: 'general', amount: 100, currency },
    ...{ opened_at: at },
  }),
  invoice_collections: ({ scope, fresh, of }) => ({
    ...scope,
    ...{ invoice_id: of(fresh ? 'uncollected invoices' : 'invoices'), subscription_id: of('subscriptions') },
    ...{ sandbox: false, status: 'OPEN', created_at: at },
  }),
  stripe_checkouts: ({ scope, id, fresh, catalog }) => ({
    ...scope,
    ...{ id, kind: 'ADDON', status: fresh ? 'EXPIRED' : 'OPEN', live: true, addon_id: catalog('partner_addons') },
    ...{ addon_price_id: catalog('addon_prices'), ...price, quantity: 1, description: 'An add-on' },
    ...{ success_url: 'https://example.com/', cancel_url: 'https://example.com/', expires_at: later, created_at: at },
  }),
  stripe_invoices: ({ scope, id, of }) => ({
    ...scope,
    ...{ external_id: id, checkout_id: of('stripe_checkouts'), currency, amount: 100, ...span, paid_at: at },
  }),
  stripe_invoice_refunds: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, invoice_external_id: of('stripe_invoices'), currency, amount: 10, created_at: at },
  }),
  item_charges: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), item_id: of('subscription_items'), ...span, kind: 'CHARGE' },
    ...{ amount: 1_000, currency, share_remaining: 31, share_total: 31, invoice_line_id: of('invoice_lines') },
    ...{ credit_note_line_id: of('credit_note_lines'), created_at: at },
  }),
  billing_details: ({ scope, fresh }) => ({
    ...{ ...scope, version: fresh ? 2 : 1, legal_name: 'Buyer', address: ['2 Street'], country: 'DE', created_at: at },
  }),
  tenant_pending_coupons: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, coupon_id: catalog('partner_coupons'), subscription_id: of('subscriptions') },
    ...{ status: fresh ? 'FINISHED' : 'RUNNING', created_at: at },
  }),
  plan_change_prorations: ({ scope, id, of, catalog }) => ({
    ...scope,
    ...{ id, subscription_id: of('subscriptions'), changed_at: at },
    ...{ plan_id_before: catalog('plans'), plan_id_after: catalog('plans') },
    ...{ interval_before: 'MONTH', interval_after: 'YEAR', quantity_before: 1, quantity_after: 1, basis: 'DAY' },
    ...{ anchor_mode: 'RESET', share_remaining: 10, share_total: 31, currency, unused_credit: 1, new_charge: 2 },
    ...{ coupon_discount: 0, net_amount: 1, waived: false, settlement: 'INVOICE', invoice_id: of('invoices') },
    ...{ credit_note_id: of('credit_notes'), coupon_id: catalog('partner_coupons'), lines: '[]', created_at: at },
  }),
  coupon_redemptions: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, coupon_id: catalog('partner_coupons'), pending_coupon_id: of('tenant_pending_coupons') },
    ...{ subscription_id: of('subscriptions'), invoice_id: of('invoices'), period_number: fresh ? 2 : 1, discount: 10 },
    ...{ currency, plan_id_before: catalog('plans'), plan_id_after: catalog('plans'), redeemed_at: at },
  }),
  coupon_discounts: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, pending_coupon_id: of('tenant_pending_coupons'), subscription_id: of('subscriptions') },
    ...{
      period_number: fresh ? 2 : 1,
      counts: true,
      period_start: at,
      period_end: later,
      item_id: of('subscription_items'),
    },
    ...{
      target_kind: 'PLAN',
      target_id: catalog('plans'),
      whole_period: 100,
      amount: 10,
      currency,
      share_remaining: 1,
    },
    ...{ share_total: 1, invoice_id: of('invoices'), created_at: at },
  }),
  entitlement_grants: ({ scope, id, catalog }) => ({
    ...scope,
    ...{ id, feature_id: catalog('features'), starts_at: at, reason: 'pilot', created_at: at },
  }),
  tenant_entitlements: ({ scope, id, fresh, of, catalog }) => ({
    ...scope,
    ...{ id, feature_id: catalog('features'), feature_code: 'seats', kind: 'BOOLEAN', source_kind: 'PLAN' },
    ...{ source_id: fresh ? id : of('subscription_items'), source_name: 'Basic', catalog_id: catalog('plans') },
    ...{ starts_at: at },
  }),
  usage_events: ({ scope, variant }) => ({ ...scope, happened_at: at, event_id: variant, source: '', type: 'calls' }),
  usage_event_keys: ({ scope, variant }) => ({ ...scope, event_id: variant, source: '', happened_at: at }),
  usage_rollups: ({ scope, fresh, catalog }) => ({
    ...scope,
    ...{ feature_id: catalog('features'), grain: 'DAY', bucket_start: fresh ? later : at, quantity: 1, events: 1 },
    ...{ maximum: 1, latest_quantity: 1, latest_at: at, latest_key: 'one', changed_at: at },
  }),
  usage_uniques: ({ scope, variant, catalog }) => ({
    ...{ ...scope, feature_id: catalog('features'), grain: 'DAY', bucket_start: at, value: variant },
  }),
  usage_locks: ({ scope, id, fresh, catalog }) => ({ ...scope, feature_id: fresh ? id : catalog('features') }),
  billed_usage: ({ scope, fresh, of, catalog }) => ({
    ...{ ...scope, subscription_id: of('subscriptions'), feature_id: catalog('features') },
    ...{ window_start: fresh ? later : at, billed_until: later, quantity: 1, billed_at: at },
  }),
  billed_usage_charges: ({ scope, id, of, catalog }) => ({
    ...{ ...scope, id, subscription_id: of('subscriptions'), feature_id: catalog('features'), window_start: at },
    ...{ billed_until: later, source_id: of('subscription_items'), catalog_id: catalog('plans'), part: 'INSIDE' },
    ...{ quantity: 1, amount: 1, currency, invoice_id: of('invoices') },
  }),
  usage_after_end: ({ scope }) => ({ ...scope, due_at: at }),
  unused_credits: ({ scope, id, of, catalog }) => ({
    ...{ ...scope, id, subscription_id: of('subscriptions'), credited_at: at, feature_ids: [catalog('features')] },
    ...{ window_start: at, amount: 1, currency, facts: {}, counted_at: at },
  }),
  // A subscription brings one of its own, from its start on.
  metering_spans: ({ scope, fresh, of }) => ({
    ...{
      ...scope,
      subscription_id: of('subscriptions'),
      starts_at: fresh ? muchLater : later,
      anchor_date: '2026-01-01',
    },
    ...{ time_zone: 'UTC', trial: false, count_from: at },
  }),
  usage_thresholds: ({ scope, id, fresh, catalog }) => ({
    ...{
      ...scope,
      id,
      feature_id: catalog('features'),
      window_start: at,
      percent: fresh ? 100 : 80,
      limit_quantity: 10,
      used: 10,
      reached_at: at,
    },
  }),
  licences: ({ scope, id, fresh, catalog }) => ({
    ...scope,
    ...{
      id,
      licence_product_id: catalog('licence_products'),
      trial: false,
      starts_at: at,
      years: 1,
      expires_at: later,
    },
    ...{ seats: 3, replaced_at: fresh ? later : null, provider_subscription_id: `sub_${id}`, created_at: at },
  }),
  licence_seats: ({ scope, id, fresh, of }) => ({
    ...scope,
    ...{ id, licence_id: of('licences'), user_id: principalId('newcomer'), email: 'newcomer@example.com' },
    ...{ assigned_at: at, revoked_at: fresh ? later : null },
  }),
  licence_purchases: ({ scope, id, catalog }) => ({
    ...scope,
    ...{ id, licence_product_id: catalog('licence_products'), kind: 'FIRST', quantity: 3, currency },
    ...{ yearly_amount: 20_000, amount: 60_000, explanation: '{}', buyer_id: principalId('newcomer'), status: 'OPEN' },
    ...{ provider: 'PADDLE', checkout_id: `txn_${id}`, payable_until: later, created_at: at },
  }),
  licence_refunds: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, purchase_id: of('licence_purchases'), provider: 'PADDLE', provider_refund_id: `adj_${id}`, currency },
    ...{ amount: 20_000, status: 'PENDING', created_at: at },
  }),
  licence_subscription_ends: ({ scope, id, of }) => ({
    ...scope,
    ...{ id, provider: 'PADDLE', provider_subscription_id: `sub_${id}`, purchase_id: of('licence_purchases') },
    created_at: at,
  }),
};

interface PartnerPlace {
  readonly label: PartnerLabel;
  readonly variant: Variant;
  readonly fresh: boolean;
  readonly id: string;
  of(table: string): string;
  readonly scope: { readonly partner_id: string };
}

/** One row of each of a partner's tables for each partner. */
const partnerRows: Record<string, (place: PartnerPlace) => Values> = {
  partner_outbox_events: ({ scope, id }) => ({ ...scope, id, type: 'plan.created', payload: '{}', occurred_at: at }),
  partner_dunning_policies: ({ scope }) => ({
    ...scope,
    ...{ retry_days: '{3,7}', grace_days: 7, final_action: 'UNPAID', updated_at: at },
  }),
  invoice_numbers: ({ scope }) => scope,
  partner_event_numbers: ({ scope }) => scope,
  partner_events: ({ scope, id, fresh }) => ({
    ...{ ...scope, id, sequence: fresh ? 2 : 1, sandbox: false, type: 'plan.created', version: 1, data: '{}' },
    ...{ occurred_at: at, numbered_at: at },
  }),
  webhook_endpoints: ({ scope, id }) => ({
    ...{ ...scope, id, url: 'https://hooks.example.com/', event_types: '{}', created_at: at },
  }),
  webhook_deliveries: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, id, endpoint_id: of('webhook_endpoints'), sequence: fresh ? null : 1, event_type: 'plan.created' },
    ...{ next_attempt_at: at, created_at: at },
  }),
  features: ({ scope, id, variant }) => ({
    ...scope,
    id,
    code: variant,
    name: 'Seats',
    kind: 'BOOLEAN',
    created_at: at,
  }),
  plans: ({ scope, id, variant }) => ({ ...scope, id, code: variant, name: 'Basic', rank: 1, created_at: at }),
  plan_versions: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, id, plan_id: of('plans'), number: fresh ? 2 : 1, created_at: at },
  }),
  plan_prices: ({ scope, id, fresh, of }) => ({
    ...scope,
    ...{ id, plan_version_id: of('plan_versions'), currency, interval: fresh ? 'YEAR' : 'MONTH', amount: 1_000 },
  }),
  partner_addons: ({ scope, id, variant }) => ({ ...scope, id, code: variant, name: 'Storage', created_at: at }),
  stripe_prices: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, live: fresh, price_id: of('addon_prices'), product_external_id: 'prod_1', external_id: id },
    ...{ currency, amount: 500, created_at: at },
  }),
  addon_allowance_history: ({ scope, id, of }) => ({
    ...{ ...scope, id, addon_id: of('partner_addons'), replaced_at: at, allowances: '[]' },
  }),
  addon_prices: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, id, addon_id: of('partner_addons'), currency, interval: fresh ? 'YEAR' : 'MONTH', amount: 500 },
    created_at: at,
  }),
  partner_coupons: ({ scope, id, variant }) => ({
    ...{
      ...scope,
      id,
      code: variant,
      name: 'Spring',
      kind: 'PERCENT',
      percent: '10',
      duration: 'ONCE',
      created_at: at,
    },
    max_redemptions: 10,
  }),
  meters: ({ scope, id, label, fresh, of }) => ({
    ...{ ...scope, id, feature_id: fresh ? spare('features', label) : of('features'), aggregation: 'SUM' },
    ...{ event_type: 'calls', created_at: at },
  }),
  tax_rates: ({ scope, id, variant }) => ({
    ...{ ...scope, id, country: 'DE', category: variant, name: 'VAT', percent: 19, inclusive: false },
    ...{ valid_from: '2026-01-01', created_at: at },
  }),
  tax_categories: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, id, category: 'books' },
    ...(fresh ? { addon_id: of('partner_addons') } : { plan_id: of('plans') }),
  }),
  partner_self_service_policies: ({ scope, fresh }) => ({
    ...{ ...scope, version: fresh ? 2 : 1, allowed: ['REFUND'], created_at: at },
  }),
  partner_credit_policies: ({ scope, fresh }) => ({
    ...{ ...scope, version: fresh ? 2 : 1, credit_basis: 'TIME', created_at: at },
  }),
  partner_billing_details: ({ scope, fresh }) => ({
    ...{ ...scope, version: fresh ? 2 : 1, legal_name: 'Seller', address: ['1 Street'], country: 'DE', created_at: at },
  }),
  licence_products: ({ scope, id, variant }) => ({ ...scope, id, code: variant, name: 'CAD', created_at: at }),
  licence_prices: ({ scope, id, fresh, of }) => ({
    ...{ ...scope, id, licence_product_id: of('licence_products'), currency, yearly_amount: 20_000, created_at: at },
    replaced_at: fresh ? later : null,
  }),
  coupon_amounts: ({ scope, fresh, of }) => ({
    ...{
      ...scope,
      coupon_id: of('partner_coupons'),
      purpose: 'MINIMUM',
      currency: fresh ? 'USD' : currency,
      amount: 100,
    },
  }),
};

/**
 * Tables that only link rows of the catalog. A second link needs something unlinked: these rows of the catalog are
 * planted for that.
 */
const spare = (table: string, label: PartnerLabel) => idOf(`${table} ${label} spare`);
const spareRows: [table: string, row: (label: PartnerLabel) => Values][] = [
  [
    'features',
    (label) => ({ id: spare('features', label), code: 'spare', name: 'Spare', kind: 'BOOLEAN', created_at: at }),
  ],
  ['partner_addons', (label) => ({ id: spare('partner_addons', label), code: 'spare', name: 'Spare', created_at: at })],
  ['partner_addons', (label) => ({ id: spare('second addon', label), code: 'second', name: 'Second', created_at: at })],
];
const linkRows: Record<string, (place: PartnerPlace) => Values> = {
  plan_features: ({ scope, label, fresh, of }) => ({
    ...{
      ...scope,
      plan_version_id: of('plan_versions'),
      feature_id: fresh ? spare('features', label) : of('features'),
    },
  }),
  plan_addons: ({ scope, label, fresh, of }) => ({
    ...{ ...scope, plan_version_id: of('plan_versions') },
    addon_id: fresh ? spare('partner_addons', label) : of('partner_addons'),
  }),
  addon_features: ({ scope, label, fresh, of }) => ({
    ...{ ...scope, addon_id: of('partner_addons'), feature_id: fresh ? spare('features', label) : of('features') },
  }),
  licence_product_features: ({ scope, label, fresh, of }) => ({
    ...{ ...scope, licence_product_id: of('licence_products') },
    feature_id: fresh ? spare('features', label) : of('features'),
  }),
  addon_requirements: ({ scope, label, fresh, of }) => ({
    ...{ ...scope, addon_id: of('partner_addons') },
    required_addon_id: spare(fresh ? 'second addon' : 'partner_addons', label),
  }),
};

const membership = (person: Person, role: string) => ({
  ...{ user_id: principalId(person), role, email: emailOf(person), name: person, created_at: at },
});
export const emailOf = (person: Person): string => `${person.replaceAll(' ', '.')}@example.com`;

const partnerUsers: [PartnerLabel, Person, string][] = [
  ['A', 'owner of A', 'OWNER'],
  ['A', 'viewer of A', 'VIEWER'],
  ['A', 'viewer of A and admin of A1', 'VIEWER'],
  ['B', 'owner of B', 'OWNER'],
];
const profiles: [TenantLabel, Person, string][] = [
  ['A1', 'admin of A1', 'ADMIN'],
  ['A1', 'viewer of A and admin of A1', 'ADMIN'],
  ['A1', 'member of A1', 'MEMBER'],
  ['A2', 'admin of A2', 'ADMIN'],
  ['B1', 'admin of B1', 'ADMIN'],
];

export const partnerOf = (tenant: TenantLabel): PartnerLabel => (tenant === 'B1' ? 'B' : 'A');
const tenantScope = (label: TenantLabel) => ({
  ...{ tenant_id: tenantId(label), partner_id: partnerId(partnerOf(label)) },
});

function tenantPlace(table: string, label: TenantLabel, variant: Variant): TenantPlace {
  const partner = partnerOf(label);
  return {
    ...{ label, partner, variant, fresh: variant === 'fresh', id: idOf(`${table} ${label} ${variant}`) },
    of: (other) => idOf(`${other} ${label} planted`),
    catalog: (other) => idOf(`${other} ${partner} planted`),
    scope: tenantScope(label),
  };
}

function partnerPlace(table: string, label: PartnerLabel, variant: Variant): PartnerPlace {
  return {
    ...{ label, variant, fresh: variant === 'fresh', id: idOf(`${table} ${label} ${variant}`) },
    of: (other) => idOf(`${other} ${label} planted`),
    scope: { partner_id: partnerId(label) },
  };
}

/** Who has kept an answer under a key of their own, for acts without a tenant. */
export const actsOf: [label: string, partner: PartnerLabel | undefined, principal: Principal][] = [
  ['platform super admin', undefined, 'super admin'],
  ['A super admin', 'A', 'super admin'],
  ['A owner', 'A', 'owner of A'],
  ['A viewer', 'A', 'viewer of A'],
  ['A live key', 'A', 'live key of A'],
  ['A test key', 'A', 'test key of A'],
  ['B owner', 'B', 'owner of B'],
];

const tenantRow = (label: TenantLabel, variant: Variant): Values => ({
  id: variant === 'planted' ? tenantId(label) : idOf(`fresh tenant ${label}`),
  ...{
    partner_id: partnerId(partnerOf(label)),
    name: `Tenant ${label}`,
    currency,
    sandbox: label === 'A2',
    created_at: at,
  },
});
const partnerRow = (label: PartnerLabel | 'new'): Values => ({
  ...{ id: idOf(`partner ${label}`), code: `partner_${label.toLowerCase()}`, name: `Partner ${label}`, currency },
  ...{ time_zone: 'Europe/Berlin', created_at: at },
});

/** A second row for each label that a table's rows have: what an actor tries to insert. `undefined`: a table nobody knows. */
export function freshRows(table: string): ReadonlyMap<string, Values> | undefined {
  const ofTenant = tenantRows[table];
  if (ofTenant) return new Map(tenantLabels.map((label) => [label, ofTenant(tenantPlace(table, label, 'fresh'))]));
  const ofPartner = partnerRows[table] ?? linkRows[table];
  if (ofPartner) return new Map(partnerLabels.map((label) => [label, ofPartner(partnerPlace(table, label, 'fresh'))]));
  const special: Record<string, () => [string, Values][]> = {
    partners: () => [['new', partnerRow('new')]],
    // One for each partner: a tenant that does not exist yet has no label of its own.
    tenants: () => [
      ['A', tenantRow('A1', 'fresh')],
      ['B', tenantRow('B1', 'fresh')],
    ],
    users: () => [['everybody', { id: idOf('somebody'), email: 'somebody@example.com', created_at: at }]],
    user_roles: () => [['everybody', { user_id: principalId('newcomer'), role: 'SUPER_ADMIN' }]],
    request_budgets: () => [['everybody', { name: 'requests nobody', points: 1, changed_at: at }]],
    check_results: () => [['everybody', { name: 'check_nothing', findings: 1, checked_at: at }]],
    inbound_events: () => [['everybody', inboundRow('fresh')]],
    schema_migrations: () => [['everybody', { timestamp: 1, name: 'Forged1' }]],
    partner_users: () =>
      partnerLabels.map((label) => [label, { partner_id: partnerId(label), ...membership('newcomer', 'OWNER') }]),
    profiles: () => tenantLabels.map((label) => [label, { ...tenantScope(label), ...membership('newcomer', 'ADMIN') }]),
    api_keys: () =>
      partnerLabels.map((label) => [label, keyRow('fresh key', { partner: label, live: true, scopes: ['READ'] })]),
    partner_idempotency_keys: () => actsOf.map(([label, partner, who]) => [label, actRow(partner, who, 'fresh')]),
  };
  return special[table] && new Map(special[table]());
}

const inboundRow = (eventId: string): Values => ({
  ...{ provider: 'FAKE', event_id: eventId, id: idOf(`inbound ${eventId}`), type: 'charge.succeeded', occurred_at: at },
  ...{ live: false, body: '{}', next_try_at: at, received_at: at },
});

/** A tenant's row that is not there yet, for tests that bend one of its columns. */
export const freshTenantRow = (table: string, label: TenantLabel): Values | undefined =>
  table === 'profiles' ? freshRows(table)?.get(label) : tenantRows[table]?.(tenantPlace(table, label, 'fresh'));

function keyRow(name: string, key: Key): Values {
  return {
    ...{
      partner_id: partnerId(key.partner),
      id: idOf(name),
      tenant_id: key.tenant ? tenantId(key.tenant) : null,
      name,
    },
    ...{ prefix: key.live ? 'tg_live_' : 'tg_test_', key_hash: createHash('sha256').update(name).digest() },
    ...{
      live: key.live,
      scopes: key.scopes,
      created_by: principalId('owner of A'),
      created_at: '2019-01-01T00:00:00Z',
    },
    ...{ expires_at: key.expiresAt ?? null, revoked_at: key.revokedAt ?? null },
  };
}

function actRow(partner: PartnerLabel | undefined, who: Principal, key: string): Values {
  return {
    ...{
      partner_id: partner ? partnerId(partner) : noPartner,
      actor_id: principalId(who),
      key,
      mutation: 'createPlan',
    },
    ...{ request_hash: Buffer.from('hash'), response: '{}', created_at: at },
  };
}

/** An insert of one row, as text and values. */
export function insertOf(table: string, row: Values): [sql: string, values: unknown[]] {
  const columns = Object.keys(row);
  const places = columns.map((_, place) => `$${place + 1}`).join(', ');
  return [
    `insert into ${table} (${columns.map((column) => `"${column}"`).join(', ')}) values (${places})`,
    Object.values(row),
  ];
}

export async function plantWorld(database: TestDatabase): Promise<void> {
  const plant = (table: string, row: Values) => database.asOwner(...insertOf(table, row));
  await database.asOwner('begin');
  for (const label of partnerLabels) await plant('partners', partnerRow(label));
  for (const label of tenantLabels) await plant('tenants', tenantRow(label, 'planted'));
  for (const person of people)
    await plant('users', { id: principalId(person), email: emailOf(person), created_at: at });
  await plant('request_budgets', { name: 'requests planted', points: 1, changed_at: at });
  await plant('check_results', { name: 'check_forged', findings: 0, checked_at: at });
  await plant('user_roles', { user_id: principalId('super admin'), role: 'SUPER_ADMIN' });
  for (const [label, person, role] of partnerUsers) {
    await plant('partner_users', { partner_id: partnerId(label), ...membership(person, role) });
  }
  for (const [label, person, role] of profiles)
    await plant('profiles', { ...tenantScope(label), ...membership(person, role) });
  for (const [name, key] of Object.entries<Key>(keys)) await plant('api_keys', keyRow(name, key));
  for (const [, partner, who] of actsOf) await plant('partner_idempotency_keys', actRow(partner, who, 'planted'));
  for (const [table, row] of Object.entries(partnerRows)) {
    for (const label of partnerLabels) await plant(table, row(partnerPlace(table, label, 'planted')));
  }
  for (const [table, row] of spareRows) {
    for (const label of partnerLabels) await plant(table, { partner_id: partnerId(label), ...row(label) });
  }
  for (const [table, row] of Object.entries(linkRows)) {
    for (const label of partnerLabels) await plant(table, row(partnerPlace(table, label, 'planted')));
  }
  for (const [table, row] of Object.entries(tenantRows)) {
    for (const label of tenantLabels) await plant(table, row(tenantPlace(table, label, 'planted')));
  }
  for (const label of tenantLabels) {
    const uncollected = tenantPlace('uncollected invoices', label, 'planted');
    const row = tenantRows['invoices']!({ ...uncollected, fresh: true });
    await plant('invoices', { ...row, number: `${label}-uncollected` });
  }
  await plant('inbound_events', inboundRow('planted'));
  await database.asOwner('commit');
}
