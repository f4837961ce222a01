import { wallClock } from '../../src/platform/clock';
import { createTextSigner } from '../../src/platform/signed-text';
import type { DemoIdentity } from '../../src/seed/identities';
import { startTestGateway, type TestGateway } from '../support/gateway';

let minutesLater = 0;
let gateway: TestGateway;
let invoice: { id: string; number: string; pdf: { path: string }; csv: { path: string } };
let note: { id: string; number: string };

const links = '{ id number pdf: download(format: PDF) { path expiresAt } csv: download(format: CSV) { path } }';
const lastOf = async (who: DemoIdentity, list: string) =>
  (await gateway.get(who, `{ ${list}(last: 1) { nodes ${links} } }`)).nodes[0];

beforeAll(async () => {
  gateway = await startTestGateway({ clock: { now: () => wallClock.now().add({ minutes: minutesLater }) } });
  const { addonSubscription } = await gateway.get(
    'tenant-admin',
    `mutation { subscribeAddon(input: { addon: "importer_distributor" }) {
      ... on SubscribeAddonDone { addonSubscription { id } } ... on Refused { code message } } }`,
  );
  await gateway.get(
    'tenant-admin',
    `mutation ($id: ID!) { cancelAddon(input: { addonSubscriptionId: $id, reason: "x", when: NOW }) { __typename } }`,
    { id: addonSubscription.id },
  );
  invoice = await lastOf('tenant-admin', 'invoices');
  note = await lastOf('tenant-admin', 'creditNotes');
});
afterAll(() => gateway.stop());

const fetchAs = async (who: DemoIdentity | null, path: string, more: Record<string, string> = {}) =>
  fetch(`${gateway.url}${path}`, {
    headers: { ...(who ? { authorization: `Bearer ${await gateway.token(who)}` } : {}), ...more },
  });
const textOf = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { errors: { message: string }[] }).errors[0]!.message,
];

test('a file with its name, for nobody else to keep or to run', async () => {
  const pdf = await fetchAs('tenant-admin', `/invoices/${invoice.id}.pdf`);
  expect(pdf.status).toBe(200);
  expect(Object.fromEntries(pdf.headers)).toMatchObject({
    'content-type': 'application/pdf',
    'content-disposition': `inline; filename="${invoice.number}.pdf"`,
    'cache-control': 'private, no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  expect(
    Buffer.from(await pdf.arrayBuffer())
      .subarray(0, 5)
      .toString(),
  ).toBe('%PDF-');
  const csv = await fetchAs('tenant-admin', `/credit-notes/${note.id}.csv`);
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(await csv.text()).toContain(`Credit note,${note.number},`);
});

test('the same document gives the same bytes, again and to everybody', async () => {
  const bytes = async (who: DemoIdentity) =>
    Buffer.from(await (await fetchAs(who, `/invoices/${invoice.id}.pdf`)).arrayBuffer());
  const first = await bytes('tenant-admin');
  expect((await bytes('tenant-admin')).equals(first)).toBe(true);
  expect((await bytes('partner-owner')).equals(first)).toBe(true);
});

test('who prints many waits for each turn of the others, and is refused beyond what may wait', async () => {
  const { prints } = gateway.app.admission;
  const foreign = await lastOf('other-partner-tenant-admin', 'invoices');
  // Somebody's document is at the printer for as long as this is held.
  const leave = await gateway.app.admission.print({
    principalId: 'x',
    account: { kind: 'PLATFORM' },
    role: 'SUPER_ADMIN',
  });
  const done: string[] = [];
  const print = async (name: string, who: DemoIdentity, id: string) => {
    const answer = await fetchAs(who, `/invoices/${id}.pdf`);
    await answer.arrayBuffer();
    done.push(name);
    return answer.status;
  };
  const many = Array.from({ length: 20 }, () => print('many', 'tenant-admin', invoice.id));
  while (prints.state().waiting < 20) await new Promise((resolve) => setTimeout(resolve, 10));
  const refused = await fetchAs('tenant-admin', `/invoices/${invoice.id}.pdf`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
  expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED', retryable: true } }] });
  // A table is no work for the printer.
  expect((await fetchAs('tenant-admin', `/invoices/${invoice.id}.csv`)).status).toBe(200);
  const one = print('one', 'other-partner-tenant-admin', foreign.id);
  while (prints.state().waiting < 21) await new Promise((resolve) => setTimeout(resolve, 10));
  leave();
  expect(new Set(await Promise.all([...many, one]))).toEqual(new Set([200]));
  expect(done.indexOf('one')).toBeLessThan(5);
  expect(prints.state()).toEqual({ busy: 0, waiting: 0 });
});

describe('who may see it', () => {
  const whoSees: readonly [DemoIdentity | null, number][] = [
    ['super-admin', 200],
    ['partner-owner', 200],
    ['partner-viewer', 200],
    ['tenant-admin', 200],
    ['tenant-member', 200],
    ['other-tenant-admin', 404], // a sibling
    ['other-partner-owner', 404],
    ['other-partner-tenant-admin', 404],
    [null, 401],
  ];
  test.each(whoSees)('%s: %s', async (who, status) => {
    for (const path of [`/invoices/${invoice.id}`, `/credit-notes/${note.id}`]) {
      for (const format of ['pdf', 'csv']) expect((await fetchAs(who, `${path}.${format}`)).status).toBe(status);
    }
  });

  test('somebody else’s looks exactly like none', async () => {
    const foreign = await lastOf('other-partner-tenant-admin', 'invoices');
    const other = await lastOf('other-tenant-admin', 'invoices');
    const nothing = `${invoice.id.slice(0, -4)}0000`;
    for (const id of [foreign.id, other.id, nothing, note.id, 'invoice_x', 'tenant_x', '..%2f..%2fetc%2fpasswd']) {
      const answer = await fetchAs('tenant-admin', `/invoices/${id}.pdf`);
      expect(await textOf(answer)).toEqual([404, 'There is nothing here.']);
    }
    const undecoded = await fetchAs('tenant-admin', '/invoices/%E0%A4%A.pdf');
    expect(await textOf(undecoded)).toEqual([400, 'The path cannot be decoded.']);
    for (const file of [`${invoice.id}.exe`, invoice.id, `${invoice.id}.pdf.csv`]) {
      expect((await fetchAs('tenant-admin', `/invoices/${file}`)).status).toBe(404);
    }
  });

  test('a token that does not hold, a key of another tenant', async () => {
    const bad = { authorization: 'Bearer tg_live_nothing' };
    expect((await fetch(`${gateway.url}/invoices/${invoice.id}.pdf`, { headers: bad })).status).toBe(401);
  });
});

describe('the link of the API', () => {
  test('needs nobody to log in, for this document and ten minutes', async () => {
    for (const { path } of [invoice.pdf, invoice.csv]) expect((await fetchAs(null, path)).status).toBe(200);
    const [, ticket] = invoice.pdf.path.split('?');
    const gone = [401, 'The link does not hold any more: ask anew.'];
    expect(await textOf(await fetchAs(null, `/credit-notes/${note.id}.pdf?${ticket}`))).toEqual(gone);
    expect(await textOf(await fetchAs(null, `${invoice.pdf.path.slice(0, -2)}xx`))).toEqual(gone);
    expect(await textOf(await fetchAs(null, `/invoices/${invoice.id}.pdf?ticket=`))).toEqual(gone);
    minutesLater = 11;
    expect(await textOf(await fetchAs(null, invoice.pdf.path))).toEqual(gone);
    minutesLater = 0;
  });

  test('a ticket of another secret, and what is signed here for something else', async () => {
    const forged = createTextSigner('another secret of the right length').sign(
      JSON.stringify(['document', invoice.id, { principalId: 'x' }, '2999-01-01T00:00:00Z']),
    );
    expect((await fetchAs(null, `/invoices/${invoice.id}.pdf?ticket=${forged}`)).status).toBe(401);
    const { quote } = await gateway.get(
      'other-tenant-admin',
      '{ prorationPreview(input: { plan: "enterprise" }) { ... on ProrationPreview { quote { token } } } }',
    );
    expect((await fetchAs(null, `/invoices/${invoice.id}.pdf?ticket=${quote.token}`)).status).toBe(401);
    // Nor is a ticket a quote.
    const ticket = new URLSearchParams(invoice.pdf.path.split('?')[1]).get('ticket')!;
    const refused = await gateway.get(
      'tenant-admin',
      `mutation ($quote: String) { changePlan(input: { plan: "pro" }, quote: $quote, idempotencyKey: "x") {
        ... on Refused { code } } }`,
      { quote: ticket },
    );
    expect(refused.code).toBe('QUOTE_INVALID');
  });

  test('acts as who asked for it: it ends with that person’s membership', async () => {
    const member = await lastOf('tenant-member', 'invoices');
    expect((await fetchAs(null, member.pdf.path)).status).toBe(200);
    const { nodes } = await gateway.get('tenant-admin', '{ members(first: 50) { nodes { userId email } } }');
    const { userId } = nodes.find(({ email }: { email: string }) => email.startsWith('tenant-member'));
    await gateway.get('tenant-admin', 'mutation ($id: ID!) { removeUser(input: { userId: $id }) { __typename } }', {
      id: userId,
    });
    expect((await fetchAs(null, member.pdf.path)).status).toBe(401);
  });
});
