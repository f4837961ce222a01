import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Crowded, FairQueue, type Gone, type Leave, type Share } from '../../src/platform/fair-queue';

const long = 60_000;
const share = (key: string, most = 100, waiting?: number): Share => ({ key, most, ...(waiting && { waiting }) });
const reasonOf = (entering: Promise<Leave>) =>
  entering.then(
    () => 'A PLACE',
    (error: Crowded) => `${error.reason}${error.ofOne ? ' OF ONE' : ''}`,
  );

/** Enters one after the other and notes who was let in, in which order. */
function crowd(queue: FairQueue) {
  const inside: { name: string; leave: Leave }[] = [];
  const order: string[] = [];
  const enter = (name: string, shares: readonly Share[]) =>
    queue.enter(shares, long).then((leave) => {
      order.push(name);
      inside.push({ name, leave });
    });
  const leaveAll = async () => {
    for (await turn(); inside.length > 0; await turn()) inside.shift()!.leave();
  };
  return { enter, inside, order, leaveAll };
}

test('a place is had at once where there is one, and goes to the next when it is given back', async () => {
  const queue = new FairQueue({ places: 1, waiting: 10 });
  const leave = await queue.enter([share('one')], long);
  const second = queue.enter([share('two')], long);
  expect(queue.state()).toEqual({ busy: 1, waiting: 1 });
  leave();
  leave();
  const leaveSecond = await second;
  expect(queue.state()).toEqual({ busy: 1, waiting: 0 });
  leaveSecond();
  expect(queue.state()).toEqual({ busy: 0, waiting: 0 });
});

test('a party has its share and no more, and others have the rest', async () => {
  const queue = new FairQueue({ places: 5, waiting: 100 });
  const { enter, order, leaveAll } = crowd(queue);
  for (let n = 0; n < 10; n += 1) void enter('noisy', [share('noisy', 3)]);
  for (let n = 0; n < 2; n += 1) void enter('quiet', [share('quiet', 3)]);
  await turn();
  expect(order).toEqual(['noisy', 'noisy', 'noisy', 'quiet', 'quiet']);
  await leaveAll();
  expect(order).toHaveLength(12);
});

test('who waits with one request waits for one turn of who waits with fifty', async () => {
  const queue = new FairQueue({ places: 1, waiting: 100 });
  const { enter, order, leaveAll } = crowd(queue);
  for (let n = 0; n < 50; n += 1) void enter('noisy', [share('noisy')]);
  void enter('quiet', [share('quiet')]);
  void enter('calm', [share('calm')]);
  await leaveAll();
  // The first of the fifty was there before anybody; then each has a turn.
  expect(order.slice(0, 5)).toEqual(['noisy', 'noisy', 'quiet', 'calm', 'noisy']);
  expect(order).toHaveLength(52);
});

test('within a partner its tenants take turns, however many of them wait', async () => {
  const queue = new FairQueue({ places: 1, waiting: 100 });
  const { enter, order, leaveAll } = crowd(queue);
  const blocker = await queue.enter([share('blocker')], long);
  // Thirty tenants of one partner, one of the other: the partners take turns, not the tenants.
  for (let n = 0; n < 30; n += 1) void enter(`large ${n}`, [share('large'), share(`large ${n}`)]);
  for (let n = 0; n < 2; n += 1) void enter(`small ${n}`, [share('small'), share('small tenant')]);
  blocker();
  await leaveAll();
  expect(order.indexOf('small 0')).toBeLessThan(3);
  expect(order.indexOf('small 1')).toBeLessThan(5);
});

test('parties that come and go do not pass one that waits', async () => {
  const queue = new FairQueue({ places: 1, waiting: 100 });
  const { enter, order, inside, leaveAll } = crowd(queue);
  void enter('noisy', [share('noisy')]);
  void enter('noisy', [share('noisy')]);
  for (let n = 0; n < 10; n += 1) {
    void enter(`new ${n}`, [share(`new ${n}`)]);
    await turn();
    inside.shift()!.leave();
  }
  await turn();
  expect(order.filter((name) => name === 'noisy')).toHaveLength(2);
  await leaveAll();
});

test('refused: too much of one, too much of all, too long, and gone; and nothing is left of it', async () => {
  const queue = new FairQueue({ places: 1, waiting: 3 });
  const leave = await queue.enter([share('one')], long);
  const listeners: (() => void)[] = [];
  let listening = 0;
  const gone: Gone = (listener) => {
    listening += 1;
    listeners.push(listener);
    return () => {
      listening -= 1;
    };
  };
  const short = queue.enter([share('two', 1, 2)], 5, gone);
  const leaving = queue.enter([share('two', 1, 2)], long, gone);
  expect(await reasonOf(queue.enter([share('two', 1, 2)], long))).toBe('FULL OF ONE');
  const third = queue.enter([share('three')], long);
  expect(await reasonOf(queue.enter([share('four')], long))).toBe('FULL');
  listeners[1]!();
  expect(await reasonOf(leaving)).toBe('GONE');
  expect(await reasonOf(short)).toBe('TOO_LONG');
  expect(listening).toBe(0);
  leave();
  (await third)();
  expect([queue.state(), queue.state('two')]).toEqual([
    { busy: 0, waiting: 0 },
    { busy: 0, waiting: 0 },
  ]);
});

test('a wait that ends while places are free is the doing of the one who has its share', async () => {
  const queue = new FairQueue({ places: 2, waiting: 3 });
  const leave = await queue.enter([share('one', 1)], long);
  expect(await reasonOf(queue.enter([share('one', 1)], 5))).toBe('TOO_LONG OF ONE');
  leave();
});

test('whoever gives up and whoever leaves, in any order: no share is passed, and nothing is forgotten', async () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('ENTER' as const), wide: fc.nat(2), narrow: fc.nat(2) }),
    fc.record({ kind: fc.constant('LEAVE' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('GO' as const), which: fc.nat(20) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const queue = new FairQueue({ places: 4, waiting: 12 });
      const inside: { shares: readonly Share[]; leave: Leave }[] = [];
      const waiting: (() => void)[] = [];
      let asked = 0;
      let answered = 0;
      for (const one of actions) {
        if (one.kind === 'ENTER') {
          asked += 1;
          const shares = [share(`w${one.wide}`, 3, 6), share(`w${one.wide} n${one.narrow}`, 2, 4)];
          void queue
            .enter(shares, long, (listener) => {
              waiting.push(listener);
              return () => waiting.splice(waiting.indexOf(listener), 1);
            })
            .then((leave) => inside.push({ shares, leave }))
            .catch((error) => expect(error).toBeInstanceOf(Crowded))
            .finally(() => {
              answered += 1;
            });
        } else if (one.kind === 'LEAVE') inside.splice(one.which % (inside.length || 1), 1)[0]?.leave();
        else waiting[one.which % (waiting.length || 1)]?.();
        await turn();
        expect(inside.length).toBe(queue.state().busy);
        expect(inside.length).toBeLessThanOrEqual(4);
        expect(asked).toBe(answered + queue.state().waiting);
        for (const { shares } of inside) {
          for (const { key, most } of shares) expect(queue.state(key).busy).toBeLessThanOrEqual(most);
        }
        // Whoever waits has no room: a place that is free stays free only where every share of it is taken.
        if (waiting.length > 0 && inside.length === 0) throw new Error('it waits for nothing');
      }
      while (inside.length > 0) {
        inside.shift()!.leave();
        await turn();
      }
      expect([queue.state(), asked]).toEqual([{ busy: 0, waiting: 0 }, answered]);
    }),
    { numRuns: 200 },
  );
});
