import { argumentRights, type SelfServiceRight, selfServiceRights } from '../../src/access/self-service';
import { askCalls, mutations, operation, outcomeOf } from '../graphql/support/calls';
import { examples, operationOf } from '../graphql/support/examples';
import type { Home } from '../graphql/support/homes';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { type TenantOfWorld, World } from '../support/world';
import { ofPartners, problemsOf } from './argument-classes';

let gateway: TestGateway;
let world: World;
/** With a subscription, an add-on of its own, and one that only the small plan sells; and one without anything. */
let tenant: TenantOfWorld;
let blank: TenantOfWorld;
let attachmentId: string;
/** Keys of the two tenants. */
const keys = new Map<TenantOfWorld, { readonly bearer: string }>();

async function keyOf(of: TenantOfWorld): Promise<{ readonly bearer: string }> {
  const known = keys.get(of);
  if (known) return known;
  const input = { partnerId: world.partnerId, tenantId: of.id, live: false, name: 'k', scopes: ['READ', 'WRITE'] };
  const { secret } = await world.act('createApiKey', input, 'secret');
  const key = { bearer: secret as string };
  keys.set(of, key);
  return key;
}

beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway, { currency: 'EUR' });
  await world.plan({ code: 'small', rank: 10, month: '10.00', year: '100.00' });
  await world.plan({ code: 'large', rank: 20, month: '40.00', year: '400.00' });
  await world.addon('extra', '5.00', {}, '50.00');
  await world.addon('more', '7.00');
  tenant = await world.tenant('2026-01-10T00:00:00Z');
  blank = await world.tenant('2026-01-10T00:00:00Z');
  await tenant.start('small');
  ({
    addonSubscription: { id: attachmentId },
  } = await tenant.subscribe('extra'));
  await keyOf(tenant);
  await keyOf(blank);
});
afterAll(() => gateway.stop());

let serial = 0;
/** A mutation, rehearsed or not, as whoever asks. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
async function act(who: Parameters<TestGateway['get']>[0], mutation: string, input: object, extra = ''): Promise<any> {
  serial += 1;
  const name = mutation[0]!.toUpperCase() + mutation.slice(1);
  const type = mutation === 'changePlan' ? 'PlanChangeInput' : `${name}Input`;
  const more =
    mutation === 'startSubscription'
      ? `... on ${name}Done { subscription { status trialEnd } invoices { total { amount } } }`
      : '';
  return gateway.get(
    who,
    `mutation ($input: ${type}!) { ${mutation}(input: $input, idempotencyKey: "self-${serial}"${extra}) {
      __typename ${more} ... on Refused { code message path retryable facts { name value } } } }`,
    { input },
  );
}
const rehearse = (who: Parameters<TestGateway['get']>[0], mutation: string, input: object) =>
  act(who, mutation, input, ', dryRun: true');

const allow = async (allowed: readonly SelfServiceRight[], extra: object = {}) =>
  world.act('setSelfServicePolicy', { partnerId: world.partnerId, allowed, ...extra }, 'policy { allowed version }');

const urls = { successUrl: 'https://example.com/', cancelUrl: 'https://example.com/' };

/** A call for each argument in `argumentRights`, of the tenant with a subscription unless it says `blank`. */
const cases: Readonly<Record<string, Readonly<Record<string, { input: () => object; blank?: true }>>>> = {
  startSubscription: {
    trialDays: { input: () => ({ plan: 'large', trialDays: 730 }), blank: true },
    startAt: { input: () => ({ plan: 'large', startAt: '2025-12-10T00:00:00Z' }), blank: true },
    anchorDay: { input: () => ({ plan: 'large', anchorDay: 11 }), blank: true },
  },
  createPlanCheckout: {
    trialDays: { input: () => ({ plan: 'large', trialDays: 1, ...urls }), blank: true },
  },
  changePlan: {
    waived: { input: () => ({ plan: 'large', waived: true }) },
    settlement: { input: () => ({ plan: 'large', settlement: 'REFUND' }) },
    unavailableAddons: { input: () => ({ plan: 'large', unavailableAddons: 'KEEP' }) },
    keepRunningDiscounts: { input: () => ({ plan: 'large', anchor: 'RESET', keepRunningDiscounts: true }) },
  },
  cancelSubscription: { settlement: { input: () => ({ reason: 'enough', when: 'NOW', settlement: 'REFUND' }) } },
  cancelAddon: {
    settlement: {
      input: () => ({ addonSubscriptionId: attachmentId, reason: 'enough', when: 'NOW', settlement: 'REFUND' }),
    },
  },
  changeAddonQuantity: {
    settlement: { input: () => ({ addonSubscriptionId: attachmentId, quantity: 2, settlement: 'REFUND' }) },
  },
  subscribeAddon: { charge: { input: () => ({ addon: 'more', charge: 'NEXT_INVOICE' }) } },
  advanceClock: { to: { input: () => ({ to: '2026-01-11T00:00:00Z' }) } },
};

describe('every argument is classified', () => {
  test('of every mutation: the partner’s, harmless, or a right of the policy', () => {
    expect(Object.keys(mutations()).flatMap(problemsOf)).toEqual([]);
    const known = [...ofPartners, ...Object.keys(argumentRights)].filter((name) => name !== 'prorationPreview');
    expect(known.filter((name) => !(name in mutations()))).toEqual([]);
  });

  test('a preview takes the rights that the change takes', () => {
    expect(argumentRights['prorationPreview']).toBe(argumentRights['changePlan']);
  });

  test('each right is taken by some argument, and each argument says so in its description', () => {
    const rights = Object.values(argumentRights).flat();
    expect(selfServiceRights.filter((right) => !rights.some((rule) => rule.right === right))).toEqual([]);
    const silent = Object.entries(argumentRights).flatMap(([name, rules]) => {
      const input = operation(name).args.find((argument) => argument.name === 'input')!.type;
      const members = (
        input as { ofType: { getFields(): Record<string, { description: string }> } }
      ).ofType.getFields();
      return rules
        .filter(
          ({ argument, right }) =>
            !members[argument]!.description.includes(`unless its selfServicePolicy allows ${right}`),
        )
        .map(({ argument }) => `${name} ${argument}`);
    });
    expect(silent).toEqual([]);
  });

  test('the mutations that are the partner’s are forbidden to a tenant’s admin and key', async () => {
    // Whose things they name makes no difference: the role is what is looked at first.
    const anything = new Proxy(
      {},
      { get: (_none, name) => (name === 'ids' ? anything : tenant.id) },
    ) as unknown as Home;
    const currency = 'EUR';
    const calls = Object.keys(examples)
      .filter((name) => ofPartners.includes(operationOf(name)))
      .map((name) => {
        const home = new Proxy({} as Home, {
          get: (_none, member) => (member === 'currency' ? currency : anything[member as keyof Home]),
        });
        return { name: operationOf(name), args: { ...examples[name]!.args(home, 1), dryRun: true } };
      });
    expect(calls.length).toBeGreaterThanOrEqual(ofPartners.length);
    const outcomes = await Promise.all(
      [await keyOf(tenant), 'tenant-admin' as const].map(async (who) =>
        (await Promise.all(calls.map((call) => askCalls(gateway, who, [call])))).map(
          ([answer], index) => `${calls[index]!.name} ${outcomeOf(answer!)}`,
        ),
      ),
    );
    expect(outcomes.flat().filter((outcome) => !outcome.endsWith(' FORBIDDEN'))).toEqual([]);
  });
});

describe('what gives money or time away', () => {
  const rules = Object.entries(argumentRights)
    .filter(([name]) => name !== 'prorationPreview')
    .flatMap(([name, list]) => list.map((rule) => ({ name, ...rule })));

  test.each(rules)('$name $argument: the partner’s, until it allows $right', async ({ name, argument, right }) => {
    const found = cases[name]?.[argument];
    if (!found) throw new Error(`${name} ${argument}: add a call to \`cases\` in this file.`);
    const whose = found.blank ? blank : tenant;
    const input = { tenantId: whose.id, ...found.input() };
    const key = await keyOf(whose);
    const others = selfServiceRights.filter((other) => other !== right);

    await allow(others);
    expect(await rehearse(key, name, input)).toMatchObject({
      code: 'FORBIDDEN',
      path: ['input', argument],
      retryable: false,
      facts: [{ name: 'right', value: right }],
    });
    expect((await rehearse('super-admin', name, input)).code).not.toBe('FORBIDDEN');
    await allow([right]);
    expect((await rehearse(key, name, input)).code).not.toBe('FORBIDDEN');
    await allow([]);
    expect((await rehearse(key, name, input)).code).toBe('FORBIDDEN');
  });

  test('a preview is refused as the change is, and answers again without what is forbidden', async () => {
    await allow([]);
    const preview = (input: object) =>
      keyOf(tenant).then((key) =>
        gateway.get(
          key,
          `query ($input: PlanChangeInput!) { prorationPreview(input: $input) {
            __typename ... on Refused { code path } } }`,
          { input: { tenantId: tenant.id, ...input } },
        ),
      );
    for (const [argument, { input }] of Object.entries(cases['changePlan']!)) {
      expect(await preview(input())).toMatchObject({ code: 'FORBIDDEN', path: ['input', argument] });
    }
    expect(await preview({ plan: 'large' })).toEqual({ __typename: 'ProrationPreview' });
    await allow(['WAIVE']);
    expect(await preview({ plan: 'large', waived: true })).toEqual({ __typename: 'ProrationPreview' });
    await allow([]);
  });

  test('what gives nothing away stays the tenant’s: explicit defaults, and a discount kept in the same period', async () => {
    const key = await keyOf(tenant);
    const harmless = [
      { plan: 'large', waived: false, keepRunningDiscounts: false, settlement: 'CREDIT_BALANCE' },
      { plan: 'large', waived: null, settlement: null, unavailableAddons: null },
      { plan: 'large', keepRunningDiscounts: true },
      { plan: 'large', keepRunningDiscounts: true, interval: 'MONTH', anchor: 'KEEP' },
      { plan: 'large', anchor: 'RESET' },
    ];
    for (const input of harmless) {
      expect(await rehearse(key, 'changePlan', { tenantId: tenant.id, ...input })).toEqual({
        __typename: 'ChangePlanDone',
      });
    }
    // Another interval begins a new period without being asked to.
    const yearly = { tenantId: tenant.id, plan: 'large', interval: 'YEAR', keepRunningDiscounts: true };
    expect(await rehearse(key, 'changePlan', yearly)).toMatchObject({
      code: 'FORBIDDEN',
      path: ['input', 'keepRunningDiscounts'],
    });
    expect(await rehearse(await keyOf(blank), 'startSubscription', { plan: 'small', trialDays: 0 })).toMatchObject({
      __typename: 'StartSubscriptionDone',
      subscription: { status: 'ACTIVE' },
    });
  });

  test('a tenant’s admin is refused as its key is, in live mode as in a sandbox', async () => {
    const globex = await gateway.idOf('globex');
    for (const input of [{ to: '2026-02-01T00:00:00Z' }, { to: '2026-02-01T00:00:00Z', tenantId: globex }]) {
      expect((await rehearse('tenant-admin', 'advanceClock', input)).code).toBe('FORBIDDEN');
    }
    const live = await world.liveTenant();
    const { secret } = await world.act(
      'createApiKey',
      { partnerId: world.partnerId, tenantId: live.id, live: true, name: 'live', scopes: ['READ', 'WRITE'] },
      'secret',
    );
    expect(await rehearse({ bearer: secret }, 'startSubscription', { plan: 'small', trialDays: 14 })).toMatchObject({
      code: 'FORBIDDEN',
      path: ['input', 'trialDays'],
    });
  });
});

describe('the policy', () => {
  const read = (who: Parameters<TestGateway['get']>[0], partnerId?: string) =>
    gateway.get(who, 'query ($id: ID) { selfServicePolicy(partnerId: $id) { allowed version changedAt } }', {
      id: partnerId,
    });

  test('allows nothing before it was set, and is read by the partner’s people and its tenants', async () => {
    const nothing = { allowed: [], version: 0, changedAt: null };
    expect(await read('partner-owner')).toEqual(nothing);
    expect(await read('partner-viewer')).toEqual(nothing);
    expect(await read('tenant-member')).toEqual(nothing);
    await allow(['REFUND', 'WAIVE', 'REFUND']);
    expect((await read('super-admin', world.partnerId)).allowed).toEqual(['WAIVE', 'REFUND']);
    expect((await read(await keyOf(tenant))).allowed).toEqual(['WAIVE', 'REFUND']);
    expect(await read('partner-owner', world.partnerId)).toBeNull();
  });

  test('is the partner’s to set: a tenant’s key and a viewer are refused', async () => {
    const input = { allowed: ['TRIAL_DAYS'] };
    expect((await act(await keyOf(tenant), 'setSelfServicePolicy', input)).code).toBe('FORBIDDEN');
    expect((await act('tenant-admin', 'setSelfServicePolicy', input)).code).toBe('FORBIDDEN');
    expect((await act('partner-viewer', 'setSelfServicePolicy', input)).code).toBe('FORBIDDEN');
  });

  test('is replaced version by version, and each version stays with its author', async () => {
    const { policy: before } = await allow(['REFUND']);
    const { policy } = await allow(['WAIVE', 'REFUND'], { expectedVersion: before.version });
    expect(policy).toEqual({ allowed: ['WAIVE', 'REFUND'], version: before.version + 1 });
    expect(await allow([], { expectedVersion: before.version })).toMatchObject({
      code: 'VERSION_CONFLICT',
      retryable: false,
      facts: [
        { name: 'expectedVersion', value: String(before.version) },
        { name: 'currentVersion', value: String(policy.version) },
      ],
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => allow(['TEST_CLOCK'], { expectedVersion: policy.version })),
    );
    expect(answers.filter(({ code }) => code === undefined)).toHaveLength(1);
    const rows = await gateway.database.asOwner<{ version: number; allowed: string[]; actor_id: string | null }>(
      `select p.version, allowed, actor_id from partner_self_service_policies p join partners h on h.id = p.partner_id
        where h.code = 'world1' order by p.version desc limit 3`,
    );
    expect(rows.map(({ version, allowed }) => [version, allowed])).toEqual([
      [policy.version + 1, ['TEST_CLOCK']],
      [policy.version, ['WAIVE', 'REFUND']],
      [before.version, ['REFUND']],
    ]);
    expect(rows.every((row) => row.actor_id !== null)).toBe(true);
    await expect(gateway.database.asOwner(`update partner_self_service_policies set allowed = '{}'`)).rejects.toThrow(
      'append-only',
    );
  });
});
