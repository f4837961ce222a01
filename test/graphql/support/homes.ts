import { decodeId, encodeId, type IdKind } from '../../../src/core/ids';
import { zero } from '../../../src/core/money';
import { expiryAfter, type Licence } from '../../../src/licences/licence';
import { yearlyLicencePrice } from '../../../src/licences/licence-price';
import type { LicencePurchase } from '../../../src/licences/licence-purchase';
import { newId } from '../../../src/platform/new-id';
import type { DemoIdentity } from '../../../src/seed/identities';
import type { TestGateway } from '../../support/gateway';

/** A tenant with one of everything, and what its partner sells: what operations are asked about. */
export interface Home {
  readonly name: string;
  readonly owner: 'partner-owner' | 'other-partner-owner';
  readonly currency: 'EUR' | 'USD';
  readonly partnerId: string;
  readonly tenantId: string;
  /** Of the same partner, without a subscription. */
  readonly blankTenantId: string;
  /** Ids by kind: of this tenant's rows, and of its partner's catalog, people and keys. */
  readonly ids: Readonly<Record<IdKindOfHome, string>>;
  /** An add-on that is not attached. */
  readonly freeAddonId: string;
  /** A coupon that is not applied. */
  readonly freshCouponCode: string;
  /** A licence product of which the tenant has a running licence. */
  readonly licensedProductId: string;
  /** Another purchase that is parked. */
  readonly parkedPurchaseId: string;
  /** It waits for a person. */
  readonly refusableCheckoutId: string;
  /** Its tenants cannot have it yet. */
  readonly deniedFeatureId: string;
}

export type IdKindOfHome =
  | 'Partner'
  | 'Tenant'
  | 'Plan'
  | 'Addon'
  | 'Feature'
  | 'Coupon'
  | 'ApiKey'
  | 'WebhookEndpoint'
  | 'PartnerUser'
  | 'TenantUser'
  | 'Subscription'
  | 'AddonSubscription'
  | 'Invoice'
  | 'CreditNote'
  | 'UnpaidInvoice'
  | 'PayableInvoice'
  | 'PaidInvoice'
  | 'PaidLine'
  | 'TaxRate'
  | 'PaymentMethod'
  | 'Payment'
  | 'InboundEvent'
  | 'Checkout'
  | 'PendingCoupon'
  | 'EntitlementGrant'
  | 'LicenceProduct'
  | 'Licence'
  | 'LicencePurchase';

export type HomeName = 'globex' | 'initech' | 'hooli' | 'stark';

/** Rows of a tenant; the other kinds belong to its partner. */
export const tenantKinds: readonly IdKindOfHome[] = [
  'Tenant',
  'TenantUser',
  'Subscription',
  'AddonSubscription',
  'Invoice',
  'CreditNote',
  'UnpaidInvoice',
  'PayableInvoice',
  'Checkout',
  'PaidInvoice',
  'PaidLine',
  'PaymentMethod',
  'Payment',
  'PendingCoupon',
  'EntitlementGrant',
  'Licence',
  'LicencePurchase',
];

/** Kinds that stand for a row of another kind. */
const realKinds: Readonly<Partial<Record<IdKindOfHome, IdKind>>> = {
  PartnerUser: 'User',
  TenantUser: 'User',
  UnpaidInvoice: 'Invoice',
  PayableInvoice: 'Invoice',
  PaidInvoice: 'Invoice',
  PaidLine: 'InvoiceLine',
};

/** Whose eyes: S super-admin, O owner and V viewer of a partner, A admin and M member of a tenant. */
export type Eyes = 'S' | 'O' | 'V' | 'A' | 'M';

/** The demo identities, as what they look, and into which homes. */
export const people: Readonly<Record<DemoIdentity, { readonly eyes: Eyes; readonly homes: readonly HomeName[] }>> = {
  'super-admin': { eyes: 'S', homes: ['globex', 'hooli'] },
  'partner-owner': { eyes: 'O', homes: ['globex', 'initech'] },
  'partner-viewer': { eyes: 'V', homes: ['globex', 'initech'] },
  'tenant-admin': { eyes: 'A', homes: ['globex'] },
  'tenant-member': { eyes: 'M', homes: ['globex'] },
  'other-tenant-admin': { eyes: 'A', homes: ['initech'] },
  'other-partner-owner': { eyes: 'O', homes: ['hooli', 'stark'] },
  'other-partner-tenant-admin': { eyes: 'A', homes: ['hooli'] },
};

/** An id of nothing: well formed, of this kind, and where the kind has one with this tenant in it. */
export function missingId(kind: IdKindOfHome, tenantId: string): string {
  const real = realKinds[kind] ?? (kind as IdKind);
  const ofTenant = tenantKinds.includes(kind) && real !== 'Tenant' && real !== 'User';
  if (!ofTenant) return encodeId(real, newId());
  // The first half of a tenant row's id is its tenant's: everything after the prefix of the tenant's own id.
  const outer = encodeId(real, newId(), newId());
  return `${outer.split('_')[0]}_${tenantId.split('_')[1]}${outer.slice(-26)}`;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely.
type Any = any;

/** Builds four homes in the demo world, two for each partner: through the API, as the partners' owners. */
export async function buildHomes(gateway: TestGateway): Promise<Readonly<Record<HomeName, Home>>> {
  const did = async (
    owner: DemoIdentity,
    mutation: string,
    input: object,
    selection: string,
    extra = '',
  ): Promise<Any> => {
    const type =
      mutation === 'changePlan' ? 'PlanChangeInput' : `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`;
    const answer = await gateway.get(
      owner,
      `mutation ($input: ${type}!) { ${mutation}(input: $input${extra}) {
         __typename ... on Refused { code message } ... on ${mutation[0]!.toUpperCase()}${mutation.slice(1)}Done { ${selection} } } }`,
      { input },
    );
    if (answer.__typename === 'Refused') throw new Error(`${mutation}: ${answer.code}: ${answer.message}`);
    return answer;
  };

  async function catalogOf(owner: Home['owner'], partner: 'acme' | 'umbrella', currency: Home['currency']) {
    const prices = (amount: string) => [{ interval: 'MONTH', price: { amount, currency } }];
    const feature = (
      await did(owner, 'createFeature', { code: 'world_calls', name: 'Calls', kind: 'METERED' }, 'feature { id }')
    ).feature.id;
    const denied = (
      await did(owner, 'createFeature', { code: 'world_denied', name: 'Denied', kind: 'BOOLEAN' }, 'feature { id }')
    ).feature.id;
    await did(owner, 'createFeature', { code: 'world_seats', name: 'Seats', kind: 'METERED' }, 'feature { id }');
    const filters = [{ property: 'region', values: ['eu'] }];
    const seats = { feature: 'world_seats', aggregation: 'UNIQUE_COUNT', uniqueProperty: 'user', filters };
    await did(owner, 'createMeter', seats, 'meter { id }');
    const tiers = [{ upTo: '5', unitPrice: '0.01', flat: '1' }, { unitPrice: '0.005' }];
    const usagePrices = [
      {
        currency,
        inside: { kind: 'GRADUATED', tiers },
        overage: { kind: 'PERCENTAGE', percent: '5', fixedFee: '1', minimum: '2', maximum: '3' },
      },
    ];
    const packages = [{ currency, inside: { kind: 'PACKAGE', amount: '3', packageSize: '2' } }];
    const features = [{ feature: 'world_calls', limit: '10', resetPeriod: 'MONTH', usagePrices }];
    await did(
      owner,
      'createPlan',
      { code: 'world_basic', name: 'Basic', rank: 50, prices: prices('90'), features },
      'plan { id }',
    );
    const plan = (
      await did(
        owner,
        'createPlan',
        {
          code: 'world_better',
          name: 'Better',
          rank: 60,
          prices: prices('120'),
          features: [{ ...features[0], limit: '20', usagePrices: packages }],
        },
        'plan { id }',
      )
    ).plan.id;
    const addon = (
      await did(
        owner,
        'createAddon',
        { code: 'world_alpha', name: 'Alpha', prices: prices('10'), features },
        'addon { id }',
      )
    ).addon.id;
    await did(
      owner,
      'createAddon',
      { code: 'world_beta', name: 'Beta', prices: prices('20'), requires: ['world_alpha'] },
      'addon { id }',
    );
    const free = (
      await did(
        owner,
        'createAddon',
        {
          code: 'world_gamma',
          name: 'Gamma',
          prices: prices('30'),
          features: [{ feature: 'world_denied' }],
        },
        'addon { id }',
      )
    ).addon.id;
    await did(owner, 'createAddon', { code: 'world_delta', name: 'Delta', prices: prices('40') }, 'addon { id }');
    await did(owner, 'createAddon', { code: 'world_omega', name: 'Omega', prices: prices('50') }, 'addon { id }');
    await did(
      owner,
      'createPlan',
      { code: 'world_best', name: 'Best', rank: 70, prices: prices('150'), includedAddons: ['world_gamma'] },
      'plan { id }',
    );
    const party = {
      address: ['1 Street', '12345 City'],
      country: 'DE',
      region: 'BE',
      taxId: 'DE1',
      email: 'a@b.example',
    };
    await did(owner, 'setPartnerBillingDetails', { legalName: `${partner} Ltd`, ...party }, 'party { legalName }');
    const rate = (
      await did(
        owner,
        'createTaxRate',
        { country: 'DE', name: 'VAT', percent: '10', validFrom: '2020-01-01' },
        'taxRate { id }',
      )
    ).taxRate.id;
    const coupons: string[] = [];
    for (const code of ['WORLD-ONE', 'WORLD-TWO', 'WORLD-FRESH']) {
      const input = { code, kind: 'PERCENT', percent: '5', duration: 'FOREVER', maxRedemptionsPerTenant: 5 };
      coupons.push((await did(owner, 'createCoupon', input, 'coupon { id }')).coupon.id);
    }
    const licenceProductOf = async (code: string, given: object = { limit: '1', resetPeriod: 'MONTH' }) =>
      (
        await did(
          owner,
          'createLicenceProduct',
          {
            ...{ code, name: code, yearlyPrices: [{ amount: '200', currency }], trial: { days: 14, seats: 3 } },
            features: [{ feature: 'world_calls', ...given }],
          },
          'product { id }',
        )
      ).product.id;
    const licenceProduct = await licenceProductOf('world_cad');
    const licensedProduct = await licenceProductOf('world_bim');
    await licenceProductOf('world_denied_seat', { feature: 'world_denied' });
    const key = (await did(owner, 'createApiKey', { name: 'world', scopes: ['READ'], live: true }, 'apiKey { id }'))
      .apiKey.id;
    const endpoint = (
      await did(owner, 'createWebhookEndpoint', { url: `https://${partner}.example.com/` }, 'endpoint { id }')
    ).endpoint.id;
    await did(owner, 'sendTestEvent', { endpointId: endpoint }, 'delivery { id }');
    await gateway.database.asOwner(
      `update webhook_deliveries set attempts = 1, attempt_log =
         '[{"at": "2025-12-21T12:00:00.000Z", "status": 500, "problem": "BAD_STATUS", "milliseconds": 12}]'`,
    );
    await gateway.database.asOwner(
      `insert into partner_events
         (partner_id, sequence, id, tenant_id, sandbox, type, version, data, occurred_at, numbered_at)
       select id, 1, id, (select t.id from tenants t where t.partner_id = partners.id order by t.id limit 1), false,
         'plan.created', 1, '{}', now(), now()
         from partners where code = $1`,
      [partner],
    );
    const user = (
      await did(owner, 'inviteUser', { email: `viewer@${partner}.example`, partnerRole: 'VIEWER' }, 'member { userId }')
    ).member.userId;
    const inbound = newId();
    const blank = (await did(owner, 'createTenant', { name: 'Blank', sandbox: true }, 'tenant { id }')).tenant.id;
    return {
      partnerId: await gateway.idOf(partner),
      feature,
      denied,
      plan,
      addon,
      free,
      coupon: coupons[0]!,
      rate,
      key,
      endpoint,
      user,
      blank,
      currency,
      inbound: encodeId('InboundEvent', inbound),
      inboundUuid: inbound,
      licenceProduct,
      licensedProduct,
    };
  }

  const catalogs = {
    'partner-owner': await catalogOf('partner-owner', 'acme', 'EUR'),
    'other-partner-owner': await catalogOf('other-partner-owner', 'umbrella', 'USD'),
  };

  async function home(name: HomeName, owner: Home['owner'], tenantId: string): Promise<Home> {
    const catalog = catalogs[owner];
    const money = 'id';
    const party = { address: ['2 Street'], country: 'DE', region: 'BE', taxId: 'DE2', email: 'c@d.example' };
    await did(owner, 'setBillingDetails', { tenantId, legalName: `${name} Ltd`, ...party }, 'party { legalName }');
    const attached = await did(
      owner,
      'subscribeAddon',
      { tenantId, addon: 'world_alpha' },
      `addonSubscription { id } invoice { ${money} }`,
    );
    const unpaid = await did(owner, 'subscribeAddon', { tenantId, addon: 'world_delta' }, 'invoice { id }');
    const payable = await did(owner, 'subscribeAddon', { tenantId, addon: 'world_omega' }, 'invoice { id }');
    const other = await did(
      owner,
      'subscribeAddon',
      { tenantId, addon: 'world_beta' },
      'addonSubscription { id } invoice { id }',
    );
    const method = await did(
      owner,
      'addPaymentMethod',
      { tenantId, provider: 'FAKE', token: 'card_ok' },
      'paymentMethod { id }',
    );
    const paid = await did(
      owner,
      'payInvoice',
      { tenantId, invoiceId: other.invoice.id },
      'payment { id }',
      `, idempotencyKey: "pay-${name}"`,
    );
    const cancelled = await did(
      owner,
      'cancelAddon',
      { tenantId, addonSubscriptionId: other.addonSubscription.id, reason: 'not needed', when: 'NOW' },
      'creditNote { id }',
    );
    const pending = await did(owner, 'applyCoupon', { tenantId, code: 'WORLD-ONE' }, 'pendingCoupon { id }');
    const grant = await did(
      owner,
      'grantEntitlement',
      { tenantId, feature: 'world_calls', limit: '5', resetPeriod: 'MONTH', reason: 'a gift' },
      'grant { id }',
    );
    const changed = await did(
      owner,
      'changePlan',
      { tenantId, plan: 'world_basic', coupon: 'WORLD-TWO' },
      'subscription { id }',
      `, idempotencyKey: "world-${name}"`,
    );
    await did(
      owner,
      'refundPayment',
      { tenantId, paymentId: paid.payment.id, amount: { amount: '0.01', currency: catalog.currency }, memo: 'sorry' },
      'refund { id }',
      `, idempotencyKey: "refund-${name}"`,
    );
    const { nodes } = await gateway.get(
      owner,
      'query ($id: ID) { invoices(tenantId: $id, first: 1) { nodes { id lines { id } } } }',
      { id: tenantId },
    );
    await did(
      owner,
      'markInvoicePaid',
      { tenantId, invoiceId: nodes[0].id, reference: 'bank 1' },
      'invoice { id }',
      `, idempotencyKey: "paid-${name}"`,
    );
    await did(
      owner,
      'issueCreditNote',
      {
        tenantId,
        invoiceId: nodes[0].id,
        lines: [
          {
            invoiceLineId: nodes[0].lines[0].id,
            amount: { amount: '0.01', currency: owner === 'partner-owner' ? 'EUR' : 'USD' },
          },
        ],
        memo: 'a bad hour',
      },
      'creditNote { id }',
      `, idempotencyKey: "credited-${name}"`,
    );
    // A limit that is reached at once.
    const seats = { tenantId, feature: 'world_seats', limit: '1', resetPeriod: 'MONTH', reason: 'a seat' };
    await did(owner, 'grantEntitlement', seats, 'grant { id }');
    const data = { user: 'one', region: 'eu' };
    await did(owner, 'recordUsage', { tenantId, id: 'world', type: 'world_seats', data }, 'duplicate');
    const checkout = newId();
    await gateway.database.asOwner(
      `with offered as (
         insert into stripe_checkouts (tenant_id, id, partner_id, kind, status, live, addon_id, addon_price_id, interval,
           currency, unit_amount, quantity, description, success_url, cancel_url, parked_reason, parked_at, expires_at, created_at,
           addon_subscription_id, subscription_id, seen_quantity, seen_unit_amount, accepted_quantity, accepted_unit_amount,
           accepted_at)
         select t.id, $1, t.partner_id, 'ADDON', 'OPEN', false, p.addon_id, p.id, p.interval, p.currency, p.amount, 1, 'Gamma',
                'https://example.com/', 'https://example.com/', 'AMOUNT_DIFFERS', now(), now(), now(), a.id, a.subscription_id, 2, p.amount, 3, p.amount,
                now()
           from tenants t join addon_prices p on p.partner_id = t.partner_id
           join partner_tenant_addon_subscriptions a on a.tenant_id = t.id
          where t.id = $2 order by p.id, a.id limit 1
         returning *
       )
       insert into stripe_invoices (tenant_id, external_id, partner_id, checkout_id, currency, amount, period_start, period_end, paid_at)
       select tenant_id, 'in_1', partner_id, id, currency, unit_amount, now(), now() + interval '1 month', now() from offered`,
      [checkout, decodeId(tenantId)!.uuid],
    );
    // Another one waits for a person, who refuses it.
    const refusable = newId();
    await gateway.database.asOwner(
      `insert into stripe_checkouts (tenant_id, id, partner_id, kind, status, live, addon_id, addon_price_id, interval, currency,
         unit_amount, quantity, description, success_url, cancel_url, parked_reason, parked_at, expires_at, created_at, completed_at)
       select tenant_id, $1, partner_id, kind, 'COMPLETED', live, addon_id, addon_price_id, interval, currency, unit_amount, quantity,
              description, success_url, cancel_url, 'ADDON_INCLUDED_IN_PLAN', now(), now(), now(), now()
         from stripe_checkouts where id = $2`,
      [refusable, checkout],
    );
    await did(owner, 'createApiKey', { tenantId, name: `of ${name}`, scopes: ['READ'], live: false }, 'apiKey { id }');
    const member = await did(
      owner,
      'inviteUser',
      { tenantId, email: `member@${name}.example`, tenantRole: 'MEMBER' },
      'member { userId }',
    );
    const bought = await plantLicence(gateway, tenantId, catalog.licensedProduct);
    await did(owner, 'assignSeat', { tenantId, licenceId: bought.licenceId, userId: member.member.userId }, 'created');
    return {
      ...{ name, owner, tenantId },
      currency: owner === 'partner-owner' ? 'EUR' : 'USD',
      partnerId: catalog.partnerId,
      blankTenantId: catalog.blank,
      ids: {
        Partner: catalog.partnerId,
        Tenant: tenantId,
        Plan: catalog.plan,
        Addon: catalog.addon,
        Feature: catalog.feature,
        Coupon: catalog.coupon,
        TaxRate: catalog.rate,
        ApiKey: catalog.key,
        WebhookEndpoint: catalog.endpoint,
        PartnerUser: catalog.user,
        TenantUser: member.member.userId,
        Subscription: changed.subscription.id,
        AddonSubscription: attached.addonSubscription.id,
        Invoice: attached.invoice.id,
        CreditNote: cancelled.creditNote.id,
        UnpaidInvoice: unpaid.invoice.id,
        PayableInvoice: payable.invoice.id,
        PaidInvoice: nodes[0].id,
        PaidLine: nodes[0].lines[0].id,
        PaymentMethod: method.paymentMethod.id,
        Payment: paid.payment.id,
        Checkout: encodeId('Checkout', checkout, decodeId(tenantId)!.uuid),
        InboundEvent: catalog.inbound,
        PendingCoupon: pending.pendingCoupon.id,
        EntitlementGrant: grant.grant.id,
        LicenceProduct: catalog.licenceProduct,
        Licence: bought.licenceId,
        LicencePurchase: bought.purchaseId,
      },
      freeAddonId: catalog.free,
      freshCouponCode: 'WORLD-FRESH',
      licensedProductId: catalog.licensedProduct,
      parkedPurchaseId: bought.parkedPurchaseId,
      refusableCheckoutId: encodeId('Checkout', refusable, decodeId(tenantId)!.uuid),
      deniedFeatureId: catalog.denied,
    };
  }

  const stark = (
    await did(
      'other-partner-owner',
      'createTenant',
      { name: 'Stark', externalId: 'stark', sandbox: true, testClock: '2025-12-21T15:00:00Z' },
      'tenant { id }',
    )
  ).tenant.id;
  await did(
    'other-partner-owner',
    'startSubscription',
    { tenantId: stark, plan: 'pro', startAt: '2025-12-01T05:00:00Z' },
    'subscription { id }',
  );
  const [globex, initech, hooli, second] = await Promise.all([
    home('globex', 'partner-owner', await gateway.idOf('globex')),
    home('initech', 'partner-owner', await gateway.idOf('initech')),
    home('hooli', 'other-partner-owner', await gateway.idOf('hooli')),
    home('stark', 'other-partner-owner', stark),
  ]);
  // What payments leave behind in some of their moments, and nothing that is due by itself.
  for (const [owner, { inboundUuid }] of Object.entries(catalogs)) {
    const code = owner === 'partner-owner' ? 'acme' : 'umbrella';
    await gateway.database.asOwner(
      `insert into inbound_events (provider, event_id, id, type, occurred_at, live, body, status, reason, tenant_id,
         partner_id, next_try_at, received_at, settled_at)
       select 'FAKE', 'event of ' || p.code, $2, 'charge.succeeded', now(), false, '{}', 'PARKED', 'AMOUNT_DIFFERS', t.id,
         p.id, now(), now(), now()
         from partners p join tenants t on t.partner_id = p.id where p.code = $1 order by t.id limit 1`,
      [code, inboundUuid],
    );
  }
  await gateway.database.asOwner('update payment_methods set is_default = false');
  await gateway.database.asOwner('update invoice_collections set due_at = null');
  await gateway.database.asOwner(
    `insert into disputes (tenant_id, id, partner_id, payment_id, external_id, status, reason, amount, currency, opened_at,
       closed_at)
     select tenant_id, id, partner_id, id, 'dispute', 'LOST', 'general', 1, currency, now(), now() from payments`,
  );
  // As a billing run does it for a tenant that it cannot bill.
  await gateway.database.asOwner(
    `insert into billing_work (tenant_id, partner_id, due_at, bill_until, parked_at, reason, created_at)
     select id, partner_id, now(), now(), now(), 'UNEXPECTED', now() from tenants
      where external_id in ('globex', 'initech', 'hooli', 'stark')`,
  );
  return { globex, initech, hooli, stark: second };
}

/** As rows: only an admin of an organisation buys, and not each home has one. */
async function plantLicence(gateway: TestGateway, tenantId: string, productId: string) {
  const tenant = decodeId(tenantId)!.uuid;
  return gateway.app.system.asTenant(tenant, async (tx) => {
    const product = (await tx.licenceProducts.byIds([decodeId(productId)!.uuid]))[0]!;
    const price = product.prices[0]!;
    const { yearly } = price;
    const row = { tenantId: tx.tenant.id, partnerId: tx.tenant.partnerId, productId: product.id, createdAt: tx.now };
    const licence: Licence = {
      ...{ ...row, id: tx.newId<'Licence'>(), trial: false, startsAt: tx.now, years: 1, seats: 3n, assigned: 0n },
      ...{ expiresAt: expiryAfter(tx.now, 1, tx.tenant.timeZone), autoRenew: false, version: 1 },
    };
    await tx.licences.insert(licence);
    const purchase: LicencePurchase = {
      ...{ ...row, id: tx.newId<'LicencePurchase'>(), licenceId: licence.id, kind: 'FIRST', quantity: 3n, yearly },
      ...yearlyLicencePrice({ name: product.name, productId: product.id, yearly, quantity: 3n }),
      ...{ autoRenew: false, buyerId: newId(), status: 'PARKED', parkReason: 'AMOUNT_DIFFERS', parkDetail: 'Less.' },
      ...{ provider: 'PADDLE', checkoutId: `txn_${tenant}`, checkoutUrl: 'https://pay.example/' },
      ...{ payableUntil: tx.now, refunded: zero(yearly.currency), seatsRefunded: 0n },
    };
    await tx.licencePurchases.insert(purchase);
    const another = { ...purchase, id: tx.newId<'LicencePurchase'>(), checkoutId: `txn_other_${tenant}` };
    await tx.licencePurchases.insert(another);
    return {
      parkedPurchaseId: encodeId('LicencePurchase', another.id, tenant),
      licenceId: encodeId('Licence', licence.id, tenant),
      purchaseId: encodeId('LicencePurchase', purchase.id, tenant),
    };
  });
}
