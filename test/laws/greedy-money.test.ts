import fc from 'fast-check';
import { seed } from '../support/arbitraries';
import { type Act, act, freeAllowed, freeloading, mostFree, plans, worthOf } from './greedy';
import { Purse } from './purse';

/**
 * The greedy tenant against the rules alone: decisions, credits, splits, invoices and counts are the product's, without its database.
 * `SEQUENCES=100000 npx jest test/laws/greedy-money` is the long form; a failure is shrunk and prints its seed.
 */
const sequences = Number(process.env.SEQUENCES ?? 400);
const longest = 60;

const acts: fc.Arbitrary<Act[]> = fc.array(act, { minLength: 1, maxLength: longest, size: 'max' });

test(
  `${sequences} greedy tenants have no more than they pay for (seed ${seed})`,
  () => {
    const counted = { acts: 0, done: 0, worth: 0 };
    const started = Date.now();
    fc.assert(
      fc.property(fc.boolean(), acts, (card, all) => {
        const purse = new Purse(card);
        purse.act({ do: 'start', plan: 'small', interval: 'MONTH', quantity: 1 });
        for (const one of all) {
          purse.act(one);
          if (purse.balance < 0n) throw new Error(`the balance stands at ${purse.balance}`);
          // What came in covers what lies in the balance, whatever was done.
          if (purse.paidIn < purse.balance)
            throw new Error(`${purse.paidIn} came in, ${purse.balance} lies in the balance`);
        }
        const worth = worthOf(purse.billed, purse.held, purse.used, purse.now);
        counted.acts += all.length;
        counted.done += purse.done;
        if (worth > 0) counted.worth += 1;
        // Each movement was rounded once.
        if (worth > Number(purse.paid) + purse.movements / 2) {
          throw new Error(`had ${worth.toFixed(2)}, paid ${purse.paid}`);
        }
      }),
      { numRuns: sequences, seed },
    );
    const seconds = (Date.now() - started) / 1_000;
    process.stdout.write(
      `${sequences} sequences, ${counted.acts} acts, ${counted.done} of them did something: ${seconds.toFixed(0)} s\n`,
    );
    expect(counted.worth).toBeGreaterThan(sequences * 0.8);
    expect(counted.done).toBeGreaterThan(counted.acts / 6);
  },
  Math.max(120_000, sequences * 200),
);

test(`${sequences} that are after what is free have no more of it than its windows give (seed ${seed})`, () => {
  let most = 0;
  fc.assert(
    fc.property(fc.array(freeloading, { minLength: 1, maxLength: longest, size: 'max' }), (all) => {
      const purse = new Purse(true);
      for (const one of all) purse.act(one);
      const free = mostFree(purse.windows);
      most = Math.max(most, free);
      if (free > freeAllowed) throw new Error(`used ${free} within 27 days`);
    }),
    { numRuns: sequences, seed },
  );
  process.stdout.write(`${sequences} sequences, at most ${most} free calls within 27 days\n`);
});

test('change and back at one instant comes to nothing, whatever happened before', () => {
  fc.assert(
    fc.property(fc.boolean(), acts, (card, all) => {
      const purse = new Purse(card);
      purse.act({ do: 'start', plan: 'small', interval: 'MONTH', quantity: 1 });
      for (const one of all) purse.act(one);
      const { plan, wide } = purse.current();
      const before = purse.paid;
      const other = plan === 'small' ? 'big' : 'small';
      purse.act({ do: 'change', plan: other });
      purse.act({ do: 'change', plan: plan ?? 'small' });
      const moved = purse.paid - before;
      // What was used beyond the smaller plan's calls stays paid for: never less than nothing.
      if (wide ? moved < 0n : moved !== 0n) throw new Error(`there and back: ${moved}`);
    }),
    { numRuns: Math.ceil(sequences / 3), seed },
  );
  expect(plans.big.calls).toBeGreaterThan(plans.small.calls);
});
