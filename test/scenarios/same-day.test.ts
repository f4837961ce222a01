import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

/** By the second, so that hours of one day have their own price. */
test.each(['NOW', 'NEXT_INVOICE'])(
  'an add-on that joins, leaves, and a new period on the same day: charged once (%s)',
  async (charge) => {
    const world = await World.create(gateway);
    await world.plan({ code: 'basic', month: '31', prorationBasis: 'SECOND' });
    await world.addon('extra', '744'); // 1.00 an hour of a month of 31 days
    const tenant = await world.tenant('2026-01-01T00:00:00Z');
    await tenant.start('basic');
    await tenant.payAll();
    const at = (hour: string) => tenant.advance(`2026-01-16T${hour}:00:00Z`);
    await at('10');
    const { addonSubscription } = await tenant.subscribe('extra', { charge });
    await tenant.payAll();
    await at('12');
    const { creditNote } = await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    await at('13');
    const reset = await tenant.change({ plan: 'basic', anchor: 'RESET' });
    await tenant.payAll();
    const { invoices } = await tenant.advance('2026-02-16T00:00:00Z');
    // Two hours, on the invoice that ends the first period or by what was credited; the next period knows nothing of it.
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 31.00']]);
    const closing = (reset.invoices as { reason: string }[]).map((invoice) => amountsOf(invoice as never));
    if (charge === 'NOW') {
      expect(creditNote.total.amount).toBe('372.00'); // 744.00 × 372 hours of 744
    } else
      expect(closing.flat()).toEqual(expect.arrayContaining(['PRORATION_CHARGE 374.00', 'PRORATION_CREDIT -372.00']));
  },
);
