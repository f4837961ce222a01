import { type GraphQLInputType, getNamedType, isEnumType, isInputObjectType } from 'graphql';
import { argumentRights } from '../../src/access/self-service';
import { type Field, mutations } from '../graphql/support/calls';

/*
 * Arguments are rights too. Every argument of every mutation is in one of three classes:
 *
 * - the whole mutation is the partner's or the platform's, whatever its arguments say: `ofPartners`;
 * - the argument gives nothing away, so a tenant may choose it: `givesNothing`, enum values and booleans one by one;
 * - it gives money or time away, so it is the partner's unless its selfServicePolicy allows it: `argumentRights` in
 *   src/access/self-service.ts.
 *
 * A new argument or value fails the test until somebody has thought about which of them it is.
 */

/** Mutations that no tenant's people or keys may call. A test asks each of them as a tenant's admin. */
export const ofPartners: readonly string[] =
  `acceptCheckout acceptLicencePurchase archiveAddon createAddon createApiKey createCoupon createFeature createLicenceProduct createMeter createPartner createPlan
   createTaxRate createTenant createWebhookEndpoint deleteWebhookEndpoint endTaxRate grantEntitlement issueCreditNote
   markInvoicePaid markInvoiceUncollectible publishPlanVersion recordPayment refundPayment refuseCheckout refuseLicencePurchase replayEvents retryInboundEvent revokeApiKey
   revokeEntitlement rotateWebhookSecret sendTestEvent setCreditPolicy setDunningPolicy setPartnerBillingDetails setPaymentTerms setSelfServicePolicy
   setTaxCategory setTaxTreatment unparkTenant updateAddon updateCoupon updateLicenceProduct updatePlan
   updateWebhookEndpoint voidInvoice`.split(/\s+/);

const interval = 'interval=DAY,MONTH,QUARTER,WEEK,YEAR';
const provider = 'provider=FAKE,PADDLE,STRIPE makeDefault=true,false';
/** Never more than what was paid and is unused comes back; where it goes is another matter. */
const end = 'reason when=NOW,PERIOD_END settlement=CREDIT_BALANCE,NONE';

/** What a tenant may say in the mutations that it may call: it gives nothing away. Besides, each takes a tenantId. */
export const givesNothing: Readonly<Record<string, string>> = {
  addPaymentMethod: `${provider} token`,
  advanceClock: '',
  applyCoupon: 'code',
  assignSeat: 'licenceId userId',
  buyLicences: 'autoRenew=true,false product quantity quote',
  cancelAddon: `addonSubscriptionId ${end}`,
  cancelScheduledPlanChange: '',
  changeAddonQuantity: 'addonSubscriptionId quantity quote settlement=CREDIT_BALANCE,NONE',
  cancelSubscription: end,
  changePlan: `plan quantity ${interval} addons.addon addons.quantity coupon quote anchor=KEEP,RESET effective=DATE,NOW,PERIOD_END effectiveDate
    keepRunningDiscounts=false settlement=CREDIT_BALANCE,NONE unavailableAddons=CANCEL_AND_CREDIT,REFUSE waived=false`,
  createAddonCheckout: 'addon quantity cancelUrl successUrl',
  createPlanCheckout: `plan quantity ${interval} cancelUrl successUrl`,
  createPortalLink: 'returnUrl',
  inviteUser: 'email name partnerId partnerRole=OWNER,VIEWER tenantRole=ADMIN,MEMBER',
  payInvoice: 'invoiceId paymentMethodId',
  rebuildEntitlements: '',
  // What happened: who may report usage is trusted with it.
  recordUsage: 'data enforce=true,false id quantity source subject time type',
  recordUsageBatch: 'atomic=true,false enforce=true,false events',
  removePaymentMethod: 'paymentMethodId',
  removePendingCoupon: 'pendingCouponId',
  removeUser: 'partnerId userId',
  renewLicences: 'product quote',
  retryCheckout: 'checkoutId',
  // Whether it is taxed is setTaxTreatment's, the partner's.
  setBillingDetails: 'address country email legalName region taxId',
  setDefaultPaymentMethod: 'paymentMethodId',
  startPaymentMethodSetup: `${provider} returnUrl`,
  revokeSeat: 'licenceId userId',
  // Once, as long as the partner's product says.
  startLicenceTrial: 'product',
  startSubscription: `plan quantity quote ${interval}`,
  subscribeAddon: 'addon quantity quote charge=NOW',
};

/** Every argument as a word, an enum's and a boolean's as one for each value: `settlement=REFUND`. */
export function wordsOf(field: Field): string[] {
  const ofType = (type: GraphQLInputType, path: string): string[] => {
    const named = getNamedType(type);
    if (isInputObjectType(named)) {
      return Object.values(named.getFields()).flatMap((member) =>
        ofType(member.type, path === '' ? member.name : `${path}.${member.name}`),
      );
    }
    if (isEnumType(named)) return named.getValues().map(({ name }) => `${path}=${name}`);
    return named.name === 'Boolean' ? [`${path}=true`, `${path}=false`] : [path];
  };
  return field.args
    .filter(({ name }) => name !== 'idempotencyKey' && name !== 'dryRun')
    .flatMap(({ name, type }) => ofType(type, name === 'input' ? '' : name));
}

/** `settlement=CREDIT_BALANCE,NONE` as `settlement=CREDIT_BALANCE` and `settlement=NONE`. */
function expand(words: string): string[] {
  return words
    .split(/\s+/)
    .filter(Boolean)
    .flatMap((word) => {
      const [name, values] = word.split('=');
      return values === undefined ? [word] : values.split(',').map((value) => `${name}=${value}`);
    });
}

/** What is wrong with the classes of one mutation's arguments. */
export function problemsOf(mutation: string): string[] {
  const isOfPartners = ofPartners.includes(mutation);
  const nothing = givesNothing[mutation];
  if (isOfPartners) return nothing === undefined ? [] : [`${mutation} is in both lists`];
  if (nothing === undefined) return [`${mutation} is new: whose is it, and what of it gives money or time away?`];
  const harmless = ['tenantId', ...expand(nothing)];
  const giving = (argumentRights[mutation] ?? []).map(({ argument, value }) =>
    value === undefined ? argument : `${argument}=${value}`,
  );
  const real = wordsOf(mutations()[mutation]!);
  return [
    ...real
      .filter((word) => !harmless.includes(word) && !giving.includes(word))
      .map((word) => `${mutation} ${word} is new: does it give money or time away?`),
    ...[...harmless, ...giving].filter((word) => !real.includes(word)).map((word) => `${mutation} ${word} is gone`),
    ...harmless.filter((word) => giving.includes(word)).map((word) => `${mutation} ${word} is in both lists`),
  ];
}
