import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { type Budget, type BudgetAnswer, type BudgetRequest, LeasedBudgets } from '../../src/platform/leased-budgets';

/** What app.take_budgets does, in memory, with a clock that stands until it is moved. */
class Shared {
  seconds = 0;
  asked = 0;
  away = false;
  private readonly rows = new Map<string, { points: number; at: number }>();

  readonly take = async ({ budget, used, wanted }: BudgetRequest): Promise<BudgetAnswer> => {
    this.asked += 1;
    await turn();
    if (this.away) throw new Error('away');
    const { points, at } = this.rows.get(budget.name) ?? { points: budget.most, at: this.seconds };
    const left = Math.min(budget.most, points + budget.perSecond * (this.seconds - at)) - used;
    const granted = Math.min(wanted, Math.max(Math.floor(left), 0));
    const after = Math.max(left - granted, -budget.most);
    this.rows.set(budget.name, { points: after, at: this.seconds });
    return { granted, points: after };
  };

  process(): LeasedBudgets {
    return new LeasedBudgets(this.take, () => this.seconds * 1_000);
  }
}

const settled = async () => {
  for (let n = 0; n < 4; n += 1) await turn();
};
const budget: Budget = { name: 'one', perSecond: 10, most: 200 };
/** A twentieth. */
const slice = 10;

test('what is left is counted down here, with a statement for each half of a part that was taken ahead', async () => {
  const shared = new Shared();
  const process = shared.process();
  for (let n = 0; n < 100; n += 1) {
    expect(await process.spend([budget], 1)).toBeUndefined();
    await settled();
  }
  // 100 points, of which 5 are used at a time before the next are asked for; the first is asked for at once.
  expect(shared.asked).toBeLessThanOrEqual(1 + 100 / 5);
  expect(process.left(budget)).toBe(100);
});

test('used up here is used up there, and a wait of as long as is said helps', async () => {
  const shared = new Shared();
  const [here, there] = [shared.process(), shared.process()];
  // 250 of 200: 50 too much, which takes five seconds to come back, and one more until there is something to use.
  expect(await here.spend([budget], 250)).toBeUndefined();
  await settled();
  expect(await here.spend([budget], 1)).toBe(6);
  // The other process lets one in before it has heard of it.
  expect(await there.spend([budget], 1)).toBeUndefined();
  await settled();
  expect(await there.spend([budget], 1)).toBe(7);
  expect(there.left(budget)).toBeLessThanOrEqual(0);
  shared.seconds += 7;
  expect(await there.spend([budget], 1)).toBeUndefined();
  await settled();
  expect(await there.spend([budget], 1)).toBeUndefined();
});

test('of several budgets the emptiest counts, and the others are not used then', async () => {
  const shared = new Shared();
  const process = shared.process();
  const wide: Budget = { name: 'wide', perSecond: 10, most: 2_000 };
  await process.spend([budget], 250);
  await settled();
  const before = process.left(wide);
  expect(await process.spend([wide, budget], 5)).toBe(6);
  expect(process.left(wide)).toBe(before);
});

test('a crowd that comes before the first answer waits for it, and is let in as far as there is something', async () => {
  const shared = new Shared();
  const process = shared.process();
  const answers = await Promise.all(Array.from({ length: 400 }, () => process.spend([budget], 1)));
  const passed = answers.filter((answer) => answer === undefined).length;
  expect(passed).toBeGreaterThanOrEqual(200);
  expect(passed).toBeLessThanOrEqual(200 + 2 * slice);
});

test('where the budgets cannot be reached nothing is refused', async () => {
  const shared = new Shared();
  const process = shared.process();
  await process.spend([budget], 250);
  await settled();
  shared.away = true;
  shared.seconds += 100;
  for (let n = 0; n < 50; n += 1) {
    expect(await process.spend([budget], 100)).toBeUndefined();
    await settled();
  }
});

test('one point at a time is exact, in however many processes', async () => {
  const shared = new Shared();
  const few: Budget = { name: 'few', perSecond: 0.5, most: 7 };
  const spend = () =>
    Promise.all(
      [shared.process(), shared.process()].flatMap((process) => [1, 2, 3, 4, 5].map(() => process.spendOne(few))),
    );
  expect((await spend()).filter((seconds) => seconds === undefined)).toHaveLength(7);
  // Half a point a second: a whole one after two.
  expect(await shared.process().spendOne(few)).toBe(2);
  shared.seconds += 1;
  expect(await shared.process().spendOne(few)).toBe(1);
  shared.seconds += 1;
  expect(await shared.process().spendOne(few)).toBeUndefined();
});

test('all processes together use what there is, and one part each beside it', async () => {
  const act = fc.record({
    process: fc.nat(2),
    cost: fc.integer({ min: 1, max: 30 }),
    wait: fc.constantFrom(0, 0, 0, 1, 3),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 50, maxLength: 200 }), async (acts) => {
      const shared = new Shared();
      const processes = [shared.process(), shared.process(), shared.process()];
      let used = 0;
      for (const { process, cost, wait } of acts) {
        shared.seconds += wait;
        const seconds = await processes[process]!.spend([budget], cost);
        if (seconds === undefined) used += cost;
        // For each process: what it lets in on credit, and the last one, which may cost more than there was.
        expect(used).toBeLessThanOrEqual(budget.most + budget.perSecond * shared.seconds + 3 * (slice + 30));
        if (wait > 0) await settled();
      }
      // Who waits for as long as everybody's debts take to come back is let in.
      await settled();
      shared.seconds += 60;
      for (const process of processes) expect(await process.spend([budget], 1)).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});
