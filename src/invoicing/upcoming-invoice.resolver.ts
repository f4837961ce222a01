import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { decodeId } from '../core/ids';
import type { Context } from '../graphql/context';
import { toGraphqlInvoice, toGraphqlInvoiceLine } from './invoicing.graphql';
import { ExplainedInvoiceLineType, toGraphqlUpcomingInvoice, UpcomingInvoiceType } from './upcoming-invoice.graphql';
import { upcomingInvoice } from './upcoming-invoice.query';

@Resolver(() => UpcomingInvoiceType)
export class UpcomingInvoiceResolver {
  @Query(() => UpcomingInvoiceType, {
    nullable: true,
    description:
      "A tenant's next document if nothing more happened, whatever its reason. Where one instant makes several, the first of them. Writes nothing; null where none will be made.",
  })
  async upcomingInvoice(
    @Arg('tenantId', () => ID, { nullable: true, description: "Default: the actor's own." }) tenantId:
      | string
      | undefined,
    @Ctx() context: Context,
  ): Promise<UpcomingInvoiceType | undefined> {
    const tx = await context.read('TENANT_READ');
    const tenant = context.tenantUuid(tenantId);
    const upcoming = tx && tenant ? await upcomingInvoice(tx, tenant) : undefined;
    return upcoming && toGraphqlUpcomingInvoice(upcoming);
  }

  @Query(() => ExplainedInvoiceLineType, { nullable: true, description: 'Why an invoice line has its amount.' })
  async explainInvoiceLine(
    @Arg('id', () => ID, { description: 'line_…' }) id: string,
    @Ctx() context: Context,
  ): Promise<ExplainedInvoiceLineType | undefined> {
    const tx = await context.read('TENANT_READ');
    const decoded = decodeId(id);
    if (!tx || decoded?.kind !== 'InvoiceLine') return undefined;
    const tenantUuid = decoded.tenantUuid!;
    const lines = await tx.invoices.linesBeside(tenantUuid, decoded.uuid);
    const line = lines.find((candidate) => candidate.id === decoded.uuid);
    const invoice = line && (await tx.invoices.byId(tenantUuid, line.invoiceId));
    if (!invoice) return undefined;
    const discounted = lines.find((candidate) => candidate.id === line.discountsLineId);
    return {
      line: toGraphqlInvoiceLine(line),
      invoice: toGraphqlInvoice(invoice),
      discounts: discounted && toGraphqlInvoiceLine(discounted),
    };
  }
}
