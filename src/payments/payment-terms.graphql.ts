import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import { enumFrom } from '../graphql/enums';
import { MutationDone } from '../graphql/mutation.graphql';
import { resultOf } from '../graphql/refusal.graphql';
import { type PaymentTerms, type TermsSource, termsSources } from './payment-terms';

export const TermsSourceEnum = enumFrom('PaymentTermsSource', termsSources, 'Who said when invoices are due.', {
  DEFAULT: 'No terms are set: invoices are due when they are issued.',
  PARTNER: 'The partner, for all of its tenants.',
  TENANT: 'The partner, for this tenant.',
});

@ObjectType('PaymentTerms', {
  description: 'When invoices are due that are issued from now on.',
  simpleResolvers: true,
})
export class PaymentTermsType {
  @Field(() => Int, {
    description: "So many calendar days after their issue, in the tenant's zone; 0: when they are issued.",
  })
  netDays: number;
  @Field(() => TermsSourceEnum, { description: 'Who said so.' })
  source: TermsSource;
}

export const toGraphqlTerms = ({ netDays, source }: PaymentTerms): PaymentTermsType => ({ netDays, source });

@InputType('SetPaymentTermsInput', {
  description: 'When invoices are due that are issued from now on. Those that are issued keep their date.',
})
export class SetPaymentTermsInputType {
  @Field(() => ID, {
    nullable: true,
    description: 'For this tenant only. Else for all that have no terms of their own.',
  })
  tenantId?: string;
  @Field(() => ID, { nullable: true, description: 'Only for super admins.' })
  partnerId?: string;
  @Field(() => Int, {
    nullable: true,
    description: "0 to 365 calendar days after the issue. Null: no terms; a tenant's are its partner's then.",
  })
  netDays?: number;
}

@ObjectType('SetPaymentTermsDone', { description: 'They hold from the next invoice on.', simpleResolvers: true })
export class SetPaymentTermsDone extends MutationDone {
  @Field(() => PaymentTermsType, { description: 'What holds now.' })
  terms: PaymentTermsType;
}

export const SetPaymentTermsResult = resultOf('SetPaymentTerms', SetPaymentTermsDone);
