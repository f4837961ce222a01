import { encodeId } from '../core/ids';
import { sqlState } from '../platform/database';
import type { System } from '../system';
import type { Tx } from '../tx';
import { beginPayment, isPayable } from './begin-payment.command';
import { totalOf } from './carried-payments';
import { forgetCustomer } from './forget-customer.command';
import { askHoldSeconds, type Charge, keyHasExpired, type Refund } from './payment';
import type { PaymentMethod } from './payment-method';
import type {
  ChargeOutcome,
  FindRefund,
  GoneOutcome,
  PaymentProvider,
  ProviderName,
  RefundOutcome,
  Unknown,
} from './provider';
import type { Providers } from './providers';
import { removePaymentMethod } from './remove-payment-method.command';
import { replacePayment } from './replace-payment.command';
import { settlePayment } from './settle-payment.command';
import { settleRefund } from './settle-refund.command';

interface WorkItem {
  readonly kind: 'COLLECT' | 'PAYMENT' | 'REFUND';
  readonly tenantId: string;
  readonly id: string;
}

export interface WorkOptions {
  /** Only this tenant's. */
  readonly tenantId?: string | undefined;
  /** How much of it is done at the same time. */
  readonly workers?: number;
  readonly signal?: AbortSignal | undefined;
}

const batch = 10;
/** So many calls in a row that nobody answered: the provider is left alone for a while. */
const mostUnanswered = 5;
const restSeconds = 30;

const failed: Unknown = { status: 'UNKNOWN', reason: 'SERVER_ERROR' };

/**
 * Charges what is due, and asks again about what nobody knows. Each step is three: a transaction that writes what will be asked,
 * the question with no transaction open, a transaction that records the answer. Killed between any two of them, the same
 * question is asked again under the same key.
 */
export class PaymentWork {
  private readonly unanswered = new Map<ProviderName, { count: number; restUntil: number }>();

  constructor(
    private readonly system: System,
    private readonly providers: Providers,
  ) {}

  private readonly isUsable = (provider: ProviderName, sandbox: boolean) => this.providers.usable(provider, sandbox);

  /** Does everything that is due now; answers how much it was. */
  async runDue(options: WorkOptions = {}): Promise<number> {
    let count = 0;
    const work = async () => {
      while (!options.signal?.aborted) {
        const items = await this.claim(options.tenantId);
        if (items.length === 0) return;
        for (const item of items) {
          if (options.signal?.aborted) return;
          await this.carryOut(item);
          count += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: options.workers ?? 2 }, work));
    return count;
  }

  private async claim(tenantId: string | undefined): Promise<WorkItem[]> {
    const rows = await this.system.ask<{ kind: WorkItem['kind']; tenant_id: string; id: string }>(
      {
        name: 'claim-payment-work',
        text: 'select * from app.claim_payment_work($1, $2, $3, make_interval(secs => $4))',
      },
      [this.system.clock.now().toString(), tenantId ?? null, batch, askHoldSeconds],
    );
    return rows.map(({ kind, tenant_id, id }) => ({ kind, tenantId: tenant_id, id }));
  }

  private async carryOut({ kind, tenantId, id }: WorkItem): Promise<void> {
    try {
      if (kind === 'COLLECT') {
        const begun = await this.system.asTenant(tenantId, (tx) => beginPayment(tx, id, this.isUsable));
        if (!begun) return;
        const { payment, replaceWith } = begun;
        if (replaceWith) await this.replacePayment(payment, replaceWith, true);
        else await this.askPayment(tenantId, payment.id, payment.status === 'REQUIRES_ACTION');
      } else if (kind === 'PAYMENT') {
        await this.askPayment(tenantId, id);
      } else {
        await this.askRefund(tenantId, id);
      }
    } catch (error) {
      // The tenant is locked by something long, or the database went away: what was claimed comes back by itself.
      if (sqlState(error) !== '55P03') this.system.log.error({ err: error, kind }, 'payment work failed');
    }
  }

  /** Asks the provider about a payment and records what it says. Any number of callers at once charge once. */
  async askPayment(tenantId: string, paymentId: string, isTurn = false): Promise<Charge> {
    const asking = await this.system.asTenant(tenantId, (tx) => this.noteAsking(tx, paymentId));
    const { payment, method, customer, invoice, amount, description } = asking;
    if (payment.carriedBy) {
      await this.askPayment(tenantId, payment.carriedBy);
      return (await this.system.asTenant(tenantId, (tx) => tx.payments.chargeById(tenantId, paymentId)))!;
    }
    if (payment.status === 'SUCCEEDED' || payment.status === 'DECLINED') return payment;
    if (!isPayable(invoice) && (payment.status === 'REQUIRES_ACTION' || payment.asked === 0))
      return this.takeBack(payment);
    const outcome = await this.ask(payment.provider, (provider) => {
      const reference = encodeId('Payment', payment.id, payment.tenantId);
      if (payment.status === 'REQUIRES_ACTION' || keyHasExpired(payment, this.system.clock.now())) {
        return findAgain(provider, payment, reference);
      }
      return provider.charge({
        key: `charge:${reference}`,
        ...{ reference, amount, customerId: customer, methodId: method, description },
      });
    });
    // Before it is recorded: another method on file is the one of this turn.
    if (outcome.status === 'DECLINED' && outcome.code === 'METHOD_NOT_FOUND')
      await this.forgetGone(payment, customer, method);
    return this.system.asTenant(tenantId, (tx) => settlePayment(tx, { paymentId, outcome, isTurn }));
  }

  /** Its invoice was paid in another way, or is void: nobody is charged for it any more. */
  private async takeBack(payment: Charge): Promise<Charge> {
    const { id: paymentId, tenantId, status } = payment;
    let outcome: ChargeOutcome = { status: 'DECLINED', code: 'CANCELLED' };
    if (status === 'REQUIRES_ACTION') outcome = await this.cancel(payment);
    // It cannot be taken back yet: later.
    if (outcome.status === 'REQUIRES_ACTION') outcome = { status: 'UNKNOWN', reason: 'PROCESSING' };
    return this.system.asTenant(tenantId, (tx) => settlePayment(tx, { paymentId, outcome }));
  }

  /** Of a charge that waits for its customer. */
  private cancel({ id, tenantId, provider, externalId }: Charge): Promise<ChargeOutcome> {
    const which = { chargeId: externalId!, reference: encodeId('Payment', id, tenantId) };
    return this.ask<ChargeOutcome>(provider, (port) => port.cancelCharge(which));
  }

  /** What the provider has no more is not asked for again: another method on file is, and the next card makes the customer anew. */
  private async forgetGone({ tenantId, provider, paymentMethodId }: Charge, customerId: string, methodId: string) {
    const found = await this.ask<GoneOutcome>(
      provider,
      async (port) => (await port.findGone?.({ customerId, methodId })) ?? { status: 'THERE' },
    );
    if (found.status === 'UNKNOWN' || found.status === 'THERE') return;
    await this.system.asTenant(tenantId, async (tx) => {
      if (found.status === 'CUSTOMER_GONE') return forgetCustomer(tx, provider, customerId);
      const id = encodeId('PaymentMethod', paymentMethodId, tenantId);
      return removePaymentMethod(tx, { paymentMethodId: id });
    });
  }

  /**
   * Takes back a payment that waits for its customer, and then charges another method instead. Killed in between, its turn
   * finds it taken back. Answers the invoice's latest attempt.
   */
  async replacePayment({ id, tenantId, invoiceId }: Charge, methodId: string, isTurn = false): Promise<Charge> {
    const payment = (await this.system.asTenant(tenantId, (tx) => tx.payments.chargeById(tenantId, id)))!;
    if (payment.status === 'REQUIRES_ACTION') {
      const input = { paymentId: id, outcome: await this.cancel(payment), methodId, isTurn };
      await this.system.asTenant(tenantId, (tx) => replacePayment(tx, input, this.isUsable));
    }
    const last = await this.system.asTenant(tenantId, (tx) => tx.payments.lastCharge(tenantId, invoiceId));
    return this.askPayment(tenantId, last!.id);
  }

  /** Written before the call: when it is asked again should nobody record an answer. */
  private async noteAsking(tx: Tx, paymentId: string) {
    const { id: tenantId } = tx.tenant;
    await tx.tenants.lock(tenantId);
    const payment = (await tx.payments.chargeById(tenantId, paymentId))!;
    const method: PaymentMethod = (await tx.paymentMethods.byId(tenantId, payment.paymentMethodId))!;
    const invoice = (await tx.invoices.byId(tenantId, payment.invoiceId))!;
    const asking = { ...payment, asked: payment.asked + 1, askAt: tx.wallNow.add({ seconds: askHoldSeconds }) };
    if (payment.askAt) await tx.payments.update(asking);
    const carried = await tx.payments.carriedBy(payment);
    const numbers = [invoice.number];
    for (const { invoiceId } of carried) numbers.push((await tx.invoices.byId(tenantId, invoiceId))!.number);
    const asked = { amount: totalOf([payment, ...carried]), description: numbers.join(', ') };
    return { payment, invoice, method: method.externalId, customer: method.customerExternalId, ...asked };
  }

  async askRefund(tenantId: string, refundId: string): Promise<Refund> {
    const { refund, chargeId, providerName } = await this.system.asTenant(tenantId, async (tx) => {
      await tx.tenants.lock(tenantId);
      const found = (await tx.payments.refundById(tenantId, refundId))!;
      const payment = (await tx.payments.byId(tenantId, found.paymentId))!;
      if (found.status === 'PENDING') {
        const askAt = tx.wallNow.add({ seconds: askHoldSeconds });
        const firstAskedAt = found.firstAskedAt ?? tx.wallNow;
        await tx.payments.updateRefund({ ...found, asked: found.asked + 1, askAt, firstAskedAt });
      }
      return { refund: found, chargeId: payment.externalId!, providerName: payment.provider };
    });
    if (refund.status !== 'PENDING' || !providerName) return refund;
    const reference = encodeId('Refund', refund.id, refund.tenantId);
    const outcome = await this.ask<RefundOutcome>(providerName, (provider) => {
      const asked = { key: `refund:${reference}`, reference, chargeId };
      if (isThere(refund) || keyHasExpired(refund, this.system.clock.now())) {
        return findRefundAgain(provider, refund, asked);
      }
      return provider.refund({ ...asked, amount: refund.amount });
    });
    return this.system.asTenant(tenantId, (tx) => settleRefund(tx, refundId, outcome));
  }

  /** One call to a provider: whatever goes wrong with it, nothing is known. */
  async ask<T extends { readonly status: string }>(
    name: ProviderName,
    call: (provider: PaymentProvider) => Promise<T | Unknown>,
  ): Promise<T | Unknown> {
    const provider = this.providers.get(name);
    const now = this.system.clock.now().epochMilliseconds;
    const record = this.unanswered.get(name) ?? { count: 0, restUntil: 0 };
    if (!provider || record.restUntil > now) return { ...failed, retryAfterSeconds: restSeconds };
    let outcome: T | Unknown;
    try {
      outcome = await call(provider);
    } catch (error) {
      // Not its message: a driver may have put what it sent into it.
      this.system.log.error({ provider: name, error: (error as Error)?.name }, 'a call to a payment provider threw');
      outcome = failed;
    }
    const unanswered =
      outcome.status === 'UNKNOWN' && (outcome as Unknown).reason !== 'PROCESSING' ? record.count + 1 : 0;
    const rests = unanswered >= mostUnanswered;
    if (rests)
      this.system.log.warn({ provider: name }, 'a payment provider does not answer and is left alone for a while');
    this.unanswered.set(name, {
      count: rests ? 0 : unanswered,
      restUntil: rests ? this.system.clock.now().epochMilliseconds + restSeconds * 1_000 : 0,
    });
    return outcome;
  }
}

/** A charge that waits for the customer, or whose key the provider has forgotten, is looked up and never sent again. */
async function findAgain(provider: PaymentProvider, payment: Charge, reference: string): Promise<ChargeOutcome> {
  const found = await provider.findCharge({ chargeId: payment.externalId, reference });
  // It never arrived there, and can no longer: the next attempt is a new one.
  return found ?? { status: 'DECLINED', code: 'OTHER' };
}

/** The provider has said that it has it: under the same key it would say so again, whatever became of it since. */
const isThere = ({ externalId, unknownReason }: Refund) => externalId !== undefined || unknownReason === 'PROCESSING';

/** As a charge; but one that the provider once had is never given up here: its money may be on the way. */
async function findRefundAgain(
  provider: PaymentProvider,
  refund: Refund,
  asked: Omit<FindRefund, 'refundId'>,
): Promise<RefundOutcome> {
  const found = await provider.findRefund({ ...asked, refundId: refund.externalId });
  if (found) return found;
  return isThere(refund) ? { status: 'UNKNOWN', reason: 'PROCESSING' } : { status: 'FAILED', code: 'never_arrived' };
}
