import { createHmac, generateKeyPairSync } from 'node:crypto';
import { exportJWK, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { decodeId, encodeId } from '../../src/core/ids';
import { demoAudience, demoIssuer } from '../../src/platform/tokens';
import { type DemoIdentity, demoEmail, demoSubject } from '../../src/seed/identities';
import { testServer } from '../support/database';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { leakIn } from './support/leaks';

let gateway: TestGateway;
let globex: string;
let initech: string;
let hooli: string;
let acme: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  [globex, initech, hooli, acme] = await Promise.all([
    gateway.idOf('globex'),
    gateway.idOf('initech'),
    gateway.idOf('hooli'),
    gateway.idOf('acme'),
  ]);
});
afterAll(() => gateway.stop());

const { identityKey } = testServer();
const viewer = '{ viewer { role account } }';
const codeOf = async (bearer: string, query = viewer, headers: Record<string, string> = {}) => {
  const answer = await gateway.ask({ bearer }, query, {}, headers);
  return answer.errors?.[0]?.extensions.code ?? 'DATA';
};

interface TokenParts {
  readonly subject?: string | undefined;
  readonly issuer?: string;
  readonly audience?: string;
  readonly expires?: number | undefined;
  readonly notBefore?: number;
  readonly claims?: JWTPayload;
  readonly header?: Record<string, unknown>;
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

/** A token as the identity provider would sign it, but for what is named. */
async function sign(parts: TokenParts = {}): Promise<string> {
  const token = new SignJWT({ email: demoEmail('super-admin'), email_verified: true, ...parts.claims })
    .setProtectedHeader({ alg: 'EdDSA', kid: identityKey.kid!, ...parts.header })
    .setIssuer(parts.issuer ?? demoIssuer)
    .setAudience(parts.audience ?? demoAudience)
    .setIssuedAt();
  if (!('subject' in parts)) token.setSubject(demoSubject('super-admin'));
  else if (parts.subject !== undefined) token.setSubject(parts.subject);
  if (!('expires' in parts)) token.setExpirationTime('1h');
  else if (parts.expires !== undefined) token.setExpirationTime(parts.expires);
  if (parts.notBefore !== undefined) token.setNotBefore(parts.notBefore);
  return token.sign(await importJWK(identityKey, 'EdDSA'));
}

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const goodClaims = () => ({
  ...{ iss: demoIssuer, aud: demoAudience, sub: demoSubject('super-admin'), exp: inSeconds(3_600) },
  ...{ email: demoEmail('super-admin'), email_verified: true },
});

describe('a token', () => {
  test('that is signed by the provider, for us, now, holds', async () => {
    const { data } = await gateway.ask({ bearer: await sign() }, viewer);
    expect(data).toEqual({ viewer: { role: 'SUPER_ADMIN', account: 'PLATFORM' } });
    expect(await codeOf(await sign({ notBefore: inSeconds(3) }))).toBe('DATA'); // within the tolerance of 5 s
  });

  const hs256 = (secret: string | Buffer) => {
    const content = `${encode({ alg: 'HS256', typ: 'JWT', kid: identityKey.kid })}.${encode(goodClaims())}`;
    return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
  };
  const unsigned = (alg: string) => `${encode({ alg, kid: identityKey.kid })}.${encode(goodClaims())}.`;
  const publicKey = () => Buffer.from(identityKey.x!, 'base64url');
  const { d: _private, ...publicJwk } = identityKey;

  const forged: Readonly<Record<string, () => string | Promise<string>>> = {
    'alg none': () => new UnsecuredJWT(goodClaims()).encode(),
    'alg None': () => unsigned('None'),
    'alg nOnE': () => unsigned('nOnE'),
    'no alg': () => `${encode({ kid: identityKey.kid })}.${encode(goodClaims())}.`,
    'alg EdDSA without a signature': () => unsigned('EdDSA'),
    'HS256 with the public key': () => hs256(publicKey()),
    'HS256 with the public key as text': () => hs256(identityKey.x!),
    'HS256 with the public key as JSON': () => hs256(JSON.stringify(publicJwk)),
    'HS256 with an empty secret': () => hs256(''),
    'another key under our key id': async () => {
      const { privateKey } = generateKeyPairSync('ed25519');
      return new SignJWT(goodClaims()).setProtectedHeader({ alg: 'EdDSA', kid: identityKey.kid! }).sign(privateKey);
    },
    'a key that it brings along': async () => {
      const { privateKey, publicKey: own } = generateKeyPairSync('ed25519');
      const jwk = await exportJWK(own);
      return new SignJWT(goodClaims()).setProtectedHeader({ alg: 'EdDSA', jwk }).sign(privateKey);
    },
    'a key to be fetched': async () => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const header = { alg: 'EdDSA', kid: 'x', jku: `${gateway.url}/keys`, x5u: `${gateway.url}/keys` };
      return new SignJWT(goodClaims()).setProtectedHeader(header).sign(privateKey);
    },
    'RS256 with a key of its own': async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      return new SignJWT(goodClaims()).setProtectedHeader({ alg: 'RS256', kid: identityKey.kid! }).sign(privateKey);
    },
    'a key id that is a path': () => sign({ header: { kid: '../../../../dev/null' } }),
    'a critical header that nobody knows': async () =>
      `${encode({ alg: 'EdDSA', kid: identityKey.kid, crit: ['x'], x: 1 })}.${(await sign()).split('.').slice(1).join('.')}`,
    'edited claims': async () => {
      const [head, , signature] = (await sign({ subject: demoSubject('tenant-member') })).split('.');
      return `${head}.${encode(goodClaims())}.${signature}`;
    },
    'a signature of another token': async () => {
      const [head, body] = (await sign()).split('.');
      return `${head}.${body}.${(await sign({ subject: 'another' })).split('.')[2]}`;
    },
    'a signature that is cut off': async () => (await sign()).slice(0, -4),
    // As far as the second goes that it is written in: there is no tolerance for what has ended.
    'expired a moment ago': () => sign({ expires: inSeconds(-1) }),
    'expired long ago': () => sign({ expires: 1 }),
    'without an end': () => sign({ expires: undefined }),
    'with an end that is text': () => sign({ claims: { exp: '9999999999' as never }, expires: undefined }),
    'not before tomorrow': () => sign({ notBefore: inSeconds(86_400) }),
    'for another audience': () => sign({ audience: 'another' }),
    'from another issuer': () => sign({ issuer: 'https://another.example' }),
    'from an issuer that is nearly ours': () => sign({ issuer: `${demoIssuer}/` }),
    'without a subject': () => sign({ subject: undefined }),
    'with an empty subject': () => sign({ subject: '' }),
    'with a subject that is a number': () => sign({ subject: undefined, claims: { sub: 1 as never } }),
    'with a subject that is an object': () => sign({ subject: undefined, claims: { sub: { like: '%' } as never } }),
    'with a subject of 256 characters': () => sign({ subject: 's'.repeat(256) }),
    'with a NUL in its subject': () => sign({ subject: `${demoSubject('super-admin')}\u0000` }),
    'with half a surrogate pair in its subject': () => sign({ subject: `${demoSubject('super-admin')}\ud800` }),
    'with a NUL in its e-mail': () => sign({ subject: 'new', claims: { email: 'a\u0000@b.example' } }),
    'of somebody whom nobody knows': () => sign({ subject: 'stranger', claims: { email: 'stranger@nowhere.example' } }),
    'with an e-mail that is not verified': () => sign({ subject: 'thief', claims: { email_verified: false } }),
    'with an e-mail that is verified by text': () => sign({ subject: 'thief', claims: { email_verified: 'true' } }),
    'with the e-mail of somebody who has logged in before': () => sign({ subject: 'thief' }),
    'of 9,000 characters': () => sign({ claims: { padding: 'x'.repeat(9_000) } }),
    'three words': () => 'a.b.c',
    'two dots': () => '..',
    'five parts': async () => `${await sign()}.x.y`,
    'JSON that is no header': () => `${encode('[]')}.${encode('[]')}.x`,
    'not base64': () => '!!!.???.***',
  };

  let text: string | undefined;
  test.each(Object.entries(forged))('%s opens nothing, and says the same as any other', async (name, make) => {
    const { status, errors, data } = await gateway.ask({ bearer: await make() }, viewer);
    expect({ name, status, data, code: errors?.[0]?.extensions.code }).toEqual({
      name,
      status: 401,
      data: undefined,
      code: 'UNAUTHENTICATED',
    });
    text ??= errors![0]!.message;
    expect(errors![0]!.message).toBe(text);
    expect(leakIn(JSON.stringify(errors))).toBeUndefined();
  });

  test('is taken from the one place where it belongs, in the one form that it has', async () => {
    const good = await sign();
    const ask = async (authorization: string, more: Record<string, string> = {}) => {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization, ...more },
        body: JSON.stringify({ query: viewer }),
      });
      return { status: response.status, ...((await response.json()) as { data?: unknown }) };
    };
    expect((await ask(`Bearer ${good}`)).status).toBe(200);
    expect((await ask(`bearer ${good}`)).status).toBe(200);
    for (const odd of [
      good,
      `Token ${good}`,
      `Bearer  ${good}`,
      `Bearer ${good} `.concat('x'),
      `Bearer ${good},${good}`,
      `Basic ${good}`,
      'Bearer',
      'Bearer null',
    ]) {
      expect({ odd: odd.slice(0, 20), status: (await ask(odd)).status }).toEqual({
        odd: odd.slice(0, 20),
        status: 401,
      });
    }
    const elsewhere = async (query: string) => {
      const answer = await fetch(`${gateway.url}/graphql${query}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie: `token=${good}`, 'x-api-key': good },
        body: JSON.stringify({ query: viewer }),
      });
      return answer.json();
    };
    expect(await elsewhere('')).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    expect(await elsewhere(`?access_token=${good}`)).toMatchObject({
      errors: [{ extensions: { code: 'BAD_REQUEST' } }],
    });
  });

  test('that is larger than a header may be is refused as JSON', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${'x'.repeat(40_000)}` },
      body: JSON.stringify({ query: viewer }),
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });
});

/** Makes somebody new: invited by e-mail, known by the subject of their first token. */
let people = 0;
async function newcomer() {
  people += 1;
  const email = `newcomer-${people}@people.example`;
  return { email, bearer: await sign({ subject: `newcomer|${people}`, claims: { email } }) };
}

const invite = async (who: DemoIdentity, input: object): Promise<string> => {
  const { member } = await gateway.get(
    who,
    `mutation ($input: InviteUserInput!) { inviteUser(input: $input) { ... on InviteUserDone { member { userId } } ... on Refused { code message } } }`,
    { input },
  );
  return member.userId;
};
const remove = (who: DemoIdentity, input: object) =>
  gateway.get(
    who,
    'mutation ($input: RemoveUserInput!) { removeUser(input: $input) { __typename ... on Refused { code } } }',
    { input },
  );

const mayWrite = `mutation { rebuildEntitlements(input: {}, dryRun: true) { __typename ... on Refused { code } } }`;

/** Everything by which somebody could still get in: a query, a check, a mutation, and who they are said to be. */
async function doors(bearer: string, headers: Record<string, string> = {}) {
  const queries = [
    viewer,
    '{ tenant { name } }',
    '{ entitlementCheck(feature: "api_calls") { allowed reason } }',
    mayWrite,
  ];
  return Promise.all(
    queries.map(async (query) => {
      const { data, errors } = await gateway.ask({ bearer }, query, {}, headers);
      const value = data && (Object.values(data)[0] as { code?: string; reason?: string } | null);
      return errors?.[0]?.extensions.code ?? value?.code ?? value?.reason ?? (value === null ? 'null' : 'DATA');
    }),
  );
}

describe('a role', () => {
  test('that was taken away a moment ago opens nothing, though memberships are remembered', async () => {
    const { email, bearer } = await newcomer();
    const userId = await invite('tenant-admin', { email, tenantRole: 'ADMIN' });
    expect(await doors(bearer)).toEqual(['DATA', 'DATA', 'WITHIN_LIMIT', 'DATA']);
    await remove('tenant-admin', { userId });
    expect(await doors(bearer)).toEqual(Array(4).fill('UNAUTHENTICATED'));
    // Back again: the same person, without a new login.
    await invite('tenant-admin', { email, tenantRole: 'MEMBER' });
    expect((await doors(bearer))[1]).toBe('DATA');
  });

  test('that became less a moment ago allows less', async () => {
    const { email, bearer } = await newcomer();
    await invite('tenant-admin', { email, tenantRole: 'ADMIN' });
    expect((await doors(bearer))[3]).toBe('DATA');
    await invite('tenant-admin', { email, tenantRole: 'MEMBER' });
    expect((await doors(bearer))[3]).toBe('FORBIDDEN');

    const owner = await newcomer();
    await invite('partner-owner', { email: owner.email, partnerRole: 'OWNER' });
    const archive =
      'mutation { archiveAddon(input: { addon: "provider_track" }, dryRun: true) { __typename ... on Refused { code } } }';
    expect(await gateway.get(owner, archive)).toEqual({ __typename: 'ArchiveAddonDone' });
    await invite('partner-owner', { email: owner.email, partnerRole: 'VIEWER' });
    expect(await gateway.get(owner, archive)).toEqual({ __typename: 'Refused', code: 'FORBIDDEN' });
    // The write into a tenant goes another way in.
    const grant = `mutation ($input: RebuildEntitlementsInput!) { rebuildEntitlements(input: $input, dryRun: true) { __typename ... on Refused { code } } }`;
    expect(await gateway.get(owner, grant, { input: { tenantId: globex } })).toEqual({
      __typename: 'Refused',
      code: 'FORBIDDEN',
    });
  });

  test('of a super-admin that was taken away opens nothing', async () => {
    const { email, bearer } = await newcomer();
    await invite('tenant-admin', { email, tenantRole: 'MEMBER' });
    await gateway.database.asOwner(
      `insert into user_roles (user_id, role) select id, 'SUPER_ADMIN' from users where email = $1`,
      [email],
    );
    expect(
      (await gateway.ask({ bearer }, '{ partners { nodes { code } } }')).data.partners.nodes.length,
    ).toBeGreaterThan(1);
    await gateway.database.asOwner(`delete from user_roles where user_id = (select id from users where email = $1)`, [
      email,
    ]);
    expect(await codeOf(bearer, '{ partners { nodes { code } } }')).toBe('UNAUTHENTICATED');
    const create =
      'mutation { createPartner(input: { code: "late", name: "Late", currency: "EUR", timeZone: "UTC" }) { __typename ... on Refused { code } } }';
    expect(await codeOf(bearer, create)).toBe('UNAUTHENTICATED');
    expect(await gateway.database.asOwner(`select 1 from partners where code = 'late'`)).toEqual([]);
  });
});

describe('a key that was revoked a moment ago', () => {
  const make = async (input: object) =>
    gateway.get(
      'partner-owner',
      `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
        ... on CreateApiKeyDone { secret apiKey { id } } ... on Refused { code message } } }`,
      { input: { name: 'soon gone', live: false, scopes: ['READ', 'WRITE', 'USAGE'], ...input } },
    ) as Promise<{ secret: string; apiKey: { id: string } }>;
  const end: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
    revoked: (id) =>
      gateway.get('partner-owner', `mutation { revokeApiKey(input: { apiKeyId: "${id}" }) { __typename } }`),
    'at its end': (id) =>
      gateway.database.asOwner('update api_keys set expires_at = now() where id = $1', [decodeId(id)!.uuid]),
  };
  const nobody = '00000000-0000-7000-8000-000000000000';
  const rest = async (bearer: string) => {
    const authorization = `Bearer ${bearer}`;
    const usage = { method: 'POST', headers: { authorization, 'content-type': 'application/x-ndjson' } };
    const event = { ...usage, body: '{"id":"x","type":"api_calls"}' };
    const paths: [string, RequestInit][] = [
      ['/v1/usage', event],
      [`/invoices/${encodeId('Invoice', nobody, nobody)}.pdf`, { headers: { authorization } }],
    ];
    return Promise.all(paths.map(async ([path, init]) => (await fetch(`${gateway.url}${path}`, init)).status));
  };

  test.each(Object.entries(end))('%s: opens no door, though it was used just before', async (_how, ended) => {
    const { secret, apiKey } = await make({ tenantId: globex });
    expect(await doors(secret)).toEqual(['DATA', 'DATA', 'WITHIN_LIMIT', 'DATA']);
    expect(await rest(secret)).toEqual([200, 404]);
    await ended(apiKey.id);
    // No time has gone by: whoever was remembered is looked up where anything is read or written.
    expect(await doors(secret)).toEqual(Array(4).fill('UNAUTHENTICATED'));
    expect(await rest(secret)).toEqual([401, 401]);
  });

  test('of a partner: no tenant is said to be missing', async () => {
    const { secret, apiKey } = await make({});
    const check = `{ entitlementCheck(feature: "api_calls", tenantId: "${globex}") { reason } }`;
    const write = `mutation { rebuildEntitlements(input: { tenantId: "${globex}" }, dryRun: true) { __typename } }`;
    expect([await codeOf(secret, check), await codeOf(secret, write)]).toEqual(['DATA', 'DATA']);
    await end['revoked']!(apiKey.id);
    expect([await codeOf(secret, check), await codeOf(secret, write)]).toEqual(Array(2).fill('UNAUTHENTICATED'));
  });
});

describe('somebody with several memberships', () => {
  const header = (id: string) => ({ 'tollgate-account': id });
  let bearer: string;
  beforeAll(async () => {
    const person = await newcomer();
    bearer = person.bearer;
    await invite('tenant-admin', { email: person.email, tenantRole: 'ADMIN' });
    await invite('other-tenant-admin', { email: person.email, tenantRole: 'MEMBER' });
    await invite('partner-owner', { email: person.email, partnerRole: 'VIEWER' });
  });

  test('has to say which one is meant', async () => {
    expect(await codeOf(bearer)).toBe('ACCOUNT_REQUIRED');
    expect(await codeOf(bearer, mayWrite)).toBe('ACCOUNT_REQUIRED');
    expect(await codeOf(bearer, '{ entitlementCheck(feature: "api_calls") { allowed } }')).toBe('ACCOUNT_REQUIRED');
  });

  test('is that one and no other', async () => {
    const ask = async (account: string, query: string) =>
      (await gateway.ask({ bearer }, query, {}, header(account))).data;
    const who = '{ viewer { role account tenant { name } partner { code } } }';
    expect(await ask(globex, who)).toEqual({
      viewer: { role: 'ADMIN', account: 'TENANT', tenant: { name: 'Globex' }, partner: { code: 'acme' } },
    });
    expect(await ask(initech, who)).toEqual({
      viewer: { role: 'MEMBER', account: 'TENANT', tenant: { name: 'Initech' }, partner: { code: 'acme' } },
    });
    expect(await ask(acme, who)).toEqual({
      viewer: { role: 'VIEWER', account: 'PARTNER', tenant: null, partner: { code: 'acme' } },
    });
    // What one may, the others still may not: neither read what another membership sees, nor write by another's right.
    const other = '{ tenant(id: "' + initech + '") { name } }';
    expect(await ask(globex, other)).toEqual({ tenant: null });
    expect(await ask(acme, other)).toEqual({ tenant: { name: 'Initech' } });
    expect((await ask(globex, mayWrite)).rebuildEntitlements.__typename).toBe('RebuildEntitlementsDone');
    expect((await ask(initech, mayWrite)).rebuildEntitlements.code).toBe('FORBIDDEN');
    const asPartner = `mutation { rebuildEntitlements(input: { tenantId: "${globex}" }, dryRun: true) { __typename ... on Refused { code } } }`;
    expect((await ask(acme, asPartner)).rebuildEntitlements.code).toBe('FORBIDDEN');
  });

  test.each(['', ' ', 'x', 'tenant_x', 'null', '*', 'ALL', 'x'.repeat(5_000)])(
    'names no account with %p',
    async (account) => {
      const code = await codeOf(bearer, viewer, header(account));
      expect(code).toBe(account.trim() === '' ? 'ACCOUNT_REQUIRED' : 'UNAUTHENTICATED');
    },
  );

  test('gets nothing by naming somebody else’s, and it reads like one that does not exist', async () => {
    const umbrella = await gateway.idOf('umbrella');
    const missing = encodeId('Tenant', '01890000-0000-7000-8000-000000000000');
    const answers = await Promise.all(
      [hooli, umbrella, missing].map(async (account) => {
        const { status, errors } = await gateway.ask({ bearer }, viewer, {}, header(account));
        return { status, message: errors![0]!.message, code: errors![0]!.extensions.code };
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]!.status).toBe(401);
    // Somebody with one membership does not get out of it either.
    expect(await codeOf(await gateway.token('tenant-admin'), viewer, header(initech))).toBe('UNAUTHENTICATED');
    expect(await codeOf(await gateway.token('tenant-admin'), viewer, header(acme))).toBe('UNAUTHENTICATED');
    expect(await codeOf(await gateway.token('tenant-admin'), viewer, header(globex))).toBe('DATA');
    expect(await codeOf(await gateway.token('tenant-admin'), viewer, header(`${globex}, ${initech}`))).toBe(
      'UNAUTHENTICATED',
    );
  });
});

describe('an API key', () => {
  const createKey = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { __typename
    ... on CreateApiKeyDone { apiKey { id prefix } secret } ... on Refused { code message } } }`;
  const make = (
    input: object,
    who: DemoIdentity = 'partner-owner',
  ): Promise<{ apiKey: { id: string; prefix: string }; secret: string }> =>
    gateway.get(who, createKey, { input: { name: 'key', live: false, scopes: ['READ', 'WRITE'], ...input } });
  const outcome = async (bearer: string, query: string, variables: object = {}) => {
    const { data, errors } = await gateway.ask({ bearer }, query, variables);
    if (errors) return errors[0]!.extensions.code;
    const value = Object.values(data)[0] as { __typename?: string; code?: string; nodes?: unknown[] } | null;
    if (value === null) return 'null';
    return value.nodes ? value.nodes.length : value.__typename === 'Refused' ? value.code : 'DATA';
  };
  const tenants = '{ tenants(first: 100) { nodes { id sandbox } } }';
  const tenantOf = (id: string) => `{ tenant(id: "${id}") { name } }`;
  const rebuild = (tenantId: string) =>
    `mutation { rebuildEntitlements(input: { tenantId: "${tenantId}" }, dryRun: true) { __typename ... on Refused { code } } }`;
  const archive =
    'mutation { archiveAddon(input: { addon: "provider_track" }, dryRun: true) { __typename ... on Refused { code } } }';
  let liveTenant: string;
  beforeAll(async () => {
    const made = await gateway.get(
      'partner-owner',
      'mutation { createTenant(input: { name: "Real" }) { ... on CreateTenantDone { tenant { id sandbox } } } }',
    );
    expect(made.tenant.sandbox).toBe(false);
    liveTenant = made.tenant.id;
  });

  test('of a partner for tests reaches sandbox tenants and no other, and not the catalog that live ones buy', async () => {
    const { secret } = await make({});
    expect(secret).toMatch(/^tg_test_[A-Za-z0-9_-]{43}$/);
    expect(await outcome(secret, viewer)).toBe('DATA');
    expect(await outcome(secret, '{ addons { nodes { code } } }')).toBeGreaterThan(0);
    const { data } = await gateway.ask({ bearer: secret }, tenants);
    expect(data.tenants.nodes.every((tenant: { sandbox: boolean }) => tenant.sandbox)).toBe(true);
    expect(await outcome(secret, tenantOf(globex))).toBe('DATA');
    expect([await outcome(secret, tenantOf(liveTenant)), await outcome(secret, tenantOf(hooli))]).toEqual([
      'null',
      'null',
    ]);
    expect(await outcome(secret, rebuild(globex))).toBe('DATA');
    expect([await outcome(secret, rebuild(liveTenant)), await outcome(secret, rebuild(hooli))]).toEqual([
      'TENANT_NOT_FOUND',
      'TENANT_NOT_FOUND',
    ]);
    expect(await outcome(secret, archive)).toBe('FORBIDDEN');
    expect(
      await outcome(secret, createKey, { input: { name: 'more', live: true, scopes: ['READ', 'WRITE', 'USAGE'] } }),
    ).toBe('FORBIDDEN');
  });

  test('of a partner for real writes to live tenants and the catalog', async () => {
    const { secret } = await make({ live: true });
    expect(secret).toMatch(/^tg_live_/);
    expect(await outcome(secret, tenantOf(liveTenant))).toBe('DATA');
    expect([await outcome(secret, rebuild(liveTenant)), await outcome(secret, archive)]).toEqual(['DATA', 'DATA']);
    expect([await outcome(secret, rebuild(globex)), await outcome(secret, rebuild(hooli))]).toEqual([
      'TENANT_NOT_FOUND',
      'TENANT_NOT_FOUND',
    ]);
    expect(await outcome(secret, '{ partners { nodes { id } } }')).toBe(0);
    expect(
      await outcome(
        secret,
        'mutation { createPartner(input: { code: "mine", name: "Mine", currency: "EUR", timeZone: "UTC" }) { __typename ... on Refused { code } } }',
      ),
    ).toBe('FORBIDDEN');
  });

  test('of a tenant reaches that tenant, whatever it names', async () => {
    const { secret } = await make({ tenantId: globex });
    expect((await gateway.ask({ bearer: secret }, '{ viewer { account role tenant { name } } }')).data).toEqual({
      viewer: { account: 'TENANT', role: 'API_KEY', tenant: { name: 'Globex' } },
    });
    for (const stranger of [initech, hooli, liveTenant]) {
      expect([await outcome(secret, tenantOf(stranger)), await outcome(secret, rebuild(stranger))]).toEqual([
        'null',
        'TENANT_NOT_FOUND',
      ]);
      expect(await codeOf(secret, viewer, { 'tollgate-account': stranger })).toBe('DATA');
      expect(
        (await gateway.ask({ bearer: secret }, '{ tenant { name } }', {}, { 'tollgate-account': stranger })).data,
      ).toEqual({ tenant: { name: 'Globex' } });
    }
    expect(await outcome(secret, rebuild(globex))).toBe('DATA');
    for (const list of [tenants, '{ apiKeys { nodes { id } } }', '{ coupons { nodes { id } } }'])
      expect(await outcome(secret, list)).toBe(0);
    expect([
      await outcome(secret, archive),
      await outcome(secret, createKey, { input: { name: 'x', live: true, scopes: ['WRITE'] } }),
    ]).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    const { data } = await gateway.ask({ bearer: secret }, '{ addons { nodes { code subscriberCount } } }');
    expect(data.addons.nodes.every((addon: { subscriberCount: number | null }) => addon.subscriberCount === null)).toBe(
      true,
    );
  });

  test('of the wrong kind for its tenant opens nothing', async () => {
    const test = await make({ tenantId: liveTenant, live: false });
    const live = await make({ tenantId: globex, live: true });
    for (const { secret } of [test, live]) {
      expect(await doors(secret)).toEqual(Array(4).fill('UNAUTHENTICATED'));
    }
  });

  test('does what its scopes say and nothing more', async () => {
    const scoped = async (...scopes: string[]) => {
      const { secret } = await make({ scopes });
      return [
        await outcome(secret, tenantOf(globex)),
        await outcome(secret, '{ addons { nodes { code } } }'),
        await outcome(secret, '{ apiKeys { nodes { id } } }'),
        await outcome(secret, rebuild(globex)),
      ];
    };
    const [tenant, addons, keys] = await scoped('READ', 'WRITE');
    expect([tenant, Number(addons) > 0, Number(keys) > 0]).toEqual(['DATA', true, false]);
    expect(await scoped('READ')).toEqual(['DATA', addons, keys, 'FORBIDDEN']);
    expect(await scoped('WRITE')).toEqual(['null', 0, 0, 'DATA']);
    expect(await scoped('USAGE')).toEqual(['null', 0, 0, 'FORBIDDEN']);
  });

  test('that was revoked a moment ago opens nothing', async () => {
    const { apiKey, secret } = await make({ tenantId: globex });
    expect(await doors(secret)).toEqual(['DATA', 'DATA', 'WITHIN_LIMIT', 'DATA']);
    await gateway.get(
      'partner-owner',
      'mutation ($id: ID!) { revokeApiKey(input: { apiKeyId: $id }) { __typename } }',
      { id: apiKey.id },
    );
    expect(await doors(secret)).toEqual(Array(4).fill('UNAUTHENTICATED'));
  });

  test('that has run out opens nothing', async () => {
    const past = await gateway.ask('partner-owner', createKey, {
      input: { name: 'past', live: false, scopes: ['READ'], expiresAt: '2025-01-01T00:00:00Z' },
    });
    expect(past.data.createApiKey.code).toBe('INVALID_INPUT');
    const { apiKey, secret } = await make({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
    expect(await outcome(secret, viewer)).toBe('DATA');
    await gateway.database.asOwner(`update api_keys set expires_at = now() - interval '1 second' where prefix = $1`, [
      apiKey.prefix,
    ]);
    expect(await outcome(secret, viewer)).toBe('UNAUTHENTICATED');
    expect(await outcome(secret, rebuild(globex))).toBe('UNAUTHENTICATED');
  });

  test('of a tenant is of its kind: a test key would see nothing of a live tenant, nor a live key of a sandbox', async () => {
    for (const sandbox of [true, false]) {
      const { tenant } = await gateway.get(
        'partner-owner',
        'mutation ($input: CreateTenantInput!) { createTenant(input: $input) { ... on CreateTenantDone { tenant { id } } } }',
        { input: { name: 'of a kind', sandbox } },
      );
      expect(await make({ tenantId: tenant.id, live: sandbox })).toMatchObject({ code: 'INVALID_INPUT' });
      expect(await make({ tenantId: tenant.id, live: !sandbox })).toMatchObject({ secret: expect.any(String) });
    }
  });

  test('that is nearly right is nothing', async () => {
    const { secret } = await make({});
    const [head, body] = [secret.slice(0, 8), secret.slice(8)];
    const flipped = `${body[0] === 'A' ? 'B' : 'A'}${body.slice(1)}`;
    const malformed = [
      ...[
        `tg_live_${body}`,
        `${head}${flipped}`,
        secret.slice(0, -1),
        `${secret}A`,
        `${secret}=`,
        secret.toUpperCase(),
        `tg_test_${body.toLowerCase()}`,
      ],
      ...[
        'tg_',
        'tg_test_',
        `tg_prod_${body}`,
        `tg_test_${'%'.repeat(43)}`,
        `tg_test_${'x'.repeat(4_000)}`,
        body,
        `TG_test_${body}`,
      ],
    ];
    for (const key of malformed) {
      expect({ key: key.slice(0, 12), code: await codeOf(key) }).toEqual({
        key: key.slice(0, 12),
        code: 'UNAUTHENTICATED',
      });
    }
  });
});

describe('one after the other on the same connections', () => {
  const name: Partial<Record<DemoIdentity, string>> = {
    'tenant-admin': 'Globex',
    'other-tenant-admin': 'Initech',
    'other-partner-tenant-admin': 'Hooli',
  };
  const asked =
    () => `{ own: tenant { id name partner { code } } a: tenant(id: "${globex}") { name } b: tenant(id: "${initech}") { name }
    c: tenant(id: "${hooli}") { name } check: entitlementCheck(feature: "api_calls") { reason }
    other: entitlementCheck(feature: "api_calls", tenantId: "${hooli}") { reason } }`;

  /** What somebody sees of the three: their own, whoever asked before, and through whatever loader. */
  function check(
    who: DemoIdentity,
    data: Record<string, { name?: string; reason?: string; partner?: { code: string } } | null>,
  ) {
    const own = name[who];
    const seen = [data['a'], data['b'], data['c']].flatMap((tenant) => tenant?.name ?? []);
    expect({ who, own: data['own']?.name, seen }).toEqual({ who, own, seen: [own] });
    expect(data['own']?.partner?.code).toBe(own === 'Hooli' ? 'umbrella' : 'acme');
    expect(data['other']?.reason === 'TENANT_UNKNOWN').toBe(own !== 'Hooli');
  }

  test.each([1, 2, 3])(
    '%s connections, three tenants, with failures in between: nobody sees a stranger’s row',
    async (poolSize) => {
      const small = await startTestGateway({ poolSize, database: gateway.database });
      try {
        const people = Object.keys(name) as DemoIdentity[];
        const disturbances: readonly (() => Promise<unknown>)[] = [
          () =>
            small.ask(
              'tenant-admin',
              `mutation { rebuildEntitlements(input: { tenantId: "${hooli}" }) { __typename } }`,
            ),
          () => small.ask('other-tenant-admin', '{ addons(after: "nonsense") { nodes { code } } }'),
          () =>
            small.ask(
              'partner-owner',
              `mutation { rebuildEntitlements(input: { tenantId: "${globex}" }, dryRun: true) { __typename } }`,
            ),
          () => small.ask('super-admin', '{ partners { nodes { code } } }'),
          () => small.ask({ bearer: 'tg_test_nonsense' }, viewer),
          () => small.ask('other-partner-owner', 'mutation { createTenant(input: { name: "" }) { __typename } }'),
          // Ended by the database in the middle of a transaction.
          () =>
            gateway.database.asOwner(
              `select pg_cancel_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tollgate-test' and state = 'active'`,
            ),
        ];
        const rounds = Array.from({ length: 90 }, async (_, index) => {
          if (index % 3 === 2) await disturbances[index % disturbances.length]!().catch(() => undefined);
          const who = people[index % people.length]!;
          let { data, errors } = await small.ask(who, asked());
          // On a busy machine so few connections have no place for all of them at once: they come back, as clients do.
          while (errors?.every(({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE')) {
            ({ data, errors } = await small.ask(who, asked()));
          }
          // What was cancelled says so; it never answers with somebody else's.
          if (!errors) check(who, data);
          return errors === undefined;
        });
        const whole = (await Promise.all(rounds)).filter(Boolean).length;
        expect(whole).toBeGreaterThan(60);
      } finally {
        await small.stop();
      }
    },
  );

  test('what was loaded for one is not there for the next', async () => {
    for (let turn = 0; turn < 10; turn += 1) {
      for (const who of Object.keys(name) as DemoIdentity[]) check(who, (await gateway.ask(who, asked())).data);
    }
    // A load that fails for one leaves the other's alone.
    const [bad, good] = await Promise.all([
      gateway.ask(
        'tenant-admin',
        `{ a: node(id: "${initech}") { __typename } b: tenants(after: "nonsense") { nodes { id } } }`,
      ),
      gateway.ask('other-tenant-admin', `{ node(id: "${initech}") { ... on Tenant { name } } }`),
    ]);
    expect(bad.errors![0]!.extensions.code).toBe('BAD_USER_INPUT');
    expect(good.data).toEqual({ node: { name: 'Initech' } });
  });
});
