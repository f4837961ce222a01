import type { DemoIdentity } from '../../src/seed/identities';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type Arguments, askCalls, fullSelection, mutations, outcomeOf, withValue } from './support/calls';
import { addExample, examples, operationOf, refusedHere } from './support/examples';
import { fingerprint, growth } from './support/fingerprint';
import { buildHomes, type Home, type HomeName, people } from './support/homes';

let gateway: TestGateway;
let homes: Readonly<Record<HomeName, Home>>;
beforeAll(async () => {
  gateway = await startTestGateway();
  homes = await buildHomes(gateway);
  // The first login of an invited person is written down; it is not what is looked for here.
  for (const who of Object.keys(people) as DemoIdentity[]) await gateway.get(who, '{ viewer { role } }');
});
afterAll(() => gateway.stop());

/** They ask a payment provider once the change is committed. */
const purchases = ['buyLicences', 'renewLicences'];
const asksProvider = new Set([
  ...['addPaymentMethod', 'startPaymentMethodSetup', 'payInvoice', 'refundPayment', 'refuseCheckout'],
  ...purchases,
]);

/** What is credited to nothing cannot be paid any more. */
const first = ['markInvoicePaid'];
/** What ends things comes last, so that everything before it has something to work on. */
const last = [
  'removePendingCoupon',
  'removeUser',
  'removeUser of a partner',
  'removePaymentMethod',
  'revokeEntitlement',
  'revokeApiKey',
  'deleteWebhookEndpoint',
  'archiveAddon',
  'cancelAddon',
  'changePlan',
  'advanceClock',
  'cancelSubscription',
];
const names = Object.keys(examples)
  .filter((name) => operationOf(name) in mutations())
  .sort((one, other) => first.indexOf(other) - first.indexOf(one) || last.indexOf(one) - last.indexOf(other));
/** Only an admin of the organisation buys. */
const admins: Readonly<Partial<Record<string, DemoIdentity>>> = {
  globex: 'tenant-admin',
  hooli: 'other-partner-tenant-admin',
};
const whoFor = (name: string, home: Home): DemoIdentity => {
  if (purchases.includes(name)) return admins[home.name]!;
  return name === 'createPartner' || name === 'retryInboundEvent' ? 'super-admin' : home.owner;
};

let number = 0;
const exampleOf = (name: string, home: Home): Arguments => {
  number += 1;
  return examples[name]!.args(home, number);
};

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely.
type Body = any;

/** The whole answer of one mutation, nested fields and all. */
async function act(who: DemoIdentity, name: string, args: Arguments): Promise<Body> {
  const [alone] = await askCalls(gateway, who, [{ name: operationOf(name), args }], (type) => fullSelection(type, 4));
  if (alone!.errors.length > 0) throw new Error(`${name}: ${JSON.stringify(alone!.errors)}`);
  return alone!.value;
}

/** Secrets and downloads, wherever they are in an answer. */
const givenOut = (body: Body): unknown[] => {
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, value]) =>
    key === 'secret' || key === 'download' ? [value] : givenOut(value),
  );
};

/** A way to a download is signed anew for each answer, also for one that is replayed. */
const withoutTickets = (body: Body): Body => {
  if (Array.isArray(body)) return body.map(withoutTickets);
  if (typeof body !== 'object' || body === null) return body;
  const { path } = body;
  if (typeof path === 'string' && path.includes('?ticket=')) return { path: path.split('?')[0] };
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, withoutTickets(value)]));
};

const bodyOf = ({ replayed: _replayed, ...body }: Body) => withoutTickets(body);

test('every mutation has an example', () => {
  const missing = Object.keys(mutations()).filter((mutation) => !names.some((name) => operationOf(name) === mutation));
  expect(missing.map(addExample)).toEqual([]);
});

/** What one call leaves behind: rows by table. */
const once = new Map<string, Record<string, number>>();

describe('a rehearsal', () => {
  /** Ids, times and secrets are new each time; what else is answered is what the real run answers. */
  const likeness = (body: Body): Body => {
    if (Array.isArray(body)) return body.map(likeness);
    if (typeof body === 'string') {
      return /^[a-z]+_[0-9a-hjkmnp-tv-z]{26,52}$|\?ticket=|^\d{4}-\d\d-\d\dT|^tg_|^whsec_/.test(body) ? '<new>' : body;
    }
    if (typeof body !== 'object' || body === null) return body;
    return Object.fromEntries(
      Object.entries(body)
        // In its own transaction a rehearsal about a tenant sees that tenant alone, and so counts nobody else.
        // What was only rehearsed has no secret and no document to download.
        .filter(
          ([key]) => !['dryRun', 'subscriberCount', 'startCursor', 'endCursor', 'secret', 'download'].includes(key),
        )
        .map(([key, value]) => [key, likeness(value)]),
    );
  };

  test.each(names)('%s: writes nothing, and answers what the real run then answers', async (name) => {
    const home = purchases.includes(name) ? homes.hooli : homes.stark;
    const who = whoFor(name, home);
    const args = exampleOf(name, home);
    const before = await fingerprint(gateway.database);
    const rehearsed = await act(who, name, { ...args, dryRun: true });
    expect(await fingerprint(gateway.database)).toEqual(before);
    const done = await act(who, name, args);
    once.set(name, growth(before, await fingerprint(gateway.database)));
    expect(givenOut(rehearsed)).toEqual(givenOut(done).map(() => null));
    // A rehearsal asks no provider, so what a provider would say is not in its answer.
    if (!asksProvider.has(name)) expect(likeness(rehearsed)).toEqual(likeness(done));
    if (done.__typename === 'Refused') {
      expect({ name, code: done.code }).toEqual({ name, code: refusedHere[name] });
      return;
    }
    expect([rehearsed.dryRun, rehearsed.replayed, done.dryRun, done.replayed]).toEqual([true, false, false, false]);
  });

  test('reads what it has made: the lines of an invoice that never was', async () => {
    const { tenantId, ids } = homes.initech;
    const before = await fingerprint(gateway.database);
    const { invoice, subscription } = await gateway.get(
      'partner-owner',
      `mutation ($input: PlanChangeInput!) { changePlan(input: $input, dryRun: true) { ... on ChangePlanDone {
         invoice { number total { minorUnits } lines { amount { minorUnits } source { ... on Plan { id } } explanation { sentence } } }
         subscription { item { plan { id } } history(last: 1) { nodes { kind } } } } } }`,
      { input: { tenantId, plan: ids.Plan, quantity: 3 } },
    );
    const lines: { amount: { minorUnits: string } }[] = invoice.lines;
    expect(lines.reduce((sum, line) => sum + BigInt(line.amount.minorUnits), 0n)).toBe(
      BigInt(invoice.total.minorUnits),
    );
    expect(lines.length).toBeGreaterThan(1);
    expect(subscription).toEqual({ item: { plan: { id: ids.Plan } }, history: { nodes: [{ kind: 'PLAN_CHANGED' }] } });
    expect(await fingerprint(gateway.database)).toEqual(before);
  });

  test('two rehearsals in one document do not see each other', async () => {
    const input = { code: 'twice', name: 'Twice', kind: 'BOOLEAN' };
    const call = { name: 'createFeature', args: { input, dryRun: true } };
    expect((await askCalls(gateway, 'partner-owner', [call, call])).map(outcomeOf)).toEqual(['DATA', 'DATA']);
  });

  test('leaves its key unused', async () => {
    const args = { input: { code: 'kept', name: 'Kept', kind: 'BOOLEAN' }, idempotencyKey: 'rehearsed' };
    expect((await act('partner-owner', 'createFeature', { ...args, dryRun: true })).replayed).toBe(false);
    expect((await act('partner-owner', 'createFeature', args)).replayed).toBe(false);
    const before = await fingerprint(gateway.database);
    expect((await act('partner-owner', 'createFeature', { ...args, dryRun: true })).replayed).toBe(true);
    expect(await fingerprint(gateway.database)).toEqual(before);
  });
});

describe('one key', () => {
  /** How many lines and movements of the balance there are depends on what the tenant had before. */
  const withoutLines = (grown: Record<string, number>) =>
    Object.fromEntries(
      Object.entries(grown).filter(
        ([table]) => !/_lines$|_entries$|^item_charges$|idempotency_keys$|^credit_balances$/.test(table),
      ),
    );

  test.each(names)('%s: twenty calls at once and five more are one act and one answer', async (name) => {
    const home = homes.globex;
    const single = await fingerprint(gateway.database);
    const who = whoFor(name, home);
    const args = { ...exampleOf(name, home), idempotencyKey: `many-${name.replaceAll(' ', '-')}` };
    const bodies = await Promise.all(Array.from({ length: 20 }, () => act(who, name, args)));
    const after = await fingerprint(gateway.database);
    if (bodies[0].__typename === 'Refused') {
      // A refusal stores nothing, neither an act nor a key.
      expect({ name, code: bodies[0].code, growth: growth(single, after) }).toEqual({
        name,
        code: refusedHere[name],
        growth: {},
      });
      return;
    }
    expect(bodies.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(withoutLines(growth(single, after))).toEqual(withoutLines(once.get(name)!));
    for (let turn = 0; turn < 5; turn += 1) bodies.push(await act(who, name, args));
    expect(await fingerprint(gateway.database)).toEqual(after);
    const first = bodies.find(({ replayed }) => !replayed);
    for (const body of bodies) {
      // A secret is shown the first time only.
      if (['createApiKey', 'createWebhookEndpoint', 'rotateWebhookSecret'].includes(name))
        expect({ ...bodyOf(body), secret: null }).toEqual({ ...bodyOf(first), secret: null });
      else expect(bodyOf(body)).toEqual(bodyOf(first));
    }
    expect(bodies.slice(20).every(({ replayed }) => replayed)).toBe(true);
  });

  test('a new key for machines is shown once, and kept nowhere', async () => {
    const args = { input: { name: 'once', scopes: ['READ'], live: true }, idempotencyKey: 'shown-once' };
    const first = await act('partner-owner', 'createApiKey', args);
    expect(first.secret).toMatch(/^tg_live_[A-Za-z0-9_-]{43}$/);
    const again = await act('partner-owner', 'createApiKey', args);
    expect({ secret: again.secret, replayed: again.replayed, id: again.apiKey.id }).toEqual({
      secret: null,
      replayed: true,
      id: first.apiKey.id,
    });
    const tables = Object.keys(await fingerprint(gateway.database));
    for (const table of tables) {
      const found = await gateway.database.asOwner(`select 1 from ${table} t where t::text like $1`, [
        `%${first.secret.slice(12)}%`,
      ]);
      expect({ table, found }).toEqual({ table, found: [] });
    }
  });

  /** The same mutation with something else in it. */
  const otherwise: Readonly<Record<string, readonly [string, (home: Home) => unknown]>> = {
    acceptLicencePurchase: ['input.purchaseId', (home) => home.ids.Coupon],
    addPaymentMethod: ['input.makeDefault', () => true],
    advanceClock: ['input.to', () => '2026-01-15T00:00:00Z'],
    applyCoupon: ['input.code', () => 'WORLD-ONE'],
    archiveAddon: ['input.expectedVersion', () => 1],
    assignSeat: ['input.userId', (home) => home.ids.Coupon],
    buyLicences: ['input.quantity', () => 3],
    cancelAddon: ['input.reason', () => 'another'],
    cancelSubscription: ['input.reason', () => 'another'],
    changePlan: ['input.quantity', () => 2],
    createAddon: ['input.name', () => 'Another'],
    createApiKey: ['input.live', () => true],
    createCoupon: ['input.firstPurchaseOnly', () => true],
    createFeature: ['input.kind', () => 'METERED'],
    createMeter: ['input.eventType', () => 'another'],
    createLicenceProduct: ['input.name', () => 'Another'],
    createPartner: ['input.currency', () => 'USD'],
    createPlan: ['input.rank', () => 8],
    createTaxRate: ['input.percent', () => '19'],
    createTenant: ['input.sandbox', () => false],
    createWebhookEndpoint: ['input.description', () => 'Another'],
    deleteWebhookEndpoint: ['input.endpointId', (home) => home.ids.Coupon],
    endTaxRate: ['input.validTo', () => '2031-01-01'],
    grantEntitlement: ['input.limit', () => '3.5'],
    inviteUser: ['input.tenantRole', () => 'ADMIN'],
    issueCreditNote: ['input.memo', () => 'another'],
    markInvoicePaid: ['input.reference', () => 'another'],
    markInvoiceUncollectible: ['input.invoiceId', (home) => home.ids.Coupon],
    publishPlanVersion: ['input.includesAllAddons', () => true],
    recordUsage: ['input.quantity', () => '2'],
    recordUsageBatch: ['input.atomic', () => true],
    payInvoice: ['input.invoiceId', (home) => home.ids.Coupon],
    refundPayment: ['input.memo', () => 'another'],
    refuseLicencePurchase: ['input.purchaseId', (home) => home.ids.Coupon],
    removePaymentMethod: ['input.paymentMethodId', (home) => home.ids.Coupon],
    removePendingCoupon: ['input.pendingCouponId', (home) => home.ids.Coupon],
    removeUser: ['input.userId', (home) => home.ids.PartnerUser],
    renewLicences: ['input.product', (home) => home.ids.Coupon],
    retryInboundEvent: ['input.inboundEventId', (home) => home.ids.Coupon],
    revokeApiKey: ['input.apiKeyId', (home) => home.ids.Coupon],
    revokeEntitlement: ['input.grantId', (home) => home.ids.Coupon],
    revokeSeat: ['input.userId', (home) => home.ids.Coupon],
    replayEvents: ['input.fromSequence', () => '2'],
    rotateWebhookSecret: ['input.oldSecretValidHours', () => 1],
    acceptCheckout: ['input.checkoutId', (home) => home.ids.Coupon],
    refuseCheckout: ['input.reason', () => 'another'],
    retryCheckout: ['input.checkoutId', (home) => home.ids.Coupon],
    sendTestEvent: ['input.endpointId', (home) => home.ids.Coupon],
    setBillingDetails: ['input.legalName', () => 'Another'],
    setPartnerBillingDetails: ['input.legalName', () => 'Another'],
    setTaxCategory: ['input.category', () => 'another'],
    setTaxTreatment: ['input.note', () => 'Another'],
    setDefaultPaymentMethod: ['input.paymentMethodId', (home) => home.ids.Coupon],
    setDunningPolicy: ['input.graceDays', () => 9],
    recordPayment: ['input.reference', () => 'another'],
    setPaymentTerms: ['input.netDays', () => 9],
    setSelfServicePolicy: ['input.allowed', () => ['WAIVE']],
    setCreditPolicy: ['input.creditBasis', () => 'USAGE'],
    startLicenceTrial: ['input.product', (home) => home.ids.Coupon],
    startPaymentMethodSetup: ['input.makeDefault', () => true],
    startSubscription: ['input.interval', () => 'YEAR'],
    changeAddonQuantity: ['input.quantity', () => 3],
    subscribeAddon: ['input.quantity', () => 2],
    updateAddon: ['input.minimumPlan', () => null],
    updateCoupon: ['input.validUntil', () => null],
    updateLicenceProduct: ['input.expectedVersion', () => 1],
    updatePlan: ['input.expectedVersion', () => 1],
    updateWebhookEndpoint: ['input.description', () => 'Another'],
    voidInvoice: ['input.reason', () => 'another'],
  };
  /** These take nothing but the account, and another account is another place. */
  const nothingElse = ['cancelScheduledPlanChange', 'rebuildEntitlements', 'unparkTenant'];

  test('every mutation has something that can be otherwise', () => {
    const missing = Object.keys(mutations()).filter(
      (name) => !otherwise[name] && !nothingElse.includes(name) && !refusedHere[name],
    );
    expect(missing.map((name) => `${name}: add what can be otherwise to \`otherwise\` of this file.`)).toEqual([]);
  });

  test.each(Object.entries(otherwise))(
    '%s with another %s is refused under the same key',
    async (name, [path, value]) => {
      const home = homes.globex;
      const who = whoFor(name, home);
      // The act itself was done above, under this key.
      const args = withValue({ ...exampleOf(name, home), idempotencyKey: `many-${name}` }, path, value(home));
      const before = await fingerprint(gateway.database);
      expect(await act(who, name, args)).toMatchObject({
        __typename: 'Refused',
        code: 'IDEMPOTENCY_KEY_REUSED',
        path: ['idempotencyKey'],
      });
      expect(await act(who, name, { ...args, dryRun: true })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
      expect(await fingerprint(gateway.database)).toEqual(before);
    },
  );

  test('is refused for another mutation', async () => {
    const input = { code: 'one_key', name: 'One', kind: 'BOOLEAN' };
    await act('partner-owner', 'createFeature', { input, idempotencyKey: 'one-key' });
    const other = await act('partner-owner', 'createTenant', { input: { name: 'One' }, idempotencyKey: 'one-key' });
    expect(other.code).toBe('IDEMPOTENCY_KEY_REUSED');
    const { tenantId } = homes.globex;
    await act('partner-owner', 'rebuildEntitlements', { input: { tenantId }, idempotencyKey: 'one-key' });
    const third = await act('partner-owner', 'applyCoupon', {
      input: { tenantId, code: 'WORLD-TWO' },
      idempotencyKey: 'one-key',
    });
    expect(third.code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('twice in one document is one act, and refused where the second is another', async () => {
    const make = (code: string) => ({
      name: 'createFeature',
      args: { input: { code, name: 'Twice', kind: 'BOOLEAN' }, idempotencyKey: 'in-one-document' },
    });
    const before = await fingerprint(gateway.database);
    const [first, second, third] = await askCalls(
      gateway,
      'partner-owner',
      [make('in_one'), make('in_one'), make('in_two')],
      () => '{ __typename ... on CreateFeatureDone { feature { id code } replayed } ... on Refused { code } }',
    );
    expect(first!.value.replayed).toBe(false);
    expect(second!.value).toEqual({ ...first!.value, replayed: true });
    expect(third!.value).toEqual({ __typename: 'Refused', code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(growth(before, await fingerprint(gateway.database))).toEqual({
      features: 1,
      partner_idempotency_keys: 1,
      partner_outbox_events: 1,
    });
  });

  test('is another one for another tenant, another partner and another person', async () => {
    const key = 'shared-by-all';
    const people: readonly (readonly [DemoIdentity, object])[] = [
      ['tenant-admin', {}],
      ['other-tenant-admin', {}],
      ['other-partner-tenant-admin', {}],
      ['partner-owner', { tenantId: homes.globex.tenantId }],
      ['partner-owner', { tenantId: homes.initech.tenantId }],
      ['other-partner-owner', { tenantId: homes.hooli.tenantId }],
    ];
    const invite = (input: object) => ({
      input: { ...input, email: 'same@everywhere.example', tenantRole: 'MEMBER', name: 'Same' },
      idempotencyKey: key,
    });
    for (const [who, input] of people) expect((await act(who, 'inviteUser', invite(input))).replayed).toBe(false);
    for (const [who, input] of people) expect((await act(who, 'inviteUser', invite(input))).replayed).toBe(true);
    for (const owner of ['partner-owner', 'other-partner-owner'] as const) {
      const args = { input: { name: 'Same' }, idempotencyKey: key };
      const first = await act(owner, 'createTenant', args);
      expect(first.replayed).toBe(false);
      expect(first.tenant.partner.id).toBe(homes[owner === 'partner-owner' ? 'globex' : 'hooli'].partnerId);
      expect(bodyOf(await act(owner, 'createTenant', args))).toEqual(bodyOf(first));
    }
  });

  test('works after a refusal: nothing of it was stored', async () => {
    const wrong = { input: { name: '' }, idempotencyKey: 'at-second-try' };
    const before = await fingerprint(gateway.database);
    expect((await act('partner-owner', 'createTenant', wrong)).code).toBe('INVALID_INPUT');
    expect(await fingerprint(gateway.database)).toEqual(before);
    const right = { input: { name: 'Right' }, idempotencyKey: 'at-second-try' };
    expect((await act('partner-owner', 'createTenant', right)).replayed).toBe(false);
    expect((await act('partner-owner', 'createTenant', right)).replayed).toBe(true);
    expect((await act('partner-owner', 'createTenant', wrong)).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  test('holds against a retry that says null where it said nothing, or says it in another order', async () => {
    const idempotencyKey = 'other-words';
    const first = await act('partner-owner', 'createFeature', {
      input: { code: 'other_words', name: 'Words', kind: 'METERED', unit: 'words' },
      idempotencyKey,
    });
    const again = await act('partner-owner', 'createFeature', {
      input: { unit: 'words', description: null, kind: 'METERED', partnerId: null, name: 'Words', code: 'other_words' },
      idempotencyKey,
    });
    expect(again).toEqual({ ...first, replayed: true });
  });

  test.each([
    ['empty', ''],
    ['256 characters', 'k'.repeat(256)],
    ['10,000 characters', 'k'.repeat(10_000)],
    ['a space in it', 'a b'],
    ['a tab', 'a\tb'],
    ['a line end', 'a\n'],
    ['a delete', 'a\u007f'],
    ['an umlaut', 'schlüssel'],
    ['an emoji', '🔑'],
    ['a zero-width space', 'a\u200bb'],
  ])('that is %s is no key', async (_name, idempotencyKey) => {
    const before = await fingerprint(gateway.database);
    const refused = await act('partner-owner', 'createTenant', { input: { name: 'Never' }, idempotencyKey });
    expect(refused).toMatchObject({ __typename: 'Refused', code: 'IDEMPOTENCY_KEY_INVALID', path: ['idempotencyKey'] });
    expect(await fingerprint(gateway.database)).toEqual(before);
  });

  test.each(['k'.repeat(255), '!', '~', '../../x', '"', "'; drop table tenants; --".replaceAll(' ', '_')])(
    'may be %p',
    async (idempotencyKey) => {
      const args = { input: { name: 'Odd key' }, idempotencyKey };
      const first = await act('partner-owner', 'createTenant', args);
      expect(await act('partner-owner', 'createTenant', args)).toEqual({ ...first, replayed: true });
    },
  );

  test('is required where money moves, but not to try', async () => {
    const input = { tenantId: homes.hooli.tenantId, plan: homes.hooli.ids.Plan };
    expect((await act('other-partner-owner', 'changePlan', { input })).code).toBe('IDEMPOTENCY_KEY_REQUIRED');
    expect((await act('other-partner-owner', 'changePlan', { input, idempotencyKey: null })).code).toBe(
      'IDEMPOTENCY_KEY_REQUIRED',
    );
    expect((await act('other-partner-owner', 'changePlan', { input, dryRun: true })).__typename).toBe('ChangePlanDone');
  });
});
