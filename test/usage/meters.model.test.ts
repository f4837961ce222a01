import fc from 'fast-check';
import { type Instant, instantFromMilliseconds } from '../../src/core/calendar';
import { decimalText } from '../../src/core/decimal';
import { decodeId } from '../../src/core/ids';
import { seed } from '../support/arbitraries';
import { startTestGateway, type TestGateway } from '../support/gateway';
import { World } from '../support/world';

/*
 * Every kind of meter against a model of whole numbers that looks at all events each time. Batches come in any order, with
 * repeats and conflicts; windows begin and end anywhere, also within the quarters of an hour that are added up.
 */
const kinds = {
  sum: { aggregation: 'SUM', valueProperty: 'size' },
  count: { aggregation: 'COUNT' },
  maximum: { aggregation: 'MAX', valueProperty: 'size' },
  unique: { aggregation: 'UNIQUE_COUNT', uniqueProperty: 'user' },
  latest: { aggregation: 'LATEST', valueProperty: 'size' },
  filtered: { aggregation: 'SUM', filters: [{ property: 'user', values: ['0', '2'] }] },
} as const;
type Kind = keyof typeof kinds;

/** A whole number of thousandths, so that the model never leaves the whole numbers. */
interface Event {
  readonly id: number;
  readonly at: number;
  readonly size: number;
  readonly user: number;
}

const now = Date.parse('2026-03-10T12:00:00Z');
const quarter = 900_000;
const minute = 60_000;
const eventTime = fc.oneof(
  fc.integer({ min: now - 3 * 86_400_000, max: now }),
  // On the edges of quarters, and beside them.
  fc
    .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: -1, max: 1 }))
    .map(([n, off]) => now - n * quarter + off),
);
const anEvent: fc.Arbitrary<Event> = fc.record({
  id: fc.integer({ min: 0, max: 30 }),
  at: eventTime,
  size: fc.integer({ min: 0, max: 5_000 }),
  user: fc.integer({ min: 0, max: 4 }),
});
/** Whole quarters of an hour are added up from rollups alone, the others from events as well. */
const edge = eventTime.map((at) => at - (at % quarter));
const aWindow = fc
  .tuple(fc.oneof(eventTime, edge, edge, fc.constant(0)), fc.oneof(eventTime, edge, edge, fc.constant(now + minute)))
  .map(([one, two]) => [Math.min(one, two), Math.max(one, two)] as const);

const thousandths = (value: number) => `${Math.floor(value / 1_000)}.${String(value % 1_000).padStart(3, '0')}`;
const plain = (text: string) => text.replace(/\.?0+$/, '');
const byteOrder = (one: string, two: string) => Buffer.compare(Buffer.from(one), Buffer.from(two));

function expected(kind: Kind, recorded: readonly Event[], [start, end]: readonly [number, number]): string {
  const inside = recorded.filter(({ at }) => at >= start && at < end);
  const sizes = inside.map(({ size }) => size);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  switch (kind) {
    case 'sum':
      return plain(thousandths(sum(sizes)));
    case 'count':
      return String(inside.length);
    case 'maximum':
      return plain(thousandths(Math.max(0, ...sizes)));
    case 'unique':
      return String(new Set(inside.map(({ user }) => user)).size);
    case 'latest': {
      const ordered = inside.toSorted((one, two) => one.at - two.at || byteOrder(`e${one.id}`, `e${two.id}`));
      return plain(thousandths(ordered.at(-1)?.size ?? 0));
    }
    case 'filtered':
      return plain(thousandths(sum(inside.filter(({ user }) => user === 0 || user === 2).map(({ size }) => size))));
  }
}

let gateway: TestGateway;
let world: World;
const features = new Map<Kind, string>();
beforeAll(async () => {
  gateway = await startTestGateway();
  world = await World.create(gateway);
  for (const [kind, meter] of Object.entries(kinds)) {
    await world.feature(kind);
    const input = { partnerId: world.partnerId, feature: kind, eventType: 'used', ...meter };
    await world.act('createMeter', input, 'meter { id }');
    const rows = await gateway.database.asOwner<{ id: string }>(
      'select id from features where partner_id = $1 and code = $2',
      [decodeId(world.partnerId)!.uuid, kind],
    );
    features.set(kind as Kind, rows[0]!.id);
  }
});
afterAll(() => gateway.stop());

const sent = ({ id, at, size, user }: Event) => ({
  id: `e${id}`,
  type: 'used',
  time: new Date(at).toISOString(),
  quantity: thousandths(size),
  data: { size: thousandths(size), user: String(user) },
});
const same = (one: Event, two: Event) => one.at === two.at && one.size === two.size && one.user === two.user;

test('each kind of meter says what a look at all events would', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anEvent, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 }),
      fc.array(aWindow, { minLength: 4, maxLength: 8 }),
      async (batches, windows) => {
        const tenant = await world.tenant(new Date(now).toISOString());
        const recorded = new Map<number, Event>();
        for (const batch of batches) {
          const rejected: number[] = [];
          for (const [index, event] of batch.entries()) {
            const known = recorded.get(event.id);
            if (!known) recorded.set(event.id, event);
            else if (!same(known, event)) rejected.push(index);
          }
          const answer = await world.act(
            'recordUsageBatch',
            { tenantId: tenant.id, events: batch.map(sent) },
            'recorded duplicates rejected { index code }',
          );
          expect(answer.rejected).toEqual(rejected.map((index) => ({ index, code: 'EVENT_CONFLICT' })));
        }
        const id = decodeId(tenant.id)!.uuid;
        const at = (milliseconds: number): Instant => instantFromMilliseconds(milliseconds);
        await gateway.app.asSystem(id, async (tx) => {
          for (const [start, end] of windows) {
            const window = { start: at(start), end: at(end) };
            const found = await tx.usage.quantitiesIn(id, [...features.values()], window);
            const answers = Object.fromEntries(
              [...features].map(([kind, feature]) => [kind, decimalText(found.get(feature)!)]),
            );
            const all = [...recorded.values()];
            const wanted = Object.fromEntries([...features.keys()].map((k) => [k, expected(k, all, [start, end])]));
            expect(answers).toEqual(wanted);
          }
        });
      },
    ),
    { seed, numRuns: 60 },
  );
}, 120_000);
