import type { Home } from './homes';

type Arguments = Readonly<Record<string, unknown>>;

export interface Example {
  /**
   * The arguments of a call that works on this home, with every id that it could name. What a mutation makes has a
   * number in its name, so that it can be called again.
   */
  readonly args: (home: Home, number: number) => Arguments;
  /** The argument that says whose account is meant. */
  readonly account?: string;
  /** Another example of the same operation. */
  readonly of?: string;
}

const addresses = { successUrl: 'https://example.com/', cancelUrl: 'https://example.com/' };
const price = (home: Home, amount: string) => ({ interval: 'MONTH', price: { amount, currency: home.currency } });
const allowance = (home: Home) => ({ feature: home.ids.Feature, limit: '3', resetPeriod: 'MONTH' });
const byTenant = (more: (home: Home, number: number) => object = () => ({})): Example => ({
  account: 'input.tenantId',
  args: (home, number) => ({ input: { tenantId: home.tenantId, ...more(home, number) } }),
});
const byPartner = (more: (home: Home, number: number) => object): Example => ({
  account: 'input.partnerId',
  args: (home, number) => ({ input: { partnerId: home.partnerId, ...more(home, number) } }),
});
const byEndpoint = (more: object = {}): Example =>
  byPartner((home) => ({ endpointId: home.ids.WebhookEndpoint, ...more }));
const tenantList: Example = { account: 'tenantId', args: (home) => ({ tenantId: home.tenantId }) };
const partnerList: Example = { account: 'partnerId', args: (home) => ({ partnerId: home.partnerId }) };
const catalogItem = (kind: 'Plan' | 'Addon' | 'Coupon' | 'LicenceProduct'): Example => ({
  account: 'partnerId',
  args: (home) => ({ partnerId: home.partnerId, id: home.ids[kind] }),
});

/** What these gateways refuse although the asker may: nothing waits, and Stripe, which has tests of its own, is off. */
export const refusedHere: Readonly<Record<string, string>> = {
  cancelScheduledPlanChange: 'NOTHING_SCHEDULED',
  createAddonCheckout: 'PROVIDER_NOT_CONFIGURED',
  createPlanCheckout: 'PROVIDER_NOT_CONFIGURED',
  createPortalLink: 'PROVIDER_NOT_CONFIGURED',
};

/**
 * One working call of each query and mutation. The authorization matrix, the fuzz, the dry runs and the idempotency
 * tests all start from these: a new operation is added here once.
 */
export const examples: Readonly<Record<string, Example>> = {
  // Queries.
  billingDetails: tenantList,
  partnerBillingDetails: partnerList,
  taxRates: partnerList,
  taxStatus: tenantList,
  addon: catalogItem('Addon'),
  addonSubscriptions: tenantList,
  addons: partnerList,
  apiKeys: partnerList,
  balanceEntries: tenantList,
  checkouts: tenantList,
  coupon: catalogItem('Coupon'),
  couponRedemptions: tenantList,
  coupons: partnerList,
  creditBalance: tenantList,
  creditNotes: tenantList,
  entitlementCheck: {
    account: 'tenantId',
    args: (home) => ({ tenantId: home.tenantId, feature: home.ids.Feature }),
  },
  dunningPolicy: partnerList,
  selfServicePolicy: partnerList,
  creditPolicy: partnerList,
  entitlements: tenantList,
  events: partnerList,
  explainInvoiceLine: { args: (home) => ({ id: home.ids.PaidLine }) },
  features: partnerList,
  inboundEvents: partnerList,
  invoice: { args: (home) => ({ id: home.ids.Invoice }) },
  invoices: tenantList,
  licenceProduct: catalogItem('LicenceProduct'),
  licenceProducts: partnerList,
  licencePurchases: tenantList,
  licenceQuote: byTenant((home) => ({ product: home.ids.LicenceProduct, quantity: 2 })),
  licences: tenantList,
  members: tenantList,
  meters: partnerList,
  'members of a partner': { ...partnerList, of: 'members' },
  node: { args: (home) => ({ id: home.ids.Invoice }) },
  parkedTenants: partnerList,
  parkedLicencePurchases: partnerList,
  partner: { account: 'id', args: (home) => ({ id: home.partnerId }) },
  partners: { args: () => ({}) },
  payment: { args: (home) => ({ id: home.ids.Payment }) },
  paymentMethods: tenantList,
  payments: tenantList,
  pendingCoupons: tenantList,
  plan: catalogItem('Plan'),
  planChangeProrations: tenantList,
  plans: partnerList,
  prorationPreview: byTenant((home) => ({ plan: home.ids.Plan, addons: [{ addon: home.freeAddonId }] })),
  subscription: tenantList,
  tenant: { account: 'id', args: (home) => ({ id: home.tenantId }) },
  tenants: partnerList,
  upcomingInvoice: tenantList,
  usageBySubscription: tenantList,
  validateCoupon: {
    account: 'tenantId',
    args: (home) => ({ tenantId: home.tenantId, code: home.freshCouponCode, plan: home.ids.Plan }),
  },
  usageThresholds: tenantList,
  viewer: { args: () => ({}) },
  webhookDeliveries: {
    account: 'partnerId',
    args: (home) => ({ partnerId: home.partnerId, endpointId: home.ids.WebhookEndpoint }),
  },
  webhookEndpoints: partnerList,

  // Mutations.
  addPaymentMethod: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: { tenantId: home.tenantId, provider: 'FAKE', token: 'card_ok' },
      idempotencyKey: `method-${number}`,
    }),
  },
  advanceClock: byTenant(() => ({ to: '2025-12-22T15:00:00Z' })),
  applyCoupon: byTenant((home) => ({ code: home.freshCouponCode })),
  archiveAddon: byPartner((home) => ({ addon: home.freeAddonId })),
  acceptLicencePurchase: byTenant((home) => ({ purchaseId: home.ids.LicencePurchase })),
  assignSeat: byTenant((home) => ({ licenceId: home.ids.Licence, userId: home.ids.TenantUser })),
  buyLicences: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: { tenantId: home.tenantId, product: home.ids.LicenceProduct, quantity: 2 },
      idempotencyKey: `buy-${number}`,
    }),
  },
  cancelAddon: byTenant((home) => ({
    addonSubscriptionId: home.ids.AddonSubscription,
    reason: 'no longer needed',
    when: 'NOW',
  })),
  changeAddonQuantity: byTenant((home) => ({ addonSubscriptionId: home.ids.AddonSubscription, quantity: 2 })),
  cancelScheduledPlanChange: byTenant(),
  cancelSubscription: byTenant(() => ({ reason: 'closing down', when: 'NOW' })),
  changePlan: {
    ...byTenant((home) => ({ plan: home.ids.Plan })),
    args: (home, number) => ({
      input: { tenantId: home.tenantId, plan: home.ids.Plan, addons: [{ addon: home.freeAddonId, quantity: number }] },
      idempotencyKey: `change-${number}`,
    }),
  },
  createAddonCheckout: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: { tenantId: home.tenantId, addon: home.freeAddonId, ...addresses },
      idempotencyKey: `addon-checkout-${number}`,
    }),
  },
  createPlanCheckout: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: { tenantId: home.tenantId, plan: home.ids.Plan, ...addresses },
      idempotencyKey: `plan-checkout-${number}`,
    }),
  },
  createPortalLink: byTenant(() => ({ returnUrl: 'https://example.com/' })),
  createAddon: byPartner((home, number) => ({
    code: `made_${number}`,
    name: 'Made',
    prices: [price(home, '12.50')],
    minimumPlan: home.ids.Plan,
    features: [allowance(home)],
    requires: [home.ids.Addon],
  })),
  createApiKey: byPartner((home, number) => ({
    name: `made ${number}`,
    scopes: ['READ'],
    live: false,
    tenantId: home.tenantId,
  })),
  createCoupon: byPartner((home, number) => ({
    code: `MADE-${number}`,
    kind: 'FIXED',
    duration: 'ONCE',
    amounts: [{ amount: '1.50', currency: home.currency }],
    plans: [home.ids.Plan],
    addons: [home.ids.Addon],
  })),
  createFeature: byPartner((_home, number) => ({ code: `made_${number}`, name: 'Made', kind: 'BOOLEAN' })),
  createMeter: byPartner((home) => ({ feature: home.ids.Feature, aggregation: 'COUNT' })),
  createLicenceProduct: byPartner((home, number) => ({
    code: `made_${number}`,
    name: 'Made',
    yearlyPrices: [{ amount: '200', currency: home.currency }],
    features: [allowance(home)],
    trial: { days: 14, seats: 3 },
  })),
  createPartner: {
    args: (_home, number) => ({
      input: { code: `made_${number}`, name: 'Made', currency: 'EUR', timeZone: 'Europe/Paris' },
    }),
  },
  createPlan: byPartner((home, number) => ({
    code: `made_${number}`,
    name: 'Made',
    rank: 7,
    prices: [price(home, '49.00')],
    features: [allowance(home)],
    includedAddons: [home.ids.Addon],
  })),
  createTenant: byPartner((_home, number) => ({ name: `Made ${number}`, sandbox: true })),
  createWebhookEndpoint: byPartner((_home, number) => ({ url: `https://made-${number}.example.com/` })),
  deleteWebhookEndpoint: byEndpoint(),
  grantEntitlement: byTenant((home) => ({ ...allowance(home), reason: 'a present' })),
  inviteUser: byTenant((_home, number) => ({ email: `made-${number}@tenant.example`, tenantRole: 'MEMBER' })),
  'inviteUser to a partner': {
    ...byPartner((_home, number) => ({ email: `made-${number}@partner.example`, partnerRole: 'VIEWER' })),
    of: 'inviteUser',
  },
  issueCreditNote: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: {
        tenantId: home.tenantId,
        invoiceId: home.ids.PaidInvoice,
        lines: [{ invoiceLineId: home.ids.PaidLine, amount: { amount: '0.01', currency: home.currency } }],
        memo: 'a bad day',
      },
      idempotencyKey: `credit-${number}`,
    }),
  },
  markInvoicePaid: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: { tenantId: home.tenantId, invoiceId: home.ids.Invoice, reference: 'bank 4711' },
      idempotencyKey: `paid-${number}`,
    }),
  },
  markInvoiceUncollectible: byTenant((home) => ({ invoiceId: home.ids.UnpaidInvoice })),
  payInvoice: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: {
        tenantId: home.tenantId,
        invoiceId: home.ids.PayableInvoice,
        paymentMethodId: home.ids.PaymentMethod,
      },
      idempotencyKey: `pay-${number}`,
    }),
  },
  publishPlanVersion: byPartner((home) => ({
    plan: home.ids.Plan,
    prices: [price(home, '55.00')],
    features: [allowance(home)],
    includedAddons: [home.ids.Addon],
  })),
  rebuildEntitlements: byTenant(),
  recordUsage: byTenant((_home, number) => ({ id: `event-${number}`, type: 'world_calls' })),
  recordUsageBatch: byTenant((_home, number) => ({ events: [{ id: `event-${number}`, type: 'world_calls' }] })),
  replayEvents: byEndpoint({ fromSequence: '1' }),
  recordPayment: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: {
        tenantId: home.tenantId,
        invoiceId: home.ids.UnpaidInvoice,
        amount: { amount: '0.01', currency: home.currency },
        reference: `transfer ${home.tenantId} ${number}`,
      },
      idempotencyKey: `recorded-${number}`,
    }),
  },
  refundPayment: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: {
        tenantId: home.tenantId,
        paymentId: home.ids.Payment,
        amount: { amount: '0.01', currency: home.currency },
      },
      idempotencyKey: `refund-${number}`,
    }),
  },
  refuseLicencePurchase: byTenant((home) => ({ purchaseId: home.parkedPurchaseId })),
  removePaymentMethod: byTenant((home) => ({ paymentMethodId: home.ids.PaymentMethod })),
  removePendingCoupon: byTenant((home) => ({ pendingCouponId: home.ids.PendingCoupon })),
  removeUser: byTenant((home) => ({ userId: home.ids.TenantUser })),
  'removeUser of a partner': { ...byPartner((home) => ({ userId: home.ids.PartnerUser })), of: 'removeUser' },
  retryInboundEvent: { args: (home) => ({ input: { inboundEventId: home.ids.InboundEvent } }) },
  renewLicences: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: { tenantId: home.tenantId, product: home.licensedProductId },
      idempotencyKey: `renew-${number}`,
    }),
  },
  acceptCheckout: byTenant((home) => ({ checkoutId: home.ids.Checkout })),
  refuseCheckout: {
    account: 'input.tenantId',
    args: (home, number) => ({
      input: { tenantId: home.tenantId, checkoutId: home.refusableCheckoutId, reason: 'not sold' },
      idempotencyKey: `refuse-checkout-${number}`,
    }),
  },
  retryCheckout: byTenant((home) => ({ checkoutId: home.ids.Checkout })),
  revokeApiKey: byPartner((home) => ({ apiKeyId: home.ids.ApiKey })),
  revokeEntitlement: byTenant((home) => ({ grantId: home.ids.EntitlementGrant })),
  rotateWebhookSecret: byEndpoint(),
  sendTestEvent: byEndpoint(),
  setDefaultPaymentMethod: byTenant((home) => ({ paymentMethodId: home.ids.PaymentMethod })),
  setDunningPolicy: byPartner(() => ({ retryDays: [1, 5], graceDays: 4, finalAction: 'CANCEL' })),
  setPaymentTerms: byPartner(() => ({ netDays: 14 })),
  'setPaymentTerms of a tenant': { ...byTenant(() => ({ netDays: 30 })), of: 'setPaymentTerms' },
  setSelfServicePolicy: byPartner(() => ({ allowed: ['REFUND'] })),
  setCreditPolicy: byPartner(() => ({ creditBasis: 'TIME' })),
  startPaymentMethodSetup: byTenant(() => ({ provider: 'FAKE', returnUrl: 'https://example.com/' })),
  revokeSeat: byTenant((home) => ({ licenceId: home.ids.Licence, userId: home.ids.TenantUser })),
  startLicenceTrial: byTenant((home) => ({ product: home.ids.LicenceProduct })),
  startSubscription: {
    account: 'input.tenantId',
    args: (home) => ({ input: { tenantId: home.blankTenantId, plan: home.ids.Plan } }),
  },
  subscribeAddon: byTenant((home) => ({ addon: home.freeAddonId })),
  unparkTenant: byTenant(),
  updateAddon: byPartner((home) => ({
    addon: home.ids.Addon,
    name: 'Renamed',
    minimumPlan: home.ids.Plan,
    features: [allowance(home)],
  })),
  updateLicenceProduct: byPartner((home) => ({
    product: home.ids.LicenceProduct,
    name: 'Renamed',
    features: [allowance(home)],
  })),
  updateCoupon: byPartner((home) => ({ coupon: home.ids.Coupon, name: 'Renamed' })),
  updatePlan: byPartner((home) => ({ plan: home.ids.Plan, name: 'Renamed' })),
  createTaxRate: byPartner((_home, number) => ({
    ...{ country: 'FR', category: `made_${number}`, name: 'TVA', percent: '20', validFrom: '2026-01-01' },
  })),
  endTaxRate: byPartner((home) => ({ taxRateId: home.ids.TaxRate, validTo: '2030-01-01' })),
  setTaxCategory: byPartner((home) => ({ kind: 'PLAN', item: home.ids.Plan, category: 'software' })),
  'setTaxCategory of an add-on': {
    ...byPartner((home) => ({ kind: 'ADDON', item: home.ids.Addon, category: 'software' })),
    of: 'setTaxCategory',
  },
  setPartnerBillingDetails: byPartner(() => ({
    ...{ legalName: 'Seller Ltd', address: ['1 Street', '12345 City'], country: 'DE', taxId: 'DE123456789' },
  })),
  setBillingDetails: byTenant(() => ({ legalName: 'Buyer Ltd', address: ['2 Street'], country: 'DE' })),
  setTaxTreatment: byTenant(() => ({ treatment: 'EXEMPT', note: 'A charity' })),
  voidInvoice: byTenant((home) => ({ invoiceId: home.ids.UnpaidInvoice, reason: 'billed by mistake' })),
  updateWebhookEndpoint: byEndpoint({ description: 'Renamed' }),
};

export const operationOf = (name: string): string => examples[name]?.of ?? name;

export const addExample = (operation: string): string =>
  `${operation} has no example call: add one to test/graphql/support/examples.ts.`;
