/**
 * An upgrade as a front end does it: show the add-ons, say why a feature is missing, preview the change to the cent, change
 * the plan at exactly that price, and check the feature again.
 *
 *   TOLLGATE_URL    the gateway, e.g. http://127.0.0.1:4000
 *   TOLLGATE_TOKEN  a bearer token of the tenant's admin
 *   TOLLGATE_PLAN   the plan to change to; default enterprise
 */
import {
  type ChangePlanRefusal,
  type Client,
  changePlan,
  createClient,
  type EntitlementCheckQuery,
  entitlementCheck,
  factOf,
  isRefused,
  iterateAddons,
  type ProrationPreviewRefusal,
  prorationPreview,
  type Refused,
} from '../../src/sdk';

export interface ExampleOptions {
  readonly url: string;
  readonly token: string;
  readonly plan: string;
  readonly feature?: string;
  readonly print?: (line: string) => void;
  /** Shown the price; answers whether to go on. A real front end asks a person here. */
  readonly confirm?: (net: string) => boolean | Promise<boolean>;
  readonly fetch?: typeof globalThis.fetch;
}

export type ExampleOutcome =
  | { readonly outcome: 'changed'; readonly net: string; readonly quotes: number }
  | { readonly outcome: 'declined' }
  | { readonly outcome: 'refused'; readonly code: string; readonly advice: string };

const money = ({ amount, currency }: { readonly amount: string; readonly currency: string }) => `${amount} ${currency}`;

type Unlock = EntitlementCheckQuery['entitlementCheck']['unlocks'][number];

/** Each kind of way out has its act; `unlock.quote.token` is what holds the act to the price that is shown. */
function textOf(unlock: Unlock): string {
  switch (unlock.__typename) {
    case 'PlanChangeUnlock': {
      const addons = unlock.addons.map(({ addon, quantity }) =>
        quantity === '1' ? addon.name : `${quantity} × ${addon.name}`,
      );
      return [...addons, ...(unlock.toPlan ? [unlock.toPlan.name] : [])].join(' with ');
    }
    case 'StartUnlock':
      return unlock.plan.name;
    case 'LicenceUnlock':
      return `${unlock.quantity} seats of ${unlock.product.name}`;
    case 'PaymentUnlock':
      return `paying ${unlock.invoices.map(({ number }) => number).join(' and ')}`;
  }
}

async function showAddons(client: Client, print: (line: string) => void): Promise<void> {
  print('Add-ons on sale:');
  for await (const addon of iterateAddons(client, { status: 'ACTIVE' })) {
    const prices = addon.prices.map((price) => `${money(price.amount)} a ${price.interval.toLowerCase()}`);
    print(`  ${addon.name}: ${prices.join(', ')}`);
  }
}

async function showEntitlement(client: Client, feature: string, print: (line: string) => void): Promise<void> {
  const check = await entitlementCheck(client, { feature });
  if (check.allowed) {
    print(`${feature}: allowed, by ${check.sources.map((source) => source.name).join(' and ')}`);
    return;
  }
  print(`${feature}: not allowed (${check.reason})`);
  for (const unlock of check.unlocks) {
    const later = 'recurring' in unlock ? `, then ${money(unlock.recurring)} each period` : '';
    print(`  ${textOf(unlock)} would do: ${money(unlock.dueNow)} now${later}`);
  }
}

/**
 * What to tell the person. Every code of both operations stands here: when the gateway learns a new one and the SDK is
 * generated anew, the compiler points at the last line.
 */
function adviceFor(refused: Refused<ChangePlanRefusal | ProrationPreviewRefusal>): string {
  switch (refused.code) {
    case 'QUOTE_STALE': {
      const now = `${factOf(refused, 'now')} ${factOf(refused, 'currency')}`;
      return `The price has changed to ${now} and keeps changing. Please try again later.`;
    }
    case 'QUOTE_EXPIRED':
    case 'QUOTE_INVALID':
      return 'The offer has run out. Please look at the new price.';
    case 'NO_CHANGE':
      return 'You have this plan already.';
    case 'CHANGE_ALREADY_SCHEDULED':
      return 'Another change is planned. Take it back first.';
    case 'SUBSCRIPTION_ENDING':
      return 'Your subscription ends soon, so its plan cannot change any more.';
    case 'SUBSCRIPTION_REQUIRED':
      return 'Start a subscription first.';
    case 'ADDON_NOT_AVAILABLE_WITH_PLAN':
    case 'ADDON_ARCHIVED':
    case 'ADDON_BILLED_BY_PROVIDER':
    case 'ADDON_INCLUDED_IN_PLAN':
    case 'ADDON_NOT_FOUND':
    case 'ADDON_REQUIRES_ADDON':
    case 'RESET_PERIOD_MISMATCH':
      return `One of your add-ons does not go with this plan: ${refused.message}`;
    case 'PLAN_NOT_FOUND':
    case 'PLAN_ARCHIVED':
    case 'PRICE_NOT_FOUND':
      return 'This plan is not for sale. Please choose another one.';
    case 'COUPON_ALREADY_APPLIED':
    case 'COUPON_CURRENCY_NOT_SUPPORTED':
    case 'COUPON_EXPIRED':
    case 'COUPON_FIRST_PURCHASE_ONLY':
    case 'COUPON_INACTIVE':
    case 'COUPON_INTERVAL_NOT_ELIGIBLE':
    case 'COUPON_MINIMUM_NOT_MET':
    case 'COUPON_NOT_FOUND':
    case 'COUPON_NOT_YET_VALID':
    case 'COUPON_PLAN_NOT_ELIGIBLE':
    case 'COUPON_TENANT_LIMIT_REACHED':
    case 'COUPON_USED_UP':
      return `The coupon cannot be used: ${refused.message}`;
    case 'AMOUNT_NOT_CHARGEABLE':
      return `So much cannot be charged at once: ${refused.message}`;
    case 'EFFECTIVE_DATE_OUTSIDE_PERIOD':
    case 'INVALID_INPUT':
    case 'REFUND_NOT_AVAILABLE':
      return `Please change ${refused.path?.join('.') ?? 'your choice'}: ${refused.message}`;
    case 'BUSY':
    case 'IDEMPOTENCY_KEY_IN_PROGRESS':
    case 'PERIOD_NOT_BILLED':
      // The client has tried these several times before it showed them.
      return 'Your account is being worked on. Please try again in a moment.';
    case 'RATE_LIMITED':
      return `Please wait ${factOf(refused, 'retryAfterSeconds')} seconds.`;
    case 'FORBIDDEN':
    case 'PARTNER_NOT_FOUND':
    case 'TENANT_NOT_FOUND':
      return 'Your role does not allow this. Ask an admin.';
    case 'IDEMPOTENCY_KEY_INVALID':
    case 'IDEMPOTENCY_KEY_REQUIRED':
    case 'IDEMPOTENCY_KEY_REUSED':
      return `This is our mistake: ${refused.message}`;
    default:
      // A newer gateway may have a code that this build does not know; its message is made to be shown.
      refused.code satisfies never;
      return refused.message;
  }
}

/** How often a new price is shown before we give up. */
const mostQuotes = 3;

export async function main(options: ExampleOptions): Promise<ExampleOutcome> {
  const { url, token, plan, feature = 'provider_track', print = console.log, confirm = () => true } = options;
  const client = createClient({ url, token, ...(options.fetch && { fetch: options.fetch }) });
  const refusal = (refused: Refused<ChangePlanRefusal | ProrationPreviewRefusal>): ExampleOutcome => {
    const advice = adviceFor(refused);
    print(`Refused: ${advice}`);
    return { outcome: 'refused', code: refused.code, advice };
  };

  await showAddons(client, print);
  await showEntitlement(client, feature, print);

  for (let quotes = 1; ; quotes += 1) {
    const input = { plan };
    const preview = await prorationPreview(client, { input });
    if (isRefused(preview)) return refusal(preview);
    print(`From ${preview.planBefore.name} to ${preview.planAfter.name}:`);
    for (const line of preview.lines) print(`  ${line.description}: ${money(line.amount)}`);
    print(`  in all ${money(preview.net)} now, then ${money(preview.recurring)} each period`);
    if (!(await confirm(money(preview.net)))) return { outcome: 'declined' };

    // The quote pins the price that was shown. Its idempotency key is made by the client, one for this call.
    const change = await changePlan(client, { input, quote: preview.quote.token });
    if (isRefused(change)) {
      const priceMoved = change.code === 'QUOTE_STALE' || change.code === 'QUOTE_EXPIRED';
      if (!priceMoved || quotes === mostQuotes) return refusal(change);
      print(`The price has moved by ${factOf(change, 'difference') ?? 'something'}; here is the new one.`);
      continue;
    }
    print(`Changed to ${change.subscription.item.plan.name} for ${money(change.net)}.`);
    await showEntitlement(client, feature, print);
    return { outcome: 'changed', net: money(change.net), quotes };
  }
}
