import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { allowancesFromGraphql, CatalogStatusEnum } from '../catalog/catalog.graphql';
import type { CatalogStatus } from '../catalog/plan';
import { decimal } from '../core/decimal';
import type { Result } from '../core/result';
import { done, refuse } from '../core/result';
import type { Context } from '../graphql/context';
import { toGraphqlMoney } from '../graphql/money.graphql';
import { MutationArgs } from '../graphql/mutation.graphql';
import { type Connection, emptyPage, PageArgs, pageRequest, toGraphqlPage } from '../graphql/page.graphql';
import { Refuses, toGraphqlRefused } from '../graphql/refusal.graphql';
import type { Tx } from '../tx';
import { acceptLicencePurchase, acceptLicencePurchaseRefusals } from './accept-licence-purchase.command';
import { assignSeat, assignSeatRefusals } from './assign-seat.command';
import { buyLicences, buyLicencesRefusals } from './buy-licences.command';
import { createLicenceProduct, createLicenceProductRefusals } from './create-licence-product.command';
import { findLicenceProduct } from './find-licence-product.query';
import { type LicenceStatus, statusOf } from './licence';
import { chooseLicenceProvider } from './licence-provider';
import type { LicencePurchase, PurchaseStatus } from './licence-purchase';
import { type LicenceQuote, licenceQuoteFromText, licenceQuoteText } from './licence-quote';
import { type ChooseProvider, licenceQuote, licenceQuoteRefusals } from './licence-quote.query';
import {
  AcceptLicencePurchaseInputType,
  AcceptLicencePurchaseResult,
  AssignSeatInputType,
  AssignSeatResult,
  BuyLicencesInputType,
  BuyLicencesResult,
  CreateLicenceProductInputType,
  CreateLicenceProductResult,
  LicenceConnection,
  LicenceProductConnection,
  LicenceProductType,
  LicencePurchaseConnection,
  LicencePurchaseStatusEnum,
  LicencePurchaseType,
  LicenceQuoteInputType,
  LicenceQuoteResult,
  LicenceSeatConnection,
  type LicenceSeatType,
  LicenceStatusEnum,
  LicenceType,
  RefuseLicencePurchaseInputType,
  RefuseLicencePurchaseResult,
  RenewLicencesInputType,
  RenewLicencesResult,
  RevokeSeatInputType,
  RevokeSeatResult,
  StartLicenceTrialInputType,
  StartLicenceTrialResult,
  toGraphqlLicence,
  toGraphqlLicenceProduct,
  toGraphqlLicencePurchase,
  toGraphqlLicenceQuote,
  toGraphqlLicenceSeat,
  UpdateLicenceProductInputType,
  UpdateLicenceProductResult,
} from './licences.graphql';
import { licenceProductLoader } from './licences.loaders';
import { openLicenceCheckout } from './open-licence-checkout.job';
import { refuseLicencePurchase, refuseLicencePurchaseRefusals } from './refuse-licence-purchase.command';
import { renewLicences, renewLicencesRefusals } from './renew-licences.command';
import { revokeSeat, revokeSeatRefusals } from './revoke-seat.command';
import { startLicenceTrial, startLicenceTrialRefusals } from './start-licence-trial.command';
import { updateLicenceProduct, updateLicenceProductRefusals } from './update-licence-product.command';

const ofPartner = (input: { readonly partnerId?: string }) =>
  ({ kind: 'PARTNER', partnerId: input.partnerId }) as const;
const ofTenant = (input: { readonly tenantId?: string }) => ({ kind: 'TENANT', tenantId: input.tenantId }) as const;

const chooseIn =
  ({ app }: Context): ChooseProvider =>
  (sandbox) =>
    chooseLicenceProvider(app.providers, sandbox);

const notIssuedHere = () =>
  toGraphqlRefused(refuse('QUOTE_INVALID', 'The quote was not issued here.', { path: ['input', 'quote'] }).refusal);

@Resolver(() => LicenceProductType)
export class LicenceProductResolver {
  @Query(() => LicenceProductType, { nullable: true, description: 'A licence product by id or code.' })
  async licenceProduct(
    @Arg('id', () => ID, { description: 'Id or code.' }) id: string,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<LicenceProductType | undefined> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return undefined;
    const { licenceProducts } = tx;
    const product = await findLicenceProduct({ licenceProducts, partnerId: partner as never }, id);
    return product && toGraphqlLicenceProduct(product);
  }

  @Query(() => LicenceProductConnection, { description: "The partner's licence products, oldest first." })
  async licenceProducts(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('status', () => CatalogStatusEnum, { nullable: true, description: 'Only these.' }) status:
      | CatalogStatus
      | undefined,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<LicenceProductType>> {
    const tx = await context.read('CATALOG_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const page = await tx.licenceProducts.page(partner, status ?? undefined, pageRequest(args));
    return toGraphqlPage(page, (product) => product.id, toGraphqlLicenceProduct);
  }

  @Mutation(() => CreateLicenceProductResult, {
    description: 'Makes something to sell to organisations by the seat and the year.',
  })
  @Refuses(createLicenceProductRefusals)
  createLicenceProduct(
    @Arg('input', () => CreateLicenceProductInputType, { description: 'The product.' })
    input: CreateLicenceProductInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'createLicenceProduct', permission: 'PARTNER_WRITE', scope: ofPartner(input), input, options },
      (tx, given) => createLicenceProduct(tx, { ...given, features: allowancesFromGraphql(given.features, decimal) }),
      ({ product }) => ({ __typename: 'CreateLicenceProductDone', product: toGraphqlLicenceProduct(product) }),
    );
  }

  @Mutation(() => UpdateLicenceProductResult, {
    description: 'Changes a licence product; purchases that are open keep the price they were made with.',
  })
  @Refuses(updateLicenceProductRefusals)
  updateLicenceProduct(
    @Arg('input', () => UpdateLicenceProductInputType, { description: 'What changes.' })
    input: UpdateLicenceProductInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      {
        mutation: 'updateLicenceProduct',
        permission: 'PARTNER_WRITE',
        scope: ofPartner(input),
        nullable: ['trial'],
        ...{ input, options },
      },
      (tx, given) => updateLicenceProduct(tx, { ...given, features: allowancesFromGraphql(given.features, decimal) }),
      ({ product }) => ({ __typename: 'UpdateLicenceProductDone', product: toGraphqlLicenceProduct(product) }),
    );
  }
}

@Resolver(() => LicenceType)
export class LicenceResolver {
  @Query(() => LicenceConnection, { description: 'Every term of every licence of an organisation, oldest first.' })
  async licences(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<LicenceType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.licences.page(tenant, pageRequest(args));
    return toGraphqlPage(page, (licence) => licence.id, toGraphqlLicence);
  }

  @FieldResolver(() => LicenceStatusEnum, { description: "Where it stands, by the tenant's own clock." })
  async status(@Root() { licence }: LicenceType, @Ctx() context: Context): Promise<LicenceStatus> {
    const tx = await context.read('TENANT_READ');
    const tenant = await tx?.tenantFor(licence.tenantId);
    return statusOf(licence, tenant?.now ?? context.app.clock.now());
  }

  @FieldResolver(() => LicenceProductType, { description: 'What it is a licence of.' })
  async product(@Root() licence: LicenceType, @Ctx() context: Context): Promise<LicenceProductType | undefined> {
    const product = await (await context.loader(licenceProductLoader)).load(licence.productUuid);
    return product && toGraphqlLicenceProduct(product);
  }

  @FieldResolver(() => LicenceSeatConnection, { description: 'Who has a seat, in the order in which they got it.' })
  async seatHolders(
    @Root() { licence }: LicenceType,
    @Args(() => PageArgs) args: PageArgs,
    @Arg('userId', () => ID, { nullable: true, description: 'Only this person: has she a seat?' }) userId:
      | string
      | undefined,
    @Arg('revoked', () => Boolean, {
      nullable: true,
      description: 'Those that were taken back as well. Default false.',
    })
    revoked: boolean | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<LicenceSeatType>> {
    const tx = await context.read('TENANT_READ');
    const user = typeof userId === 'string' ? context.uuidOf('User', userId) : undefined;
    if (!tx || (typeof userId === 'string' && !user)) return emptyPage(args);
    const filter = { current: !revoked, userId: user };
    const page = await tx.licences.seatPage(licence.tenantId, licence.id, filter, pageRequest(args));
    return toGraphqlPage(page, (seat) => seat.id, toGraphqlLicenceSeat);
  }

  @Mutation(() => StartLicenceTrialResult, {
    description: 'Lets an organisation try a licence, once. What it buys ends the trial.',
  })
  @Refuses(startLicenceTrialRefusals)
  startLicenceTrial(
    @Arg('input', () => StartLicenceTrialInputType, { description: 'What, and who.' })
    input: StartLicenceTrialInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'startLicenceTrial', permission: 'TENANT_WRITE', scope: ofTenant(input), input, options },
      startLicenceTrial,
      ({ licence }) => ({ __typename: 'StartLicenceTrialDone', licence: toGraphqlLicence(licence) }),
    );
  }

  @Mutation(() => AssignSeatResult, {
    description: 'Gives a seat to one of the organisation’s people. Giving it again is the same act.',
  })
  @Refuses(assignSeatRefusals)
  assignSeat(
    @Arg('input', () => AssignSeatInputType, { description: 'Who, of which licence.' }) input: AssignSeatInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'assignSeat', permission: 'TENANT_WRITE', scope: ofTenant(input), input, options },
      assignSeat,
      ({ seat, licence, created }) => ({
        __typename: 'AssignSeatDone',
        ...{ seat: toGraphqlLicenceSeat(seat), licence: toGraphqlLicence(licence), created },
      }),
    );
  }

  @Mutation(() => RevokeSeatResult, { description: 'Takes a seat back; it is free for somebody else.' })
  @Refuses(revokeSeatRefusals)
  revokeSeat(
    @Arg('input', () => RevokeSeatInputType, { description: 'Whose, of which licence.' }) input: RevokeSeatInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'revokeSeat', permission: 'TENANT_WRITE', scope: ofTenant(input), input, options },
      revokeSeat,
      ({ seat, licence }) => ({
        __typename: 'RevokeSeatDone',
        ...{ seat: toGraphqlLicenceSeat(seat), licence: toGraphqlLicence(licence) },
      }),
    );
  }
}

@Resolver(() => LicencePurchaseType)
export class LicencePurchaseResolver {
  @Query(() => LicenceQuoteResult, {
    description: 'What do these seats, or another year of all seats, cost? Writes nothing; its quote pins the amount.',
  })
  @Refuses(licenceQuoteRefusals, ['FORBIDDEN'])
  async licenceQuote(
    @Arg('input', () => LicenceQuoteInputType, { description: 'Which seats, or which renewal.' })
    input: LicenceQuoteInputType,
    @Ctx() context: Context,
  ) {
    const tx = await context.read('TENANT_READ');
    const named = context.tenantOrRefusal(input.tenantId);
    if (!named.ok) return toGraphqlRefused(named.refusal);
    if (!tx) return toGraphqlRefused(refuse('TENANT_NOT_FOUND', 'No such tenant.').refusal);
    const quoted = await licenceQuote(
      tx,
      named.value,
      { product: input.product, quantity: input.quantity ?? undefined },
      chooseIn(context),
    );
    if (!quoted.ok) return toGraphqlRefused(quoted.refusal);
    const token = context.app.signer.sign(licenceQuoteText(quoted.value.quote));
    return { __typename: 'LicenceQuote', ...toGraphqlLicenceQuote(quoted.value, token) };
  }

  @Query(() => LicencePurchaseConnection, { description: 'What an organisation set out to buy, oldest first.' })
  async licencePurchases(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('status', () => LicencePurchaseStatusEnum, { nullable: true, description: 'Only these.' }) status:
      | PurchaseStatus
      | undefined,
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<LicencePurchaseType>> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    if (!tx || !tenant) return emptyPage(args);
    const page = await tx.licencePurchases.page(tenant, status ?? undefined, pageRequest(args));
    return toGraphqlPage(page, (purchase) => purchase.id, toGraphqlLicencePurchase);
  }

  @Query(() => LicencePurchaseConnection, {
    description: 'Purchases of all of a partner’s tenants that were paid for and granted nothing: somebody must look.',
  })
  async parkedLicencePurchases(
    @Args(() => PageArgs) args: PageArgs,
    @Arg('partnerId', () => ID, { nullable: true, description: 'Only for super admins.' }) partnerId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<Connection<LicencePurchaseType>> {
    const tx = await context.read('PARTNER_READ');
    const partner = context.partnerUuid(partnerId);
    if (!tx || !partner) return emptyPage(args);
    const page = await tx.licencePurchases.parked(partner, pageRequest(args));
    return toGraphqlPage(page, (purchase) => purchase.id, toGraphqlLicencePurchase);
  }

  @FieldResolver(() => LicenceProductType, { description: 'What is bought.' })
  async product(
    @Root() purchase: LicencePurchaseType,
    @Ctx() context: Context,
  ): Promise<LicenceProductType | undefined> {
    const product = await (await context.loader(licenceProductLoader)).load(purchase.productUuid);
    return product && toGraphqlLicenceProduct(product);
  }

  @Mutation(() => BuyLicencesResult, {
    description:
      'Writes a purchase down and opens its checkout; the seats are there once it is paid. Only an admin of the organisation buys. An idempotencyKey is required; where the checkout is null, send the same call again.',
  })
  @Refuses(buyLicencesRefusals)
  async buyLicences(
    @Arg('input', () => BuyLicencesInputType, { description: 'Which seats.' }) input: BuyLicencesInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const quote = await this.quoteOf(input.quote, context);
    if (quote === 'FOREIGN') return notIssuedHere();
    const { product, quantity, autoRenew } = input;
    return this.purchase('buyLicences', 'BuyLicencesDone', input, options, context, (tx, choose) =>
      buyLicences(tx, { product, quantity, autoRenew: autoRenew ?? false, quote }, choose),
    );
  }

  @Mutation(() => RenewLicencesResult, {
    description:
      'Writes a renewal of all seats down and opens its checkout; the expiry moves by a year once it is paid. Only an admin of the organisation buys. An idempotencyKey is required.',
  })
  @Refuses(renewLicencesRefusals)
  async renewLicences(
    @Arg('input', () => RenewLicencesInputType, { description: 'Which licence.' }) input: RenewLicencesInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    const quote = await this.quoteOf(input.quote, context);
    if (quote === 'FOREIGN') return notIssuedHere();
    return this.purchase('renewLicences', 'RenewLicencesDone', input, options, context, (tx, choose) =>
      renewLicences(tx, { product: input.product, quote }, choose),
    );
  }

  @Mutation(() => AcceptLicencePurchaseResult, {
    description:
      'For partners: takes what was paid for a parked purchase as it is, and grants what the purchase says. A dry run shows what that would be.',
  })
  @Refuses(acceptLicencePurchaseRefusals)
  acceptLicencePurchase(
    @Arg('input', () => AcceptLicencePurchaseInputType, { description: 'Which purchase.' })
    input: AcceptLicencePurchaseInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'acceptLicencePurchase', permission: 'PARTNER_WRITE', scope: ofTenant(input), input, options },
      acceptLicencePurchase,
      ({ purchase, licence }) => ({
        __typename: 'AcceptLicencePurchaseDone',
        ...{ purchase: toGraphqlLicencePurchase(purchase), licence: toGraphqlLicence(licence) },
      }),
    );
  }

  @Mutation(() => RefuseLicencePurchaseResult, {
    description: 'For partners: does not take what was paid for a parked purchase. The provider gives all of it back.',
  })
  @Refuses(refuseLicencePurchaseRefusals)
  refuseLicencePurchase(
    @Arg('input', () => RefuseLicencePurchaseInputType, { description: 'Which purchase.' })
    input: RefuseLicencePurchaseInputType,
    @Args(() => MutationArgs) options: MutationArgs,
    @Ctx() context: Context,
  ) {
    return context.mutate(
      { mutation: 'refuseLicencePurchase', permission: 'PARTNER_WRITE', scope: ofTenant(input), input, options },
      refuseLicencePurchase,
      ({ purchase, refund }) => ({
        __typename: 'RefuseLicencePurchaseDone',
        ...{ purchase: toGraphqlLicencePurchase(purchase), refund: toGraphqlMoney(refund) },
      }),
    );
  }

  private async quoteOf(
    token: string | null | undefined,
    context: Context,
  ): Promise<LicenceQuote | undefined | 'FOREIGN'> {
    if (typeof token !== 'string') return undefined;
    const signed = await context.app.signer.verify(token);
    return (signed === undefined ? undefined : licenceQuoteFromText(signed)) ?? 'FOREIGN';
  }

  /** The intent commits first; then, with no transaction open, its checkout is opened. */
  private async purchase<C extends string>(
    mutation: string,
    __typename: string,
    input: { readonly tenantId?: string },
    options: MutationArgs,
    context: Context,
    command: (tx: Tx, choose: ChooseProvider) => Promise<Result<{ purchase: LicencePurchase }, C>>,
  ) {
    const { app } = context;
    const choose = chooseIn(context);
    let opened: LicencePurchase | undefined;
    return context.mutate(
      { mutation, permission: 'TENANT_PURCHASE', scope: ofTenant(input), input, options, keyRequired: true },
      (tx) => command(tx, choose),
      ({ purchase }) => {
        const made = toGraphqlLicencePurchase(purchase);
        return {
          __typename,
          purchase: opened ? { ...made, checkout: toGraphqlLicencePurchase(opened).checkout } : made,
        };
      },
      async (value) => {
        opened = await openLicenceCheckout(app.system, app.providers, value.purchase.tenantId, value.purchase.id);
        return done(value);
      },
    );
  }
}
