import { isAtOrBefore, isSameInstant } from '../../core/calendar';
import { encodeId } from '../../core/ids';
import { sqlState } from '../../platform/database';
import type { AddonSubscription } from '../../subscriptions/addon-subscription';
import type { System } from '../../system';
import type { Tx } from '../../tx';
import { type CustomersThere, suffixOf } from '../payment-method-setup.job';
import type { Providers } from '../providers';
import {
  goesBack,
  nextLook,
  pauseAfterFailure,
  pauseAfterLook,
  type SeenSubscription,
  type StripeCheckout,
  strangerIn,
} from '../stripe-checkout';
import type { PortalOwner } from './create-portal-link.command';
import {
  checkoutReference,
  settleAddonCheckout,
  settleExpiredCheckout,
  settleMissing,
  settlePlanCheckout,
} from './settle-checkout.command';
import { type OpenedPage, StripeBilling, type WantedThere } from './stripe-billing';
import { StripeProvider } from './stripe-provider';

const holdSeconds = 120;
const batch = 10;

export interface CheckoutWorkOptions {
  /** Only this tenant's. */
  readonly tenantId?: string | undefined;
  readonly workers?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What is asked of Stripe about checkouts and about what it bills. An event is only a hint that something happened: what counts
 * is what Stripe answers when it is asked, so events may come late, twice, in any order, or never. No transaction is open
 * while it is asked, and all of it may be done again.
 */
export class StripeCheckouts {
  constructor(
    private readonly system: System,
    private readonly providers: Providers,
    private readonly customers: CustomersThere,
  ) {}

  /** `undefined`: Stripe is off. */
  get provider(): StripeProvider | undefined {
    const provider = this.providers.get('STRIPE');
    return provider instanceof StripeProvider ? provider : undefined;
  }

  private read(tenantId: string, id: string): Promise<StripeCheckout | undefined> {
    return this.system.asTenant(tenantId, (tx) => tx.stripeCheckouts.find(tenantId, { id }));
  }

  /** The page of a checkout, made once. While Stripe does not answer it stays PENDING, and is tried again. */
  async open({ tenantId, id }: Pick<StripeCheckout, 'tenantId' | 'id'>): Promise<StripeCheckout | undefined> {
    const checkout = await this.read(tenantId, id);
    const { provider } = this;
    if (!checkout || !provider || checkout.sessionExternalId || checkout.status !== 'PENDING') return checkout;
    let opened = await this.ask(provider, checkout);
    // Deleted at Stripe: made anew, and asked once more.
    if (opened.status === 'CUSTOMER_GONE') opened = await this.ask(provider, checkout);
    if (opened.status === 'UNKNOWN' || opened.status === 'CUSTOMER_GONE') return checkout;
    const page = opened;
    return this.system.asTenant(tenantId, async (tx) => {
      await tx.tenants.lock(tenantId);
      const fresh = (await tx.stripeCheckouts.find(tenantId, { id }))!;
      if (fresh.sessionExternalId) return fresh;
      if (page.status === 'REFUSED') {
        this.system.log.warn({ provider: 'STRIPE', code: page.code }, 'Stripe refused to open a checkout');
        return tx.stripeCheckouts.update({ ...fresh, status: 'REFUSED', syncAt: undefined });
      }
      const made = { ...fresh, sessionExternalId: page.checkoutId, url: page.url, attempts: 0 };
      // Another offer took its place meanwhile: the page is there, and is closed by the next look.
      if (fresh.status !== 'PENDING') return tx.stripeCheckouts.update({ ...made, url: undefined });
      return tx.stripeCheckouts.update({ ...made, status: 'OPEN', syncAt: nextLook(made, this.system.clock.now()) });
    });
  }

  private async ask(provider: StripeProvider, checkout: StripeCheckout): Promise<OpenedPage> {
    const { tenantId, id, successUrl, cancelUrl, expiresAt, description } = checkout;
    const customer = await this.customers.find(tenantId);
    if (!customer) return { status: 'UNKNOWN', reason: 'SERVER_ERROR' };
    const { id: customerId } = customer;
    const suffix = suffixOf(customer);
    const page = { successUrl, cancelUrl, expiresAt };
    let opened: OpenedPage;
    if (checkout.kind === 'PLAN') {
      const reference = encodeId('PaymentSetup', id, tenantId);
      const key = `setup:${reference}${suffix}`;
      opened = await new StripeBilling(provider).openSetup({ key, reference, customerId, ...page, terms: description });
    } else {
      const { unitAmount, quantity, interval, priceExternalId: priceId } = checkout;
      const reference = checkoutReference(checkout);
      const key = `checkout:${reference}${suffix}`;
      const line = { description, unitAmount, quantity, interval };
      const asked = { key, reference, customerId, ...page };
      opened = await provider.createCheckout({ ...asked, lines: [{ ...line, priceId }] });
      // The price was archived or deleted at Stripe: what was offered stands, in words.
      if (opened.status === 'REFUSED' && priceId) {
        opened = await provider.createCheckout({ ...asked, key: `${key}:stated`, lines: [line] });
      }
    }
    if (opened.status === 'CUSTOMER_GONE') await this.customers.forget(tenantId, customerId);
    return opened;
  }

  /** A link to the customer's portal; `undefined`: Stripe does not answer. */
  async portalLink({ tenantId, customerId }: PortalOwner, returnUrl: string) {
    const { provider } = this;
    const url = await provider?.createPortalLink(customerId, returnUrl);
    if (url || !provider) return url ? { url } : undefined;
    if (!(await new StripeBilling(provider).isCustomerGone(customerId))) return undefined;
    await this.customers.forget(tenantId, customerId);
    return 'CUSTOMER_GONE';
  }

  /** Asks now, whatever the calendar says. */
  async look({ tenantId, id }: Pick<StripeCheckout, 'tenantId' | 'id'>): Promise<StripeCheckout | undefined> {
    await this.sync(tenantId, id);
    return this.read(tenantId, id);
  }

  /** Does everything that is due now; answers how much it was. */
  async runDue(options: CheckoutWorkOptions = {}): Promise<number> {
    if (!this.provider) return 0;
    let count = 0;
    const work = async () => {
      while (!options.signal?.aborted) {
        const due = await this.system.ask<{ tenant_id: string; id: string }>(
          {
            name: 'claim-stripe-checkouts',
            text: 'select * from app.claim_stripe_checkouts($1, $2, $3, make_interval(secs => $4))',
          },
          [this.system.clock.now().toString(), options.tenantId ?? null, batch, holdSeconds],
        );
        if (due.length === 0) return;
        for (const { tenant_id, id } of due) {
          if (options.signal?.aborted) return;
          await this.sync(tenant_id, id).catch((error) => {
            // The tenant is locked by something long, or the database went away: what was claimed comes back by itself. A
            // fault comes back later each time: the claim counts.
            if (sqlState(error) === '55P03') return;
            this.system.log.error({ err: error }, 'a checkout could not be synced');
            return this.postponeAfterFault(tenant_id, id);
          });
          count += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: options.workers ?? 2 }, work));
    return count;
  }

  /** Asks Stripe how a checkout stands, does there what was decided here, and writes down what it says. */
  async sync(tenantId: string, id: string): Promise<void> {
    const { provider } = this;
    const checkout = await this.read(tenantId, id);
    if (!provider || !checkout) return;
    const askedAt = this.system.clock.now();
    // Stripe's other mode knows nothing of it.
    if (checkout.live !== provider.live) return this.lookLater(checkout, pauseAfterLook(checkout.attempts));
    const settle = <T>(work: (tx: Tx) => Promise<T>) => this.system.asTenant(tenantId, work);
    const miss = async (what: string) => this.report(await settle((tx) => settleMissing(tx, id, what, askedAt)));
    if (!checkout.sessionExternalId) {
      const overdue = checkout.status !== 'PENDING' || isAtOrBefore(checkout.expiresAt.subtract({ hours: 1 }), askedAt);
      if (overdue) await settle((tx) => settleExpiredCheckout(tx, id, askedAt));
      else if ((await this.open(checkout))?.status === 'PENDING') await this.postpone(checkout);
      return;
    }
    const billing = new StripeBilling(provider);
    let subscriptionId = checkout.subscriptionExternalId;
    if (!subscriptionId) {
      const session = await billing.session(checkout.sessionExternalId);
      if (session.status === 'UNKNOWN') return this.postpone(checkout);
      if (session.status === 'MISSING') return miss('SUBJECT_UNKNOWN: Stripe has no such session');
      if (session.state === 'EXPIRED') return void (await settle((tx) => settleExpiredCheckout(tx, id, askedAt)));
      if (session.state === 'OPEN') return this.wait(billing, checkout, checkout.sessionExternalId);
      if (checkout.kind === 'PLAN') {
        return this.report(await settle((tx) => settlePlanCheckout(tx, id, session, askedAt)));
      }
      subscriptionId = session.subscriptionId;
      if (!subscriptionId) return miss('PAYLOAD_UNREADABLE: a paid session without a subscription');
    }
    let seen = await billing.subscription(subscriptionId);
    let problem: string | undefined;
    if (seen.status === 'SEEN') {
      const first = seen.subscription;
      const acts = await settle((tx) => this.wantedOf(tx, checkout, first));
      for (const act of acts) {
        if (act.there) {
          if (!(await billing.follow(first, act.there))) return this.postpone(checkout);
          continue;
        }
        const refunded = await billing.refundAll(act.paymentId, act.key, checkoutReference(checkout));
        if (refunded.status === 'UNKNOWN') return this.postpone(checkout);
        if (refunded.status === 'REFUSED') problem = `REFUND_FAILED: ${refunded.code}`;
      }
      if (acts.length > 0) seen = await billing.subscription(subscriptionId);
    }
    if (seen.status === 'UNKNOWN') return this.postpone(checkout);
    if (seen.status === 'MISSING') return miss('SUBJECT_UNKNOWN: Stripe has no such subscription');
    const { subscription } = seen;
    this.report(await settle((tx) => settleAddonCheckout(tx, id, subscription, { askedAt, problem })));
  }

  /** Nobody has paid yet. */
  private async wait(billing: StripeBilling, checkout: StripeCheckout, session: string): Promise<void> {
    const waits = checkout.status === 'PENDING' || checkout.status === 'OPEN';
    // Another offer took its place: this page must not be paid any more.
    if (!waits) await billing.expire(session);
    return this.lookLater(checkout, waits ? undefined : pauseAfterFailure(checkout.attempts));
  }

  /** What was decided here since Stripe was last seen, and is not yet so there. */
  private async wantedOf(tx: Tx, checkout: StripeCheckout, seen: SeenSubscription): Promise<Act[]> {
    const { tenantId, addonSubscriptionId, withdrawn } = checkout;
    const customers = await tx.paymentMethods.customersOf(tenantId, 'STRIPE');
    // Not ours to touch.
    if (strangerIn(checkout, checkoutReference(checkout), customers, seen)) return [];
    const acts: Act[] = [];
    const attachment = addonSubscriptionId && (await tx.addonSubscriptions.byOrigin(tenantId, addonSubscriptionId));
    const wanted = await wantedThere(tx, checkout, attachment || undefined, seen);
    if (wanted && seen.standing !== 'ENDED') acts.push({ there: wanted });
    if (!withdrawn?.refunds) return acts;
    const back = goesBack(seen.paid, { since: attachment ? withdrawn.at : undefined });
    for (const { externalId, paymentId } of back) {
      // What was paid outside goes back outside.
      if (paymentId) acts.push({ paymentId, key: `refund:${checkoutReference(checkout)}:${externalId}` });
    }
    return acts;
  }

  private async postpone({ tenantId, id, attempts }: StripeCheckout): Promise<void> {
    const until = this.system.clock.now().add({ seconds: pauseAfterFailure(attempts) });
    await this.system.asTenant(tenantId, (tx) => tx.stripeCheckouts.postpone(tenantId, id, until));
  }

  private async postponeAfterFault(tenantId: string, id: string): Promise<void> {
    const checkout = await this.read(tenantId, id).catch(() => undefined);
    if (checkout) await this.postpone(checkout).catch(() => undefined);
  }

  private async lookLater(checkout: StripeCheckout, seconds: number | undefined): Promise<void> {
    const { tenantId, id } = checkout;
    const now = this.system.clock.now();
    const next = seconds === undefined ? nextLook(checkout, now)! : now.add({ seconds });
    await this.system.asTenant(tenantId, (tx) => tx.stripeCheckouts.postpone(tenantId, id, next));
  }

  private report(checkout: StripeCheckout | undefined): void {
    if (!checkout?.parkedReason) return;
    const { id, parkedReason: reason } = checkout;
    this.system.log.warn({ provider: 'STRIPE', checkout: id, reason }, 'a checkout was parked');
  }
}

/** One thing to be done at Stripe. */
type Act =
  | { readonly there: WantedThere; readonly paymentId?: undefined }
  | { readonly there?: undefined; readonly paymentId: string; readonly key: string };

async function wantedThere(
  tx: Tx,
  checkout: StripeCheckout,
  attachment: AddonSubscription | undefined,
  seen: SeenSubscription,
): Promise<WantedThere | undefined> {
  if (checkout.withdrawn) return 'CANCELLED';
  if (!attachment) {
    // What it was bought for has ended before it was ever attached.
    const orphaned = checkout.parkedReason && !(await tx.subscriptions.live(checkout.tenantId));
    return orphaned ? 'CANCELLED' : undefined;
  }
  if (attachment.endedAt) return 'CANCELLED';
  // Where both sides changed, the customer's own choice at Stripe counts.
  const { endsAt } = attachment;
  if (!isSameInstant(seen.endsAt, checkout.providerEndsAt) || isSameInstant(seen.endsAt, endsAt)) return undefined;
  return endsAt ? { endsAt } : 'CONTINUES';
}
