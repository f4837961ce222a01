import { decodeId } from '../../src/core/ids';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, World } from '../support/world';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.stop());

const dates = (documents: readonly { period: { start: string; end: string } | null }[]) =>
  documents.map(({ period }) => `${period?.start} ${period?.end}`);

describe('a date that the zone left out is no day', () => {
  const before = '2011-12-29T10:00:00.000Z'; // 29 December in Apia
  const after = '2011-12-30T10:00:00.000Z'; // 31 December: the 30th did not happen
  const next = '2011-12-31T10:00:00.000Z'; // 1 January

  test('a period of a day: after 29 December comes the 31st', async () => {
    const world = await World.create(gateway, { currency: 'EUR', timeZone: 'Pacific/Apia' });
    const prices = [{ interval: 'DAY', price: { amount: '10.00', currency: 'EUR' } }];
    await world.act('createPlan', { partnerId: world.partnerId, code: 'd', name: 'd', rank: 1, prices }, 'plan { id }');
    const tenant = await world.tenant('2011-12-28T10:00:00Z');
    await tenant.start('d', { interval: 'DAY' });
    const { invoices } = await tenant.advance(next);
    expect(dates(invoices)).toEqual([`${before} ${after}`, `${after} ${next}`, `${next} 2012-01-01T10:00:00.000Z`]);
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 10.00'], ['PLAN_FIXED 10.00'], ['PLAN_FIXED 10.00']]);
  });

  test('a month with it has a day less: change and credit go by the days that there were', async () => {
    const world = await World.create(gateway, { currency: 'EUR', timeZone: 'Pacific/Apia' });
    await world.plan({ code: 'small', month: '30.00' });
    await world.plan({ code: 'large', month: '60.00', rank: 20 });
    const tenant = await world.tenant('2011-12-01T10:00:00Z');
    await tenant.start('small');
    await tenant.advance('2011-12-16T10:00:00Z');
    const { proration } = await tenant.change({ plan: 'large' });
    // December has 30 days there; 15 are left, 16 … 31 without the 30th: 30.00 × 15/30 and 60.00 × 15/30.
    expect([proration.unusedCredit.amount, proration.newCharge.amount]).toEqual(['15.00', '30.00']);
    await tenant.advance(after);
    const { creditNote } = await tenant.cancel({ when: 'NOW' });
    expect(creditNote.total.amount).toBe('2.00'); // 60.00 × 1/30
  });

  test('a day’s allowance starts over on the 31st', async () => {
    const world = await World.create(gateway, { currency: 'EUR', timeZone: 'Pacific/Apia' });
    await world.feature('calls');
    const price = { inside: { kind: 'FLAT', amount: '1', timing: 'IN_ADVANCE' } };
    const features = [
      { feature: 'calls', limit: '5', resetPeriod: 'DAY', usagePrices: [{ currency: 'EUR', ...price }] },
    ];
    await world.plan({ code: 'plan', month: '30.00', features });
    const tenant = await world.tenant('2011-12-01T10:00:00Z');
    // A price for each window of the month, in advance: there are 30 of them.
    const { invoices } = await tenant.start('plan');
    expect(invoices.map(amountsOf)).toEqual([['PLAN_FIXED 30.00', 'PLAN_USAGE 30.00']]);
    await tenant.advance(before);
    await tenant.use('calls', 5, before);
    expect(await tenant.check('calls')).toMatchObject({ allowed: false, used: '5', resetsAt: after });
    await tenant.advance(after);
    expect(await tenant.check('calls')).toMatchObject({ allowed: true, used: '0', resetsAt: next });
  });
});

describe('the check for time that nobody billed', () => {
  const missing = async (tenantId: string): Promise<string[]> => {
    const uuid = decodeId(tenantId)!.uuid;
    const rows = await gateway.database.asOwner<{ subject: string; detail: string }>(
      `select subject, detail from check_missing_period where subject in (
         select 'subscription ' || id from subscriptions where tenant_id = $1)`,
      [uuid],
    );
    return rows.map(({ detail }) => detail);
  };

  async function lives(): Promise<World> {
    const world = await World.create(gateway, { currency: 'EUR' });
    await world.plan({ code: 'a', month: '31.00', year: '365.00' });
    await world.plan({ code: 'b', month: '62.00', rank: 20 });
    return world;
  }

  test.each<[string, object, string]>([
    ['another interval early in a period', { plan: 'a', interval: 'YEAR' }, '2027-01-17T00:00:00Z'],
    ['a new anchor early in a period', { plan: 'b', anchor: 'RESET' }, '2026-02-17T00:00:00Z'],
    ['a new anchor without money', { plan: 'b', anchor: 'RESET', waived: true }, '2026-02-17T00:00:00Z'],
    [
      'a new anchor at the period’s end',
      { plan: 'b', anchor: 'RESET', effective: 'PERIOD_END' },
      '2026-03-02T00:00:00Z',
    ],
  ])('%s is a bill', async (_what, change, until) => {
    const world = await lives();
    const tenant = await world.tenant('2026-01-01T00:00:00Z');
    await tenant.start('a');
    await tenant.advance('2026-01-02T00:00:00Z');
    expect((await tenant.change(change)).code).toBeUndefined();
    expect(await missing(tenant.id)).toEqual([]);
    await tenant.advance(until);
    expect(await missing(tenant.id)).toEqual([]);
  });

  test('a period that no bill follows after a new anchor is found', async () => {
    const world = await lives();
    const tenant = await world.tenant('2026-01-01T00:00:00Z');
    await tenant.start('a');
    await tenant.advance('2026-01-16T00:00:00Z');
    await tenant.change({ plan: 'b', anchor: 'RESET' });
    await tenant.advance('2026-04-17T00:00:00Z');
    const uuid = decodeId(tenant.id)!.uuid;
    await gateway.database.asOwner(
      `set session_replication_role = 'replica';
       delete from invoices where tenant_id = '${uuid}' and period_start = '2026-02-16';
       set session_replication_role = 'origin'`,
    );
    expect(await missing(tenant.id)).toEqual(['nothing bills 2026-02-16 00:00:00+00 to 2026-03-16 00:00:00+00']);
  });
});
