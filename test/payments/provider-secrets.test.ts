import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProviders } from '../../src/cli/providers';
import { readConfig } from '../../src/config';
import { wallClock } from '../../src/platform/clock';
import { createLog } from '../../src/platform/log';
import { Tollgate } from '../support/command-line';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { Payer, payingTenant } from './support';

const stripe = { STRIPE_SECRET_KEY: 'sk_test_abcdefgh12345678', STRIPE_WEBHOOK_SECRET: 'whsec_abcdefgh12345678' };
const paddle = {
  PADDLE_API_KEY: 'pdl_sdbx_apikey_abcdefgh12345678',
  PADDLE_WEBHOOK_SECRET: 'pdl_ntfset_abcdefgh12345678',
};
const keyShape = 'STRIPE_SECRET_KEY begins with sk_test_, sk_live_, rk_test_ or rk_live_';
const hookShape = 'STRIPE_WEBHOOK_SECRET begins with whsec_; two of them, with a comma between, while it is rotated';
const paddleKeyShape = 'PADDLE_API_KEY begins with pdl_sdbx_apikey_ or pdl_live_apikey_';
const paddleHookShape =
  'PADDLE_WEBHOOK_SECRET begins with pdl_ntfset_; two of them, with a comma between, while it is rotated';
const both = (given: string, missing: string) =>
  `${given} is set but ${missing} is not: set both, or neither to leave the provider off`;

const refused: readonly (readonly [Record<string, string>, readonly string[]])[] = [
  [
    { STRIPE_SECRET_KEY: stripe.STRIPE_SECRET_KEY, ...paddle, PADDLE_API_KEY: '' },
    [both('STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'), both('PADDLE_WEBHOOK_SECRET', 'PADDLE_API_KEY')],
  ],
  [{ ...stripe, STRIPE_SECRET_KEY: '' }, [both('STRIPE_WEBHOOK_SECRET', 'STRIPE_SECRET_KEY')]],
  [{ ...paddle, PADDLE_WEBHOOK_SECRET: '' }, [both('PADDLE_API_KEY', 'PADDLE_WEBHOOK_SECRET')]],
  // The publishable key, which stands beside the secret one on Stripe's page.
  [{ ...stripe, STRIPE_SECRET_KEY: 'pk_test_abcdefgh12345678' }, [keyShape]],
  [{ ...stripe, STRIPE_SECRET_KEY: 'sk_test_' }, [keyShape]],
  // One key: only webhook secrets are rotated here.
  [{ ...stripe, STRIPE_SECRET_KEY: 'sk_test_abcdefgh12345678,sk_test_abcdefgh87654321' }, [keyShape]],
  [{ ...stripe, STRIPE_SECRET_KEY: ' sk_test_abcdefgh12345678' }, [keyShape]],
  // Mixed up.
  [
    { STRIPE_SECRET_KEY: stripe.STRIPE_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET: stripe.STRIPE_SECRET_KEY },
    [keyShape, hookShape],
  ],
  [{ ...stripe, STRIPE_WEBHOOK_SECRET: `${stripe.STRIPE_WEBHOOK_SECRET},` }, [hookShape]],
  [{ ...stripe, STRIPE_WEBHOOK_SECRET: `${stripe.STRIPE_WEBHOOK_SECRET},pdl_ntfset_abcdefgh12345678` }, [hookShape]],
  [{ ...paddle, PADDLE_API_KEY: 'abcdefgh12345678' }, [paddleKeyShape]],
  [{ ...paddle, PADDLE_API_KEY: `${paddle.PADDLE_API_KEY},${paddle.PADDLE_API_KEY}` }, [paddleKeyShape]],
  [{ ...paddle, PADDLE_WEBHOOK_SECRET: 'pdl_ntfset_short' }, [paddleHookShape]],
  [
    { ...stripe, STRIPE_API_URL: 'ftp://stripe.example' },
    ['STRIPE_API_URL has to be an address that begins with https://: correct it in the environment and start again.'],
  ],
];

const secretWords = /abcdefgh|short|stripe\.example/;

describe('a configuration that cannot work', () => {
  test.each(refused)('%j is refused in sentences that name variables and never their values', (variables, lines) => {
    let message = '';
    try {
      readConfig(variables);
    } catch (error) {
      expect((error as Error).name).toBe('ConfigError');
      ({ message } = error as Error);
    }
    const [line = ''] = lines;
    const isAddress = line.includes(' has to be ');
    expect(message).toBe(isAddress ? line : `A payment provider cannot be used as it is set up: ${lines.join('; ')}.`);
    expect(message).not.toMatch(secretWords);
  });

  test('the start refuses it before it touches anything', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-refused-'));
    const data = join(folder, 'data');
    for (const [variables, lines] of [refused[0]!, refused[7]!]) {
      const start = new Tollgate(['serve'], { DATA_DIR: data, PORT: '0', ...variables });
      expect(await start.ended).toBe(1);
      expect(start.stdout).toBe('');
      expect(start.stderr).toBe(`\nA payment provider cannot be used as it is set up: ${lines.join('; ')}.\n`);
    }
    expect(() => rmSync(data, { recursive: true })).toThrow('ENOENT');
    rmSync(folder, { recursive: true });
  });
});

test.each([
  [{}, []],
  [stripe, [['STRIPE', false]]],
  [{ ...stripe, STRIPE_SECRET_KEY: 'rk_live_abcdefgh12345678' }, [['STRIPE', true]]],
  [{ ...stripe, STRIPE_WEBHOOK_SECRET: 'whsec_abcdefgh12345678, whsec_abcdefgh87654321' }, [['STRIPE', false]]],
  [paddle, [['PADDLE', false]]],
  [{ ...paddle, PADDLE_API_KEY: 'pdl_live_apikey_abcdefgh12345678' }, [['PADDLE', true]]],
  [
    { ...stripe, ...paddle },
    [
      ['STRIPE', false],
      ['PADDLE', false],
    ],
  ],
])('%j: these providers are there, in this mode', (variables, expected) => {
  const providers = createProviders(readConfig(variables), undefined, wallClock, createLog('silent'));
  expect(providers.names.map((name) => [name, providers.get(name)!.live])).toEqual(expected);
});

describe('without any provider', () => {
  let gateway: TestGateway;
  let off: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
    off = await startTestGateway({ database: gateway.database, providers: [] });
  });
  afterAll(async () => {
    await off.stop();
    await gateway.stop();
  });

  const act = async (mutation: string, input: object) => {
    const name = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}`;
    return off.get(
      'super-admin',
      `mutation ($input: ${name}Input!) { ${mutation}(input: $input, idempotencyKey: "off-${mutation}-${JSON.stringify(input).length}") {
        __typename ... on Refused { code message retryable } } }`,
      { input },
    );
  };

  test('what needs one is refused with a typed answer, and the rest goes on', async () => {
    const place = await payingTenant(gateway);
    const payer = new Payer(place);
    await payer.addMethod();
    await place.world.addon('track', '5.00', { minimumPlan: 'basic', features: [] });
    await place.tenant.start('basic');
    const [invoice] = await payer.invoices();
    const { id: tenantId } = place.tenant;
    const pages = { successUrl: 'https://shop.example/done', cancelUrl: 'https://shop.example/back' };
    const returnUrl = pages.successUrl;
    const needy: [string, object][] = [
      ...(['STRIPE', 'PADDLE', 'FAKE'] as const).flatMap((provider): [string, object][] => [
        ['addPaymentMethod', { tenantId, provider, token: 'card_ok' }],
        ['startPaymentMethodSetup', { tenantId, provider, returnUrl }],
      ]),
      ['payInvoice', { tenantId, invoiceId: invoice.id }],
      ['createAddonCheckout', { tenantId, addon: 'track', ...pages }],
      ['createPlanCheckout', { tenantId, plan: 'bigger', ...pages }],
    ];
    for (const [mutation, input] of needy) {
      expect([mutation, await act(mutation, input)]).toMatchObject([
        mutation,
        { __typename: 'Refused', code: 'PROVIDER_NOT_CONFIGURED', retryable: false },
      ]);
    }
    const portal = `mutation ($input: CreatePortalLinkInput!) { createPortalLink(input: $input) { ... on Refused { code } } }`;
    expect(await off.get('super-admin', portal, { input: { tenantId, returnUrl } })).toEqual({
      code: 'PROVIDER_NOT_CONFIGURED',
    });
    const buy = `mutation { buyLicences(input: { product: "cad_seat", quantity: 1 }, idempotencyKey: "off") { ... on Refused { code } } }`;
    expect(await off.get('other-partner-tenant-admin', buy)).toEqual({ code: 'PROVIDER_NOT_CONFIGURED' });
    for (const slug of ['stripe', 'paddle', 'fake']) {
      expect((await fetch(`${off.url}/webhooks/${slug}`, { method: 'POST', body: '{}' })).status).toBe(404);
    }
    // Nothing was asked of anybody; the debt stands, what needs no provider works, and who has one pays.
    expect(await off.app.paymentWork.runDue()).toBeGreaterThanOrEqual(0);
    expect(await payer.invoices()).toMatchObject([{ status: 'FINALIZED' }]);
    const check = `query ($id: ID) { entitlementCheck(tenantId: $id, feature: "reports") { allowed } }`;
    expect(await off.get('super-admin', check, { id: tenantId })).toEqual({ allowed: true });
    expect(await payer.pay(invoice.id)).toMatchObject({ payment: { status: 'SUCCEEDED' } });
  });
});
