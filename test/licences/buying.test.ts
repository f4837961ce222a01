import { LicenceShop } from './licences-of-tests';

let shop: LicenceShop;
beforeAll(async () => {
  shop = await LicenceShop.open({ timeoutMilliseconds: 2_000 });
  await shop.product('cad', '200');
});
afterAll(() => shop.close());

const admin = 'other-partner-tenant-admin';

test('only an admin of the organisation buys', async () => {
  const hooli = await shop.tenantIdOf('hooli');
  for (const who of ['super-admin', 'other-partner-owner'] as const) {
    expect(await shop.buy('cad', 1, { tenantId: hooli }, { who })).toMatchObject({ code: 'FORBIDDEN' });
  }
  const key = await shop.act(
    'other-partner-owner',
    'createApiKey',
    { tenantId: hooli, name: 'writes', scopes: ['READ', 'WRITE'], live: false },
    'secret',
  );
  const { data } = await shop.gateway.ask(
    { bearer: key.secret },
    'mutation { buyLicences(input: { product: "cad", quantity: 1 }, idempotencyKey: "k") { ... on Refused { code } } }',
  );
  expect(data.buyLicences).toEqual({ code: 'FORBIDDEN' });
});

test('a quote pins the amount, for this purchase, while it holds', async () => {
  const { quote } = await shop.quote('cad', 2);
  expect(await shop.buy('cad', 3, { quote: quote.token })).toMatchObject({ code: 'QUOTE_INVALID' });
  expect(await shop.buy('cad', 2, { quote: 'made.up.token' })).toMatchObject({ code: 'QUOTE_INVALID' });
  // A quote of a plan change, signed with the same key, is none of a licence.
  const { quote: ofPlan } = await shop.gateway.get(
    admin,
    '{ prorationPreview(input: { plan: "pro_max" }) { ... on ProrationPreview { quote { token } } } }',
  );
  expect(await shop.buy('cad', 2, { quote: ofPlan.token })).toMatchObject({ code: 'QUOTE_INVALID' });
  const changed = await shop.act(
    'other-partner-owner',
    'updateLicenceProduct',
    { product: 'cad', yearlyPrices: [{ amount: '250', currency: 'USD' }] },
    'product { version }',
  );
  expect(changed.product.version).toBe(2);
  expect(await shop.buy('cad', 2, { quote: quote.token })).toMatchObject({
    code: 'QUOTE_STALE',
    facts: [
      { name: 'quoted', value: '400.00' },
      { name: 'now', value: '500.00' },
      { name: 'difference', value: '100.00' },
      { name: 'currency', value: 'USD' },
    ],
  });
  await shop.act(
    'other-partner-owner',
    'updateLicenceProduct',
    { product: 'cad', yearlyPrices: [{ amount: '200', currency: 'USD' }] },
    'product { id }',
  );
  expect(await shop.buy('cad', 2, { quote: quote.token })).toMatchObject({
    purchase: { amount: { amount: '400.00' } },
  });
});

test.each([
  ['product', { product: 'nothing', quantity: 1 }, 'LICENCE_PRODUCT_NOT_FOUND'],
  ['none', { product: 'cad', quantity: 0 }, 'INVALID_INPUT'],
  ['fewer than none', { product: 'cad', quantity: -1 }, 'INVALID_INPUT'],
])('bad input: %s', async (_what, { product, quantity }, code) => {
  expect(await shop.buy(product, quantity)).toMatchObject({ code });
});

test('what a licence product may not be', async () => {
  const make = (input: object) =>
    shop.act('other-partner-owner', 'createLicenceProduct', { name: 'X', ...input }, 'product { id }');
  const usd = (amount: string) => ({ amount, currency: 'USD' });
  const refusals = await Promise.all([
    make({ code: 'cad', yearlyPrices: [usd('1')] }),
    make({ code: 'x1', yearlyPrices: [] }),
    make({ code: 'x2', yearlyPrices: [usd('0')] }),
    make({ code: 'x3', yearlyPrices: [usd('-1')] }),
    make({ code: 'x4', yearlyPrices: [usd('1.005')] }),
    make({ code: 'x5', yearlyPrices: [usd('1'), usd('2')] }),
    make({ code: 'x6', yearlyPrices: [usd('1')], trial: { days: 0, seats: 1 } }),
    make({ code: 'x7', yearlyPrices: [usd('1')], trial: { days: 1, seats: 0 } }),
    make({ code: 'x8', yearlyPrices: [usd('1')], features: [{ feature: 'nothing' }] }),
    make({
      code: 'x9',
      yearlyPrices: [usd('1')],
      features: [
        {
          ...{ feature: 'projects', limit: '1', resetPeriod: 'NEVER' },
          usagePrices: [{ currency: 'USD', overage: { kind: 'PER_UNIT', amount: '1' } }],
        },
      ],
    }),
  ]);
  expect(refusals.map(({ code }) => code)).toEqual([
    'CODE_TAKEN',
    ...Array(7).fill('INVALID_INPUT'),
    'FEATURE_NOT_FOUND',
    'INVALID_INPUT',
  ]);
});

test('an archived product sells no new term; who has one adds seats and renews', async () => {
  await shop.product('old', '200');
  await shop.bought('old', 1);
  await shop.product('older', '200');
  for (const product of ['old', 'older']) {
    await shop.act('other-partner-owner', 'updateLicenceProduct', { product, status: 'ARCHIVED' }, 'product { id }');
  }
  expect(await shop.quote('older', 1)).toMatchObject({ code: 'LICENCE_PRODUCT_ARCHIVED' });
  expect(await shop.quote('old', 1)).toMatchObject({ kind: 'CO_TERMED' });
  expect(await shop.quote('old')).toMatchObject({ kind: 'RENEWAL' });
});

test('a dry run writes nothing and asks Paddle nothing', async () => {
  const calls = shop.paddle.calls.length;
  const answer = await shop.gateway.get(
    admin,
    'mutation { buyLicences(input: { product: "cad", quantity: 2 }, dryRun: true) { ... on BuyLicencesDone { dryRun purchase { amount { amount } checkout { id } } } } }',
  );
  expect(answer).toEqual({ dryRun: true, purchase: { amount: { amount: '400.00' }, checkout: null } });
  expect(shop.paddle.calls).toHaveLength(calls);
});

test('twenty at once under one key are one purchase with one checkout', async () => {
  const before = shop.paddle.transactions.size;
  const answers = await Promise.all(Array.from({ length: 20 }, () => shop.buy('cad', 4, {}, { key: 'the-same' })));
  const made = answers.filter(({ purchase }) => purchase);
  expect(new Set(made.map(({ purchase }) => purchase.id)).size).toBe(1);
  for (const { code } of answers.filter(({ purchase }) => !purchase)) expect(code).toBe('IDEMPOTENCY_KEY_IN_PROGRESS');
  const again = await shop.buy('cad', 4, {}, { key: 'the-same' });
  expect(again).toMatchObject({
    replayed: true,
    purchase: { id: made[0].purchase.id, checkout: { id: expect.any(String) } },
  });
  // Two requests may both have asked Paddle; all of them were shown the one that was written down.
  expect(new Set(made.flatMap(({ purchase }) => purchase.checkout?.id ?? [])).size).toBe(1);
  expect(shop.paddle.transactions.size).toBeGreaterThan(before);
  expect(await shop.buy('cad', 5, {}, { key: 'the-same' })).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
});

describe('Paddle goes wrong while a checkout is opened', () => {
  test.each([
    ['hangs', { kind: 'HANG' }],
    ['hangs after it did it', { kind: 'HANG', after: true }],
    ['answers 500', { kind: 'SERVER_ERROR' }],
    ['answers 500 after it did it', { kind: 'SERVER_ERROR', after: true }],
    ['answers a page of a proxy', { kind: 'HTML' }],
    ['answers 429', { kind: 'RATE_LIMITED' }],
    ['resets', { kind: 'RESET' }],
    ['resets after it did it', { kind: 'RESET', after: true }],
  ] as const)('%s: the intent stays, the same call asks again, and one checkout can pay', async (what, fault) => {
    const product = `fault_${what.replaceAll(/[^a-z0-9]/g, '_')}`;
    await shop.product(product, '200');
    shop.paddle.faults = [{ route: 'POST /transactions', ...fault }];
    const first = await shop.buy(product, 2, {}, { key: product });
    expect(first).toMatchObject({ replayed: false, purchase: { status: 'OPEN', checkout: null } });
    const second = await shop.buy(product, 2, {}, { key: product });
    expect(second).toMatchObject({
      replayed: true,
      purchase: { id: first.purchase.id, checkout: { provider: 'PADDLE' } },
    });
    // One that was opened and never heard of: nobody was shown it, and if somebody pays it, nothing is granted for that.
    for (const [id, transaction] of shop.paddle.transactions) {
      if (transaction.custom_data.reference === first.purchase.id && id !== second.purchase.checkout.id) {
        shop.paddle.pay(id);
        await shop.deliver();
        expect(await shop.licence(product)).toBeUndefined();
        const { status, reason } = (await shop.events()).at(-1)!;
        expect([status, reason]).toEqual(['PARKED', expect.stringContaining(id)]);
      }
    }
    shop.paddle.pay(second.purchase.checkout.id);
    await shop.deliver();
    expect(await shop.licence(product)).toMatchObject({ seats: '2' });
  });

  test('what Paddle refuses is parked with its reason, not asked for ever', async () => {
    const globex = { who: 'tenant-admin' } as const;
    const yearlyPrices = [{ amount: '200', currency: 'EUR' }];
    await shop.act(
      'partner-owner',
      'createLicenceProduct',
      { code: 'far', name: 'far', yearlyPrices },
      'product { id }',
    );
    shop.paddle.apiKey;
    const real = shop.paddle.transactions.size;
    // The account has been closed, or the key was taken back.
    Object.assign(shop.paddle, { apiKey: 'pdl_sdbx_apikey_another' });
    const { purchase } = await shop.buy('far', 1, {}, globex);
    Object.assign(shop.paddle, { apiKey: `pdl_sdbx_apikey_01${'a'.repeat(22)}_stand_in` });
    expect(purchase.checkout).toBeNull();
    expect(shop.paddle.transactions.size).toBe(real);
    const { nodes } = await shop.gateway.get(
      'partner-owner',
      '{ parkedLicencePurchases(last: 10) { nodes { parkReason parkDetail } } }',
    );
    expect(nodes).toEqual([
      {
        parkReason: 'CHECKOUT_REFUSED',
        parkDetail: 'The provider refused to open a checkout: authentication_malformed.',
      },
    ]);
  });
});

test('without a provider for this kind of tenant, buying is refused and the rest goes on', async () => {
  const live = await LicenceShop.open({ live: true });
  await live.product('cad', '200');
  // Hooli is a sandbox tenant: its money never goes through live secrets.
  expect(await live.buy('cad', 1)).toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' });
  expect(await live.quote('cad', 1)).toMatchObject({ amount: { amount: '200.00' } });
  await live.close();
});

describe('seats under pressure', () => {
  const assign = (licenceId: string, userId: string) =>
    shop.act(admin, 'assignSeat', { licenceId, userId }, 'created licence { seats assigned }');
  const people = (name: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_none, index) => {
        const email = `${name}${index}@hooli.example`;
        return (await shop.act(admin, 'inviteUser', { email, tenantRole: 'MEMBER' }, 'member { userId }')).member
          .userId;
      }),
    );

  test('two seats are left, twenty people at once: two get one', async () => {
    await shop.product('press', '200');
    await shop.bought('press', 3);
    const { id } = await shop.licence('press');
    const answers = await Promise.all((await people('p', 20)).map((userId) => assign(id, userId)));
    expect(answers.filter(({ created }) => created)).toHaveLength(2);
    expect(answers.filter(({ code }) => code === 'NO_SEAT_LEFT')).toHaveLength(18);
    expect(await shop.licence('press')).toMatchObject({ seats: '3', assigned: '3', overAssigned: '0' });
  });

  test('the same person twenty times at once is one seat', async () => {
    await shop.product('same', '200');
    await shop.bought('same', 10);
    const { id } = await shop.licence('same');
    const [userId] = await people('s', 1);
    const answers = await Promise.all(Array.from({ length: 20 }, () => assign(id, userId!)));
    expect(answers.filter(({ created }) => created === true)).toHaveLength(1);
    expect(answers.filter(({ created }) => created === false)).toHaveLength(19);
    expect(await shop.licence('same')).toMatchObject({ assigned: '2' });
  });

  test('seats are refunded while they are given out: the counter is the list, and what is over is said', async () => {
    await shop.product('shrink', '200');
    await shop.bought('shrink', 2);
    const more = await shop.bought('shrink', 8);
    const { id } = await shop.licence('shrink');
    const everybody = await people('r', 9);
    shop.paddle.decide(shop.paddle.refund(more.checkout.id), 'approved');
    await Promise.all([shop.deliver(), ...everybody.map((userId) => assign(id, userId))]);
    const licence = await shop.licence('shrink');
    expect(licence.seats).toBe('2');
    expect(BigInt(licence.assigned)).toBe(BigInt(licence.seatHolders.nodes.length));
    expect(BigInt(licence.overAssigned)).toBe(BigInt(licence.assigned) - 2n);
    expect(await assign(id, everybody[0]!).then(({ created, code }) => created ?? code)).not.toBe(true);
  });
});
