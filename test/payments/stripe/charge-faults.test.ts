import { type StripeGateway, StripeTenant, startStripeGateway } from '../../support/stripe/gateway';
import type { Mishap } from '../../support/stripe/stand-in';

let stripe: StripeGateway;
beforeAll(async () => {
  stripe = await startStripeGateway();
});
afterAll(() => stripe.stop());
beforeEach(() => stripe.standIn.calm());

const charges = () =>
  stripe.standIn.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/payment_intents');
const rowOf = async ({ uuid }: StripeTenant) =>
  (
    await stripe.gateway.database.asOwner<{ status: string; unknown_reason: string | null }>(
      'select status, unknown_reason from payments where tenant_id = $1',
      [uuid],
    )
  )[0];
/** No event says what became of it: only asking again does. */
const deaf = () => stripe.standIn.hooks.misbehave({ drop: ({ type }) => type.startsWith('payment_intent.') });

/** A tenant whose card its checkout saves; its first invoice is due at once. */
async function checkedOut(): Promise<StripeTenant> {
  const tenant = await StripeTenant.create(stripe, [{ code: 'basic', rank: 10, month: '30.00' }]);
  const { checkout } = await tenant.offerPlan('basic');
  await stripe.standIn.fillIn(checkout.url);
  return tenant;
}

// The SDK itself sends once more, under the same key, where a connection was closed: both are lost.
test.each<[Mishap, number, string]>([
  ['HANG_BEFORE', 1, 'TIMEOUT'],
  ['HANG_AFTER', 1, 'TIMEOUT'],
  ['RESET_BEFORE', 2, 'CONNECTION_LOST'],
  ['RESET_AFTER', 2, 'CONNECTION_LOST'],
  ['ERROR_500_BEFORE', 1, 'SERVER_ERROR'],
  ['ERROR_500_AFTER', 1, 'SERVER_ERROR'],
  ['TOO_MANY_REQUESTS', 1, 'RATE_LIMITED'],
])('%s: Stripe is asked again under the same key, and takes the money once', async (mishap, times, reason) => {
  const tenant = await checkedOut();
  const [before, taken] = [charges().length, stripe.standIn.taken().length];
  stripe.standIn.trouble('POST /v1/payment_intents', mishap, times);
  deaf();
  await stripe.settle();
  expect(await rowOf(tenant)).toEqual({ status: 'PENDING', unknown_reason: reason });
  expect((await tenant.invoices())[0]).toMatchObject({ status: 'FINALIZED' });
  expect(stripe.standIn.taken().length - taken).toBe(mishap.endsWith('_AFTER') ? 1 : 0);
  await stripe.gateway.database.asOwner(`update payments set ask_at = to_timestamp(0) where status = 'PENDING'`);
  await stripe.settle();
  stripe.standIn.hooks.behave();
  expect(await rowOf(tenant)).toEqual({ status: 'SUCCEEDED', unknown_reason: null });
  expect((await tenant.invoices())[0]).toMatchObject({ status: 'PAID' });
  expect(stripe.standIn.taken().length - taken).toBe(1);
  const asked = charges().slice(before);
  expect(asked).toHaveLength(times + 1);
  expect(new Set(asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
});

test('while Stripe hangs no transaction is open, and reads and writes go on', async () => {
  const tenant = await checkedOut();
  const before = charges().length;
  stripe.standIn.trouble('POST /v1/payment_intents', 'HANG_AFTER');
  const settled = stripe.settle();
  while (charges().length === before) await new Promise((resolve) => setTimeout(resolve, 10));
  const open = await stripe.gateway.database.asOwner(
    `select state, query from pg_stat_activity where datname = current_database() and xact_start is not null
        and pid <> pg_backend_pid()`,
  );
  expect(open).toEqual([]);
  expect((await tenant.invoices())[0]).toMatchObject({ status: 'FINALIZED' });
  // The tenant's own lock is free.
  expect(
    await tenant.act(
      'cancelSubscription',
      { when: 'PERIOD_END', reason: 'closing' },
      'subscription { cancelAt }',
      ', idempotencyKey: "c"',
    ),
  ).toMatchObject({ subscription: { cancelAt: expect.any(String) } });
  expect((await rowOf(tenant))?.status).toBe('PENDING');
  await settled;
  // Its event was delivered meanwhile, or it is asked again: paid once either way.
  await stripe.gateway.database.asOwner(`update payments set ask_at = to_timestamp(0) where status = 'PENDING'`);
  await stripe.settle();
  expect((await rowOf(tenant))?.status).toBe('SUCCEEDED');
});
