import { FakeProvider } from '../../src/payments/fake/fake-provider';
import { processInbox } from '../../src/payments/process-inbox.job';
import { wallClock } from '../../src/platform/clock';
import { fakeWebhookSecret, startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant, sellingWorld } from './support';

const wanted = 10_000;
const tenants = 20;

/** The same numbers each time, from a seed. */
function randomFrom(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Place {
  readonly gateway: TestGateway;
  readonly fake: FakeProvider;
}

/** What the provider told, as signed bodies, and the state that it left here. */
const stateQuery = `
  select 'payment' as kind, p.external_id, p.status, p.amount::text, p.refunded::text from payments p
  union all select 'refund', r.external_id, r.status, r.amount::text, '' from refunds r
  union all select 'dispute', d.external_id, d.status, d.amount::text, d.reason from disputes d
  union all select 'invoice', i.number, i.status, i.amount_due::text, '' from invoices i
    where exists (select 1 from payments p where p.tenant_id = i.tenant_id)
  union all select 'collection', i.number, c.status, c.failures::text, '' from invoice_collections c
    join invoices i using (tenant_id) where i.id = c.invoice_id
      and exists (select 1 from payments p where p.tenant_id = i.tenant_id)
  union all select 'subscription', s.tenant_id::text, s.status, '', '' from subscriptions s
    where exists (select 1 from payments p where p.tenant_id = s.tenant_id)
  order by 1, 2, 3`;

let place: Place;
const seed = Number(process.env['SEED'] ?? 20_260_101);

beforeAll(async () => {
  const fake = new FakeProvider({ clock: wallClock, webhookSecrets: [fakeWebhookSecret] });
  place = { fake, gateway: await startTestGateway({ providers: [fake] }) };
});
afterAll(() => place.gateway.stop());

async function postAll(gateway: TestGateway, sent: readonly { body: string; headers: Record<string, string> }[]) {
  const statuses: number[] = [];
  let next = 0;
  const send = async () => {
    while (next < sent.length) {
      const index = next;
      next += 1;
      const response = await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', ...sent[index]! });
      await response.arrayBuffer();
      statuses[index] = response.status;
    }
  };
  await Promise.all(Array.from({ length: 8 }, send));
  return statuses;
}

test(`${wanted} events, 30 % twice, 30 % out of order, 5 % forged: the end is that of the ordered run (seed ${seed})`, async () => {
  const { gateway, fake } = place;
  const random = randomFrom(seed);
  const world = await sellingWorld(gateway);
  const payers: Payer[] = [];
  for (let index = 0; index < tenants; index += 1) {
    const paying = await payingTenant(gateway, { world });
    const payer = new Payer(paying);
    await payer.addMethod('card_action');
    await paying.tenant.start('basic');
    payers.push(payer);
  }
  await gateway.app.paymentWork.runDue();
  // Told of, but not heard here yet: every charge is confirmed, some are disputed, and decided.
  const waiting = fake.charges.map(({ chargeId }) => chargeId);
  for (const [index, chargeId] of waiting.entries()) {
    fake.confirm(chargeId);
    if (index % 2 === 0) fake.dispute(chargeId, 'opened');
    if (index % 4 === 0) fake.dispute(chargeId, index % 8 === 0 ? 'lost' : 'won');
  }
  const told = fake.events.splice(0);
  // The rest of the ten thousand: what providers repeat under other ids, and what nothing is done about.
  const bodies = Array.from({ length: wanted }, (_, index) => {
    const event = JSON.parse(told[index % told.length]!);
    if (index < told.length) return told[index]!;
    if (index % 10 === 0) return JSON.stringify({ ...event, id: `fevt_other_${index}`, type: 'balance.available' });
    return JSON.stringify({ ...event, id: `fevt_again_${index}` });
  });

  // The ordered run first; then the rows are put back to where they stood before it.
  const backup = [
    'payments',
    'refunds',
    'disputes',
    'invoices',
    'invoice_collections',
    'subscriptions',
    'tenant_entitlements',
  ];
  const snapshot = async (name: string) => {
    for (const table of backup)
      await gateway.database.asOwner(`create table backup_${name}_${table} as table ${table}`);
  };
  await snapshot('start');
  expect(
    new Set(
      await postAll(
        gateway,
        told.map((body) => fake.sign(body)),
      ),
    ),
  ).toEqual(new Set([200]));
  const ordered = await processInbox(gateway.app.system, gateway.app.providers, { workers: 2 });
  expect(ordered).toMatchObject({ parked: 0, waiting: 0 });
  const expected = await gateway.database.asOwner(stateQuery);
  expect(expected.filter((row) => row['kind'] === 'invoice').every((row) => row['status'] === 'PAID')).toBe(true);

  await gateway.database.asOwner('begin');
  await gateway.database.asOwner('delete from inbound_events');
  await gateway.database.asOwner('alter table invoices disable trigger user');
  await gateway.database.asOwner('set constraints all deferred');
  await gateway.database.asOwner('delete from disputes');
  for (const table of ['payments', 'invoice_collections', 'invoices', 'subscriptions']) {
    const columns = await gateway.database.asOwner<{ name: string }>(
      `select column_name as name from information_schema.columns where table_name = $1 and table_schema = 'public'
         and is_generated = 'NEVER'`,
      [table],
    );
    const key = table === 'invoice_collections' ? 'invoice_id' : 'id';
    const assignments = columns.map(({ name }) => `"${name}" = old."${name}"`).join(', ');
    await gateway.database.asOwner(
      `update ${table} t set ${assignments} from backup_start_${table} old where t.tenant_id = old.tenant_id and t.${key} = old.${key}`,
    );
  }
  await gateway.database.asOwner('alter table invoices enable trigger user');
  await gateway.database.asOwner('commit');
  expect(await gateway.database.asOwner(stateQuery)).not.toEqual(expected);

  const thief = new FakeProvider({ clock: wallClock, webhookSecrets: ['guessed'] });
  const sent: { body: string; headers: Record<string, string>; forged: boolean }[] = [];
  for (const [index, body] of bodies.entries()) {
    const forged = random() < 0.05;
    const forgedBody = JSON.stringify({ ...JSON.parse(body), id: `fevt_forged_${index}` });
    if (forged) sent.push({ ...thief.sign(forgedBody), forged: true });
    const genuine = { ...fake.sign(body), forged: false };
    // Out of order: up to five hundred places away.
    const place = random() < 0.3 ? Math.max(0, sent.length - Math.floor(random() * 500)) : sent.length;
    sent.splice(place, 0, genuine);
    if (random() < 0.3) sent.splice(Math.floor(random() * sent.length), 0, genuine);
  }
  // And the first ones last of all: an end before its beginning.
  const [early, late] = [sent.slice(0, 40).reverse(), sent.slice(40)];
  const mixed = [...late, ...early];
  const processing = new AbortController();
  const worker = (async () => {
    // At the same time as they come in.
    while (!processing.signal.aborted) await processInbox(gateway.app.system, gateway.app.providers, { workers: 2 });
  })();
  const statuses = await postAll(gateway, mixed);
  processing.abort();
  await worker;
  await processInbox(gateway.app.system, gateway.app.providers, { workers: 2 });
  const forgedCount = mixed.filter(({ forged }) => forged).length;
  expect(forgedCount).toBeGreaterThan(wanted * 0.04);
  expect(mixed.every(({ forged }, index) => statuses[index] === (forged ? 400 : 200))).toBe(true);
  const stored = await gateway.database.asOwner(
    `select count(*)::int as count, count(*) filter (where event_id like 'fevt_forged%')::int as forged,
       count(*) filter (where status not in ('APPLIED', 'IGNORED'))::int as open from inbound_events`,
  );
  expect(stored).toEqual([{ count: wanted, forged: 0, open: 0 }]);
  expect(await gateway.database.asOwner(stateQuery)).toEqual(expected);
}, 900_000);
