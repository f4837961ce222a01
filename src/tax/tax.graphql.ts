import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Instant, LocalDate } from '../core/calendar';
import { decimalText } from '../core/decimal';
import { encodeId } from '../core/ids';
import { enumFrom } from '../graphql/enums';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { MutationDone } from '../graphql/mutation.graphql';
import { connectionOf } from '../graphql/page.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { DateTimeScalar, DecimalScalar, LocalDateScalar } from '../graphql/scalars';
import type { BillingParty, TaxStatus } from './billing-details';
import { type AppliedRate, type LineTax, type TaxSummary, type TaxTreatment, taxTreatments } from './tax';
import { type TaxedItemKind, type TaxRate, taxedItemKinds } from './tax-rate';

export const TaxTreatmentEnum = enumFrom('TaxTreatment', taxTreatments, 'Whether a tenant is charged tax.', {
  TAXABLE: 'By the rates of its country.',
  REVERSE_CHARGE: 'The buyer owes the tax; documents say so.',
  EXEMPT: 'No tax; documents say why.',
});

export const TaxedItemKindEnum = enumFrom('TaxedItemKind', taxedItemKinds, 'What may have a tax category.', {
  PLAN: 'A plan.',
  ADDON: 'An add-on.',
});

@ObjectType('TaxRate', {
  description: 'One row of a rate table. All but its end is fixed for good: a new rate is a new row.',
  simpleResolvers: true,
})
export class TaxRateType {
  @Field(() => ID, { description: 'taxrate_…' })
  id: string;
  @Field(() => String, { description: 'ISO 3166-1, e.g. DE.' })
  country: string;
  @Field(() => String, { nullable: true, description: 'ISO 3166-2 without the country; null: all of it.' })
  region?: string | undefined;
  @Field(() => String, { nullable: true, description: 'Null: everything without a rate of its own.' })
  category?: string | undefined;
  @Field(() => String, { description: 'As it stands on documents, e.g. VAT.' })
  name: string;
  @Field(() => DecimalScalar, { description: '20 is 20 %.' })
  percent: string;
  @Field(() => Boolean, { description: 'Prices hold the tax already; otherwise it comes on top.' })
  inclusive: boolean;
  @Field(() => LocalDateScalar, { description: 'The first day on which it holds.' })
  validFrom: LocalDate;
  @Field(() => LocalDateScalar, { nullable: true, description: 'The first day on which it does not hold any more.' })
  validTo?: LocalDate | undefined;
  @Field(() => Int, { description: 'Counts the changes.' })
  version: number;
  @Field(() => DateTimeScalar, { description: 'UTC.' })
  createdAt: Instant;
}

export function toGraphqlTaxRate(rate: TaxRate): TaxRateType {
  return { ...rate, id: encodeId('TaxRate', rate.id), percent: decimalText(rate.percent) };
}

@ObjectType('AppliedTaxRate', { description: 'A rate as a document keeps it.', simpleResolvers: true })
export class AppliedTaxRateType {
  @Field(() => String, { description: 'E.g. VAT.' })
  name: string;
  @Field(() => DecimalScalar, { description: '20 is 20 %.' })
  percent: string;
  @Field(() => Boolean, { description: 'Prices held the tax already; otherwise it came on top.' })
  inclusive: boolean;
}

const toGraphqlAppliedRate = ({ name, percent, inclusive }: AppliedRate): AppliedTaxRateType => ({
  ...{ name, inclusive },
  percent: decimalText(percent),
});

@ObjectType('LineTax', { description: "A line's part of the tax of a document.", simpleResolvers: true })
export class LineTaxType {
  @Field(() => AppliedTaxRateType, { description: 'Which rate.' })
  rate: AppliedTaxRateType;
  @Field(() => MoneyType, { description: "On the line less its discounts; its parts sum to the rate's tax." })
  amount: MoneyType;
}

export const toGraphqlLineTax = ({ rate, amount }: LineTax): LineTaxType => ({
  rate: toGraphqlAppliedRate(rate),
  amount: toGraphqlMoney(amount),
});

@ObjectType('TaxSummary', { description: "One rate of a document's tax summary.", simpleResolvers: true })
export class TaxSummaryType {
  @Field(() => AppliedTaxRateType, { description: 'Which rate.' })
  rate: AppliedTaxRateType;
  @Field(() => MoneyType, { description: 'What is taxed, without the tax.' })
  base: MoneyType;
  @Field(() => MoneyType, { description: 'The tax; rounded once.' })
  amount: MoneyType;
}

export const toGraphqlTaxSummary = ({ rate, base, amount }: TaxSummary): TaxSummaryType => ({
  rate: toGraphqlAppliedRate(rate),
  base: toGraphqlMoney(base),
  amount: toGraphqlMoney(amount),
});

@ObjectType('BillingParty', { description: 'Who stands on a document.', simpleResolvers: true })
export class BillingPartyType {
  @Field(() => String, { description: 'The name in the register.' })
  legalName: string;
  @Field(() => [String], { description: 'As it is printed, without the country.' })
  address: readonly string[];
  @Field(() => String, { description: 'ISO 3166-1, e.g. DE.' })
  country: string;
  @Field(() => String, { nullable: true, description: 'ISO 3166-2 without the country, e.g. CA.' })
  region?: string | undefined;
  @Field(() => String, { nullable: true, description: 'E.g. a VAT number.' })
  taxId?: string | undefined;
  @Field(() => String, { nullable: true, description: 'Where documents go.' })
  email?: string | undefined;
}

export const toGraphqlParty = (party: BillingParty): BillingPartyType => party;

@ObjectType('TaxStatus', { description: 'How a tenant is taxed.', simpleResolvers: true })
export class TaxStatusType {
  @Field(() => TaxTreatmentEnum, { description: 'Whether it is charged tax.' })
  treatment: TaxTreatment;
  @Field(() => String, { nullable: true, description: 'Why it is not.' })
  note?: string | undefined;
}

export const toGraphqlTaxStatus = ({ treatment, note }: TaxStatus): TaxStatusType => ({ treatment, note });

export const TaxRateConnection = connectionOf('TaxRate', TaxRateType);

@InputType('CreateTaxRateInput', { description: 'A new row of the rate table.' })
export class CreateTaxRateInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose table.' })
  partnerId?: string;
  @Field(() => String, { description: 'ISO 3166-1, e.g. DE.' })
  country: string;
  @Field(() => String, { nullable: true, description: 'ISO 3166-2 without the country. Default: all of it.' })
  region?: string;
  @Field(() => String, { nullable: true, description: 'Default: everything without a rate of its own.' })
  category?: string;
  @Field(() => String, { description: 'As it stands on documents: 1 to 200 characters.' })
  name: string;
  @Field(() => DecimalScalar, { description: '0 to 100: 20 is 20 %.' })
  percent: string;
  @Field(() => Boolean, { nullable: true, description: 'Prices hold the tax already. Default false: it comes on top.' })
  inclusive?: boolean;
  @Field(() => LocalDateScalar, { description: 'The first day on which it holds.' })
  validFrom: LocalDate;
  @Field(() => LocalDateScalar, { nullable: true, description: 'The first day on which it does not hold any more.' })
  validTo?: LocalDate;
}

@InputType('EndTaxRateInput', { description: 'When a rate ends.' })
export class EndTaxRateInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose table.' })
  partnerId?: string;
  @Field(() => ID, { description: 'taxrate_…' })
  taxRateId: string;
  @Field(() => LocalDateScalar, { description: 'The first day on which it does not hold any more.' })
  validTo: LocalDate;
}

@InputType('SetTaxCategoryInput', { description: 'What a plan or add-on is for the tax office.' })
export class SetTaxCategoryInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: whose catalog.' })
  partnerId?: string;
  @Field(() => TaxedItemKindEnum, { description: 'Of what kind it is.' })
  kind: TaxedItemKind;
  @Field(() => ID, { description: 'Id or code of the plan or add-on.' })
  item: string;
  @Field(() => String, { nullable: true, description: 'Null: like everything else.' })
  category?: string;
}

@InputType({ description: 'Who stands on a document.' })
class BillingPartyInputType {
  @Field(() => String, { description: '1 to 200 characters.' })
  legalName: string;
  @Field(() => [String], { description: '1 to 6 lines as they are printed, without the country.' })
  address: string[];
  @Field(() => String, { description: 'ISO 3166-1, e.g. DE.' })
  country: string;
  @Field(() => String, { nullable: true, description: 'ISO 3166-2 without the country, e.g. CA.' })
  region?: string;
  @Field(() => String, { nullable: true, description: 'E.g. a VAT number: 1 to 40 characters.' })
  taxId?: string;
  @Field(() => String, { nullable: true, description: 'Where documents go.' })
  email?: string;
}

@InputType('SetPartnerBillingDetailsInput', { description: 'Who the partner is on its documents.' })
export class SetPartnerBillingDetailsInputType extends BillingPartyInputType {
  @Field(() => ID, { nullable: true, description: 'Only for super admins: which partner.' })
  partnerId?: string;
}

@InputType('SetBillingDetailsInput', { description: 'Who a tenant is on its documents, and where it is taxed.' })
export class SetBillingDetailsInputType extends BillingPartyInputType {
  @Field(() => ID, { nullable: true, description: "Default: the actor's own tenant." })
  tenantId?: string;
}

@InputType('SetTaxTreatmentInput', { description: 'Whether a tenant is charged tax.' })
export class SetTaxTreatmentInputType {
  @Field(() => ID, { nullable: true, description: 'Whose.' })
  tenantId?: string;
  @Field(() => TaxTreatmentEnum, { description: 'Whether.' })
  treatment: TaxTreatment;
  @Field(() => String, { nullable: true, description: 'Why not, for the document: 1 to 500 characters.' })
  note?: string;
}

@ObjectType('CreateTaxRateDone', { description: 'The rate was made.', simpleResolvers: true })
export class CreateTaxRateDone extends MutationDone {
  @Field(() => TaxRateType, { description: 'The new rate.' })
  taxRate: TaxRateType;
}
@ObjectType('EndTaxRateDone', { description: 'The rate has an end.', simpleResolvers: true })
export class EndTaxRateDone extends MutationDone {
  @Field(() => TaxRateType, { description: 'The rate as it is now.' })
  taxRate: TaxRateType;
}
@ObjectType('SetTaxCategoryDone', { description: 'The category holds from now on.', simpleResolvers: true })
export class SetTaxCategoryDone extends MutationDone {
  @Field(() => String, { nullable: true, description: 'Null: like everything else.' })
  category?: string | undefined;
}
@ObjectType('SetPartnerBillingDetailsDone', { description: 'On documents from now on.', simpleResolvers: true })
export class SetPartnerBillingDetailsDone extends MutationDone {
  @Field(() => BillingPartyType, { description: 'The seller.' })
  party: BillingPartyType;
}
@ObjectType('SetBillingDetailsDone', { description: 'On documents from now on.', simpleResolvers: true })
export class SetBillingDetailsDone extends MutationDone {
  @Field(() => BillingPartyType, { description: 'The buyer.' })
  party: BillingPartyType;
}
@ObjectType('SetTaxTreatmentDone', { description: 'On documents from now on.', simpleResolvers: true })
export class SetTaxTreatmentDone extends MutationDone {
  @Field(() => TaxStatusType, { description: 'How the tenant is taxed.' })
  status: TaxStatusType;
}

export const CreateTaxRateResult = resultOf('CreateTaxRate', CreateTaxRateDone);
export const EndTaxRateResult = resultOf('EndTaxRate', EndTaxRateDone);
export const SetTaxCategoryResult = resultOf('SetTaxCategory', SetTaxCategoryDone);
export const SetPartnerBillingDetailsResult = resultOf('SetPartnerBillingDetails', SetPartnerBillingDetailsDone);
export const SetBillingDetailsResult = resultOf('SetBillingDetails', SetBillingDetailsDone);
export const SetTaxTreatmentResult = resultOf('SetTaxTreatment', SetTaxTreatmentDone);
