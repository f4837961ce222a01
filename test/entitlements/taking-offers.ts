import type { TestGateway } from '../support/gateway';
import type { TenantOfWorld, World } from '../support/world';

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
export type Any = any;

let serial = 0;
const key = () => {
  serial += 1;
  return `, idempotencyKey: "offer-${serial}"`;
};

const documents = 'invoices { id status total { amount } } creditNotes { total { amount } }';

/** What all documents of an act come to, in cents. */
const cents = (amount: string) => Math.round(Number(amount) * 100);
const totalOf = (answer: Any) =>
  [...answer.invoices.map((one: Any) => cents(one.total.amount))].reduce((sum, one) => sum + one, 0) -
  answer.creditNotes.map((one: Any) => cents(one.total.amount)).reduce((sum: number, one: number) => sum + one, 0);

/** Does what an offer says, as a front end would, and answers what was charged in cents, or why it was refused. */
export async function take(world: World, tenant: TenantOfWorld, offer: Any): Promise<number | string> {
  const tenantId = tenant.id;
  if (offer.__typename === 'PaymentUnlock') {
    for (const invoice of offer.invoices) {
      const paid = await world.act(
        'payInvoice',
        { tenantId, invoiceId: invoice.invoiceId },
        'payment { status }',
        key(),
      );
      if (paid.payment?.status !== 'SUCCEEDED') return paid.code ?? paid.payment.status;
    }
    return cents(offer.dueNow.amount);
  }
  const quote = `, quote: ${JSON.stringify(offer.quote.token)}${key()}`;
  if (offer.__typename === 'StartUnlock') {
    const input = { tenantId, plan: offer.plan.id, interval: offer.interval };
    const started = await world.act('startSubscription', input, documents, quote);
    return started.code ?? totalOf(started);
  }
  const addons = offer.addons.map(({ addon, quantity }: Any) => ({ addon: addon.id, quantity: Number(quantity) }));
  const { interval } = await intervalOf(world, tenantId);
  const input = {
    tenantId,
    ...(offer.toPlan ? { plan: offer.toPlan.id } : {}),
    ...(offer.interval === interval ? {} : { interval: offer.interval }),
    ...(addons.length > 0 ? { addons } : {}),
  };
  const changed = await world.act('changePlan', input, documents, quote);
  return changed.code ?? totalOf(changed);
}

async function intervalOf(world: World, tenantId: string): Promise<{ interval: string }> {
  return (world as unknown as { gateway: TestGateway }).gateway.get(
    'super-admin',
    'query ($id: ID) { subscription(tenantId: $id) { interval } }',
    { id: tenantId },
  );
}

export const centsOf = (offer: Any): number => cents(offer.dueNow.amount);

/** For people who read a test: `ADDON big×2 10.32`. */
export function textOf(offer: Any): string {
  const parts = [
    offer.toPlan?.code ?? offer.plan?.code ?? offer.product?.code,
    ...(offer.addons ?? []).map(({ addon, quantity }: Any) =>
      quantity === '1' ? addon.code : `${addon.code}×${quantity}`,
    ),
  ].filter((part) => part !== undefined);
  return `${offer.kind} ${parts.join('+')}${offer.quantity ? `×${offer.quantity}` : ''} ${offer.dueNow.amount}`;
}
