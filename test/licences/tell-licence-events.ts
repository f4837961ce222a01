import { PaddleProvider } from '../../src/payments/paddle/paddle-provider';
import { processInbox } from '../../src/payments/process-inbox.job';
import type { TestGateway } from '../support/gateway';
import type { DeliveryOptions, PaddleStandIn } from '../support/paddle-stand-in';
import type { TenantOfWorld, World } from '../support/world';

export const paddleProviderOf = (paddle: PaddleStandIn): PaddleProvider =>
  new PaddleProvider({
    ...{ apiKey: paddle.apiKey, webhookSecrets: [paddle.webhookSecret], apiUrl: paddle.url, live: false },
  });

/** A licence's whole life at Paddle, in which everything there is to tell about licences happens. */
export async function tellLicenceEvents(
  gateway: TestGateway,
  paddle: PaddleStandIn,
  world: World,
  tenant: TenantOfWorld,
): Promise<void> {
  const tenantId = tenant.id;
  const must = async (mutation: string, input: object, fields: string) => {
    const answer = await world.act(mutation, input, fields);
    if (answer.code) throw new Error(`${mutation}: ${answer.code} ${answer.message}`);
    return answer;
  };
  const deliver = async (options: DeliveryOptions = {}) => {
    await paddle.deliver(`${gateway.url}/webhooks/paddle`, options);
    await processInbox(gateway.app.system, gateway.app.providers);
  };
  // Only an admin of the organisation buys: somebody who is one elsewhere too, and says which it is about.
  const who = 'other-tenant-admin';
  let purchases = 0;
  const buy = async (quantity: number, extra = '') => {
    purchases += 1;
    const { data } = await gateway.ask(
      who,
      `mutation { buyLicences(input: { product: "cad", quantity: ${quantity}${extra} }, idempotencyKey: "licence-${purchases}") {
         ... on BuyLicencesDone { purchase { checkout { id } } } ... on Refused { code message } } }`,
      {},
      { 'tollgate-account': tenantId },
    );
    return data.buyLicences.purchase.checkout.id as string;
  };
  const invite = async (email: string, tenantRole: string) =>
    (await must('inviteUser', { tenantId, email, tenantRole }, 'member { userId }')).member.userId as string;
  const { partnerId, currency } = world;
  await must(
    'createLicenceProduct',
    {
      ...{ partnerId, code: 'cad', name: 'CAD', yearlyPrices: [{ amount: '200', currency }] },
      trial: { days: 14, seats: 3 },
    },
    'product { id }',
  );
  await must('updateLicenceProduct', { partnerId, product: 'cad', description: 'One person' }, 'product { id }');
  await invite('other-tenant-admin@demo.example', 'ADMIN');
  const { licence: trial } = await must('startLicenceTrial', { tenantId, product: 'cad' }, 'licence { id }');
  const people = [await invite('one@tenant.example', 'MEMBER'), await invite('two@tenant.example', 'MEMBER')];
  for (const userId of people) await must('assignSeat', { tenantId, licenceId: trial.id, userId }, 'created');
  // One seat for two people who tried it: one of them is left out.
  paddle.pay(await buy(1, ', autoRenew: true'));
  await deliver();
  const subscription = [...paddle.subscriptions.keys()].at(-1)!;
  paddle.cancel(subscription, 'next_billing_period');
  await deliver();
  paddle.resume(subscription);
  await deliver();
  const takenBack = async () => {
    const checkout = await buy(1);
    paddle.pay(checkout);
    await deliver();
    const chargeback = paddle.chargeBack(checkout);
    await deliver();
    return chargeback;
  };
  // A second seat is bought, given out and refunded: one person too many.
  const second = await buy(1);
  paddle.pay(second);
  await deliver();
  const { nodes } = await gateway.get(
    'super-admin',
    'query ($id: ID) { licences(tenantId: $id, last: 1) { nodes { id } } }',
    {
      id: tenantId,
    },
  );
  const licenceId = nodes[0].id;
  for (const userId of people) await world.act('assignSeat', { tenantId, licenceId, userId }, 'created');
  paddle.decide(paddle.refund(second), 'approved');
  await deliver();
  // Its bank took it back, and gave it back again.
  paddle.reverse(await takenBack());
  await deliver();
  await must('revokeSeat', { tenantId, licenceId, userId: people[0] }, 'seat { id }');
  // Somebody pays less.
  paddle.pay(await buy(1));
  await deliver({
    change: (event) => {
      if (event.event_type === 'transaction.completed') event.data.details.totals.subtotal = '1';
      return event;
    },
  });
  const parked = await gateway.get(
    'super-admin',
    'query ($id: ID) { licencePurchases(tenantId: $id, last: 1) { nodes { id } } }',
    { id: tenantId },
  );
  await must('refuseLicencePurchase', { tenantId, purchaseId: parked.nodes[0].id }, 'purchase { id }');
}
