import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { isNamed } from '../app';
import type { CurrencyCode } from '../core/currency';
import { decodeId } from '../core/ids';
import { money } from '../core/money';
import { done } from '../core/result';
import type { Context } from '../graphql/context';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { InvoiceType, toGraphqlInvoice } from '../invoicing/invoicing.graphql';
import { addPaymentMethod, addPaymentMethodRefusals } from './add-payment-method.command';
import type { InboundStatus } from './inbound-event';
import { payInvoice, payInvoiceRefusals } from './pay-invoice.command';
import type { PaymentMethod } from './payment-method';
import {
  AddPaymentMethodInputType,
  AddPaymentMethodResult,
  DisputeType,
  DunningPolicyType,
  InboundEventConnection,
  type InboundEventType,
  InboundStatusEnum,
  InvoiceCollectionType,
  PayInvoiceInputType,
  PayInvoiceResult,
  PaymentConnection,
  PaymentMethodConnection,
  type PaymentMethodType,
  PaymentType,
  RecordPaymentInputType,
  RecordPaymentResult,
  RefundPaymentInputType,
  RefundPaymentResult,
  RefundType,
  RemovePaymentMethodInputType,
  RemovePaymentMethodResult,
  RetryInboundEventInputType,
  RetryInboundEventResult,
  SetDefaultPaymentMethodInputType,
  SetDefaultPaymentMethodResult,
  SetDunningPolicyInputType,
  SetDunningPolicyResult,
  StartPaymentMethodSetupInputType,
  StartPaymentMethodSetupResult,
  toGraphqlCollection,
  toGraphqlDispute,
  toGraphqlInboundEvent,
  toGraphqlPayment,
  toGraphqlPaymentMethod,
  toGraphqlPolicy,
  toGraphqlRefund,
} from './payments.graphql';
import {
  canBeChargedLoader,
  collectionOfInvoiceLoader,
  disputesOfPaymentLoader,
  paymentsOfInvoiceLoader,
  refundsOfPaymentLoader,
  settlementsOfPaymentLoader,
  wentBackOfInvoiceLoader,
} from './payments.loaders';
import { recordPayment, recordPaymentRefusals } from './record-payment.command';
import { refundPayment, refundPaymentRefusals } from './refund-payment.command';
import { removePaymentMethod, removePaymentMethodRefusals } from './remove-payment-method.command';
import { retryInboundEvent, retryInboundEventRefusals } from './retry-inbound-event.command';
import { setDefaultPaymentMethod, setDefaultPaymentMethodRefusals } from './set-default-payment-method.command';
import { setDunningPolicy, setDunningPolicyRefusals } from './set-dunning-policy.command';
import { startPaymentMethodSetup, startPaymentMethodSetupRefusals } from './start-payment-method-setup.command';

const usableIn = (context: Context) => (provider: PaymentMethod['provider'], sandbox: boolean) =>
  context.app.providers.usable(provider, sandbox);

@Resolver(() => InvoiceType)
export class InvoicePaymentResolver {
  @FieldResolver(() => [PaymentType], {
    description: 'The attempts to charge it, and what came outside the system, oldest first.',
  })
  async payments(@Root() invoice: InvoiceType, @Ctx() context: Context): Promise<PaymentType[]> {
    const loader = await context.loader(paymentsOfInvoiceLoader);
    return ((await loader.load({ tenantId: invoice.tenantUuid, id: invoice.uuid })) ?? []).map(toGraphqlPayment);
  }

  @FieldResolver(() => MoneyType, {
    description:
      'What went back of `paid` since: refunds that were asked for or made at the provider, and disputes that were lost. It is not due again, and so much less can be credited. A refund that settles a credit note is not counted.',
  })
  async refunded(@Root() invoice: InvoiceType, @Ctx() context: Context): Promise<MoneyType> {
    const loader = await context.loader(wentBackOfInvoiceLoader);
    const back = await loader.load({ tenantId: invoice.tenantUuid, id: invoice.uuid });
    return toGraphqlMoney(money(back ?? 0n, invoice.total.currency as CurrencyCode));
  }

  @FieldResolver(() => InvoiceCollectionType, {
    nullable: true,
    description: 'Its way to being paid; null where nothing was due.',
  })
  async collection(@Root() invoice: InvoiceType, @Ctx() context: Context): Promise<InvoiceCollectionType | undefined> {
    const loader = await context.loader(collectionOfInvoiceLoader);
    const collection = await loader.load({ tenantId: invoice.tenantUuid, id: invoice.uuid });
    return collection && toGraphqlCollection(collection);
  }
}

@Resolver(() => InvoiceCollectionType)
export class InvoiceCollectionResolver {
  @FieldResolver(() => Boolean, {
    description:
      'It is to be paid, and the tenant has no payment method: none was given, or the last one was removed or is not known to its provider any more.',
  })
  async paymentMethodMissing(
    @Root() { isOver, tenantUuid }: InvoiceCollectionType,
    @Ctx() context: Context,
  ): Promise<boolean> {
    return !isOver && !(await (await context.loader(canBeChargedLoader)).load(tenantUuid));
  }
}

@Resolver(() => PaymentType)
export class PaymentResolver {
  @Query(() => PaymentType, { nullable: true, description: 'One payment.' })
  async payment(
    @Arg('id', () => ID, { description: 'payment_…' }) id: string,
    @Ctx() context: Context,
  ): Promise<PaymentType | undefined> {
    const tx = await context.read('TENANT_READ');
    const decoded = decodeId(id);
    if (!tx || decoded?.kind !== 'Payment') return undefined;
    const payment = await tx.payments.byId(decoded.tenantUuid!, decoded.uuid);
    return payment && toGraphqlPayment(payment);
  }

  @Query(() => PaymentConnection, { description: "A tenant's payments, oldest first." })
  async payments(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<PaymentType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    return toGraphqlPage(await tx.payments.page(tenant, pageRequest(args)), ({ id }) => id, toGraphqlPayment);
  }

  @FieldResolver(() => [PaymentType], {
    description:
      'What its charge settles: a payment for each invoice, all with the same chargeId. First the one for which it was made, then those of invoices that were too small to be charged alone and went along. Their amounts make that of the charge.',
  })
  async settlements(@Root() payment: PaymentType, @Ctx() context: Context): Promise<PaymentType[]> {
    const loader = await context.loader(settlementsOfPaymentLoader);
    const together = await loader.load({ tenantId: payment.tenantUuid, id: payment.uuid });
    return together?.map(toGraphqlPayment) ?? [payment];
  }

  @FieldResolver(() => [RefundType], { description: 'What goes back of it, oldest first.' })
  async refunds(@Root() payment: PaymentType, @Ctx() context: Context): Promise<RefundType[]> {
    const loader = await context.loader(refundsOfPaymentLoader);
    return ((await loader.load({ tenantId: payment.tenantUuid, id: payment.uuid })) ?? []).map(toGraphqlRefund);
  }

  @FieldResolver(() => [DisputeType], { description: 'What the bank asks back of it.' })
  async disputes(@Root() payment: PaymentType, @Ctx() context: Context): Promise<DisputeType[]> {
    const loader = await context.loader(disputesOfPaymentLoader);
    return ((await loader.load({ tenantId: payment.tenantUuid, id: payment.uuid })) ?? []).map(toGraphqlDispute);
  }

  @Query(() => PaymentMethodConnection, { description: 'What a tenant pays with, oldest first.' })
  async paymentMethods(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<PaymentMethodType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.paymentMethods.page(tenant, pageRequest(args));
    return toGraphqlPage(page, ({ id }) => id, toGraphqlPaymentMethod);
  }

  @Query(() => DunningPolicyType, {
    nullable: true,
    description: 'What the partner does about payments that fail.',
  })
  async dunningPolicy(
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<DunningPolicyType | undefined> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner || !(await tx.partners.byId(partner))) return undefined;
    return toGraphqlPolicy(await tx.collections.policyOf(partner));
  }

  @Query(() => InboundEventConnection, {
    description:
      "Events of payment providers, oldest first: for super admins all of them, for a partner's people those about its tenants.",
  })
  async inboundEvents(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Arg('status', () => InboundStatusEnum, { nullable: true, description: 'Only these.' }) status:
      | InboundStatus
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<InboundEventType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuidIfAny(partnerId);
    if (!tx || (isNamed(partnerId) && !partner)) return emptyPage(args);
    const page = await tx.inbox.page(partner, status ?? undefined, pageRequest(args));
    return toGraphqlPage(page, ({ id }) => id, toGraphqlInboundEvent);
  }

  @Mutation(() => AddPaymentMethodResult, {
    description: "Keeps a payment method that the provider's own form has taken.",
  })
  @Refuses(addPaymentMethodRefusals)
  addPaymentMethod(
    @Arg('input', () => AddPaymentMethodInputType, { description: 'Which method.' }) input: AddPaymentMethodInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'addPaymentMethod', permission: 'TENANT_WRITE', scope, input, options },
      (tx, clean) => addPaymentMethod(tx, clean, usableIn(context)),
      ({ method }) => ({
        __typename: 'AddPaymentMethodDone',
        paymentMethod: method && toGraphqlPaymentMethod(method),
      }),
      async (value) => {
        const method = await context.app.methodSetups.attach(value.setup, input.token);
        return method.ok ? done({ ...value, method: method.value }) : method;
      },
    );
  }

  @Mutation(() => StartPaymentMethodSetupResult, {
    description: 'A page of the provider on which the customer gives a payment method; the method comes by an event.',
  })
  @Refuses(startPaymentMethodSetupRefusals)
  startPaymentMethodSetup(
    @Arg('input', () => StartPaymentMethodSetupInputType, { description: 'Whose page, and where to then.' })
    input: StartPaymentMethodSetupInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'startPaymentMethodSetup', permission: 'TENANT_WRITE', scope, input, options },
      (tx, clean) => startPaymentMethodSetup(tx, clean, usableIn(context)),
      ({ url }) => ({ __typename: 'StartPaymentMethodSetupDone', url }),
      async (value) => {
        const url = await context.app.methodSetups.open(value.setup, input.returnUrl);
        return url.ok ? done({ ...value, url: url.value }) : url;
      },
    );
  }

  @Mutation(() => SetDefaultPaymentMethodResult, {
    description: 'Invoices are paid with this method; those that wait for a payment method are tried with it.',
  })
  @Refuses(setDefaultPaymentMethodRefusals)
  setDefaultPaymentMethod(
    @Arg('input', () => SetDefaultPaymentMethodInputType, { description: 'Which method.' })
    input: SetDefaultPaymentMethodInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'setDefaultPaymentMethod', permission: 'TENANT_WRITE', scope, input, options },
      setDefaultPaymentMethod,
      ({ paymentMethod }) => ({
        __typename: 'SetDefaultPaymentMethodDone',
        paymentMethod: toGraphqlPaymentMethod(paymentMethod),
      }),
    );
  }

  @Mutation(() => RemovePaymentMethodResult, {
    description:
      'Nothing is charged to this method any more. Where it was the default one, the newest other one is, and is tried at once.',
  })
  @Refuses(removePaymentMethodRefusals)
  removePaymentMethod(
    @Arg('input', () => RemovePaymentMethodInputType, { description: 'Which method.' })
    input: RemovePaymentMethodInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'removePaymentMethod', permission: 'TENANT_WRITE', scope, input, options },
      removePaymentMethod,
      ({ paymentMethod }) => ({
        __typename: 'RemovePaymentMethodDone',
        paymentMethod: toGraphqlPaymentMethod(paymentMethod),
      }),
    );
  }

  @Mutation(() => PayInvoiceResult, {
    description: 'Charges an invoice now, without waiting for its turn. One attempt at a time.',
  })
  @Refuses(payInvoiceRefusals)
  payInvoice(
    @Arg('input', () => PayInvoiceInputType, { description: 'Which invoice, with what.' }) input: PayInvoiceInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'payInvoice', permission: 'TENANT_WRITE', scope, input, options, keyRequired: true },
      (tx, clean) => payInvoice(tx, clean, usableIn(context)),
      ({ payment, invoice }) => ({
        __typename: 'PayInvoiceDone',
        payment: toGraphqlPayment(payment),
        invoice: toGraphqlInvoice(invoice),
      }),
      async ({ payment: begun, replaceWith }) => {
        const { tenantId: tenant, id, invoiceId } = begun;
        const { paymentWork } = context.app;
        const payment = replaceWith
          ? await paymentWork.replacePayment(begun, replaceWith)
          : await paymentWork.askPayment(tenant, id);
        const invoice = await context.app.system.asTenant(tenant, (tx) => tx.invoices.byId(tenant, invoiceId));
        return done({ payment, invoice: invoice! });
      },
    );
  }

  @Mutation(() => RecordPaymentResult, {
    description:
      'For partners: books money that came outside the system, by bank or cheque, whole or in parts. What a provider moves comes by itself.',
  })
  @Refuses(recordPaymentRefusals)
  recordPayment(
    @Arg('input', () => RecordPaymentInputType, { description: 'How much, for which invoice, and where it is.' })
    input: RecordPaymentInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'recordPayment', permission: 'PARTNER_WRITE', scope, input, options, keyRequired: true },
      recordPayment,
      ({ payment, invoice }) => ({
        __typename: 'RecordPaymentDone',
        payment: toGraphqlPayment(payment),
        invoice: toGraphqlInvoice(invoice),
      }),
    );
  }

  @Mutation(() => RefundPaymentResult, {
    description:
      'For partners: gives a payment or a part of it back, or books what was given back outside. The invoice stays as it is.',
  })
  @Refuses(refundPaymentRefusals)
  refundPayment(
    @Arg('input', () => RefundPaymentInputType, { description: 'Which payment, how much.' })
    input: RefundPaymentInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'refundPayment', permission: 'PARTNER_WRITE', scope, input, options, keyRequired: true },
      refundPayment,
      ({ refund, payment }) => ({
        __typename: 'RefundPaymentDone',
        refund: toGraphqlRefund(refund),
        payment: toGraphqlPayment(payment),
      }),
      async ({ refund: { tenantId: tenant, id, paymentId } }) => {
        const refund = await context.app.paymentWork.askRefund(tenant, id);
        const payment = await context.app.system.asTenant(tenant, (tx) => tx.payments.byId(tenant, paymentId));
        return done({ refund, payment: payment! });
      },
    );
  }

  @Mutation(() => SetDunningPolicyResult, { description: 'For partners: what is done about payments that fail.' })
  @Refuses(setDunningPolicyRefusals)
  setDunningPolicy(
    @Arg('input', () => SetDunningPolicyInputType, { description: 'The policy.' }) input: SetDunningPolicyInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PARTNER', partnerId: input.partnerId } as const;
    return context.mutate(
      { mutation: 'setDunningPolicy', permission: 'PARTNER_WRITE', scope, input, options },
      setDunningPolicy,
      ({ policy }) => ({ __typename: 'SetDunningPolicyDone', policy: toGraphqlPolicy(policy) }),
    );
  }

  @Mutation(() => RetryInboundEventResult, {
    description: 'For super admins: a parked event is tried again, once its cause is gone.',
  })
  @Refuses(retryInboundEventRefusals)
  retryInboundEvent(
    @Arg('input', () => RetryInboundEventInputType, { description: 'Which event.' })
    input: RetryInboundEventInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'PLATFORM' } as const;
    return context.mutate(
      { mutation: 'retryInboundEvent', permission: 'PLATFORM', scope, input, options },
      retryInboundEvent,
      ({ wasStatus }) => ({ __typename: 'RetryInboundEventDone', wasStatus }),
    );
  }
}
