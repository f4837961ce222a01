import { invariant } from './invariant';

/**
 * Splits a whole over weights by largest remainder (Hamilton): the parts always sum to the whole, no part is more than
 * one unit from its exact share, and equal remainders go to the earlier part. A negative whole is split like its mirror.
 *
 * @param total minor units
 * @param weights not negative; at least one above zero unless the total is zero
 */
export function allocate(total: bigint, weights: readonly bigint[]): bigint[] {
  if (total < 0n) return allocate(-total, weights).map((part) => -part);
  let whole = 0n;
  for (const weight of weights) {
    invariant(weight >= 0n, 'a weight is negative');
    whole += weight;
  }
  if (total === 0n) return weights.map(() => 0n);
  invariant(whole > 0n, 'there is nothing to spread the amount over');
  let left = total;
  const remainders: { index: number; remainder: bigint }[] = [];
  const parts = weights.map((weight, index) => {
    const product = total * weight;
    const part = product / whole;
    left -= part;
    remainders.push({ index, remainder: product % whole });
    return part;
  });
  if (left > 0n) {
    remainders.sort((first, second) =>
      first.remainder === second.remainder ? first.index - second.index : first.remainder > second.remainder ? -1 : 1,
    );
    for (let index = 0; index < Number(left); index += 1) {
      const winner = remainders[index]!.index;
      parts[winner] = parts[winner]! + 1n;
    }
  }
  return parts;
}
