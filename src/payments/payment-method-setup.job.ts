import { encodeId } from '../core/ids';
import { done, type Result, refuse } from '../core/result';
import type { System } from '../system';
import { keepPaymentMethod } from './keep-payment-method.command';
import type { PaymentMethod, PaymentSetup } from './payment-method';
import type { PaymentWork } from './payment-work.job';
import type { AttachOutcome, CustomerOutcome, ProviderName, SetupOutcome } from './provider';

const unavailable = () =>
  refuse('PROVIDER_UNAVAILABLE', 'The payment provider does not answer; try again with the same idempotencyKey.', {});
const declined = (code?: string) =>
  refuse('PAYMENT_METHOD_DECLINED', 'The payment provider does not take this payment method.', { facts: { code } });

/** What is asked of a provider for payment methods, once the intent is committed. All of it may be done again. */
export class PaymentMethodSetups {
  constructor(
    private readonly system: System,
    private readonly work: PaymentWork,
  ) {}

  /** The tenant as the provider knows it; made once. */
  async customerOf(tenantId: string, provider: ProviderName): Promise<string | undefined> {
    const known = await this.system.asTenant(tenantId, async (tx) => ({
      id: await tx.paymentMethods.customerOf(tenantId, provider),
      name: (await tx.tenants.byId(tenantId))!.name,
    }));
    if (known.id) return known.id;
    const reference = encodeId('Tenant', tenantId);
    const made = await this.work.ask<CustomerOutcome>(provider, (port) =>
      port.createCustomer({ key: `customer:${reference}`, reference, name: known.name }),
    );
    if (made.status === 'UNKNOWN') return undefined;
    return this.system.asTenant(tenantId, async (tx) => {
      await tx.paymentMethods.keepCustomer(tenantId, tx.tenant.partnerId, provider, made.customerId, tx.now);
      return tx.paymentMethods.customerOf(tenantId, provider);
    });
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
    const customerId = await this.customerOf(tenantId, provider);
    if (!customerId) return unavailable();
    const key = `attach:${encodeId('PaymentSetup', setup.id, tenantId)}`;
    const outcome = await this.work.ask<AttachOutcome>(provider, (port) =>
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
    const customerId = await this.customerOf(tenantId, provider);
    if (!customerId) return unavailable();
    const reference = encodeId('PaymentSetup', setup.id, tenantId);
    const outcome = await this.work.ask<SetupOutcome>(provider, (port) =>
      port.createSetup({ key: `setup:${reference}`, reference, customerId, returnUrl }),
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
