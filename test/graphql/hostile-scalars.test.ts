import { coerceInputValue, type GraphQLInputType, getNamedType, isEnumType } from 'graphql';
import { errorCodes } from '../../src/graphql/errors';
import { refusalCodes } from '../../src/graphql/refusal-codes';
import { startTestGateway, type TestGateway } from '../support/gateway';
import {
  type Arguments,
  askCalls,
  inputPaths,
  isList,
  isMutation,
  isRequired,
  operation,
  outcomeOf,
  valueAt,
  withValue,
} from './support/calls';
import { examples, operationOf } from './support/examples';
import { buildHomes, type Home, type HomeName } from './support/homes';
import { leakIn } from './support/leaks';

let gateway: TestGateway;
let homes: Readonly<Record<HomeName, Home>>;
beforeAll(async () => {
  gateway = await startTestGateway();
  homes = await buildHomes(gateway);
});
afterAll(() => gateway.stop());

const digits = (count: number) => '7'.repeat(count);

describe('a decimal', () => {
  const refused: readonly unknown[] = [
    ...[
      '1e100000000',
      '1e5',
      '1E5',
      'NaN',
      'Infinity',
      '-Infinity',
      '-0',
      '-0.00',
      '0x1F',
      '0b11',
      '1_000',
      '1,5',
      '+1',
    ],
    ...[
      '',
      ' 1',
      '1 ',
      '1\n',
      '.5',
      '1.',
      '00.5',
      '01',
      '--1',
      '1.2.3',
      '½',
      '１２',
      '٣',
      '−1',
      '1\u200b',
      '1.0000000000001',
    ],
    ...[digits(21), digits(400), digits(40_000), `0.${digits(400)}`, '$1', 'one', 'null'],
    ...[1, 1.5, -1, Number.MAX_SAFE_INTEGER, 1e300, true, {}, { amount: '1' }, [['1']]],
  ];

  test('is text of a strict pattern; everything else is refused before any library sees it', async () => {
    for (const quantity of refused) {
      const { errors, data } = await gateway.ask(
        'tenant-admin',
        'query ($quantity: Decimal) { entitlementCheck(feature: "api_calls", quantity: $quantity) { reason } }',
        { quantity },
      );
      expect({ quantity, code: errors?.[0]?.extensions.code, data }).toEqual({
        quantity,
        code: 'BAD_USER_INPUT',
        data: undefined,
      });
    }
  });

  test.each(['1e100000000', '1e400', '-1e5', 'NaN', '"1e5"', '"-0"', '0x1F', '12', '1.5', `"${digits(400)}"`])(
    'written into the document as %s is refused as well',
    async (literal) => {
      const { errors } = await gateway.ask(
        'tenant-admin',
        `{ entitlementCheck(feature: "api_calls", quantity: ${literal}) { reason } }`,
      );
      expect(['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']).toContain(
        errors![0]!.extensions.code,
      );
    },
  );

  test('keeps every digit that it may have', async () => {
    const largest = '99999999999999999999.999999999999';
    const answer = await gateway.get(
      'partner-owner',
      `mutation ($input: CreatePlanInput!) { createPlan(input: $input, dryRun: true) {
         ... on CreatePlanDone { plan { currentVersion { allowances { limit } } } } ... on Refused { code message } } }`,
      {
        input: {
          ...{
            code: 'digits',
            name: 'Digits',
            rank: 1,
            prices: [{ interval: 'MONTH', price: { amount: '0', currency: 'EUR' } }],
          },
          features: [{ feature: 'world_calls', limit: largest, resetPeriod: 'MONTH' }],
        },
      },
    );
    expect(answer).toEqual({ plan: { currentVersion: { allowances: [{ limit: largest }] } } });
  });
});

const refusal = async (mutation: string, input: object, more: object = {}) => {
  const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}`;
  const { data, errors } = await gateway.ask(
    'partner-owner',
    `mutation ($input: ${type}Input!) { ${mutation}(input: $input, dryRun: true) {
       __typename ... on Refused { code path } } }`,
    { input, ...more },
  );
  return errors ? errors[0]!.extensions.code : (data[mutation].code ?? data[mutation].__typename);
};

describe('money', () => {
  const plan = (amount: unknown, currency: unknown) => ({
    ...{ code: 'priced', name: 'Priced', rank: 1 },
    prices: [{ interval: 'MONTH', price: { amount, currency } }],
  });

  test.each([
    ['12.345', 'EUR', 'INVALID_INPUT'],
    ['1.5', 'JPY', 'INVALID_INPUT'],
    ['1.2345', 'KWD', 'INVALID_INPUT'],
    ['-1', 'EUR', 'INVALID_INPUT'],
    ['99999999999999999999', 'EUR', 'INVALID_INPUT'],
    ['10000000000000.01', 'EUR', 'INVALID_INPUT'],
    ['1', 'eur', 'BAD_USER_INPUT'],
    ['1', 'EURO', 'BAD_USER_INPUT'],
    ['1', 'XYZ', 'BAD_USER_INPUT'],
    ['1', '', 'BAD_USER_INPUT'],
    ['1', 978, 'BAD_USER_INPUT'],
    ['0', 'EUR', 'CreatePlanDone'],
    ['12.34', 'EUR', 'CreatePlanDone'],
    ['500', 'JPY', 'CreatePlanDone'],
    ['1.234', 'KWD', 'CreatePlanDone'],
    ['10000000000000', 'EUR', 'CreatePlanDone'],
  ])('%s %s: %s', async (amount, currency, outcome) => {
    expect(await refusal('createPlan', plan(amount, currency))).toBe(outcome);
  });

  test.each([
    'en-US',
    'de-DE',
    '',
    ' ',
    'x',
    'en-US-US',
    'de-de-de',
    'en-u-nu-thai',
    'zz-ZZ',
    '..',
    'a'.repeat(5_000),
    '../etc',
    'en_US',
  ])('is shown in the locale %p, or in English', async (locale) => {
    const { data, errors } = await gateway.ask(
      'tenant-admin',
      'query ($locale: String!) { creditBalance { formatted(locale: $locale) } }',
      { locale },
    );
    expect({ locale, errors }).toEqual({ locale, errors: undefined });
    expect(data.creditBalance.formatted).toMatch(/\p{Nd}/u);
  });
});

describe('a quantity', () => {
  test.each([
    [0, 'INVALID_INPUT'],
    [-1, 'INVALID_INPUT'],
    [-2_147_483_648, 'INVALID_INPUT'],
    [-0, 'INVALID_INPUT'],
    [2_147_483_648, 'BAD_USER_INPUT'],
    [Number.MAX_SAFE_INTEGER, 'BAD_USER_INPUT'],
    [1.5, 'BAD_USER_INPUT'],
    [1e300, 'BAD_USER_INPUT'],
    ['1', 'BAD_USER_INPUT'],
    [true, 'BAD_USER_INPUT'],
    [[1, 2], 'BAD_USER_INPUT'],
    [2_147_483_647, 'SubscribeAddonDone'],
  ])('%p: %s', async (quantity, outcome) => {
    const input = { tenantId: homes.globex.tenantId, addon: homes.globex.freeAddonId, quantity };
    expect(await refusal('subscribeAddon', input)).toBe(outcome);
  });

  test.each(['1e5', '1.0', '2147483648', '9007199254740993', '-1e400', '"1"', '0x10'])(
    'written into the document as %s is refused',
    async (literal) => {
      const { errors } = await gateway.ask(
        'partner-owner',
        `mutation { subscribeAddon(input: { addon: "x", quantity: ${literal} }, dryRun: true) { __typename } }`,
      );
      expect(['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED']).toContain(errors![0]!.extensions.code);
    },
  );

  test('times a price beyond every amount is refused, not an error', async () => {
    const price = [{ interval: 'MONTH', price: { amount: '10000000000000', currency: 'EUR' } }];
    const make = `mutation ($input: CreatePlanInput!) { createPlan(input: $input) { __typename } }`;
    await gateway.get('partner-owner', make, { input: { code: 'dearest', name: 'Dearest', rank: 1, prices: price } });
    const tenantId = homes.globex.blankTenantId;
    const outcome = await refusal('startSubscription', { tenantId, plan: 'dearest', quantity: 2_147_483_647 });
    expect(outcome).toBe('INVALID_INPUT');
  });
});

describe('a date', () => {
  const invalid = [
    '2025-02-30',
    '2025-13-01',
    '2025-00-10',
    '9999-12-31',
    '1969-12-31',
    '0000-01-01',
    '2025-2-3',
    '20250203',
  ];

  test.each([
    ...invalid,
    '+002025-01-01',
    '2025-02-29',
    '2025-01-01T00:00:00Z',
    '',
    ' 2025-01-01',
    '２０２５-01-01',
    20_250_101,
  ])('%p is none', async (effectiveDate) => {
    const { errors } = await gateway.ask(
      'tenant-admin',
      'query ($input: PlanChangeInput!) { prorationPreview(input: $input) { __typename } }',
      { input: { plan: homes.globex.ids.Plan, effective: 'DATE', effectiveDate } },
    );
    expect({ effectiveDate, code: errors?.[0]?.extensions.code }).toEqual({ effectiveDate, code: 'BAD_USER_INPUT' });
  });

  test.each([
    ...invalid.map((date) => `${date}T00:00:00Z`),
    ...[
      '2025-06-15',
      '2025-06-15T25:00:00Z',
      '2025-06-15T24:00:00Z',
      '2025-06-15T12:60:00Z',
      '2025-06-15T12:00:00',
      '2025-06-15T12:00Z',
    ],
    ...[
      '2025-06-15T12:00:00.1234Z',
      '2025-06-15 12:00:00Z',
      '2025-06-15T12:00:00+25:00',
      '2025-06-15T12:00:00z',
      '',
      'now',
      1_750_000_000,
    ],
  ])('%p is no instant', async (asOf) => {
    const { errors } = await gateway.ask(
      'tenant-admin',
      'query ($asOf: DateTime) { entitlements(asOf: $asOf) { reason } }',
      { asOf },
    );
    expect({ asOf, code: errors?.[0]?.extensions.code }).toEqual({ asOf, code: 'BAD_USER_INPUT' });
  });

  test('an end before its start is refused', async () => {
    const [early, late] = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'];
    const coupon = { code: 'SPAN', kind: 'PERCENT', percent: '5', duration: 'ONCE' };
    expect(await refusal('createCoupon', { ...coupon, validFrom: late, validUntil: early })).toBe('INVALID_INPUT');
    expect(await refusal('createCoupon', { ...coupon, validFrom: early, validUntil: early })).toBe('INVALID_INPUT');
    expect(await refusal('createCoupon', { ...coupon, validFrom: early, validUntil: late })).toBe('CreateCouponDone');
    const grant = { tenantId: homes.globex.tenantId, feature: homes.globex.deniedFeatureId, reason: 'a try' };
    expect(await refusal('grantEntitlement', { ...grant, startsAt: late, endsAt: early })).toBe('INVALID_INPUT');
    expect(await refusal('grantEntitlement', { ...grant, startsAt: early, endsAt: late })).toBe('GrantEntitlementDone');
  });

  test.each(['100.01', '0', '-5', '100.000000000001', '1000'])('%s is no percentage', async (percent) => {
    expect(await refusal('createCoupon', { code: 'MUCH', kind: 'PERCENT', percent, duration: 'ONCE' })).toBe(
      'INVALID_INPUT',
    );
  });

  test.each(['100', '0.000000000001', '33.333333333333'])('%s is one', async (percent) => {
    expect(await refusal('createCoupon', { code: 'MUCH', kind: 'PERCENT', percent, duration: 'ONCE' })).toBe(
      'CreateCouponDone',
    );
  });
});

/** Variables as the text of JSON, so that what JavaScript objects cannot hold is in them. */
async function askRaw(query: string, variables: string) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await gateway.token('partner-owner')}` },
    body: `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`,
  });
  return { status: response.status, text: await response.text() };
}

describe('keys', () => {
  const createFeature =
    'mutation ($input: CreateFeatureInput!) { createFeature(input: $input, dryRun: true) { __typename } }';
  const preview = 'query ($input: PlanChangeInput!) { prorationPreview(input: $input) { __typename } }';
  const feature = '"code": "keys", "name": "Keys", "kind": "BOOLEAN"';

  test.each([
    ['__proto__ in an input', createFeature, `{"input": {${feature}, "__proto__": {"unit": "x"}}}`],
    ['constructor in an input', createFeature, `{"input": {${feature}, "constructor": {"prototype": {"unit": "x"}}}}`],
    ['an unknown key in an input', createFeature, `{"input": {${feature}, "isAdmin": true}}`],
    ['__proto__ in the input of a query', preview, '{"input": {"plan": "starter", "__proto__": {"waived": true}}}'],
    ['an unknown key in the input of a query', preview, '{"input": {"plan": "starter", "price": "0"}}'],
    ['__proto__ as a variable', createFeature, `{"input": {${feature}}, "__proto__": {"input": 1}}`],
    ['a list for an input', createFeature, '{"input": []}'],
    ['text for an input', createFeature, '{"input": "x"}'],
  ])('%s: refused', async (_name, query, variables) => {
    const { status, text } = await askRaw(query, variables);
    expect({ status, text }).toEqual({ status: 400, text: expect.stringContaining('BAD_USER_INPUT') });
    expect(leakIn(text)).toBeUndefined();
  });

  test('a key twice: the last counts, as JSON has it, and nothing of the first', async () => {
    const { text } = await askRaw(createFeature, `{"input": {"code": "!", ${feature}}}`);
    expect(text).toContain('CreateFeatureDone');
  });

  test('no object of the gateway has got a new member', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as { unit?: string }).unit).toBeUndefined();
  });
});

describe('text', () => {
  const rename = `mutation ($name: String!) { createTenant(input: { name: $name, sandbox: true }, dryRun: true) {
    ... on CreateTenantDone { tenant { name } } ... on Refused { code } } }`;

  test.each([
    ['emoji with joiners', '👩‍👩‍👧‍👦 & 🏳️‍🌈'],
    ['combining marks as they were typed', 'e\u0301 is not é'],
    ['200 characters', 'ß'.repeat(200)],
    ['SQL', "Robert'); drop table tenants; --"],
    ['a template', '${7 * 7} {{7 * 7}} %s %n'],
    ['a formula', '=1+1'],
    ['markup', '<script>alert(1)</script>'],
    ['backslashes', '\\u0000 \\ \\\\'],
    ['a noncharacter', 'a\uffffb'],
    ['the plane beyond', '𐀀\u{10ffff}'],
    ['names of members', '__proto__ constructor'],
  ])('%s: stored to the letter', async (_name, name) => {
    expect(await gateway.get('partner-owner', rename, { name })).toEqual({ tenant: { name } });
  });

  test.each([
    ['only spaces', '   '],
    ['201 characters', 'x'.repeat(201)],
    ['a right-to-left override', 'a\u202eb'],
    ['a right-to-left mark', 'a\u200fb'],
    ['an isolate', 'a\u2066b'],
    ['a bell', 'a\u0007b'],
    ['an escape', 'a\u001b[31mb'],
    ['a delete', 'a\u007fb'],
  ])('%s: refused', async (_name, name) => {
    expect(await gateway.get('partner-owner', rename, { name })).toEqual({ code: 'INVALID_INPUT' });
  });

  test.each([
    ['NUL', 'a\u0000b'],
    ['the first half of a pair', 'a\ud800'],
    ['the second half of a pair', '\udc00b'],
    ['both halves in the wrong order', '\udc00\ud800'],
  ])('%s cannot be text', async (_name, name) => {
    const { errors } = await gateway.ask('partner-owner', rename, { name });
    expect(errors![0]!.extensions.code).toBe('BAD_USER_INPUT');
    const literal = JSON.stringify(name);
    const inDocument = await gateway.ask(
      'partner-owner',
      rename.replace('$name: String!', '$unused: Int').replace('name: $name', `name: ${literal}`),
    );
    expect(['BAD_USER_INPUT', 'GRAPHQL_PARSE_FAILED']).toContain(inDocument.errors![0]!.extensions.code);
    const asDefault = await gateway.ask('partner-owner', rename.replace('String!', `String = ${literal}`));
    expect(['BAD_USER_INPUT', 'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED']).toContain(
      asDefault.errors![0]!.extensions.code,
    );
    const inHeader = await gateway.ask(
      'partner-owner',
      '{ viewer { role } }',
      {},
      { 'tollgate-account': encodeURIComponent(name.toWellFormed()) },
    );
    expect(inHeader.errors![0]!.extensions.code).toBe('UNAUTHENTICATED');
  });

  test('bytes that are not UTF-8 are refused, not replaced', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"query": "{ addon(id: \\"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('\\") { code } }"}'),
    ]);
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bytes,
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('BAD_REQUEST');
  });
});

/*
 * Everything below is generated from the schema: each argument of each operation, at whatever depth, gets a list of values
 * of its type and of others. Whatever they are, the answer is a code that the schema knows.
 */
const names = Object.keys(examples).filter((name) => examples[name]!.of === undefined);
let number = 0;
const exampleOf = (name: string): Arguments => {
  number += 1;
  return examples[name]!.args(homes.globex, number);
};
const rehearsed = (name: string, args: Arguments) => ({
  name: operationOf(name),
  args: isMutation(operationOf(name)) ? { ...args, dryRun: true } : args,
});

const texts = [
  '',
  ' ',
  'x'.repeat(5_000),
  'a\u202eb',
  '🦄',
  "'; drop table tenants; --",
  '${7*7}',
  '\n\r\t',
  '%00',
  '-1',
];

const wrongIds = (home: Home, id: string) => [
  ...['', ' ', 'null', '0', 'x'.repeat(5_000), '__proto__', "' or 1=1 --", '%', '00000000-0000-0000-0000-000000000000'],
  ...[
    id.toUpperCase(),
    id.slice(0, -1),
    `${id}0`,
    `${id} `,
    id.replace('_', '-'),
    id.split('_')[1]!,
    `${id}\n`,
    `_${id}`,
  ],
  // Other kinds of things that do exist.
  ...[home.ids.Partner, home.ids.Tenant, home.ids.Plan, home.ids.Invoice].filter(
    (other) => other.split('_')[0] !== id.split('_')[0],
  ),
  // 26 letters hold 130 bits: a second spelling of an id of 128.
  `${id.split('_')[0]}_z${id.split('_')[1]!.slice(1)}`,
];

const pools: Readonly<Record<string, readonly unknown[]>> = {
  Int: [0, -1, 1, -2_147_483_648, 2_147_483_647],
  Boolean: [true, false],
  Decimal: ['0', '-1', '0.000000000001', '99999999999999999999.999999999999', '100.01'],
  DateTime: ['1970-01-01T00:00:00Z', '2199-12-31T23:59:59.999Z', '2025-12-21T15:00:00+14:00', '2016-12-31T23:59:60Z'],
  LocalDate: ['1970-01-01', '2199-12-31', '2024-02-29', '2025-12-31'],
  CurrencyCode: ['USD', 'JPY', 'KWD'],
  TimeZone: ['UTC', 'Pacific/Apia', 'europe/berlin', 'Etc/GMT+12'],
};
const strange = [null, 0, 1.5, Number.MAX_SAFE_INTEGER, true, 'x', '1e400', '2025-02-30', [], {}, ['x'], [[['x']]]];

interface Given {
  readonly value: unknown;
  /** It names nothing that there is: whoever gets data for it got somebody's, or the first row. */
  readonly nothing: boolean;
}

function valuesFor(type: GraphQLInputType, home: Home, example: unknown): Given[] {
  const named = getNamedType(type);
  const wrong = named.name === 'ID' && typeof example === 'string' ? wrongIds(home, example) : [];
  const own = isEnumType(named)
    ? named.getValues().map(({ name }) => name)
    : named.name === 'String'
      ? texts
      : (pools[named.name] ?? []);
  const lists = isList(type) && example !== undefined ? [[], [example, example], Array(30).fill(example)] : [];
  return [
    ...wrong.map((value) => ({ value, nothing: true })),
    ...[...own, ...lists, ...strange].map((value) => ({ value, nothing: false })),
  ];
}

const coerces = (value: unknown, type: GraphQLInputType): boolean => {
  let good = true;
  coerceInputValue(value, type, () => {
    good = false;
  });
  return good;
};

/** Whether every argument is of its type, with one of them replaced at some depth. */
const fits = (name: string, args: Arguments): boolean =>
  operation(operationOf(name)).args.every(({ name: argument, type, defaultValue }) =>
    args[argument] === undefined ? !isRequired(type) || defaultValue !== undefined : coerces(args[argument], type),
  );

function inGroups<T>(members: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(members.length / size) }, (_, index) =>
    members.slice(index * size, (index + 1) * size),
  );
}

const known = new Set<string>([
  ...errorCodes.filter((code) => code !== 'INTERNAL_SERVER_ERROR'),
  ...Object.keys(refusalCodes),
]);
const plain = new Set(['DATA', 'null', 'empty', 'TENANT_UNKNOWN', 'FEATURE_UNKNOWN']);

async function problemsAt(name: string, path: string, type: GraphQLInputType): Promise<string[]> {
  const home = homes.globex;
  const isPage = path === 'first' || path === 'last';
  const all = valuesFor(type, home, valueAt(exampleOf(name), path)).map((given) => {
    const args = withValue(exampleOf(name), path, given.value);
    return { ...given, args, fits: fits(name, args) };
  });
  // What does not fit its type ends the whole request, and so does a page that is too long.
  const groups = [
    ...inGroups(
      all.filter((given) => given.fits),
      isPage ? 1 : 20,
    ),
    ...inGroups(
      all.filter((given) => !given.fits),
      isPage ? 1 : 20,
    ),
  ];
  const problems: string[] = [];
  for (const group of groups) {
    const alone = await askCalls(
      gateway,
      'partner-owner',
      group.map(({ args }) => rehearsed(name, args)),
    );
    // What was given is echoed, and is not a leak.
    const leak = leakIn(JSON.stringify(alone[0]!.answer).replaceAll('drop table tenants', ''));
    if (leak) problems.push(`${path}: ${leak}`);
    for (const [index, { value, nothing, fits: good }] of group.entries()) {
      const outcome = outcomeOf(alone[index]!);
      const told = `${path} = ${JSON.stringify(value)?.slice(0, 80)}: ${outcome}`;
      if (!known.has(outcome) && !plain.has(outcome)) problems.push(told);
      if (!good && outcome !== 'BAD_USER_INPUT' && !(isPage && outcome === 'QUERY_TOO_COMPLEX')) {
        problems.push(`${told}, though it is of another type`);
      }
      // node() takes every kind; a coupon is judged without a plan that is not there.
      const lenient = name === 'node' || (name === 'validateCoupon' && path === 'plan');
      if (nothing && outcome === 'DATA' && !lenient) problems.push(`${told}, though there is nothing of that name`);
    }
  }
  return problems;
}

test.each(names)(
  '%s: whatever is given to it, the answer is typed, and nothing is found for an id of nothing',
  async (name) => {
    // Pages are one class with the same arguments everywhere: one list stands for all.
    const isRepeated = (path: string) => name !== 'addons' && ['first', 'last', 'after', 'before'].includes(path);
    const paths = inputPaths(operation(operationOf(name))).filter(({ path }) => path !== 'dryRun' && !isRepeated(path));
    const problems: string[] = [];
    for (const group of inGroups(paths, 4)) {
      problems.push(...(await Promise.all(group.map(({ path, type }) => problemsAt(name, path, type)))).flat());
    }
    expect(problems).toEqual([]);
  },
);

describe('null or nothing for an optional argument', () => {
  const optional = (name: string) =>
    inputPaths(operation(operationOf(name))).filter(
      ({ type, path }) => !isRequired(type) && path.split('.').length <= 2 && path !== 'dryRun',
    );

  test.each(names)('%s: is an answer, and the same for both', async (name) => {
    const problems: string[] = [];
    for (const { path } of optional(name)) {
      const [parent, member] = [path.split('.').slice(0, -1).join('.'), path.split('.').at(-1)!];
      const without = (given: Arguments): Arguments => {
        if (parent === '') return Object.fromEntries(Object.entries(given).filter(([key]) => key !== member));
        const holder = given[parent] as Record<string, unknown>;
        return { ...given, [parent]: Object.fromEntries(Object.entries(holder).filter(([key]) => key !== member)) };
      };
      const [asNull, asNothing] = await askCalls(gateway, 'partner-owner', [
        rehearsed(name, withValue(exampleOf(name), path, null)),
        rehearsed(name, without(exampleOf(name))),
      ]);
      const outcomes = [outcomeOf(asNull!), outcomeOf(asNothing!)];
      if (outcomes.some((outcome) => !known.has(outcome) && !plain.has(outcome)))
        problems.push(`${path}: ${outcomes.join(', ')}`);
      if (outcomes[0] !== outcomes[1]) problems.push(`${path}: null ${outcomes[0]}, nothing ${outcomes[1]}`);
    }
    expect(problems).toEqual([]);
  });

  test.each(Object.keys(examples).filter((name) => examples[name]!.account))(
    '%s: who has no such account of their own never gets somebody’s, nor the first row',
    async (name) => {
      const path = examples[name]!.account!;
      const ofTenant = /tenant/i.test(path) || name === 'tenant';
      for (const value of [null, undefined, '']) {
        const calls = [rehearsed(name, withValue(examples[name]!.args(homes.globex, 1), path, value))];
        if (value === undefined && /grantEntitlement|revokeEntitlement/.test(name)) continue;
        const [ofSuperAdmin] = await askCalls(gateway, 'super-admin', calls);
        // Without a partner, these are about those of all partners, and say so.
        const ofAll = value !== '' && ['parkedTenants', 'inboundEvents'].includes(name);
        expect({ name, value, data: outcomeOf(ofSuperAdmin!) === 'DATA' }).toEqual({ name, value, data: ofAll });
        if (!ofTenant) continue;
        const [ofOwner] = await askCalls(gateway, 'partner-owner', calls);
        // Without a tenant, these are about the partner itself, and say so.
        const ofPartner = value !== '' && ['members', 'setPaymentTerms of a tenant'].includes(name);
        expect({ name, value, data: outcomeOf(ofOwner!) === 'DATA' }).toEqual({ name, value, data: ofPartner });
      }
    },
  );

  test('an empty tenant is not the partner: nobody is thrown out of the wrong place, no key reaches too far', async () => {
    const owner = 'other-partner-owner';
    const home = homes.hooli;
    const removal =
      'mutation ($input: RemoveUserInput!) { removeUser(input: $input, dryRun: true) { __typename ... on Refused { code } } }';
    expect(await gateway.get(owner, removal, { input: { tenantId: '', userId: home.ids.PartnerUser } })).toEqual({
      __typename: 'Refused',
      code: 'TENANT_NOT_FOUND',
    });
    const creation =
      'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input, dryRun: true) { __typename ... on Refused { code } } }';
    expect(
      await gateway.get(owner, creation, { input: { tenantId: '', name: 'wide', scopes: ['READ'], live: false } }),
    ).toEqual({
      __typename: 'Refused',
      code: 'TENANT_NOT_FOUND',
    });
  });
});
