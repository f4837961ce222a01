import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, type TenantOfWorld, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const december = '2025-12-01T00:00:00Z';
const the21st = '2025-12-21T00:00:00Z';
const seller = { legalName: 'Seller GmbH', address: ['1 Street', '10115 Berlin'], country: 'DE', taxId: 'DE1' };

/** A seller in Germany: 19 % on top unless a test says otherwise. */
async function taxingWorld(rates: object[] = [{ country: 'DE', percent: '19' }]): Promise<World> {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.plan({ code: 'solo', rank: 10, month: '19' });
  await world.plan({ code: 'duo', rank: 20, month: '49' });
  await world.addon('extra', '31');
  const { partnerId } = world;
  await world.act('setPartnerBillingDetails', { partnerId, ...seller }, 'party { legalName }');
  for (const rate of rates) {
    const input = { partnerId, name: 'VAT', validFrom: '2020-01-01', ...rate };
    const made = await world.act('createTaxRate', input, 'taxRate { id percent inclusive }');
    if (made.code) throw new Error(made.message);
  }
  return world;
}

const buyer = (world: World, tenant: TenantOfWorld, more: object) =>
  world.act(
    'setBillingDetails',
    { tenantId: tenant.id, legalName: 'Buyer Ltd', address: ['2 Street'], ...more },
    'party { legalName country region }',
  );

async function last(tenant: TenantOfWorld, list = 'invoices') {
  const { nodes } = await gateway.get(
    'super-admin',
    `query ($id: ID) { ${list}(tenantId: $id, last: 1) { nodes { id tax { amount } total { amount }
      taxes { rate { name percent inclusive } base { amount } amount { amount } } taxTreatment taxNote
      seller { legalName address country taxId } buyer { legalName address country }
      lines { id kind amount { amount } tax { amount { amount } rate { percent } } } } } }`,
    { id: tenant.id },
  );
  return nodes[0];
}
const summary = (document: { taxes: { base: { amount: string }; amount: { amount: string } }[] }) =>
  document.taxes.map(({ base, amount }) => `${base.amount} ${amount.amount}`);

test('on top: the lines, the TAX line, the summary and the header say the same', async () => {
  const world = await taxingWorld();
  const tenant = await world.tenant(december);
  const { invoices } = await tenant.start('duo');
  expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 49.00', 'TAX 9.31']); // 49.00 × 19 %
  expect(invoices[0]).toMatchObject({ subtotal: { amount: '49.00' }, total: { amount: '58.31' } }); // 49.00 + 9.31
  const document = await last(tenant);
  expect(summary(document)).toEqual(['49.00 9.31']);
  expect(document).toMatchObject({ tax: { amount: '9.31' }, taxTreatment: 'TAXABLE', taxNote: null });
  expect(document.lines[0].tax).toEqual({ amount: { amount: '9.31' }, rate: { percent: '19' } });
});

test('within: nothing comes on top, the document says what the price holds', async () => {
  const world = await taxingWorld([{ country: 'DE', percent: '19', inclusive: true }]);
  const tenant = await world.tenant(december);
  const { invoices } = await tenant.start('duo');
  expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 49.00']);
  const document = await last(tenant);
  expect(document).toMatchObject({ tax: { amount: '0.00' }, total: { amount: '49.00' } });
  expect(summary(document)).toEqual(['41.18 7.82']); // 49.00 × 19/119 = 7.8235; 49.00 − 7.82 = 41.18
});

test('a coupon takes first; the credit balance pays tax too', async () => {
  const world = await taxingWorld();
  await world.coupon('TENTH', { kind: 'PERCENT', percent: '10' });
  const tenant = await world.tenant(december);
  await tenant.apply('TENTH');
  const { invoices } = await tenant.start('duo');
  // 49.00 × 10 % = 4.90; 44.10 × 19 % = 8.379
  expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 49.00', 'DISCOUNT -4.90', 'TAX 8.38']);
  expect(invoices[0].total.amount).toBe('52.48'); // 49.00 − 4.90 + 8.38
});

test('the buyer’s place decides; no rate there, no tax', async () => {
  const world = await taxingWorld([
    { country: 'DE', percent: '19' },
    { country: 'US', percent: '0' },
    { country: 'US', region: 'CA', percent: '7.25', name: 'Sales tax' },
  ]);
  for (const [place, taxed] of [
    [{ country: 'DE' }, '9.31'], // 49.00 × 19 %
    [{ country: 'US', region: 'CA' }, '3.55'], // 49.00 × 7.25 % = 3.5525
    [{ country: 'US', region: 'NY' }, '0.00'],
    [{ country: 'FR' }, '0.00'],
  ] as const) {
    const tenant = await world.tenant(december);
    await buyer(world, tenant, place);
    await tenant.start('duo');
    expect((await last(tenant)).tax.amount).toBe(taxed);
  }
});

test('a category has its own rate', async () => {
  const world = await taxingWorld([
    { country: 'DE', percent: '19' },
    { country: 'DE', percent: '7', category: 'books', name: 'Reduced' },
  ]);
  const { partnerId } = world;
  await world.act('setTaxCategory', { partnerId, kind: 'ADDON', item: 'extra', category: 'books' }, 'category');
  const tenant = await world.tenant(december);
  await tenant.start('solo');
  const { invoice } = await tenant.subscribe('extra');
  expect(amountsOf(invoice)).toEqual(['PRORATION_CHARGE 31.00', 'TAX 2.17']); // 31.00 × 7 %
  const { invoices } = await tenant.advance('2026-01-01T00:00:00Z');
  // 19.00 × 19 % = 3.61; 31.00 × 7 % = 2.17
  expect(amountsOf(invoices[0])).toEqual(['PLAN_FIXED 19.00', 'ADDON_FIXED 31.00', 'TAX 3.61', 'TAX 2.17']);
});

test('a new rate holds for periods that begin on or after its day', async () => {
  const world = await taxingWorld([
    { country: 'DE', percent: '19' },
    { country: 'DE', percent: '21', validFrom: '2026-02-01' },
  ]);
  const tenant = await world.tenant(december);
  await tenant.start('duo');
  const { invoices } = await tenant.advance('2026-03-01T00:00:00Z');
  // 49.00 × 19 % = 9.31; 49.00 × 21 % = 10.29
  expect(invoices.map((each: { lines: unknown[] }) => amountsOf(each as never)[1])).toEqual([
    'TAX 9.31',
    'TAX 10.29',
    'TAX 10.29',
  ]);
});

test('reverse charge and exempt: no tax, and the document says why', async () => {
  const world = await taxingWorld();
  const tenant = await world.tenant(december);
  const note = 'Article 196 of Directive 2006/112/EC';
  const input = { tenantId: tenant.id, treatment: 'REVERSE_CHARGE' };
  expect((await world.act('setTaxTreatment', input, 'status { note }')).code).toBe('INVALID_INPUT');
  await world.act('setTaxTreatment', { ...input, note }, 'status { note }');
  await tenant.start('duo');
  expect(await last(tenant)).toMatchObject({
    total: { amount: '49.00' },
    taxes: [],
    taxTreatment: 'REVERSE_CHARGE',
    taxNote: note,
  });
});

test('a document keeps both parties as they were', async () => {
  const world = await taxingWorld();
  const tenant = await world.tenant(december);
  await buyer(world, tenant, { country: 'DE' });
  await tenant.start('duo');
  const before = await last(tenant);
  expect(before).toMatchObject({ seller, buyer: { legalName: 'Buyer Ltd', address: ['2 Street'], country: 'DE' } });
  await buyer(world, tenant, { country: 'FR', legalName: 'Buyer SA' });
  await world.act(
    'setPartnerBillingDetails',
    { partnerId: world.partnerId, ...seller, legalName: 'New' },
    'party { country }',
  );
  expect(await last(tenant)).toEqual(before);
});

describe('what is given back takes its tax along', () => {
  test('a plan change: the preview is the invoice, tax and all', async () => {
    const world = await taxingWorld();
    const tenant = await world.tenant(the21st);
    await tenant.start('solo', { startAt: december });
    await tenant.payAll();
    const preview = await tenant.preview({ plan: 'duo' });
    expect(preview).toMatchObject({ net: { amount: '10.65' }, amountDue: { amount: '12.67' } });
    const change = await tenant.change({ plan: 'duo' }, { quote: preview.quote.token });
    expect(amountsOf(change.invoice)).toEqual([
      'PRORATION_CREDIT -6.74', // 19.00 × 11/31
      'PRORATION_CHARGE 17.39', // 49.00 × 11/31
      'TAX 3.30', // 17.39 × 19 % = 3.3041
      'TAX -1.28', // 3.61 × 6.74/19.00 = 1.2806
    ]);
    expect(change.invoice.total.amount).toBe('12.67'); // −6.74 + 17.39 + 3.30 − 1.28
    const back = await tenant.change({ plan: 'solo' });
    // 17.39 come back with their 3.30; 6.74 are charged with 6.74 × 19 % = 1.28
    expect(back.creditNote.total.amount).toBe('12.67'); // 17.39 + 3.30 − 6.74 − 1.28
  });

  test('at the rate of then, after the rate has changed', async () => {
    const world = await taxingWorld([
      { country: 'DE', percent: '19' },
      { country: 'DE', percent: '21', validFrom: '2025-12-15' },
    ]);
    const tenant = await world.tenant(the21st);
    await tenant.start('duo', { startAt: december });
    await tenant.payAll();
    await tenant.change({ plan: 'solo' });
    const note = await last(tenant, 'creditNotes');
    expect(note.lines.map((each: never) => amountsOf({ lines: [each] } as never)[0])).toEqual([
      'PRORATION_CREDIT 17.39', // 49.00 × 11/31
      'PRORATION_CHARGE -6.74', // 19.00 × 11/31
      'TAX -1.42', // 6.74 × 21 % = 1.4154
      'TAX 3.30', // 9.31 × 17.39/49.00 = 3.3041
    ]);
    expect(note).toMatchObject({ total: { amount: '12.53' }, tax: { amount: '1.88' } }); // 17.39 − 6.74 − 1.42 + 3.30
  });

  test('a cancelled add-on, and a change of which no money moves', async () => {
    const world = await taxingWorld();
    const tenant = await world.tenant(the21st);
    await tenant.start('solo', { startAt: december });
    await tenant.payAll();
    const { addonSubscription, invoice } = await tenant.subscribe('extra');
    await tenant.payAll();
    expect(invoice.total.amount).toBe('13.09'); // 31.00 × 11/31 = 11.00; × 19 % = 2.09
    const { creditNote } = await tenant.cancelAddon(addonSubscription.id, { when: 'NOW' });
    expect(creditNote.total.amount).toBe('13.09');
    expect(await tenant.balance()).toBe('13.09');
    // Waived: the 6.74 and their 1.28 are now for the new plan, no more; going back nets to nothing.
    await tenant.change({ plan: 'duo', waived: true });
    expect((await tenant.change({ plan: 'solo' })).net.amount).toBe('0.00');
    const { creditNote: end } = await world.act(
      'cancelSubscription',
      { tenantId: tenant.id, when: 'NOW', reason: 'moved' },
      'creditNote { total { amount } tax { amount } }',
    );
    expect(end).toEqual({ total: { amount: '8.02' }, tax: { amount: '1.28' } }); // 6.74 + 1.28
  });

  test('credit notes by line: the tax follows, all of it is all of it', async () => {
    const world = await taxingWorld();
    const tenant = await world.tenant(december);
    await tenant.start('duo');
    await tenant.payAll();
    const document = await last(tenant);
    await tenant.pay(document.id);
    const [charge, tax] = document.lines;
    const first = await tenant.credit(document.id, { [charge.id]: '10.00' });
    expect(first.creditNote.total.amount).toBe('11.90'); // 10.00 + 9.31 × 10.00/49.00 = 1.90
    expect((await tenant.credit(document.id, { [tax.id]: '1.00' })).code).toBe('INVOICE_LINE_NOT_FOUND');
    const second = await tenant.credit(document.id, { [charge.id]: '0.03' });
    expect(second.creditNote.total.amount).toBe('0.04'); // 7.41 × 0.03/39.00 = 0.0057 → 0.01
    const rest = await tenant.credit(document.id, { [charge.id]: '38.97' });
    expect(rest.creditNote.total.amount).toBe('46.37'); // 38.97 + (9.31 − 1.90 − 0.01)
    expect(await tenant.balance()).toBe('58.31'); // 11.90 + 0.04 + 46.37
  });

  test('a void invoice: what was not paid is not credited, with its tax', async () => {
    const world = await taxingWorld();
    const tenant = await world.tenant(the21st);
    const { invoices } = await tenant.start('solo', { startAt: december });
    await tenant.void(invoices[0].id);
    const { invoice } = await tenant.change({ plan: 'duo' });
    expect(invoice.total.amount).toBe('20.69'); // 17.39 + 3.30
  });
});

describe('bad input is named', () => {
  const code = async (world: World, mutation: string, input: object) =>
    (await world.act(mutation, { partnerId: world.partnerId, ...input }, '__typename')).code;
  const fine = { country: 'DE', name: 'VAT', percent: '19', validFrom: '2021-01-01' };

  test.each([
    ['a country', { country: 'Germany' }],
    ['a country in small letters', { country: 'de' }],
    ['a region', { region: 'California' }],
    ['a category', { category: 'Books!' }],
    ['a name', { name: ' ' }],
    ['a percentage above 100', { percent: '100.01' }],
    ['a negative percentage', { percent: '-1' }],
    ['an end before its beginning', { validTo: '2021-01-01' }],
  ])('%s', async (_what, wrong) => {
    expect(await code(await taxingWorld([]), 'createTaxRate', { ...fine, ...wrong })).toBe('INVALID_INPUT');
  });

  test('a rate that is there, one that is not', async () => {
    const world = await taxingWorld([]);
    expect(await code(world, 'createTaxRate', fine)).toBeUndefined();
    expect(await code(world, 'createTaxRate', fine)).toBe('TAX_RATE_TAKEN');
    expect(await code(world, 'endTaxRate', { taxRateId: 'taxrate_x', validTo: '2030-01-01' })).toBe(
      'TAX_RATE_NOT_FOUND',
    );
  });

  test('one of fifty twins at once is made', async () => {
    const world = await taxingWorld([]);
    const codes = await Promise.all(Array.from({ length: 50 }, () => code(world, 'createTaxRate', fine)));
    expect(codes.filter((each) => each === undefined)).toHaveLength(1);
  });

  test('fifty versions of billing details at once are fifty versions', async () => {
    const world = await taxingWorld([]);
    const tenant = await world.tenant(december);
    await Promise.all(
      Array.from({ length: 50 }, (_none, index) => buyer(world, tenant, { country: 'DE', legalName: `B${index}` })),
    );
    const rows = await gateway.database.asOwner<{ version: number }>(
      `select b.version from billing_details b join tenants t on t.id = b.tenant_id
        join partners p on p.id = t.partner_id where p.code = $1 order by b.version`,
      [
        (await gateway.get('super-admin', 'query ($id: ID) { partner(id: $id) { code } }', { id: world.partnerId }))
          .code,
      ],
    );
    expect(rows.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_none, index) => index + 1));
  });
});
