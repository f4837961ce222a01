import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { toGraphqlAddon, toGraphqlPlan } from '../catalog/catalog.graphql';
import { addonLoader, planLoader } from '../catalog/catalog.loaders';
import { decodeId } from '../core/ids';
import { done as ok } from '../core/result';
import { toGraphqlCoupon } from '../coupons/coupons.graphql';
import { couponLoader } from '../coupons/coupons.loaders';
import type { Context } from '../graphql/context';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses } from '../graphql/refusal.graphql';
import { carryOnClock } from '../payments/carry-on-clock.job';
import { type AdvanceClockDone, advanceClock, advanceClockRefusals } from './advance-clock.command';
import { noteOf } from './credit-note';
import { type DocumentFormat, documentTicketText, ticketMinutes } from './document-ticket';
import {
  AdvanceClockInputType,
  AdvanceClockResult,
  BalanceEntryConnection,
  type BalanceEntryType,
  CreditNoteConnection,
  CreditNoteLineType,
  CreditNoteType,
  DocumentFormatEnum,
  DocumentLinkType,
  InvoiceConnection,
  InvoiceLineType,
  InvoiceType,
  IssueCreditNoteInputType,
  IssueCreditNoteResult,
  LineSource,
  MarkInvoicePaidInputType,
  MarkInvoicePaidResult,
  MarkInvoiceUncollectibleInputType,
  MarkInvoiceUncollectibleResult,
  type SourceReference,
  toGraphqlBalanceEntry,
  toGraphqlCreditNote,
  toGraphqlCreditNoteLine,
  toGraphqlDocuments,
  toGraphqlInvoice,
  toGraphqlInvoiceLine,
  VoidInvoiceInputType,
  VoidInvoiceResult,
} from './invoicing.graphql';
import { creditNoteLinesLoader, invoiceLinesLoader, lineSourceLoader } from './invoicing.loaders';
import { issueCreditNote, issueCreditNoteRefusals } from './issue-credit-note.command';
import { together } from './made-documents';
import { markInvoicePaid, markInvoicePaidRefusals } from './mark-invoice-paid.command';
import { markInvoiceUncollectible, markInvoiceUncollectibleRefusals } from './mark-invoice-uncollectible.command';
import { voidInvoice, voidInvoiceRefusals } from './void-invoice.command';

async function lineSource(reference: SourceReference, context: Context) {
  const { kind, id, tenantUuid: tenantId } = reference;
  if (kind === 'COUPON') {
    const coupon = await (await context.loader(couponLoader)).load(id);
    return coupon && { __typename: 'Coupon', ...toGraphqlCoupon(coupon) };
  }
  const source = await (await context.loader(lineSourceLoader)).load({ tenantId, id });
  if (source?.planId) {
    const plan = await (await context.loader(planLoader)).load(source.planId);
    return plan && { __typename: 'Plan', ...toGraphqlPlan(plan) };
  }
  const addon = source?.addonId ? await (await context.loader(addonLoader)).load(source.addonId) : undefined;
  return addon && { __typename: 'Addon', ...toGraphqlAddon(addon) };
}

function linkTo(folder: string, id: string, format: DocumentFormat, context: Context): DocumentLinkType | undefined {
  if (context.isDryRun) return undefined;
  const { app, actor } = context;
  const expiresAt = app.clock.now().add({ minutes: ticketMinutes });
  const ticket = app.signer.sign(documentTicketText({ id, actor, expiresAt }));
  return { path: `/${folder}/${id}.${format.toLowerCase()}?ticket=${ticket}`, expiresAt };
}

/** Makes the payments that fell due on the way, each at its own time, and carries the clock on to where it was sent. */
async function carryOn(
  context: Context,
  input: AdvanceClockInputType,
  step: AdvanceClockDone,
): Promise<AdvanceClockDone> {
  const { app } = context;
  const tenantId = context.tenantUuid(input.tenantId)!;
  if (!step.paymentDue && step.now.epochMilliseconds >= input.to.epochMilliseconds) return step;
  const { now, events } = await carryOnClock(app.system, app.paymentWork, tenantId, input.to);
  const documents = await app.system.asTenant(tenantId, async (tx) => ({
    invoices: await tx.invoices.issuedBetween(tenantId, step.from, input.to),
    creditNotes: await tx.creditNotes.issuedBetween(tenantId, step.from, input.to),
  }));
  return { ...step, now, events: step.events + events, documents: together(step.documents, documents) };
}

@Resolver(() => InvoiceLineType)
export class InvoiceLineResolver {
  @FieldResolver(() => LineSource, { nullable: true, description: 'The plan, add-on or coupon it is for.' })
  source(@Root() line: InvoiceLineType, @Ctx() context: Context) {
    return lineSource(line.sourceReference, context);
  }
}

@Resolver(() => CreditNoteLineType)
export class CreditNoteLineResolver {
  @FieldResolver(() => LineSource, { nullable: true, description: 'The plan, add-on or coupon it is for.' })
  source(@Root() line: CreditNoteLineType, @Ctx() context: Context) {
    return lineSource(line.sourceReference, context);
  }
}

@Resolver(() => InvoiceType)
export class InvoiceResolver {
  @Query(() => InvoiceType, { nullable: true, description: 'One invoice.' })
  async invoice(
    @Arg('id', () => ID, { description: 'invoice_…' }) id: string,
    @Ctx() context: Context,
  ): Promise<InvoiceType | undefined> {
    const tx = await context.read('TENANT_READ');
    const decoded = decodeId(id);
    if (!tx || decoded?.kind !== 'Invoice') return undefined;
    const invoice = await tx.invoices.byId(decoded.tenantUuid!, decoded.uuid);
    return invoice && toGraphqlInvoice(invoice);
  }

  @Query(() => InvoiceConnection, { description: "A tenant's invoices, oldest first." })
  async invoices(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<InvoiceType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.invoices.page(tenant, pageRequest(args));
    return toGraphqlPage(
      page,
      (invoice) => invoice.id,
      toGraphqlInvoice,
      () => tx.invoices.count(tenant),
    );
  }

  @FieldResolver(() => DocumentLinkType, {
    nullable: true,
    description: 'Where it can be had as a file for some minutes; null in a dry run.',
  })
  download(
    @Root() invoice: InvoiceType,
    @Arg('format', () => DocumentFormatEnum, { defaultValue: 'PDF', description: 'As what.' }) format: DocumentFormat,
    @Ctx() context: Context,
  ): DocumentLinkType | undefined {
    return linkTo('invoices', invoice.id, format, context);
  }

  @FieldResolver(() => [InvoiceLineType], { description: 'Its lines, in their order.' })
  async lines(@Root() invoice: InvoiceType, @Ctx() context: Context): Promise<InvoiceLineType[]> {
    const loader = await context.loader(invoiceLinesLoader);
    return (await loader.load({ tenantId: invoice.tenantUuid, id: invoice.uuid })).map(toGraphqlInvoiceLine);
  }

  @Mutation(() => MarkInvoicePaidResult, {
    description: 'For partners: the money came outside the system, whole.',
  })
  @Refuses(markInvoicePaidRefusals)
  markInvoicePaid(
    @Arg('input', () => MarkInvoicePaidInputType, { description: 'Which, and where the money is.' })
    input: MarkInvoicePaidInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'markInvoicePaid', permission: 'PARTNER_WRITE', scope, input, options, keyRequired: true },
      markInvoicePaid,
      ({ invoice }) => ({ __typename: 'MarkInvoicePaidDone', invoice: toGraphqlInvoice(invoice) }),
    );
  }

  @Mutation(() => MarkInvoiceUncollectibleResult, {
    description: 'For partners: nobody expects the money any more. It may still be paid, or voided.',
  })
  @Refuses(markInvoiceUncollectibleRefusals)
  markInvoiceUncollectible(
    @Arg('input', () => MarkInvoiceUncollectibleInputType, { description: 'Which.' })
    input: MarkInvoiceUncollectibleInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'markInvoiceUncollectible', permission: 'PARTNER_WRITE', scope, input, options },
      markInvoiceUncollectible,
      ({ invoice }) => ({ __typename: 'MarkInvoiceUncollectibleDone', invoice: toGraphqlInvoice(invoice) }),
    );
  }

  @Mutation(() => VoidInvoiceResult, {
    description:
      'For partners: takes an unpaid invoice back as a whole; balance that paid for a part of it comes back.',
  })
  @Refuses(voidInvoiceRefusals)
  voidInvoice(
    @Arg('input', () => VoidInvoiceInputType, { description: 'Which, and why.' }) input: VoidInvoiceInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'voidInvoice', permission: 'PARTNER_WRITE', scope, input, options },
      voidInvoice,
      ({ invoice }) => ({ __typename: 'VoidInvoiceDone', invoice: toGraphqlInvoice(invoice) }),
    );
  }
}

@Resolver(() => CreditNoteType)
export class CreditNoteResolver {
  @Query(() => CreditNoteConnection, { description: "A tenant's credit notes, oldest first." })
  async creditNotes(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<CreditNoteType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.creditNotes.page(tenant, pageRequest(args));
    return toGraphqlPage(page, (note) => note.id, toGraphqlCreditNote);
  }

  @FieldResolver(() => DocumentLinkType, {
    nullable: true,
    description: 'Where it can be had as a file for some minutes; null in a dry run.',
  })
  download(
    @Root() note: CreditNoteType,
    @Arg('format', () => DocumentFormatEnum, { defaultValue: 'PDF', description: 'As what.' }) format: DocumentFormat,
    @Ctx() context: Context,
  ): DocumentLinkType | undefined {
    return linkTo('credit-notes', note.id, format, context);
  }

  @FieldResolver(() => [CreditNoteLineType], { description: 'Its lines, in their order.' })
  async lines(@Root() note: CreditNoteType, @Ctx() context: Context): Promise<CreditNoteLineType[]> {
    const loader = await context.loader(creditNoteLinesLoader);
    return (await loader.load({ tenantId: note.tenantUuid, id: note.uuid })).map(toGraphqlCreditNoteLine);
  }

  @Query(() => MoneyType, { nullable: true, description: "A tenant's credit balance, which pays its next invoices." })
  async creditBalance(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<MoneyType | undefined> {
    const tx = await context.read('TENANT_READ');
    const id = context.tenantUuid(tenantId);
    const tenant = tx && id ? await tx.tenantFor(id) : undefined;
    return tx && tenant && toGraphqlMoney(await tx.creditNotes.balance(tenant.id, tenant.currency));
  }

  @Query(() => BalanceEntryConnection, { description: "The movements of a tenant's credit balance, oldest first." })
  async balanceEntries(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<BalanceEntryType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.creditNotes.entries(tenant, pageRequest(args));
    return toGraphqlPage(page, (entry) => entry.id, toGraphqlBalanceEntry);
  }

  @Mutation(() => AdvanceClockResult, {
    description: "Moves a sandbox tenant's clock and carries out what falls due on the way, in order.",
  })
  @Refuses(advanceClockRefusals)
  advanceClock(
    @Arg('input', () => AdvanceClockInputType, { description: 'Whose clock, to when.' }) input: AdvanceClockInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'advanceClock', permission: 'TENANT_WRITE', scope, input, options },
      (tx, clean) => advanceClock(tx, { ...clean, stopsForPayments: !options.dryRun }),
      ({ now, events, documents }) => ({
        __typename: 'AdvanceClockDone',
        ...{ now, events },
        ...toGraphqlDocuments(documents),
      }),
      async (step) => ok(await carryOn(context, input, step)),
    );
  }

  @Mutation(() => IssueCreditNoteResult, {
    description:
      'For partners: credits a part of an invoice, line by line. What is still due of a line comes off it; what was paid is given back.',
  })
  @Refuses(issueCreditNoteRefusals)
  issueCreditNote(
    @Arg('input', () => IssueCreditNoteInputType, { description: 'What is given back.' })
    input: IssueCreditNoteInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const scope = { kind: 'TENANT', tenantId: input.tenantId } as const;
    return context.mutate(
      { mutation: 'issueCreditNote', permission: 'PARTNER_WRITE', scope, input, options, keyRequired: true },
      issueCreditNote,
      ({ creditNotes }) => ({
        __typename: 'IssueCreditNoteDone',
        creditNote: toGraphqlCreditNote(noteOf(creditNotes)!),
        creditNotes: creditNotes.map(toGraphqlCreditNote),
      }),
    );
  }
}
