import { encodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { System } from '../system';
import { forgetCustomer } from './forget-customer.command';
import { keepPaymentMethod } from './keep-payment-method.command';
import type { PaymentMethod, PaymentSetup } from './payment-method';
import type { PaymentWork } from './payment-work.job';
import type {
  AttachOutcome,
  CustomerGone,
  CustomerOutcome,
  PaymentProvider,
  ProviderName,
  SetupOutcome,
  Unknown,
} from './provider';

const unavailable = () =>
  refuse('PROVIDER_UNAVAILABLE', 'The payment provider does not answer; try again with the same idempotencyKey.', {});
const declined = (code?: string) =>
  refuse('PAYMENT_METHOD_DECLINED', 'The payment provider does not take this payment method.', { facts: { code } });

/** A tenant as a provider knows it. `renewals`: how many were gone before it, which makes it another question. */
export interface CustomerThere {
  readonly id: string;
  readonly renewals: number;
}

/** The tenants as a provider knows them: made where they are not there (any more), and forgotten where it says so. */
export interface CustomersThere {
  /** `undefined`: the provider does not answer. */
  find(tenantId: string): Promise<CustomerThere | undefined>;
  forget(tenantId: string, customerId: string): Promise<void>;
}

export const suffixOf = ({ renewals }: Pick<CustomerThere, 'renewals'>) => (renewals === 0 ? '' : `:${renewals}`);

/** What is asked of a provider for payment methods, once the intent is committed. All of it may be done again. */
export class PaymentMethodSetups {
  constructor(
    private readonly system: System,
    private readonly work: PaymentWork,
  ) {}

  /** The tenant as the provider knows it; made once, and anew where it is gone there. */
  private async customerOf(tenantId: string, provider: ProviderName): Promise<CustomerThere | undefined> {
    const known = await this.system.asTenant(tenantId, async (tx) => ({
      id: await tx.paymentMethods.customerOf(tenantId, provider),
      name: (await tx.tenants.byId(tenantId))!.name,
      renewals: (await tx.paymentMethods.formerCustomers(tenantId, provider)).length,
    }));
    const { renewals } = known;
    if (known.id) return { id: known.id, renewals };
    const reference = encodeId('Tenant', tenantId);
    const key = `customer:${reference}${suffixOf(known)}`;
    const made = await this.work.ask<CustomerOutcome>(provider, (port) =>
      port.createCustomer({ key, reference, name: known.name }),
    );
    if (made.status === 'UNKNOWN') return undefined;
    const id = await this.system.asTenant(tenantId, async (tx) => {
      await tx.paymentMethods.keepCustomer(tenantId, tx.tenant.partnerId, provider, made.customerId, tx.now);
      return tx.paymentMethods.customerOf(tenantId, provider);
    });
    return id === undefined ? undefined : { id, renewals };
  }

  private async forget(tenantId: string, provider: ProviderName, customerId: string): Promise<void> {
    await this.system.asTenant(tenantId, (tx) => forgetCustomer(tx, provider, customerId));
  }

  customersAt(provider: ProviderName): CustomersThere {
    return {
      find: (tenantId) => this.customerOf(tenantId, provider),
      forget: (tenantId, customerId) => this.forget(tenantId, provider, customerId),
    };
  }

  /** Asks something about the tenant's customer. Deleted at the provider: it is made anew, and asked once more. */
  private async askOf<T extends { readonly status: string }>(
    { tenantId, provider, key }: { tenantId: string; provider: ProviderName; key: string },
    question: (port: PaymentProvider, customerId: string, key: string) => Promise<T | Unknown | CustomerGone>,
  ): Promise<T | Unknown> {
    for (const isLast of [false, true]) {
      const customer = await this.customerOf(tenantId, provider);
      if (!customer) break;
      const outcome = await this.work.ask<T | CustomerGone>(provider, (port) =>
        question(port, customer.id, `${key}${suffixOf(customer)}`),
      );
      if (outcome.status !== 'CUSTOMER_GONE') return outcome as T | Unknown;
      await this.forget(tenantId, provider, customer.id);
      if (isLast) break;
    }
    return { status: 'UNKNOWN', reason: 'SERVER_ERROR' };
  }

  async attach(
    { tenantId, id }: PaymentSetup,
    token: string,
  ): Promise<Result<PaymentMethod, 'PROVIDER_UNAVAILABLE' | 'PAYMENT_METHOD_DECLINED'>> {
    const { setup, method } = await this.system.asTenant(tenantId, async (tx) => {
      const found = (await tx.paymentMethods.setupById(tenantId, id))!;
      const { paymentMethodId } = found;
      return { setup: found, method: paymentMethodId && (await tx.paymentMethods.byId(tenantId, paymentMethodId)) };
    });
    if (method) return done(method);
    if (setup.status === 'DECLINED') return declined();
    const { provider } = setup;
    const own = { tenantId, provider, key: `attach:${encodeId('PaymentSetup', setup.id, tenantId)}` };
    const outcome = await this.askOf<Exclude<AttachOutcome, CustomerGone>>(own, (port, customerId, key) =>
      port.attachMethod({ key, customerId, token }),
    );
    if (outcome.status === 'UNKNOWN') return unavailable();
    if (outcome.status === 'DECLINED') {
      await this.system.asTenant(tenantId, (tx) =>
        tx.paymentMethods.updateSetup({ ...setup, status: 'DECLINED', settledAt: tx.now }),
      );
      return declined(outcome.code);
    }
    return done(await this.system.asTenant(tenantId, (tx) => keepPaymentMethod(tx, provider, outcome.method, setup)));
  }

  /** The page on which the customer gives a payment method. */
  async open(setup: PaymentSetup, returnUrl: string): Promise<Result<string, 'PROVIDER_UNAVAILABLE'>> {
    const { tenantId, provider } = setup;
    const reference = encodeId('PaymentSetup', setup.id, tenantId);
    const own = { tenantId, provider, key: `setup:${reference}` };
    const outcome = await this.askOf<Exclude<SetupOutcome, CustomerGone>>(own, (port, customerId, key) =>
      port.createSetup({ key, reference, customerId, returnUrl }),
    );
    if (outcome.status === 'UNKNOWN') return unavailable();
    await this.system.asTenant(tenantId, async (tx) => {
      await tx.tenants.lock(tenantId);
      const current = (await tx.paymentMethods.setupById(tenantId, setup.id))!;
      if (!current.externalId) await tx.paymentMethods.updateSetup({ ...current, externalId: outcome.setupId });
    });
    return done(outcome.url);
  }
}
