import { type GraphQLUnionType, getNamedType, isNonNullType } from 'graphql';
import { askCalls, isMutation, mutations, operation, outcomeOf, queries, withValue } from '../graphql/support/calls';
import { examples, operationOf } from '../graphql/support/examples';
import { type Home, missingId } from '../graphql/support/homes';
import { startTestGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;
let globex: string;
let acme: string;
let umbrella: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  [globex, acme, umbrella] = [await gateway.idOf('globex'), await gateway.idOf('acme'), await gateway.idOf('umbrella')];
});
afterAll(() => gateway.stop());

/** Where an operation takes a tenant or a partner: `tenantId`, `input.tenantId`, or the `id` of `tenant` and `partner`. */
function pathOf(name: string, kind: 'tenant' | 'partner'): string | undefined {
  if (name === kind) return 'id';
  const { args } = operation(name);
  const plain = args.find((argument) => argument.name === `${kind}Id`);
  if (plain) return isNonNullType(plain.type) ? undefined : plain.name;
  const input = args.find((argument) => argument.name === 'input');
  const member = input && membersOf(input.type)[`${kind}Id`];
  return member && !isNonNullType(member.type) ? `input.${kind}Id` : undefined;
}
const membersOf = (type: unknown) =>
  ((type as { ofType?: { getFields?(): Record<string, { type: unknown }> } }).ofType?.getFields?.() ?? {}) as Record<
    string,
    { type: never } | undefined
  >;

/** Every id is some id: what is asked here is answered before anything is looked up. */
function argsOf(name: string): object {
  const example = Object.keys(examples).find((key) => operationOf(key) === name)!;
  const ids = new Proxy({}, { get: () => globex });
  const home = new Proxy(
    {},
    { get: (_none, member) => (member === 'currency' ? 'EUR' : member === 'ids' ? ids : globex) },
  );
  return examples[example]!.args(home as Home, 1) as object;
}

async function answerWithout(who: Parameters<typeof askCalls>[1], name: string, path: string) {
  const both = path.replace('partnerId', 'tenantId');
  const args = withValue(withValue(argsOf(name) as never, path, undefined), both, undefined);
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  const call = { name, args: { ...Object.fromEntries(given), ...(isMutation(name) && { dryRun: true }) } };
  const [answer] = await askCalls(gateway, who, [call]);
  const [error] = answer!.answer.errors ?? [];
  return {
    outcome: outcomeOf(answer!),
    message: error?.message ?? answer!.value?.message,
    argument: (error?.extensions as { argument?: string[] } | undefined)?.argument ?? answer!.value?.path,
  };
}

describe('an account that has to be named', () => {
  /** Without a tenant they are about the partner itself, or make something of it. */
  const mayLeaveOutTenant = ['createApiKey', 'inviteUser', 'members', 'removeUser', 'setPaymentTerms'];
  /** A super admin who names no partner means all of them. */
  const mayLeaveOutPartner = ['inboundEvents', 'parkedTenants'];
  const names = [...Object.keys(queries()), ...Object.keys(mutations())];

  test.each([
    ['tenant', 'partner-owner', mayLeaveOutTenant],
    ['tenant', 'super-admin', mayLeaveOutTenant],
    ['partner', 'super-admin', mayLeaveOutPartner],
  ] as const)('%s: %s is told to say which, on every field, and where', async (kind, who, exceptions) => {
    const asked = names.filter((name) => pathOf(name, kind) && !(exceptions as readonly string[]).includes(name));
    expect(asked.length).toBeGreaterThan(25);
    const wrong: unknown[] = [];
    for (const name of asked) {
      const path = pathOf(name, kind)!;
      const purchase = name === 'buyLicences' || name === 'renewLicences';
      const answer = await answerWithout(who, name, path);
      // Only an organisation's own admins buy, and they have one.
      if (purchase && answer.outcome === 'FORBIDDEN') continue;
      const outcome = isMutation(name) || path.startsWith('input.') ? 'INVALID_INPUT' : 'BAD_USER_INPUT';
      const expected = { outcome, message: `Say which ${kind}.`, argument: path.split('.') };
      if (JSON.stringify(answer) !== JSON.stringify(expected)) wrong.push({ name, ...answer });
    }
    expect(wrong).toEqual([]);
  });

  test('what may be left out is answered', async () => {
    for (const name of mayLeaveOutTenant) {
      const path = name === 'members' ? 'tenantId' : 'input.tenantId';
      expect((await answerWithout('partner-owner', name, path)).message).not.toBe('Say which tenant.');
    }
    for (const name of mayLeaveOutPartner) {
      expect((await answerWithout('super-admin', name, 'partnerId')).outcome).toMatch(/^(empty|DATA)$/);
    }
    const viewer = await gateway.get('super-admin', '{ viewer { account partner { id } tenant { id } } }');
    expect(viewer).toEqual({ account: 'PLATFORM', partner: null, tenant: null });
  });
});

describe('a partner that is named beside a tenant', () => {
  const members = (args: string) => `{ members(${args}) { nodes { email } } }`;
  const count = async (who: Parameters<TestGateway['get']>[0], args: string) =>
    (await gateway.get(who, members(args))).nodes.length;

  test('is looked at: a foreign one is answered as a missing one, never with one’s own people', async () => {
    const missing = missingId('Partner', globex);
    for (const who of ['tenant-admin', 'tenant-member', 'partner-owner', 'partner-viewer'] as const) {
      expect(await count(who, `tenantId: "${globex}"`)).toBe(2);
      expect(await count(who, `tenantId: "${globex}", partnerId: "${acme}"`)).toBe(2);
      for (const foreign of [umbrella, missing, globex, '']) {
        expect(await count(who, `partnerId: "${foreign}"`)).toBe(0);
        expect(await count(who, `tenantId: "${globex}", partnerId: "${foreign}"`)).toBe(0);
      }
    }
    // The people of the partner are not a tenant's to see.
    expect(await count('tenant-admin', `partnerId: "${acme}"`)).toBe(0);
    expect(await count('partner-owner', `partnerId: "${acme}"`)).toBe(2);
    expect(await count('super-admin', `tenantId: "${globex}", partnerId: "${umbrella}"`)).toBe(0);
    expect(await count('super-admin', `tenantId: "${globex}", partnerId: "${acme}"`)).toBe(2);
  });

  test('is looked at by mutations too', async () => {
    const code = async (who: Parameters<TestGateway['get']>[0], partnerId: string) =>
      (
        await gateway.get(
          who,
          `mutation ($input: InviteUserInput!) { inviteUser(input: $input, dryRun: true) {
            __typename ... on Refused { code path } } }`,
          { input: { tenantId: globex, partnerId, email: 'new@globex.example', tenantRole: 'MEMBER' } },
        )
      ).code;
    for (const who of ['tenant-admin', 'partner-owner'] as const) {
      expect(await code(who, acme)).toBeUndefined();
      for (const foreign of [umbrella, missingId('Partner', globex), globex, '']) {
        expect(await code(who, foreign)).toBe('PARTNER_NOT_FOUND');
      }
    }
    expect(await code('super-admin', umbrella)).toBe('TENANT_NOT_FOUND');
    expect(await code('super-admin', acme)).toBeUndefined();
  });
});

describe('a dry run shows nothing that will not exist', () => {
  const made = async (mutation: string, input: object, fields: string, dryRun: boolean) => {
    const name = mutation[0]!.toUpperCase() + mutation.slice(1);
    return gateway.get(
      'partner-owner',
      `mutation ($input: ${name}Input!) { ${mutation}(input: $input, dryRun: ${dryRun}) {
        ... on ${name}Done { ${fields} } ... on Refused { code message } } }`,
      { input },
    );
  };

  test('every secret that an answer shows once is here', () => {
    const secrets = Object.values(mutations()).flatMap(({ name, type }) =>
      (getNamedType(type) as GraphQLUnionType)
        .getTypes()
        .flatMap((member) => Object.keys(member.getFields()))
        .filter((field) => /secret|token|password|url$/i.test(field))
        .map((field) => `${name} ${field}`),
    );
    expect(secrets.sort()).toEqual([
      'createApiKey secret',
      // Links to a provider's pages, which a dry run never asks.
      'createPortalLink url',
      'createWebhookEndpoint secret',
      'rotateWebhookSecret secret',
      'startPaymentMethodSetup url',
    ]);
  });

  test('no key and no signing secret', async () => {
    const key = { name: 'k', scopes: ['READ'], live: false };
    expect(await made('createApiKey', key, 'dryRun secret apiKey { name }', true)).toEqual({
      dryRun: true,
      secret: null,
      apiKey: { name: 'k' },
    });
    expect((await made('createApiKey', key, 'secret', false)).secret).toMatch(/^tg_test_/);
    const endpoint = { url: 'https://hooks.example.com/' };
    expect(await made('createWebhookEndpoint', endpoint, 'secret', true)).toEqual({ secret: null });
    const real = await made('createWebhookEndpoint', endpoint, 'secret endpoint { id }', false);
    expect(real.secret).toMatch(/^whsec_/);
    const rotation = { endpointId: real.endpoint.id };
    expect(await made('rotateWebhookSecret', rotation, 'secret', true)).toEqual({ secret: null });
    expect((await made('rotateWebhookSecret', rotation, 'secret', false)).secret).toMatch(/^whsec_/);
  });

  test('no link to a document, no page of a provider', async () => {
    const input = { tenantId: globex, addon: 'importer_distributor' };
    const fields = 'invoice { number download { path } }';
    expect(await made('subscribeAddon', input, fields, true)).toMatchObject({ invoice: { download: null } });
    const { path } = (await made('subscribeAddon', input, fields, false)).invoice.download;
    expect((await fetch(`${gateway.url}${path}`)).status).toBe(200);
    const setup = { tenantId: globex, provider: 'FAKE', returnUrl: 'https://example.com/' };
    expect(await made('startPaymentMethodSetup', setup, 'url', true)).toEqual({ url: null });
  });
});
