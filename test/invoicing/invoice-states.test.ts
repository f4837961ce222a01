import { type InvoiceStatus, invoiceStatuses } from '../../src/invoicing/invoice';
import { moveInvoice } from '../../src/invoicing/invoice-state';
import { eur, textOf } from '../support/arbitraries';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type Document, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
let world: World;
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway, { currency: 'EUR' });
  await world.plan({ code: 'starter', rank: 10, month: '49' });
  await world.plan({ code: 'growth', rank: 20, month: '149' });
  await world.plan({ code: 'fifty', rank: 15, month: '50' });
  await world.addon('seats', '31');
});
afterAll(() => gateway.stop());

const december = '2025-12-01T00:00:00Z';
const the21st = '2025-12-21T09:00:00Z';

/** A tenant on a plan since 1 December, seen on the 21st, with its first invoice. */
async function tenantOn(plan: string): Promise<{ tenant: TenantOfWorld; invoice: Document }> {
  const tenant = await world.tenant(the21st);
  const { invoices } = await tenant.start(plan, { startAt: december });
  return { tenant, invoice: invoices[0] };
}

const factOf = (refused: { facts: { name: string; value: string }[] }, name: string) =>
  refused.facts.find((fact) => fact.name === name)?.value;

test('the legal moves, and no others', () => {
  const legal: Record<InvoiceStatus, readonly InvoiceStatus[]> = {
    DRAFT: [],
    FINALIZED: ['PAID', 'VOID', 'UNCOLLECTIBLE'],
    PAID: [],
    VOID: [],
    UNCOLLECTIBLE: ['PAID', 'VOID'],
  };
  for (const status of invoiceStatuses) {
    for (const to of ['PAID', 'VOID', 'UNCOLLECTIBLE'] as const) {
      const [total, paid] = [eur('3.00'), eur('1.00')];
      const invoice = { status, number: 'A-1', total, paid, amountDue: eur('2.00') };
      const moved = moveInvoice(invoice as never, { to, reason: 'x' } as never);
      expect({ status, to, ok: moved.ok }).toEqual({ status, to, ok: legal[status].includes(to) });
      if (!moved.ok) continue;
      // Paid: 1.00 + 2.00. Void: nothing is due, and nothing more was paid. Given up: it is still due.
      const left = { PAID: ['3.00', '0.00'], VOID: ['1.00', '0.00'], UNCOLLECTIBLE: ['1.00', '2.00'] }[to];
      expect([moved.value.paid, moved.value.amountDue].map(textOf)).toEqual(left);
    }
  }
});

describe('paid, given up, void', () => {
  test('paid once: the same reference again is the same act, another one is refused', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    expect(invoice.status).toBe('FINALIZED');
    const paid = await tenant.pay(invoice.id);
    expect(paid.invoice).toEqual({
      status: 'PAID',
      paidAt: '2025-12-21T09:00:00.000Z',
      paymentReference: 'bank 4711',
    });
    expect(await tenant.pay(invoice.id)).toEqual(paid);
    const again = await tenant.pay(invoice.id, 'bank 4712');
    expect(again.code).toBe('INVOICE_NOT_OPEN');
    expect(factOf(again, 'status')).toBe('PAID');
    expect((await tenant.void(invoice.id)).code).toBe('INVOICE_NOT_OPEN');
    expect((await tenant.giveUp(invoice.id)).code).toBe('INVOICE_NOT_OPEN');
  });

  test('what was given up may still be paid, or voided', async () => {
    const first = await tenantOn('starter');
    expect((await first.tenant.giveUp(first.invoice.id)).invoice).toMatchObject({ status: 'UNCOLLECTIBLE' });
    expect((await first.tenant.giveUp(first.invoice.id)).invoice).toMatchObject({ status: 'UNCOLLECTIBLE' });
    expect((await first.tenant.pay(first.invoice.id)).invoice.status).toBe('PAID');
    const second = await tenantOn('starter');
    await second.tenant.giveUp(second.invoice.id);
    expect((await second.tenant.void(second.invoice.id)).invoice.status).toBe('VOID');
  });

  test('void is an end: the same reason again is the same act', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    const voided = await tenant.void(invoice.id);
    expect(voided.invoice).toMatchObject({ status: 'VOID', voidReason: 'billed by mistake' });
    expect(await tenant.void(invoice.id)).toEqual(voided);
    expect((await tenant.void(invoice.id, 'another reason')).code).toBe('INVOICE_NOT_OPEN');
    expect((await tenant.pay(invoice.id)).code).toBe('INVOICE_NOT_OPEN');
    expect((await tenant.giveUp(invoice.id)).code).toBe('INVOICE_NOT_OPEN');
  });

  test('nothing due is paid at once', async () => {
    await world.plan({ code: 'free', rank: 0, month: '0' });
    const { invoice } = await tenantOn('free');
    expect(invoice).toMatchObject({ status: 'PAID', total: { amount: '0.00' } });
  });

  test('bad text and unknown invoices are refused by name', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    const other = await tenantOn('starter');
    for (const text of ['', '   ', 'x'.repeat(501), 'a\u0007b']) {
      expect((await tenant.void(invoice.id, text)).code).toBe('INVALID_INPUT');
      expect((await tenant.pay(invoice.id, text)).code).toBe('INVALID_INPUT');
    }
    // A sibling's invoice, another kind of id and no id at all are the same answer.
    for (const id of [other.invoice.id, tenant.id, 'invoice_nothing', '']) {
      expect(await tenant.void(id)).toMatchObject({ code: 'INVOICE_NOT_FOUND', message: 'No such invoice.' });
      expect((await tenant.pay(id)).code).toBe('INVOICE_NOT_FOUND');
    }
  });

  test('an issued invoice never changes, not even for the owner of the tables', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    await tenant.pay(invoice.id);
    const { database } = gateway;
    for (const change of ['total = total + 1, subtotal = subtotal + 1', "status = 'FINALIZED', paid_at = null"]) {
      await expect(
        database.asOwner(`update invoices set ${change} where number = $1`, [invoice.number]),
      ).rejects.toThrow(/never changes|does not go from/);
    }
    await expect(database.asOwner('delete from invoices where number = $1', [invoice.number])).rejects.toThrow(
      'never deleted',
    );
  });
});

describe('voiding gives back', () => {
  test('the balance that paid for a part of it, and what its items were charged', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    await tenant.pay(invoice.id);
    const { addonSubscription } = await tenant.subscribe('seats');
    await tenant.payAll();
    const { creditNote } = await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    expect(creditNote.total.amount).toBe('11.00'); // 31.00 × 11/31
    const { invoices } = await tenant.advance('2026-01-16T00:00:00Z');
    const [renewal] = invoices;
    expect(renewal).toMatchObject({
      total: { amount: '49.00' },
      creditApplied: { amount: '11.00' },
      amountDue: { amount: '38.00' }, // 49.00 − 11.00
    });
    expect(await tenant.balance()).toBe('0.00');
    expect((await tenant.void(renewal.id)).invoice.status).toBe('VOID');
    expect(await tenant.balance()).toBe('11.00'); // 0.00 + 11.00
    // January was not paid for, so nothing of it is unused: 149.00 × 16/31 = 76.9032 is due whole.
    const { net } = await tenant.change({ plan: 'growth' });
    expect(net.amount).toBe('76.90');
  });

  test('a period of each coupon: three periods discounted are three that were not void', async () => {
    await world.coupon('TENTH3', { kind: 'PERCENT', percent: '10', duration: 'REPEATING', durationPeriods: 3 });
    const tenant = await world.tenant(december);
    await tenant.apply('TENTH3');
    const { invoices } = await tenant.start('fifty');
    expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 50.00', 'DISCOUNT -5.00']); // 50.00 × 10 %
    await tenant.void(invoices[0].id);
    const later = (await tenant.advance('2026-04-01T00:00:00Z')).invoices as Document[];
    // January, February and March; April is the fourth.
    expect(later.map((document) => document.total.amount)).toEqual(['45.00', '45.00', '45.00', '50.00']);
  });

  test('a coupon that was used up waits for the next invoice again', async () => {
    await world.coupon('ONCE10', { kind: 'PERCENT', percent: '10' });
    const tenant = await world.tenant(december);
    await tenant.apply('ONCE10');
    const { invoices } = await tenant.start('fifty');
    expect(invoices[0].total.amount).toBe('45.00'); // 50.00 − 5.00
    await tenant.void(invoices[0].id);
    const later = (await tenant.advance('2026-02-01T00:00:00Z')).invoices as Document[];
    expect(later.map((document) => document.total.amount)).toEqual(['45.00', '50.00']);
  });

  test('a coupon that the tenant took anew since stays used: one code is live once', async () => {
    await world.coupon('TWICE', { kind: 'PERCENT', percent: '10', maxRedemptionsPerTenant: 2 });
    const tenant = await world.tenant(december);
    await tenant.apply('TWICE');
    const { invoices } = await tenant.start('fifty');
    await tenant.apply('TWICE');
    expect((await tenant.void(invoices[0].id)).invoice.status).toBe('VOID');
    const later = (await tenant.advance('2026-02-01T00:00:00Z')).invoices as Document[];
    expect(later.map((document) => document.total.amount)).toEqual(['45.00', '50.00']);
  });

  test('not what was carried over to another item: the invoice of a plan change takes back its own part only', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    await tenant.pay(invoice.id);
    const change = await tenant.change({ plan: 'growth' });
    expect(change.net.amount).toBe('35.48'); // 149.00 × 11/31 = 52.87, − 49.00 × 11/31 = 17.39
    expect((await tenant.void(change.invoice.id)).invoice.status).toBe('VOID');
    // 17.39 were paid for the rest of December and carried to growth; back to starter at the same instant takes them along.
    const back = await tenant.change({ plan: 'starter' });
    expect(back.net.amount).toBe('0.00'); // 17.39 − 17.39
  });

  test('what was credited already is not taken back a second time', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    await tenant.change({ plan: 'growth' });
    const refused = await tenant.void(invoice.id);
    expect(refused.code).toBe('INVOICE_CREDITED'); // 17.39 of the 49.00 came off it
  });
});

describe('credit notes by line', () => {
  test('never more than the line was charged, less its discount and what was credited', async () => {
    await world.coupon('TENOFF', { kind: 'PERCENT', percent: '10' });
    const tenant = await world.tenant(december);
    await tenant.apply('TENOFF');
    const { invoices } = await tenant.start('fifty');
    const [invoice] = invoices;
    const [charge, discount] = invoice.lines;
    await tenant.pay(invoice.id);
    const tooMuch = await tenant.credit(invoice.id, { [charge.id]: '45.01' });
    expect(tooMuch.code).toBe('CREDIT_EXCEEDS_LINE');
    expect(factOf(tooMuch, 'left')).toBe('45.00'); // 50.00 − 5.00
    const first = await tenant.credit(invoice.id, { [charge.id]: '20.00' }, { memo: 'a bad day' });
    expect(first.creditNote).toMatchObject({
      reason: 'CORRECTION',
      invoiceId: invoice.id,
      memo: 'a bad day',
      settlement: 'CREDIT_BALANCE',
      total: { amount: '20.00' },
      lines: [{ kind: 'CORRECTION', amount: { amount: '20.00' }, invoiceLineId: charge.id }],
    });
    expect(await tenant.balance()).toBe('20.00');
    const second = await tenant.credit(invoice.id, { [charge.id]: '25.01' });
    expect(factOf(second, 'left')).toBe('25.00'); // 45.00 − 20.00
    const rest = await tenant.credit(invoice.id, { [charge.id]: '25.00' }, { settlement: 'OUTSIDE' });
    expect(rest.creditNote).toMatchObject({ settlement: 'OUTSIDE', total: { amount: '25.00' } });
    expect(await tenant.balance()).toBe('20.00'); // the 25.00 went another way
    expect(factOf(await tenant.credit(invoice.id, { [charge.id]: '0.01' }), 'left')).toBe('0.00');
    // A discount is credited with its charge, never by itself.
    expect((await tenant.credit(invoice.id, { [discount.id]: '1.00' })).code).toBe('INVOICE_LINE_NOT_FOUND');
  });

  test('not what a plan change gave back already; and a plan change not what was credited', async () => {
    const first = await tenantOn('starter');
    await first.tenant.pay(first.invoice.id);
    await first.tenant.change({ plan: 'growth' });
    const line = first.invoice.lines[0]!.id;
    const refused = await first.tenant.credit(first.invoice.id, { [line]: '31.62' });
    expect(factOf(refused, 'left')).toBe('31.61'); // 49.00 − 17.39
    expect((await first.tenant.credit(first.invoice.id, { [line]: '31.61' })).creditNote.total.amount).toBe('31.61');

    const second = await tenantOn('starter');
    await second.tenant.pay(second.invoice.id);
    await second.tenant.credit(second.invoice.id, { [second.invoice.lines[0]!.id]: '40.00' });
    const { net } = await second.tenant.change({ plan: 'growth' });
    expect(net.amount).toBe('43.87'); // 52.87 − 9.00: of the 49.00 only 9.00 stand
  });

  test('bad input is named', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    const other = await tenantOn('starter');
    await tenant.pay(invoice.id);
    const line = invoice.lines[0]!.id;
    for (const amount of ['0', '0.00', '-1.00', '1.001', '1e3', 'NaN', '']) {
      const answer = await gateway.ask(
        'super-admin',
        `mutation ($input: IssueCreditNoteInput!) { issueCreditNote(input: $input, idempotencyKey: "bad") {
          ... on Refused { code } } }`,
        {
          input: {
            tenantId: tenant.id,
            invoiceId: invoice.id,
            lines: [{ invoiceLineId: line, amount: { amount, currency: 'EUR' } }],
          },
        },
      );
      const code = answer.errors?.[0]?.extensions.code ?? answer.data.issueCreditNote.code;
      expect(['INVALID_INPUT', 'BAD_USER_INPUT']).toContain(code);
    }
    expect((await tenant.credit(invoice.id, {})).code).toBe('INVALID_INPUT');
    expect((await tenant.credit(invoice.id, { [other.invoice.lines[0]!.id]: '1.00' })).code).toBe(
      'INVOICE_LINE_NOT_FOUND',
    );
    expect((await tenant.credit(other.invoice.id, { [line]: '1.00' })).code).toBe('INVOICE_NOT_FOUND');
    const dollars = {
      lines: [{ invoiceLineId: line, amount: { amount: '1.00', currency: 'USD' } }],
    };
    expect((await tenant.credit(invoice.id, {}, dollars)).code).toBe('INVALID_INPUT');
    const twice = { lines: [1, 2].map(() => ({ invoiceLineId: line, amount: { amount: '1.00', currency: 'EUR' } })) };
    expect((await tenant.credit(invoice.id, {}, twice)).code).toBe('INVALID_INPUT');
  });

  test('a dry run writes nothing and takes no number', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    await tenant.pay(invoice.id);
    const line = invoice.lines[0]!.id;
    const dry = await tenant.credit(invoice.id, { [line]: '1.00' }, {}, ', dryRun: true');
    expect(await tenant.balance()).toBe('0.00');
    const real = await tenant.credit(invoice.id, { [line]: '1.00' });
    expect(real.creditNote.number).toBe(dry.creditNote.number);
  });
});

describe('fifty at once', () => {
  test('numbers have no gap and no twin, also with dry runs and refusals between', async () => {
    const busy = await World.create(gateway, { currency: 'EUR' });
    await busy.plan({ code: 'starter', month: '49' });
    const tenants: TenantOfWorld[] = [];
    for (let index = 0; index < 50; index += 1) tenants.push(await busy.tenant(december));
    await Promise.all(
      tenants.flatMap((tenant, index) => [
        tenant.start('starter'),
        ...(index % 5 === 0 ? [tenant.start('nothing'), tenant.start('starter')] : []),
      ]),
    );
    // Read one after the other: long answers to one actor take turns.
    const invoices: Awaited<ReturnType<TenantOfWorld['invoices']>> = [];
    for (const tenant of tenants) invoices.push(...(await tenant.invoices()));
    const numbers = invoices.map(({ number }) => Number(number.split('-')[1])).sort((first, second) => first - second);
    expect(numbers).toEqual(Array.from({ length: 50 }, (_none, index) => index + 1));
  });

  test('one invoice is voided once, its balance comes back once', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    await tenant.pay(invoice.id);
    const { addonSubscription } = await tenant.subscribe('seats');
    await tenant.payAll();
    await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    const { invoices } = await tenant.advance('2026-01-02T00:00:00Z');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_none, index) => tenant.void(invoices[0].id, `reason ${index}`)),
    );
    expect(answers.filter((answer) => answer.invoice?.status === 'VOID')).toHaveLength(1);
    expect(answers.filter((answer) => answer.code === 'INVOICE_NOT_OPEN')).toHaveLength(49);
    expect(await tenant.balance()).toBe('11.00');
  });

  test('a line is credited to its last cent and no further', async () => {
    const { tenant, invoice } = await tenantOn('starter');
    await tenant.pay(invoice.id);
    const line = invoice.lines[0]!.id;
    const answers = await Promise.all(Array.from({ length: 50 }, () => tenant.credit(invoice.id, { [line]: '1.00' })));
    expect(answers.filter((answer) => answer.creditNote)).toHaveLength(49); // 49 × 1.00 = 49.00
    expect(answers.filter((answer) => answer.code === 'CREDIT_EXCEEDS_LINE')).toHaveLength(1);
    expect(await tenant.balance()).toBe('49.00');
  });
});
