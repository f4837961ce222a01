import { runChecks } from '../../src/billing/run-checks.job';
import { check } from '../../src/cli/check';
import { readConfig } from '../../src/config';
import { decodeId, encodeId } from '../../src/core/ids';
import { Payer } from '../payments/support';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { TenantOfWorld, World } from '../support/world';
import { openSystem, run, type SettableClock, settableClock } from './support/runs';

let gateway: TestGateway;
let clock: SettableClock;
const sql = (text: string, values?: unknown[]) => gateway.database.asOwner<Record<string, string>>(text, values);

/** A world with one of everything that the checks look at. */
beforeAll(async () => {
  const now = new Date();
  const start = new Date(now.getTime() - 75 * 86_400_000).toISOString();
  clock = settableClock(start);
  gateway = await startTestGateway({ clock });
  const world = await World.create(gateway);
  const { partnerId } = world;
  const party = { legalName: 'Seller', address: ['1 Street'], country: 'DE' };
  await world.act('setPartnerBillingDetails', { partnerId, ...party }, 'party { country }');
  const rate = { partnerId, country: 'DE', name: 'VAT', percent: '19', validFrom: '2020-01-01' };
  await world.act('createTaxRate', rate, 'taxRate { id }');
  await world.feature('calls');
  await world.feature('people');
  await world.act(
    'createMeter',
    { partnerId, feature: 'people', aggregation: 'UNIQUE_COUNT', uniqueProperty: 'who' },
    'meter { id }',
  );
  const overage = [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount: '0.50' } }];
  const features = [
    { feature: 'calls', limit: '10', resetPeriod: 'MONTH', usagePrices: overage },
    { feature: 'people', limit: '100', resetPeriod: 'MONTH' },
  ];
  await world.plan({ code: 'basic', month: '20.00', features });
  await world.plan({ code: 'big', month: '50.00', year: '500.00', rank: 20, features });
  await world.addon('extra', '5.00');
  await world.addon('more', '3.00', { requires: ['extra'] });
  await world.coupon('TWICE', { kind: 'PERCENT', percent: '10', duration: 'REPEATING', durationPeriods: 2 });
  await world.coupon('FEW', { kind: 'PERCENT', percent: '10', maxRedemptions: 2 });
  const tenantOf = (uuid: string) => new TenantOfWorld(gateway, world, encodeId('Tenant', uuid));
  const byName = async (name: string) => {
    const [row] = await sql(`select id from tenants where name = '${name}'`);
    return row!.id!;
  };
  for (const name of ['Able', 'Baker', 'Charlie', 'Delta']) {
    const tenant = await world.liveTenant({ name });
    await tenant.start(name === 'Baker' ? 'big' : 'basic');
    await tenant.subscribe('extra');
    await tenant.payAll();
    if (name === 'Able') await tenant.apply('TWICE');
    if (name === 'Charlie') await tenant.apply('FEW');
    if (name === 'Able') {
      await tenant.subscribe('more');
      const time = clock.now().toString();
      await tenant.use('calls', 14, time);
      for (const who of ['ann', 'ben']) await tenant.use('people', 1, time, { data: { who } });
      await world.act(
        'grantEntitlement',
        { tenantId: tenant.id, feature: 'calls', limit: '1', resetPeriod: 'MONTH', reason: 'a gift' },
        'grant { id }',
      );
    }
  }
  const pays = async (name: string, token: string) => {
    // The fake provider has no money of its own: it charges sandboxes.
    const tenant = await world.tenant(new Date(now.getTime() - 3 * 86_400_000).toISOString());
    const { uuid } = decodeId(tenant.id)!;
    await sql('update tenants set name = $2 where id = $1', [uuid, name]);
    await new Payer({ world, gateway, tenant, uuid }).addMethod(token);
    await tenant.start('basic');
    await gateway.app.paymentWork.runDue({ tenantId: uuid });
  };
  await pays('Echo', 'card_ok');
  await pays('Foxtrot', 'card_no_funds');
  const trial = { days: 700, seats: 3 };
  const yearlyPrices = [{ amount: '100', currency: 'USD' }];
  const product = { partnerId, code: 'desk', name: 'Desk', yearlyPrices, trial };
  await world.act('createLicenceProduct', product, 'product { id }');
  const tenantId = encodeId('Tenant', await byName('Delta'));
  expect((await world.act('startLicenceTrial', { tenantId, product: 'desk' }, 'licence { seats }')).licence.seats).toBe(
    '3',
  );
  clock.set(new Date(now.getTime() - 40 * 86_400_000).toISOString());
  await run(gateway.database, clock);
  const change = async (name: string, plan: object) =>
    world.act(
      'changePlan',
      { tenantId: encodeId('Tenant', await byName(name)), ...plan },
      'net { amount } creditNote { number }',
      `, idempotencyKey: "${name}"`,
    );
  for (const name of ['Baker', 'Delta']) await tenantOf(await byName(name)).payAll();
  // A downgrade leaves a credit; a change to a year begins a period of its own.
  expect((await change('Baker', { plan: 'basic' })).creditNote).not.toBeNull();
  expect((await change('Delta', { plan: 'big', interval: 'YEAR' })).code).toBeUndefined();
  clock.set(now.toISOString());
  await run(gateway.database, clock);
});
afterAll(() => gateway.stop());

const checkNames = async () => (await sql('select app.list_checks() as name')).map(({ name }) => name!);

async function findings(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const name of await checkNames()) {
    await sql('select app.run_check($1)', [name]);
    const rows = await sql(`select subject, detail from ${name}`);
    if (rows.length > 0) found[name] = rows.map(({ subject, detail }) => `${subject}: ${detail}`);
  }
  return found;
}

const of = (name: string) => `(select id from tenants where name = '${name}')`;
const asIfNobodyGuarded = "set local session_replication_role = 'replica';";

/** The view, the damage, and what must be said of it. */
const damages: [view: string, damage: string, said: RegExp][] = [
  [
    'check_double_period',
    `drop index invoices_one_per_period;
     insert into invoices select (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(), 'number', 'X-9'))).*
       from invoices i where i.tenant_id = ${of('Able')} and kind = 'PERIOD' order by period_start limit 1`,
    /overlaps that of/,
  ],
  [
    'check_double_period',
    `insert into invoices select (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(), 'number', 'X-9',
         'period_start', i.period_start + interval '3 days'))).*
       from invoices i where i.tenant_id = ${of('Able')} and kind = 'PERIOD' order by period_start limit 1`,
    /invoice X-9: its period overlaps/,
  ],
  [
    'check_missing_period',
    `delete from invoices where tenant_id = ${of('Able')} and kind = 'PERIOD' and period_start = (
       select period_start from invoices where tenant_id = ${of('Able')} and kind = 'PERIOD' order by 1 offset 1 limit 1)`,
    /nothing bills/,
  ],
  [
    'check_missing_period',
    `delete from invoices i using subscriptions s where s.tenant_id = ${of('Able')} and i.tenant_id = s.tenant_id
        and i.kind = 'PERIOD' and i.period_start = s.period_start`,
    /no invoice for the period that it is in/,
  ],
  [
    'check_overdue',
    `update subscriptions set period_end = now() - interval '2 days' where tenant_id = ${of('Able')}`,
    /is not billed/,
  ],
  [
    'check_header_lines',
    `update invoice_lines set amount = amount + 1 where tenant_id = ${of('Able')}`,
    /its lines make/,
  ],
  [
    'check_header_lines',
    `delete from credit_note_lines where tenant_id = ${of('Baker')}`,
    /credit note .*its lines make 0/,
  ],
  [
    'check_explanations',
    `update invoice_lines set amount = 7 where tenant_id = ${of('Able')}`,
    /amount is 7, its explanation/,
  ],
  ['check_accounts', `update item_charges set amount = 7 where tenant_id = ${of('Able')}`, /account of its item has 7/],
  ['check_number_gaps', 'update invoice_numbers set next_invoice = next_invoice + 1', /invoices: \d+ numbers taken/],
  [
    'check_number_gaps',
    `update invoices set number = 'X-000001' where tenant_id = ${of('Baker')} and id = (
       select id from invoices where tenant_id = ${of('Baker')} order by id desc limit 1)`,
    /different numbers|highest/,
  ],
  [
    'check_credit_overrun',
    `update credit_note_lines set amount = 100000 where tenant_id = ${of('Baker')} and invoice_line_id is not null`,
    /charged \d+, credited 100000/,
  ],
  [
    'check_credit_overrun',
    `insert into item_charges select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'kind', 'CREDIT',
         'amount', -99999, 'invoice_line_id', null))).* from item_charges c where tenant_id = ${of('Able')} limit 1`,
    /stands at -/,
  ],
  [
    'check_credit_overrun',
    `insert into item_charges select (jsonb_populate_record(null::item_charges, to_jsonb(c) || jsonb_build_object('id', gen_random_uuid(), 'invoice_line_id', null) || x)).*
       from (select * from item_charges where tenant_id = ${of('Able')} and origin_line_id is not null limit 1) c
       cross join (values ('{"kind":"CREDIT","amount":-99999}'::jsonb),
         ('{"kind":"CHARGE","amount":99999,"origin_line_id":null}')) v (x)`,
    /^invoice line .* its money stands at -/,
  ],
  ['check_coupon_overrun', `update partner_coupons set reserved_count = 0 where code = 'FEW'`, /0 reserved, 1 in use/],
  [
    'check_coupon_dues',
    `update coupon_discounts set amount = amount + 3 where tenant_id = ${of('Able')}`,
    /gave \d+ on \d+\.00, due is 10/,
  ],
  [
    'check_coupon_dues',
    `update coupon_discounts set counts = false where tenant_id = ${of('Able')}`,
    /in period 1 that it was not counted in/,
  ],
  [
    'check_coupon_dues',
    `insert into coupon_discounts select (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(), 'period_number', 3))).*
       from coupon_discounts d where tenant_id = ${of('Able')} limit 1`,
    /gave in 3 periods, at most 2/,
  ],
  [
    'check_coupon_dues',
    `insert into coupon_amounts select partner_id, id, 'DISCOUNT', 'USD', 100 from partner_coupons where code = 'TWICE';
     update partner_coupons set kind = 'FIXED', percent = null where code = 'TWICE'`,
    /due is 100/,
  ],
  [
    'check_coupon_overrun',
    `delete from coupon_redemptions where tenant_id = ${of('Able')}`,
    /2 periods applied, 0 of them returned, 0 redemptions/,
  ],
  [
    'check_coupon_overrun',
    `insert into coupon_redemptions select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),
         'period_number', 3))).* from coupon_redemptions r where tenant_id = ${of('Able')} limit 1;
     update tenant_pending_coupons set periods_applied = 3 where tenant_id = ${of('Able')}`,
    /3 redemptions, at most 2/,
  ],
  [
    'check_amounts_due',
    `${asIfNobodyGuarded} update invoices set status = 'FINALIZED', paid_at = null where tenant_id = ${of('Charlie')}`,
    /is finalized, and nothing is due of it/,
  ],
  [
    'check_amounts_due',
    `${asIfNobodyGuarded}
     update invoices set credited = 1, paid = amount_due - 1 where tenant_id = ${of('Charlie')} and status = 'PAID'`,
    /credited 1, its credit notes say 0/,
  ],
  [
    'check_amounts_due',
    `${asIfNobodyGuarded} update item_charges set amount = -amount where tenant_id = ${of('Charlie')} and kind = 'CHARGE'`,
    /more was credited and given back of it than it charged/,
  ],
  [
    'check_balances',
    `update credit_balances set balance = balance + 1 where tenant_id = ${of('Baker')}`,
    /balance \d+ USD, movements/,
  ],
  [
    'check_balances',
    `update credit_balance_entries set balance_after = balance_after + 1 where tenant_id = ${of('Baker')}`,
    /the movements up to it make/,
  ],
  [
    'check_foreign_rows',
    `update outbox_events set partner_id = (select id from partners where code = 'acme') where tenant_id = ${of('Able')}`,
    /table outbox_events: \d+ rows of tenants of another partner/,
  ],
  [
    'check_stuck_work',
    `insert into billing_work (tenant_id, partner_id, due_at, bill_until, created_at)
       select id, partner_id, now(), now(), now() - interval '2 hours' from tenants where name = 'Able'`,
    /waits for a billing run since/,
  ],
  [
    'check_events',
    `update outbox_events set recorded_at = now() - interval '2 hours'`,
    /\d+ events wait for a number, the first since/,
  ],
  [
    'check_events',
    `insert into partner_event_numbers select id, 3 from partners where code = 'acme';
     insert into partner_events (partner_id, sequence, id, sandbox, type, version, data, occurred_at, numbered_at)
       select id, number, gen_random_uuid(), false, 'plan.created', 1, '{}', now(), now()
         from partners, unnest(array[1, 3]) number where code = 'acme'`,
    /2 events from 1 to 3, counted to 3/,
  ],
  [
    'check_items',
    `update subscription_items set ended_at = now() where tenant_id = ${of('Able')}`,
    /0 plan phases at once/,
  ],
  ['check_guards', 'alter table invoices disable row level security', /table invoices: row-level security is off/],
  [
    'check_guards',
    'create table notes (tenant_id uuid); alter table notes enable row level security',
    /notes: has no policy/,
  ],
  ['check_guards', 'alter table invoice_lines disable trigger append_only', /invoice_lines: its rows can be changed/],
  ['check_guards', 'drop trigger append_only on credit_notes', /credit_notes: its rows can be changed/],
  ['check_guards', 'drop index invoices_one_per_period', /invoices_one_per_period: is missing/],
  [
    'check_changed_documents',
    `update invoices set issued_at = now() where tenant_id = ${of('Able')}`,
    /is not what it was/,
  ],
  [
    'check_changed_documents',
    `update invoice_lines set description = 'x' where tenant_id = ${of('Able')}`,
    /is not what it was/,
  ],
  ['check_changed_documents', `update credit_notes set reason = 'CORRECTION'`, /credit note .* is not what it was/],
  ['check_changed_documents', `delete from invoices where tenant_id = ${of('Able')}`, /was sealed .* and is gone/],
  [
    'check_paid_twice',
    `insert into payments select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid()))).*
       from payments p where tenant_id = ${of('Echo')} and status = 'SUCCEEDED'`,
    /4760 came for it and was kept, 2380 of it is paid/,
  ],
  [
    'check_paid_twice',
    `update invoices set status = 'FINALIZED', paid = 0, paid_at = null where tenant_id = ${of('Echo')} and paid > 0`,
    /2380 came for it and was kept, 0 of it is paid/,
  ],
  [
    'check_paid_without_money',
    `update payments set status = 'DECLINED' where tenant_id = ${of('Echo')}`,
    /2380 of it is paid, 0 came/,
  ],
  [
    'check_paid_without_money',
    `update invoices set payment_reference = null where tenant_id = ${of('Baker')}`,
    /nobody said that it was paid outside/,
  ],
  [
    'check_paid_without_money',
    `delete from credit_balance_entries where tenant_id = ${of('Baker')} and kind = 'APPLIED';
     update invoices set payment_reference = null where tenant_id = ${of('Baker')}`,
    /of it is paid, 0 came/,
  ],
  [
    'check_returned_money',
    `update invoices set status = 'VOID', voided_at = now(), void_reason = 'x', paid_at = null where tenant_id = ${of('Echo')}`,
    /is void, 2380 of it was paid, and 0 went back/,
  ],
  [
    'check_payments',
    `update payments set amount = amount + 1 where tenant_id = ${of('Echo')}`,
    /is of 2381 USD, its invoice .* asks for 2380 USD/,
  ],
  [
    'check_payments',
    `update payments set currency = 'EUR' where tenant_id = ${of('Foxtrot')}`,
    /is of 2380 EUR, its invoice/,
  ],
  [
    'check_payments',
    `delete from invoice_collections where tenant_id = ${of('Echo')}`,
    /is of an invoice that nobody collects/,
  ],
  [
    'check_payments',
    `update payments set refunded = 5 where tenant_id = ${of('Echo')}`,
    /gave 5 back, its refunds make 0/,
  ],
  [
    'check_settlements',
    `delete from credit_balance_entries where tenant_id = ${of('Baker')} and kind = 'CREDIT_NOTE'`,
    /is of \d+ to credit balance: 0 went into the balance/,
  ],
  [
    'check_money_out',
    `update credit_balances set balance = 900000 where tenant_id = ${of('Echo')}`,
    /came, 90\d+ went back or lies in the balance/,
  ],
  [
    'check_money_back',
    `with refund as (
       insert into refunds (tenant_id, id, partner_id, payment_id, reason, amount, currency, status, created_at, settled_at)
       select tenant_id, gen_random_uuid(), partner_id, id, 'REQUESTED', 500, currency, 'FAILED', now(), now()
         from payments where tenant_id = ${of('Echo')} limit 1 returning *)
     insert into item_charges (tenant_id, id, partner_id, subscription_id, item_id, period_start, period_end, kind, amount, currency,
         share_remaining, share_total, created_at, refund_id)
       select c.tenant_id, gen_random_uuid(), c.partner_id, c.subscription_id, c.item_id, c.period_start, c.period_end, 'REFUNDED', -500,
              c.currency, 1, 1, now(), r.id
         from refund r join item_charges c on c.tenant_id = r.tenant_id and c.kind = 'CHARGE' limit 1`,
    /is failed and gives 500 back, and 500 was taken for it/,
  ],
  [
    'check_carried_payments',
    `insert into payments (tenant_id, id, partner_id, invoice_id, payment_method_id, provider, amount, currency, status, created_at,
                           first_asked_at, settled_at, carried_by)
       select tenant_id, gen_random_uuid(), partner_id, invoice_id, payment_method_id, provider, 1, currency, 'DECLINED', now(), now(),
              now(), id
         from payments where tenant_id = ${of('Echo')} limit 1`,
    /is declined of USD, the one that carries it succeeded of USD/,
  ],
  [
    'check_carried_payments',
    `insert into payments (tenant_id, id, partner_id, invoice_id, payment_method_id, provider, amount, currency, status, created_at,
                           first_asked_at, settled_at, carried_by)
       select tenant_id, gen_random_uuid(), partner_id, invoice_id, payment_method_id, provider, 1, currency, status, now(), now(),
              now(), id
         from payments where tenant_id = ${of('Echo')} limit 1`,
    /is carried by a payment that is no charge of its own/,
  ],
  [
    'check_disputes',
    `update payments set disputed = 7 where tenant_id = ${of('Echo')}`,
    /lost 7 to disputes, they say 0/,
  ],
  [
    'check_disputes',
    `insert into disputes (tenant_id, id, partner_id, payment_id, external_id, status, reason, amount, taken, currency, opened_at, closed_at)
       select tenant_id, gen_random_uuid(), partner_id, id, 'dp', 'WON', 'general', 5, 5, currency, now(), now()
         from payments where tenant_id = ${of('Echo')} limit 1`,
    /is won and has taken 5/,
  ],
  [
    'check_currencies',
    `update invoice_lines set currency = 'EUR' where tenant_id = ${of('Able')}`,
    /is in EUR, its invoice .* in USD/,
  ],
  [
    'check_currencies',
    `insert into item_charges select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'currency', 'EUR'))).*
       from item_charges c where tenant_id = ${of('Able')} limit 1`,
    /account of item .* holds EUR and other currencies/,
  ],
  [
    'check_taxes',
    `delete from invoice_lines where tenant_id = ${of('Echo')} and kind = 'TAX'`,
    /its tax is 380, its lines make 0/,
  ],
  [
    'check_taxes',
    `update invoices set taxes = '[]' where tenant_id = ${of('Echo')}`,
    /its tax is 380, its rates make 0/,
  ],
  [
    'check_taxes',
    `update invoices set taxes = jsonb_set(taxes, '{0,rate,percent}', '{"$decimal": "7"}') where tenant_id = ${of('Echo')}`,
    /its tax is 380, 7 % of 2000 is another amount/,
  ],
  [
    'check_collections',
    `update invoice_collections set status = 'STOPPED', ended_at = now(), due_at = null where tenant_id = ${of('Foxtrot')}`,
    /asks for money, and nobody collects it/,
  ],
  [
    'check_collections',
    `update invoice_collections set status = 'OPEN', ended_at = null where tenant_id = ${of('Echo')}`,
    /is paid, its collection is open/,
  ],
  [
    'check_standing',
    `update subscriptions set status = 'ACTIVE', access_until = null where tenant_id = ${of('Foxtrot')}`,
    /is active, by its payments it is (past_due|unpaid)/,
  ],
  [
    'check_standing',
    `update subscriptions set status = 'UNPAID' where tenant_id = ${of('Echo')}`,
    /is unpaid, by its payments it is active/,
  ],
  [
    'check_entitlement_sources',
    `update tenant_entitlements set source_id = gen_random_uuid() where tenant_id = ${of('Able')} and source_kind = 'PLAN'`,
    /gives (calls|people), and its plan does not/,
  ],
  [
    'check_entitlement_sources',
    `update tenant_entitlements set limit_quantity = 99 where tenant_id = ${of('Able')} and source_kind = 'GRANT'`,
    /gives calls, and its grant does not/,
  ],
  [
    'check_entitlement_sources',
    `update subscriptions set access_until = now() + interval '1 day' where tenant_id = ${of('Echo')}`,
    /gives calls, and its plan does not/,
  ],
  [
    'check_missing_entitlements',
    `delete from tenant_entitlements where tenant_id = ${of('Able')} and source_kind = 'GRANT'`,
    /its grant .* gives calls, and it has no such entitlement/,
  ],
  [
    'check_missing_entitlements',
    `update tenant_entitlements set ends_at = now() - interval '1 hour' where tenant_id = ${of('Charlie')}`,
    /its plan .* gives (calls|people)/,
  ],
  [
    'check_rollups',
    `update usage_rollups set quantity = quantity + 1 where tenant_id = ${of('Able')} and grain = 'DAY'`,
    /its events make 14\S* in 1, the rollup says 15/,
  ],
  [
    'check_rollups',
    `update usage_rollups set quantity = quantity + 1 where tenant_id = ${of('Able')} and grain = 'QUARTER'`,
    /its quarters make 15\S*, the day says 14/,
  ],
  [
    'check_rollups',
    `delete from usage_uniques where tenant_id = ${of('Able')} and value = 'ann'`,
    /its events tell 2 values apart, the rollup 1/,
  ],
  [
    'check_rollups',
    `delete from usage_events where tenant_id = ${of('Able')}`,
    /its events make 0 in 0, the rollup says/,
  ],
  ['check_usage_events', `delete from usage_events where tenant_id = ${of('Able')}`, /was taken and is gone/],
  ['check_usage_events', `delete from usage_event_keys where tenant_id = ${of('Able')}`, /has no key/],
  [
    'check_billed_usage',
    `update billed_usage_charges set amount = amount + 7 where tenant_id = ${of('Able')} and amount > 0`,
    /charges \d+ for usage, \d+ is kept as billed/,
  ],
  [
    'check_billed_usage',
    `update billed_usage_charges set returned = true where tenant_id = ${of('Able')}`,
    /is (paid|finalized), and usage that it charged is to be billed again/,
  ],
  [
    'check_lost_events',
    `delete from outbox_events where tenant_id = ${of('Able')} and type = 'invoice.finalized'`,
    /\d+ times invoice.finalized, told 0 times/,
  ],
  [
    'check_lost_events',
    `delete from outbox_events where tenant_id = ${of('Foxtrot')} and type = 'payment.created'`,
    /\d+ times payment.created, told 0 times/,
  ],
  [
    'check_lost_events',
    `insert into webhook_endpoints (partner_id, id, url, event_types, created_at)
       select id, gen_random_uuid(), 'https://example.com', '{}', now() - interval '2 days' from partners where code = 'acme';
     insert into partner_events (partner_id, sequence, id, sandbox, type, version, data, occurred_at, numbered_at)
       select id, 1, gen_random_uuid(), false, 'plan.created', 1, '{}', now(), now() from partners where code = 'acme'`,
    /webhook endpoint .*: 1 events never went on their way to it, the first is 1/,
  ],
  [
    'check_redemptions',
    `delete from coupon_redemptions where tenant_id = ${of('Able')}`,
    /takes \d+ off with a coupon, redeemed is 0/,
  ],
  [
    'check_redemptions',
    `delete from invoice_lines where tenant_id = ${of('Able')} and kind = 'DISCOUNT'`,
    /takes 0 off with a coupon, redeemed is \d+/,
  ],
  [
    'check_redemptions',
    `insert into tenant_pending_coupons select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid()))).*
       from tenant_pending_coupons p where tenant_id = ${of('Able')}`,
    /coupon TWICE: tenant .* has it 2 times, at most 1/,
  ],
  [
    'check_attachments',
    `insert into partner_tenant_addon_subscriptions
       select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'started_at', a.started_at + interval '1 day',
         'ended_at', a.started_at + interval '2 days'))).*
       from partner_tenant_addon_subscriptions a where tenant_id = ${of('Able')}`,
    /the one before it lasts until/,
  ],
  [
    'check_attachments',
    `update subscriptions set status = 'CANCELLED' where tenant_id = ${of('Able')}`,
    /goes on, and its subscription has ended/,
  ],
  [
    'check_attachments',
    `update partner_tenant_addon_subscriptions set ended_at = now() where tenant_id = ${of('Able')} and unit_amount = 500`,
    /goes on without the add-on that it requires, extra/,
  ],
  [
    'check_phases',
    `update subscription_items set ended_at = ended_at - interval '1 day' where tenant_id = ${of('Baker')} and ended_at is not null`,
    /a plan phase begins .*, the one before it ends/,
  ],
  [
    'check_phases',
    `insert into scheduled_plan_changes (tenant_id, id, partner_id, subscription_id, effective_at, plan_id, plan_version_id,
         plan_price_id, quantity, options, status, created_at)
       select i.tenant_id, gen_random_uuid(), i.partner_id, i.subscription_id, now(), i.plan_id, i.plan_version_id, i.plan_price_id, 1,
         '{}', 'PENDING', now() from subscription_items i where tenant_id = ${of('Charlie')};
     update subscriptions set status = 'CANCELLED' where tenant_id = ${of('Charlie')}`,
    /has ended, and a plan change waits for/,
  ],
  [
    'check_phases',
    `update metering_spans set ends_at = null where tenant_id = ${of('Delta')}`,
    /counts usage in two spans from/,
  ],
  [
    'check_seats',
    `update licences set assigned = 2 where tenant_id = ${of('Delta')}`,
    /2 seats assigned, 0 people have one/,
  ],
  [
    'check_seats',
    `update licences set trial = false where tenant_id = ${of('Delta')}`,
    /3 seats, 0 were bought and not given back/,
  ],
  [
    'check_seats',
    `update licences set assigned = 4 where tenant_id = ${of('Delta')}`,
    /4 of 3 seats are assigned, and none was given back/,
  ],
];

test('nothing is found where nothing is wrong, whatever happened', async () => {
  expect(await findings()).toEqual({});
});

test.each(damages)('%s finds: %s', async (view, damage, said) => {
  await sql('begin');
  try {
    await sql(`select app.run_check('check_changed_documents')`);
    await sql(asIfNobodyGuarded);
    for (const statement of damage.split(';\n')) await sql(statement);
    const rows = await sql(`select subject, detail from ${view}`);
    expect(rows.map(({ subject, detail }) => `${subject}: ${detail}`)).toContainEqual(expect.stringMatching(said));
    const [kept] = await sql('select findings from app.run_check($1)', [view]);
    expect(Number(kept!.findings)).toBe(rows.length);
  } finally {
    await sql('rollback');
  }
});

test(`each check is proven by a damage, ${damages.length} of them`, async () => {
  expect([...new Set(damages.map(([view]) => view))].sort()).toEqual(await checkNames());
});

test('the command line prints a table and fails where something is found; health says so without looking again', async () => {
  const tollgateCheck = async () => {
    const printed: string[] = [];
    const quiet = { line: () => undefined, bar: () => ({ advance: () => undefined, end: () => undefined }) };
    const config = readConfig({ DATABASE_URL: gateway.database.ownerUrl, LOG_LEVEL: 'silent' });
    return { code: await check(config, quiet, (text) => void printed.push(text)), text: printed.join('') };
  };
  const health = async (path: string) => {
    const response = await fetch(`${gateway.url}${path}`);
    return { code: response.status, ...((await response.json()) as object) };
  };
  await sql('delete from check_results');
  expect(await health('/health')).toEqual({ code: 200, status: 'unchecked', findings: [] });
  const good = await tollgateCheck();
  expect(good).toMatchObject({
    code: 0,
    text: expect.stringMatching(/check_double_period +nothing\n[\s\S]*Everything holds\./),
  });
  expect(await health('/health')).toMatchObject({ code: 200, status: 'ok', findings: [] });
  expect(await health('/health/ready')).toEqual({ code: 200, status: 'ready', checks: 'ok' });

  await sql('update invoice_numbers set next_invoice = next_invoice + 1');
  const bad = await tollgateCheck();
  expect(bad.code).toBe(1);
  expect(bad.text).toMatch(/check_number_gaps +\d/);
  expect(bad.text).toMatch(/check_number_gaps:\n {2}partner \w+: invoices: \d+ numbers taken/);
  expect(bad.text).toContain('Next: read what each check means');
  await sql('update invoice_numbers set next_invoice = next_invoice - 1');
  expect(await health('/health')).toMatchObject({ code: 503, status: 'findings', findings: ['check_number_gaps'] });
  // A server goes on answering: routing follows readiness, alarms follow /health.
  expect(await health('/health/ready')).toEqual({ code: 200, status: 'ready', checks: 'findings' });

  const { system, close } = await openSystem(gateway.database, clock);
  await runChecks(system);
  await close();
  expect(await health('/health')).toMatchObject({ code: 200, status: 'ok' });
});

test('only checks can be run, and only by the job role', async () => {
  await expect(sql(`select app.run_check('invoices')`)).rejects.toMatchObject({ code: 'TG404' });
  await expect(sql(`select app.run_check('check_x; drop table invoices')`)).rejects.toMatchObject({ code: 'TG404' });
  await expect(sql('select app.run_check(null)')).rejects.toMatchObject({ code: 'TG404' });
});
