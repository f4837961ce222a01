import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

interface Operand {
  readonly name: string;
  readonly source: { readonly kind: string; readonly id: string; readonly name: string } | null;
}
interface Line {
  readonly kind: string;
  readonly explanation: { readonly operands: readonly Operand[] };
}
const lines = 'lines { kind explanation { operands { name source { kind id name } } } }';

/** What each operand of these lines says that it comes from. */
const sourcesOf = (all: readonly Line[]) =>
  all.flatMap(({ kind, explanation }) =>
    explanation.operands.flatMap(({ name, source }) =>
      source ? [{ what: `${kind} ${name}: ${source.kind} ${source.name}`, id: source.id }] : [],
    ),
  );

test('what an operand comes from has a kind, a name, and an id that node looks up', async () => {
  const world = await World.create(gateway);
  const { partnerId } = world;
  await world.feature('calls');
  const usagePrices = [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount: '0.10' } }];
  const made = await world.act(
    'createPlan',
    {
      ...{ partnerId, code: 'basic', name: 'Basic', rank: 10 },
      prices: [{ interval: 'MONTH', price: { amount: '31', currency: 'USD' } }],
      features: [{ feature: 'calls', limit: '5', resetPeriod: 'MONTH', usagePrices }],
    },
    'plan { id }',
  );
  expect(made.code).toBeUndefined();
  await world.plan({ code: 'big', rank: 20, month: '62' });
  await world.addon('extra', '10');
  await world.coupon('HALF', { kind: 'PERCENT', percent: '50', duration: 'FOREVER' });
  const party = { partnerId, legalName: 'Seller', address: ['1 Street'], country: 'DE' };
  await world.act('setPartnerBillingDetails', party, 'party { country }');
  await world.act(
    'createTaxRate',
    { partnerId, country: 'DE', name: 'VAT', percent: '19', validFrom: '2020-01-01' },
    'taxRate { id }',
  );
  await world.act(
    'createLicenceProduct',
    { partnerId, code: 'seat', name: 'Seat', yearlyPrices: [{ amount: '200', currency: 'USD' }] },
    'product { id }',
  );

  const tenant = await world.tenant('2026-01-01T00:00:00Z');
  await tenant.apply('HALF');
  await tenant.start('basic');
  await tenant.subscribe('extra');
  await tenant.payAll();
  await tenant.advance('2026-01-16T00:00:00Z');
  await tenant.use('calls', 15, '2026-01-02T00:00:00Z');
  const preview = await gateway.get(
    'super-admin',
    `query ($input: PlanChangeInput!) { prorationPreview(input: $input) { ... on ProrationPreview { ${lines} } ... on Refused { code } } }`,
    { input: { tenantId: tenant.id, plan: 'big', keepRunningDiscounts: true } },
  );
  await tenant.change({ plan: 'big', keepRunningDiscounts: true });
  const first = (await tenant.invoices())[0]!;
  await tenant.credit(first.id, { [first.lines[0]!.id]: '1.00' });
  await tenant.advance('2026-02-01T00:00:00Z');
  const documents = await gateway.get(
    'super-admin',
    `query ($id: ID) { invoices(tenantId: $id, first: 50) { nodes { ${lines} } } }`,
    { id: tenant.id },
  );
  const notes = await gateway.get(
    'super-admin',
    `query ($id: ID) { creditNotes(tenantId: $id, first: 50) { nodes { ${lines} } } }`,
    { id: tenant.id },
  );
  const licence = await gateway.get(
    'super-admin',
    `query ($input: LicenceQuoteInput!) { licenceQuote(input: $input) { ... on LicenceQuote { explanation { operands { name source { kind id name } } } } ... on Refused { code message } } }`,
    { input: { tenantId: tenant.id, product: 'seat', quantity: 2 } },
  );
  const all = [
    ...sourcesOf(preview.lines),
    ...sourcesOf([...documents.nodes, ...notes.nodes].flatMap((document: { lines: Line[] }) => document.lines)),
    ...sourcesOf([{ kind: 'LICENCE', ...licence }]),
  ];
  expect(new Set(all.map(({ what }) => what))).toEqual(
    new Set([
      'PLAN_FIXED price: PLAN Basic',
      'PLAN_FIXED price: PLAN big',
      'ADDON_FIXED price: ADDON extra',
      'PRORATION_CREDIT price: PLAN Basic',
      'PRORATION_CHARGE price: PLAN big',
      'PRORATION_CHARGE price: ADDON extra',
      'OVERAGE units: PLAN Basic',
      'DISCOUNT percent: COUPON HALF',
      'DISCOUNT line1: PLAN big',
      'DISCOUNT line2: ADDON extra',
      'DISCOUNT line3: PLAN Basic', // its overage
      'TAX percent: TAX_RATE VAT',
      `CORRECTION credit: INVOICE ${first.number}`,
      'LICENCE yearly: LICENCE_PRODUCT Seat',
    ]),
  );
  const names: Record<string, string> = {
    ...{ PLAN: 'Plan', ADDON: 'Addon', COUPON: 'Coupon', TAX_RATE: 'TaxRate', INVOICE: 'Invoice' },
    LICENCE_PRODUCT: 'LicenceProduct',
  };
  for (const id of new Set(all.map((source) => source.id))) {
    const found = await gateway.get('super-admin', 'query ($id: ID!) { node(id: $id) { __typename } }', { id });
    const { what } = all.find((source) => source.id === id)!;
    expect(`${what} is ${found?.__typename}`).toBe(`${what} is ${names[what.split(': ')[1]!.split(' ')[0]!]}`);
  }
});
