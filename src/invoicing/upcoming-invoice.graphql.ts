import { Field, ObjectType } from 'type-graphql';
import type { Instant } from '../core/calendar';
import { MoneyType, toGraphqlMoney } from '../graphql/money.graphql';
import { DateTimeScalar } from '../graphql/scalars';
import { DocumentKindEnum, PreviewLineType, toGraphqlPreviewLine } from '../proration/proration.graphql';
import type { InvoiceReason, TimeSpan } from './invoice';
import { InvoiceLineType, InvoiceReasonEnum, InvoiceType, TimeSpanType } from './invoicing.graphql';
import type { UpcomingInvoice } from './upcoming-invoice.query';

@ObjectType('UpcomingInvoice', {
  description:
    'The next document as it would be if nothing more happened, whatever its reason: with what is scheduled, and usage as it stands.',
  simpleResolvers: true,
})
export class UpcomingInvoiceType {
  @Field(() => DocumentKindEnum, {
    description: 'CREDIT_NOTE: a plan change that waits gives back more than it charges; total is then below zero.',
  })
  kind: UpcomingInvoice['kind'];
  @Field(() => InvoiceReasonEnum, { description: 'What it will come from.' })
  reason: InvoiceReason;
  @Field(() => DateTimeScalar, { description: 'When it will be issued, UTC.' })
  dueAt: Instant;
  @Field(() => TimeSpanType, {
    nullable: true,
    description: 'The period that it begins; null for a final invoice, and for what a plan change makes.',
  })
  period?: TimeSpan | undefined;
  @Field(() => MoneyType, { description: 'Charges less proration credits.' })
  subtotal: MoneyType;
  @Field(() => MoneyType, { description: 'What coupons take off; not negative.' })
  discount: MoneyType;
  @Field(() => MoneyType, { description: 'What comes on top of the prices as tax.' })
  tax: MoneyType;
  @Field(() => MoneyType, { description: 'subtotal − discount + tax; negative for a credit note.' })
  total: MoneyType;
  @Field(() => MoneyType, { description: 'What the credit balance as it is now would pay of it.' })
  creditApplied: MoneyType;
  @Field(() => MoneyType, { description: 'total − creditApplied; 0 for a credit note.' })
  amountDue: MoneyType;
  @Field(() => [PreviewLineType], { description: 'Its lines, in their order.' })
  lines: PreviewLineType[];
}

export function toGraphqlUpcomingInvoice(upcoming: UpcomingInvoice): UpcomingInvoiceType {
  const { kind, reason, dueAt, period, lines } = upcoming;
  return {
    ...{ kind, reason, dueAt, period },
    subtotal: toGraphqlMoney(upcoming.subtotal),
    discount: toGraphqlMoney(upcoming.discount),
    tax: toGraphqlMoney(upcoming.tax),
    total: toGraphqlMoney(upcoming.total),
    creditApplied: toGraphqlMoney(upcoming.creditApplied),
    amountDue: toGraphqlMoney(upcoming.amountDue),
    lines: lines.map(toGraphqlPreviewLine),
  };
}

@ObjectType('ExplainedInvoiceLine', {
  description: 'An invoice line with its account, and the invoice that it stands on.',
  simpleResolvers: true,
})
export class ExplainedInvoiceLineType {
  @Field(() => InvoiceLineType, { description: 'The line; its explanation is enough to calculate it again.' })
  line: InvoiceLineType;
  @Field(() => InvoiceType, { description: 'Where it stands.' })
  invoice: InvoiceType;
  @Field(() => InvoiceLineType, { nullable: true, description: 'A discount: the line it takes from.' })
  discounts?: InvoiceLineType | undefined;
}
