import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const paying = async (options: Parameters<typeof payingTenant>[1] = {}) => {
  const place = await payingTenant(gateway, options);
  return { ...place, payer: new Payer(place) };
};
type Place = Awaited<ReturnType<typeof paying>>;
const terms = ({ world, tenant }: Place, netDays: number | null, ofTenant = false) =>
  world.act(
    'setPaymentTerms',
    { ...(ofTenant ? { tenantId: tenant.id } : { partnerId: world.partnerId }), netDays },
    'terms { netDays source }',
  );
const invoicesOf = async ({ tenant }: Place) =>
  (
    await gateway.get(
      'super-admin',
      'query ($id: ID) { invoices(tenantId: $id, first: 50) { nodes { id status issuedAt dueDate overdue payments { status createdAt } } } }',
      { id: tenant.id },
    )
  ).nodes;

test('without terms an invoice is due when it is issued', async () => {
  const place = await paying();
  await place.tenant.start('basic');
  expect(await invoicesOf(place)).toMatchObject([
    { issuedAt: '2026-01-01T00:00:00.000Z', dueDate: '2026-01-01T00:00:00.000Z', overdue: false },
  ]);
  await place.tenant.advance('2026-01-01T00:00:01Z');
  expect(await invoicesOf(place)).toMatchObject([{ status: 'FINALIZED', overdue: true }]);
});

test("a partner's terms, a tenant's own, and none again: what is issued keeps its date", async () => {
  const place = await paying();
  expect(await terms(place, 14)).toEqual({ terms: { netDays: 14, source: 'PARTNER' } });
  await place.tenant.start('basic');
  expect(await terms(place, 30, true)).toEqual({ terms: { netDays: 30, source: 'TENANT' } });
  await place.tenant.advance('2026-02-02T00:00:00Z');
  expect(await terms(place, null, true)).toEqual({ terms: { netDays: 14, source: 'PARTNER' } });
  expect(await terms(place, null)).toEqual({ terms: { netDays: 0, source: 'DEFAULT' } });
  await place.tenant.advance('2026-03-02T00:00:00Z');
  expect(await invoicesOf(place)).toMatchObject([
    // 1 January + 14 days, 1 February + 30 days, 1 March + 0.
    { dueDate: '2026-01-15T00:00:00.000Z', overdue: true },
    { dueDate: '2026-03-03T00:00:00.000Z', overdue: false },
    { dueDate: '2026-03-01T00:00:00.000Z', overdue: true },
  ]);
});

test('calendar days of the billing zone: the clocks may change in between', async () => {
  const world = await sellingWorld(gateway);
  const tenant = await world.tenant('2026-03-01T05:00:00Z', { timeZone: 'America/New_York' });
  const place = { ...(await paying({ world })), tenant };
  await terms(place, 14);
  await tenant.start('basic');
  // 1 March 00:00 EST + 14 days = 15 March 00:00 EDT.
  expect(await invoicesOf(place)).toMatchObject([{ dueDate: '2026-03-15T04:00:00.000Z' }]);
});

test('with terms a card is charged on the due date; the tenant may pay before', async () => {
  const place = await paying();
  const { payer, tenant } = place;
  await terms(place, 10);
  await payer.addMethod();
  await tenant.start('basic');
  await tenant.advance('2026-01-10T23:59:59Z');
  expect(await invoicesOf(place)).toMatchObject([{ status: 'FINALIZED', overdue: false, payments: [] }]);
  await tenant.advance('2026-01-11T00:00:00Z');
  expect(await invoicesOf(place)).toMatchObject([
    { status: 'PAID', payments: [{ status: 'SUCCEEDED', createdAt: '2026-01-11T00:00:00.000Z' }] },
  ]);
  await tenant.advance('2026-02-02T00:00:00Z');
  const [, second] = await invoicesOf(place);
  expect(second).toMatchObject({ status: 'FINALIZED', payments: [] });
  expect(await payer.pay(second.id)).toMatchObject({ payment: { status: 'SUCCEEDED' }, invoice: { status: 'PAID' } });
  await tenant.advance('2026-02-20T00:00:00Z');
  expect((await invoicesOf(place))[1].payments).toHaveLength(1);
});

test('a card that is given later charges what is due, and the rest on its day', async () => {
  const place = await paying();
  await place.tenant.start('basic');
  await place.tenant.advance('2026-01-31T00:00:00Z');
  await terms(place, 10);
  await place.tenant.advance('2026-02-05T00:00:00Z');
  await place.payer.addMethod();
  await place.tenant.advance('2026-02-10T00:00:00Z');
  const days = async () =>
    (await invoicesOf(place)).map(({ payments }: { payments: { createdAt: string }[] }) =>
      payments.map(({ createdAt }) => createdAt.slice(0, 10)),
    );
  expect(await days()).toEqual([['2026-02-05'], []]);
  await place.tenant.advance('2026-02-12T00:00:00Z');
  expect(await days()).toEqual([['2026-02-05'], ['2026-02-11']]);
});

test('terms are whole days, the partner says them, and they are told', async () => {
  const place = await paying();
  for (const days of [-1, 366]) expect(await terms(place, days)).toMatchObject({ code: 'INVALID_INPUT' });
  const fifty = await Promise.all(Array.from({ length: 50 }, (_, day) => terms(place, day, true)));
  expect(fifty.every((answer) => answer.terms?.source === 'TENANT')).toBe(true);
  const read = await gateway.get(
    'super-admin',
    'query ($id: ID) { tenant(id: $id) { paymentTerms { netDays source } } }',
    {
      id: place.tenant.id,
    },
  );
  expect(read.paymentTerms.source).toBe('TENANT');
  expect((await place.payer.events('payment_terms')).length).toBe(50);
});

test('an issued invoice keeps its due date, whoever asks', async () => {
  const place = await paying();
  await place.tenant.start('basic');
  await expect(
    gateway.database.asOwner("update invoices set due_at = due_at + interval '1 day' where tenant_id = $1", [
      place.uuid,
    ]),
  ).rejects.toMatchObject({ code: 'TG001' });
});

test('the papers say when it is due', async () => {
  const place = await paying();
  await terms(place, 14);
  await place.tenant.start('basic');
  const [{ id }] = await invoicesOf(place);
  const link = await gateway.get(
    'super-admin',
    'query ($id: ID!) { invoice(id: $id) { download(format: CSV) { path } } }',
    { id },
  );
  const text = await (await fetch(`${gateway.url}${link.download.path}`)).text();
  expect(text.split('\r\n')[0]!.endsWith(',due')).toBe(true);
  expect(text.split('\r\n')[1]!.endsWith(',2026-01-15')).toBe(true);
});
