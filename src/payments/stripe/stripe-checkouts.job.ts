import { type Instant, isAtOrBefore } from '../../core/calendar';
import { encodeId } from '../../core/ids';
import { sqlState } from '../../platform/database';
import type { System } from '../../system';
import type { Tx } from '../../tx';
import type { Providers } from '../providers';
import { isOver, nextLook, pauseAfterFailure, type SeenSubscription, type StripeCheckout } from '../stripe-checkout';
import {
  checkoutReference,
  parkCheckout,
  settleAddonCheckout,
  settleExpiredCheckout,
  settlePlanCheckout,
} from './settle-checkout.command';
import { type OpenedPage, StripeBilling } from './stripe-billing';
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
    private readonly customerOf: (tenantId: string) => Promise<string | undefined>,
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
    const customerId = await this.customerOf(tenantId);
    if (!customerId) return checkout;
    const opened = await this.ask(provider, checkout, customerId);
    if (opened.status === 'UNKNOWN') return checkout;
    return this.system.asTenant(tenantId, async (tx) => {
      await tx.tenants.lock(tenantId);
      const fresh = (await tx.stripeCheckouts.find(tenantId, { id }))!;
      if (fresh.sessionExternalId) return fresh;
      if (opened.status === 'REFUSED') {
        this.system.log.warn({ provider: 'STRIPE', code: opened.code }, 'Stripe refused to open a checkout');
        return tx.stripeCheckouts.update({ ...fresh, status: 'REFUSED', syncAt: undefined });
      }
      const made = { ...fresh, sessionExternalId: opened.checkoutId, url: opened.url, attempts: 0 };
      // Another offer took its place meanwhile: the page is there, and is closed by the next look.
      if (fresh.status !== 'PENDING') return tx.stripeCheckouts.update({ ...made, url: undefined });
      return tx.stripeCheckouts.update({ ...made, status: 'OPEN', syncAt: nextLook(made, undefined) });
    });
  }

  private ask(provider: StripeProvider, checkout: StripeCheckout, customerId: string): Promise<OpenedPage> {
    const { tenantId, id, successUrl, cancelUrl, expiresAt, description } = checkout;
    if (checkout.kind === 'PLAN') {
      const reference = encodeId('PaymentSetup', id, tenantId);
      const page = { successUrl, cancelUrl, expiresAt, terms: description };
      return new StripeBilling(provider).openSetup({ key: `setup:${reference}`, reference, customerId, ...page });
    }
    const { unitAmount, quantity, interval, priceExternalId: priceId } = checkout;
    const reference = checkoutReference(checkout);
    return provider.createCheckout({
      ...{ key: `checkout:${reference}`, reference, customerId, successUrl, cancelUrl, expiresAt },
      lines: [{ description, unitAmount, quantity, interval, priceId }],
    });
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
            // The tenant is locked by something long, or the database went away: what was claimed comes back by itself.
            if (sqlState(error) !== '55P03') this.system.log.error({ err: error }, 'a checkout could not be synced');
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
    if (!provider || !checkout || checkout.parkedReason || checkout.live !== provider.live) return;
    const askedAt = this.system.clock.now();
    const settle = <T>(work: (tx: Tx) => Promise<T>) => this.system.asTenant(tenantId, work);
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
      if (session.status === 'MISSING') return this.park(checkout, 'SUBJECT_UNKNOWN: Stripe has no such session');
      if (session.state === 'expired') return void (await settle((tx) => settleExpiredCheckout(tx, id, askedAt)));
      if (session.state !== 'complete') {
        // Another offer took its place: this page must not be paid any more.
        if (checkout.status === 'EXPIRED') await billing.expire(checkout.sessionExternalId);
        return this.lookLater(checkout, checkout.status === 'EXPIRED' ? askedAt.add({ seconds: 5 }) : undefined);
      }
      if (checkout.kind === 'PLAN') {
        const settled = await settle((tx) => settlePlanCheckout(tx, id, session, askedAt));
        return this.report(settled);
      }
      subscriptionId = session.subscriptionId;
      if (!subscriptionId) return this.park(checkout, 'PAYLOAD_UNREADABLE: a paid session without a subscription');
    }
    let seen = await billing.subscription(subscriptionId);
    if (seen.status === 'SEEN') {
      const wanted = await settle((tx) => this.wantedOf(tx, checkout, seen.status === 'SEEN' && seen.subscription));
      if (wanted) {
        if (!(await billing.follow(subscriptionId, wanted))) return this.postpone(checkout);
        seen = await billing.subscription(subscriptionId);
      }
    }
    if (seen.status === 'UNKNOWN') return this.postpone(checkout);
    if (seen.status === 'MISSING') return this.park(checkout, 'SUBJECT_UNKNOWN: Stripe has no such subscription');
    const { subscription } = seen;
    this.report(await settle((tx) => settleAddonCheckout(tx, id, subscription, askedAt)));
  }

  /** What was decided here since Stripe was last seen, and is not yet so there. */
  private async wantedOf(tx: Tx, checkout: StripeCheckout, seen: SeenSubscription | false) {
    const { tenantId, addonSubscriptionId } = checkout;
    if (!seen || !addonSubscriptionId || isOver(seen.status)) return undefined;
    const attachment = await tx.addonSubscriptions.byId(tenantId, addonSubscriptionId);
    if (!attachment) return undefined;
    if (attachment.endedAt) return 'CANCELLED';
    const cancels = attachment.endsAt !== undefined;
    // Where both sides changed, the customer's own choice at Stripe counts.
    if (seen.cancels !== checkout.providerCancels || seen.cancels === cancels) return undefined;
    return cancels ? 'CANCELS' : 'CONTINUES';
  }

  private async postpone({ tenantId, id, attempts }: StripeCheckout): Promise<void> {
    const until = this.system.clock.now().add({ seconds: pauseAfterFailure(attempts) });
    await this.system.asTenant(tenantId, (tx) => tx.stripeCheckouts.postpone(tenantId, id, until));
  }

  private async lookLater(checkout: StripeCheckout, until: Instant | undefined): Promise<void> {
    const { tenantId, id } = checkout;
    const next = until ?? nextLook(checkout, undefined)!;
    await this.system.asTenant(tenantId, (tx) => tx.stripeCheckouts.postpone(tenantId, id, next));
  }

  private async park({ tenantId, id }: StripeCheckout, reason: string): Promise<void> {
    const parked = await this.system.asTenant(tenantId, async (tx) => {
      await tx.tenants.lock(tenantId);
      const fresh = (await tx.stripeCheckouts.find(tenantId, { id }))!;
      return fresh.parkedReason ? undefined : parkCheckout(tx, fresh, reason);
    });
    this.report(parked);
  }

  private report(checkout: StripeCheckout | undefined): void {
    if (!checkout?.parkedReason) return;
    const { id, parkedReason: reason } = checkout;
    this.system.log.warn({ provider: 'STRIPE', checkout: id, reason }, 'a checkout was parked');
  }
}
