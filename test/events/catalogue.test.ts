import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeId } from '../../src/core/ids';
import { eventCatalogue, eventTypes } from '../../src/events/event-catalogue';
import { processInbox } from '../../src/payments/process-inbox.job';
import { paddleProviderOf, tellLicenceEvents } from '../licences/tell-licence-events';
import { Payer, payingTenant } from '../payments/support';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { PaddleStandIn } from '../support/paddle-stand-in';
import { World } from '../support/world';
import { Receiver } from './support/receiver';
import { dispatcherOf, Webhooks } from './support/webhooks';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'events.md'), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: the test looks into whatever was told.
type Told = any;
let gateway: TestGateway;
let receiver: Receiver;
let told: Told[];

/** The billing run sets tenants aside; its own tests make it do so. */
const untold: Readonly<Record<string, readonly string[]>> = {
  // What a provider bills, and its checkouts: test/payments/stripe tells them.
  'addon_subscription.past_due': ['addonSubscription'],
  'addon_subscription.paused': ['addonSubscription'],
  'addon_subscription.recovered': ['addonSubscription'],
  'addon_subscription.renewed': ['addonSubscription'],
  'addon_subscription.unpaused': ['addonSubscription'],
  'checkout.accepted': ['checkout'],
  'checkout.completed': ['checkout'],
  'checkout.created': ['checkout'],
  'checkout.expired': ['checkout'],
  'checkout.paid': ['checkout', 'collected'],
  'checkout.parked': ['checkout'],
  'checkout.refunded': ['checkout', 'collected'],
  'checkout.withdrawn': ['checkout'],
  'invoice.not_chargeable': ['invoice'],
  'payment_method.updated': ['paymentMethod'],
  'tenant.billing_parked': ['reason'],
  'tenant.billing_unparked': ['reason'],
};
const notInTheStory = Object.keys(untold);
/** Objects of these alone. */
const untoldObjects = ['checkout', 'collected'];

/** Everything that can become of a payment. */
async function tellOfPayments(gateway: TestGateway, world: World): Promise<void> {
  const policy = { partnerId: world.partnerId, retryDays: [2], graceDays: 1, finalAction: 'UNPAID' };
  await world.act('setDunningPolicy', policy, 'policy { version }');
  const place = await payingTenant(gateway, { world });
  const { tenant } = place;
  const payer = new Payer(place);
  const { paymentMethod } = await payer.addMethod('card_declined');
  await tenant.start('small');
  await tenant.advance('2026-01-05T00:00:00Z');
  const good = await payer.addMethod('card_ok', false);
  const chosen = { tenantId: tenant.id, paymentMethodId: good.paymentMethod.id };
  await world.act('setDefaultPaymentMethod', chosen, 'paymentMethod { id }');
  await world.act('removePaymentMethod', { ...chosen, paymentMethodId: paymentMethod.id }, 'paymentMethod { id }');
  const [invoice] = await payer.invoices();
  const { payment } = await payer.pay(invoice.id);
  await payer.refund(payment.id, { amount: { amount: '1.00', currency: world.currency } });
  // Somebody has given the rest back on the provider's own pages.
  const charge = gateway.fake.charges.find(({ chargeId }) => chargeId === payment.chargeId)!;
  gateway.fake.ledger.put({ ...charge, refunded: charge.amount });
  await payer.refund(payment.id, { amount: { amount: '1.00', currency: world.currency } });
  await payer.addMethod('card_action');
  await tenant.advance('2026-02-01T00:00:00Z');
  gateway.fake.events.splice(0);
  for (const status of ['opened', 'won'] as const) gateway.fake.dispute(payment.chargeId, status);
  for (const body of gateway.fake.events.splice(0)) {
    await fetch(`${gateway.url}/webhooks/fake`, { method: 'POST', ...gateway.fake.sign(body) });
  }
  await processInbox(gateway.app.system, gateway.app.providers);
}

/** A partner's whole life: everything there is to tell happens once, by the API. */
beforeAll(async () => {
  const paddle = await PaddleStandIn.start();
  gateway = await startTestGateway({ loopback: true, moreProviders: [paddleProviderOf(paddle)] });
  receiver = await new Receiver().start();
  const world = await World.create(gateway, { currency: 'EUR' });
  const webhooks = new Webhooks(gateway, world);
  const { partnerId } = world;
  const amount = (text: string) => ({ amount: text, currency: 'EUR' });
  const must = async (mutation: string, input: object, fields: string, extra = '') => {
    const answer = await world.act(mutation, input, fields, extra);
    if (answer.code) throw new Error(`${mutation}: ${answer.code} ${answer.message}`);
    return answer;
  };

  const first = await webhooks.create(receiver.url('/first'), { description: 'all' });
  await webhooks.update(first.endpoint.id, { description: 'still all' });
  await webhooks.rotate(first.endpoint.id);
  const second = await webhooks.create(receiver.url('/gone'), { eventTypes: ['feature.created'] });
  receiver.answer = ({ path }, response) => void (path === '/gone' && response.writeHead(410).end());

  await world.feature('calls', 'METERED', { unit: 'calls' });
  await world.feature('exports', 'BOOLEAN');
  await must('createMeter', { partnerId, feature: 'calls', aggregation: 'COUNT' }, 'meter { id }');
  await dispatcherOf(gateway).drain();
  await webhooks.remove(second.endpoint.id);

  await world.plan({ code: 'small', rank: 10, month: '10.00', year: '100.00' });
  await world.plan({ code: 'large', rank: 20, month: '40.00', year: '400.00', features: [{ feature: 'exports' }] });
  await must('setSelfServicePolicy', { partnerId, allowed: ['REFUND'] }, 'policy { version }');
  await must('setPaymentTerms', { partnerId, netDays: 0 }, 'terms { netDays }');
  await must('setCreditPolicy', { partnerId, creditBasis: 'USAGE' }, 'policy { version }');
  await must('updatePlan', { partnerId, plan: 'large', name: 'Large' }, 'plan { id }');
  const prices = [
    { interval: 'MONTH', price: amount('44.00') },
    { interval: 'YEAR', price: amount('440.00') },
  ];
  await must(
    'publishPlanVersion',
    { partnerId, plan: 'large', prices, features: [{ feature: 'exports' }], includedAddons: [] },
    'plan { id }',
  );
  await world.addon('extra', '5.00', { features: [{ feature: 'exports' }] }, '50.00');
  await must('updateAddon', { partnerId, addon: 'extra', name: 'Extra' }, 'addon { id }');
  await world.coupon('ONE', { name: 'One', kind: 'PERCENT', percent: '10' });
  await world.coupon('TWO', { name: 'Two', kind: 'FIXED', amounts: [amount('1.00')], duration: 'FOREVER' });
  await must('updateCoupon', { partnerId, coupon: 'ONE', name: 'First' }, 'coupon { id }');
  const { member } = await must(
    'inviteUser',
    { partnerId, email: 'somebody@partner.example', partnerRole: 'VIEWER' },
    'member { userId }',
  );
  await must('removeUser', { partnerId, userId: member.userId }, 'userId');
  const { apiKey } = await must(
    'createApiKey',
    { partnerId, name: 'key', live: true, scopes: ['READ'] },
    'apiKey { id }',
  );
  await must('revokeApiKey', { partnerId, apiKeyId: apiKey.id }, 'apiKey { id }');

  const tenant = await world.tenant('2026-01-10T00:00:00Z');
  const tenantId = tenant.id;
  await tenant.start('small', { startAt: '2026-01-10T00:00:00Z' });
  const applied = await tenant.apply('ONE');
  await must('removePendingCoupon', { tenantId, pendingCouponId: applied.pendingCoupon.id }, 'pendingCoupon { id }');
  await tenant.apply('ONE');
  await tenant.apply('TWO');
  const attached = await tenant.subscribe('extra');
  const addonSubscriptionId = attached.addonSubscription.id;
  await tenant.cancelAddon(addonSubscriptionId, { when: 'PERIOD_END' });
  await tenant.subscribe('extra');
  await tenant.change({ plan: 'large', effective: 'PERIOD_END' });
  await must('cancelScheduledPlanChange', { tenantId }, 'subscription { id }');
  await tenant.cancelAddon(addonSubscriptionId, { when: 'PERIOD_END' });
  const { invoices } = await must(
    'advanceClock',
    { tenantId, to: '2026-02-10T00:00:00Z' },
    'invoices { id status lines { id kind } }',
  );
  await must(
    'voidInvoice',
    { tenantId, invoiceId: invoices[0].id, reason: 'a mistake' },
    'invoice { id }',
    ', idempotencyKey: "void"',
  );
  const changed = await must(
    'changePlan',
    { tenantId, plan: 'large' },
    'invoice { id lines { id kind } }',
    ', idempotencyKey: "change"',
  );
  const charge = changed.invoice.lines.find(({ kind }: { kind: string }) => kind === 'PRORATION_CHARGE');
  const lines = [{ invoiceLineId: charge.id, amount: amount('0.10') }];
  const early = { tenantId, invoiceId: changed.invoice.id, lines };
  await must('issueCreditNote', early, 'creditNote { id }', ', idempotencyKey: "early"');
  await must(
    'markInvoicePaid',
    { tenantId, invoiceId: changed.invoice.id, reference: 'bank 1' },
    'invoice { id }',
    ', idempotencyKey: "paid"',
  );
  await must(
    'issueCreditNote',
    {
      tenantId,
      invoiceId: changed.invoice.id,
      lines: [{ invoiceLineId: charge.id, amount: amount('0.50') }],
      memo: 'kindness',
    },
    'creditNote { id }',
    ', idempotencyKey: "credit"',
  );
  await tenant.subscribe('extra');
  const yearly = await must(
    'changePlan',
    { tenantId, plan: 'large', interval: 'YEAR' },
    'invoice { id }',
    ', idempotencyKey: "yearly"',
  );
  await must('markInvoiceUncollectible', { tenantId, invoiceId: yearly.invoice.id }, 'invoice { id }');
  const { grant } = await must(
    'grantEntitlement',
    { tenantId, feature: 'calls', limit: '12.5', resetPeriod: 'MONTH', reason: 'a present' },
    'grant { id }',
  );
  // 11 of 12.5 are 88 %: the first threshold of the meter is 80 %.
  for (let count = 1; count <= 11; count += 1) {
    await must('recordUsage', { tenantId, id: `call-${count}`, type: 'calls' }, 'duplicate');
  }
  await must('revokeEntitlement', { tenantId, grantId: grant.id }, 'grant { id }');
  const party = { legalName: 'Somebody Ltd', address: ['1 Street'], country: 'DE', email: 'somebody@partner.example' };
  await must('setPartnerBillingDetails', { partnerId, ...party }, 'party { country }');
  await must('setBillingDetails', { tenantId, ...party }, 'party { country }');
  await must('setTaxTreatment', { tenantId, treatment: 'EXEMPT', note: 'a charity' }, 'status { note }');
  const { taxRate } = await must(
    'createTaxRate',
    { partnerId, country: 'FR', name: 'TVA', percent: '20', validFrom: '2026-01-01' },
    'taxRate { id }',
  );
  await must('endTaxRate', { partnerId, taxRateId: taxRate.id, validTo: '2027-01-01' }, 'taxRate { id }');
  await must('setTaxCategory', { partnerId, kind: 'PLAN', item: 'large', category: 'software' }, 'category');
  await tellLicenceEvents(gateway, paddle, world, tenant);
  await paddle.stop();
  await must('cancelSubscription', { tenantId, reason: 'no need' }, 'subscription { id }');
  await must(
    'cancelSubscription',
    { tenantId, reason: 'no need', when: 'NOW' },
    'subscription { id }',
    ', idempotencyKey: "end"',
  );

  await tellOfPayments(gateway, world);
  await dispatcherOf(gateway).drain();
  told = receiver.received.filter(({ path }) => path === '/first').map(({ event }) => event);
  told.sort((one, other) => one.sequence - other.sequence);
});
afterAll(async () => {
  await receiver.stop();
  await gateway.stop();
});

const tableBelow = (heading: string) => {
  const section = page.split(`${heading}\n`)[1]!.split(/\n#+ /)[0]!;
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
};

test('the story tells everything that the catalogue knows, once at least', () => {
  const seen = new Set<string>(told.map(({ type }) => type));
  expect(eventTypes.filter((type) => !seen.has(type))).toEqual(notInTheStory);
  // From the endpoint's own creation on, nothing is left out.
  expect(told.map(({ sequence }) => sequence)).toEqual(told.map((_, index) => index + 1));
});

test('docs/events.md lists each type as it is', () => {
  const dataOf = (type: string) =>
    Object.keys(told.find((event) => event.type === type)?.data ?? {}).concat(untold[type] ?? []);
  const wanted = Object.entries(eventCatalogue).map(([type, { version, when }]) => [
    `\`${type}\``,
    String(version),
    when,
    dataOf(type)
      .map((key) => `\`${key}\``)
      .join(', '),
  ]);
  expect(tableBelow('## Types')).toEqual(wanted);
});

test('docs/events.md describes each field of each object, and no other', () => {
  const objects = new Map<string, Set<string>>();
  for (const { data } of told) {
    for (const [name, value] of Object.entries(data as Record<string, Told>)) {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || 'amount' in value) continue;
      objects.set(name, new Set([...(objects.get(name) ?? []), ...Object.keys(value)]));
    }
  }
  const described = [...page.split('## Objects')[1]!.matchAll(/^### (\w+)$/gm)].map(([, name]) => name!);
  expect(described).toEqual([...objects.keys(), ...untoldObjects].sort());
  for (const [name, keys] of objects) {
    expect([
      name,
      tableBelow(`### ${name}`)
        .map(([field]) => field!.replaceAll('`', ''))
        .sort(),
    ]).toEqual([name, [...keys].sort()]);
  }
});

test('amounts are exact text with their currency, ids are those of the API, nothing is a fraction', () => {
  const problems: string[] = [];
  const look = (value: Told, path: string) => {
    const key = path.split('.').at(-1)!;
    if (typeof value === 'number' && !Number.isSafeInteger(value)) problems.push(`${path}: ${value}`);
    if (typeof value === 'string' && /^[0-9a-f]{8}-[0-9a-f]{4}/.test(value)) problems.push(`${path}: a bare UUID`);
    if (/(^id|Id)$/.test(key) && value !== null && !decodeId(value)) problems.push(`${path}: ${value} is no id`);
    if (/(At|Start|End|start|end)$/.test(key) && value !== null && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value))
      problems.push(`${path}: ${value} is no instant`);
    if (typeof value !== 'object' || value === null) return;
    if ('amount' in value && !(/^-?\d+\.\d\d$/.test(value.amount) && value.currency === 'EUR'))
      problems.push(`${path}: ${JSON.stringify(value)}`);
    for (const [name, member] of Object.entries(value)) {
      if (name.startsWith('$')) problems.push(`${path}.${name}`);
      look(member, `${path}.${name}`);
    }
  };
  for (const event of told) look(event, `${event.type} ${event.sequence}`);
  expect(problems).toEqual([]);
});

test('no event holds a secret, an e-mail address or the address of an endpoint', () => {
  const text = JSON.stringify(told);
  for (const secret of ['whsec_', 'tg_live_', 'tg_test_', 'somebody@', '127.0.0.1']) expect(text).not.toContain(secret);
});

test('what belongs together is told in the order in which it happened', () => {
  const types = told.map(({ type }) => type);
  const place = (type: string) => types.indexOf(type);
  expect(place('tenant.created')).toBeLessThan(place('subscription.started'));
  expect(place('subscription.started')).toBeLessThan(place('invoice.finalized'));
  const invoices = told.filter(({ type }) => type === 'invoice.finalized').map(({ data }) => data.invoice.number);
  expect(invoices).toEqual([...invoices].sort());
  const moneyOf = (type: string) => told.find((event) => event.type === type)?.data;
  // 10 % of 10.00 for small; the add-on had ended with the period.
  expect(moneyOf('coupon.redeemed')).toMatchObject({ code: 'ONE', discount: { amount: '1.00', currency: 'EUR' } });
});
