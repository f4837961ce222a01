import { decodeId } from '../../src/core/ids';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { amountsOf, World } from '../support/world';
import { run, type SettableClock, settableClock } from './support/runs';

let gateway: TestGateway;
let clock: SettableClock;
beforeAll(async () => {
  clock = settableClock('2026-01-01T00:00:00Z');
  gateway = await startTestGateway({ clock });
});
afterAll(() => gateway.stop());

test('a run bills what came after the final invoice of an ended subscription, and only that', async () => {
  const world = await World.create(gateway, { currency: 'EUR' });
  await world.feature('calls');
  const overage = { kind: 'PER_UNIT', amount: '1' };
  const features = [
    { feature: 'calls', limit: '0', resetPeriod: 'MONTH', usagePrices: [{ currency: 'EUR', overage }] },
  ];
  await world.plan({ code: 'a', month: '31.00', features });
  const tenant = await world.liveTenant();
  await tenant.start('a');
  clock.set('2026-01-16T00:00:00Z');
  await tenant.cancel({ when: 'NOW' });
  const billed = async (at: string) => {
    clock.set(at);
    const partnerId = decodeId(world.partnerId)!.uuid;
    const { invoices, parkedCount: parked } = await run(gateway.database, clock, { partnerId });
    return { invoices, parked };
  };
  // Looked at once more when what was being recorded has surely ended: there is nothing, and nothing is wrong.
  expect(await billed('2026-01-16T02:00:00Z')).toEqual({ invoices: 0, parked: 0 });
  await tenant.use('calls', 3, '2026-01-10T00:00:00Z');
  await tenant.use('calls', 4, '2026-01-11T00:00:00Z');
  expect(await billed('2026-01-17T00:00:00Z')).toEqual({ invoices: 1, parked: 0 });
  expect((await tenant.invoices()).map(amountsOf)).toEqual([['PLAN_FIXED 31.00'], ['OVERAGE 7.00']]); // 3 + 4
  expect(await billed('2026-01-18T00:00:00Z')).toEqual({ invoices: 0, parked: 0 });
});
