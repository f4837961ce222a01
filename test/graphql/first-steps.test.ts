import { startTestGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

test("the README's first preview: 19 → 49 with 20 % off and 11 of 31 days left", async () => {
  const preview = await gateway.get(
    'other-partner-tenant-admin',
    `{ prorationPreview(input: { plan: "pro_max", coupon: "UPGRADE20" }) {
        ... on ProrationPreview { unusedCredit { amount } newCharge { amount } discount { amount } net { amount } } } }`,
  );
  expect(preview).toEqual({
    unusedCredit: { amount: '6.74' }, // 19.00 × 11/31 = 6.7419
    newCharge: { amount: '17.39' }, // 49.00 × 11/31 = 17.3871
    discount: { amount: '3.48' }, // 20 % of 17.39 = 3.478
    net: { amount: '7.17' }, // 17.39 − 6.74 − 3.48
  });
});

test('50 parallel subscriptions to one add-on are one attachment', async () => {
  const mutation = `mutation { subscribeAddon(input: { addon: "importer_distributor" }) {
    ... on SubscribeAddonDone { addonSubscription { id } created } ... on Refused { code } } }`;
  const answers = await Promise.all(Array.from({ length: 50 }, () => gateway.get('tenant-admin', mutation)));
  expect(new Set(answers.map((answer) => answer.addonSubscription.id)).size).toBe(1);
  expect(answers.filter((answer) => answer.created)).toHaveLength(1);
  const rows = await gateway.database.asOwner('select 1 from partner_tenant_addon_subscriptions');
  expect(rows).toHaveLength(1);
});
