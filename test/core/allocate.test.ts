import { allocate } from '../../src/core/allocate';
import { InvariantViolation } from '../../src/core/invariant';
import { randomFrom, seed } from '../support/arbitraries';

const split = (total: number, weights: number[]) =>
  allocate(
    BigInt(total),
    weights.map((weight) => BigInt(weight)),
  ).map(Number);

describe('largest remainder', () => {
  test.each([
    [100, [1, 1, 1], [34, 33, 33]], // 33.33 each; equal remainders: the first gets the cent left
    [10, [1, 1, 1, 1], [3, 3, 2, 2]], // 2.5 each, 2 left for the first two
    [5, [50, 30, 20], [3, 1, 1]], // 2.5, 1.5, 1.0: 1 left, equal remainders: the first
    [1000, [4900, 14900, 200], [245, 745, 10]], // 1000 × 4900/20000, 14900/20000, 200/20000
    [348, [5, 6], [158, 190]], // 158.18 and 189.82: the cent left goes to .82
    [1, [0, 0, 7], [0, 0, 1]], // a weight of 0 gets nothing
    [0, [3, 5], [0, 0]],
    [0, [0, 0], [0, 0]],
    [0, [], []],
    [-100, [1, 1, 1], [-34, -33, -33]], // the mirror of 100
    [7, [5], [7]],
    [7, [3, 3], [4, 3]],
  ])('%s over %j is %j', (total, weights, parts) => {
    expect(split(total, weights)).toEqual(parts);
  });

  test('what cannot be spread is a bug', () => {
    expect(() => split(1, [])).toThrow(InvariantViolation);
    expect(() => split(1, [0, 0])).toThrow(InvariantViolation);
    expect(() => split(1, [2, -1])).toThrow(InvariantViolation);
    expect(() => split(0, [2, -1])).toThrow(InvariantViolation);
  });

  // A loop rather than fast-check, which would take minutes for a million cases.
  test('a million random splits: parts sum to the whole, and none is a unit or more from its exact share', () => {
    const random = randomFrom(seed);
    const cases = 1_000_000;
    for (let number = 0; number < cases; number += 1) {
      const size = random.minorUnits(9);
      const total = random.chance(0.2) ? -size : size;
      const weights: bigint[] = [];
      let whole = 0n;
      for (let index = random.whole(1, 6); index > 0; index -= 1) {
        const weight = random.chance(0.1) ? 0n : random.minorUnits(7);
        weights.push(weight);
        whole += weight;
      }
      if (whole === 0n) {
        weights.push(1n);
        whole = 1n;
      }
      const parts = allocate(total, weights);
      let left = total;
      let fair = parts.length === weights.length;
      for (let index = 0; index < parts.length; index += 1) {
        left -= parts[index]!;
        const off = parts[index]! * whole - total * weights[index]!;
        fair &&= off < whole && off > -whole;
      }
      if (left !== 0n || !fair) {
        throw new Error(`seed ${seed}, case ${number}: ${total} over ${weights.join(', ')} became ${parts.join(', ')}`);
      }
    }
  });
});
