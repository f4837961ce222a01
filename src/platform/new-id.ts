import { getRandomValues } from 'node:crypto';
import { v7 } from 'uuid';
import type { Id, IdKind } from '../core/ids';

/** Randomness of many ids at once: asking the system for sixteen bytes takes longer than making an id of them. */
const pool = new Uint8Array(16 * 512);
let used = pool.length;

function randomBytes(): Uint8Array {
  if (used === pool.length) {
    getRandomValues(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
}

let milliseconds = 0;
let sequence = 0;

/**
 * UUIDv7 (RFC 9562, method 1): grows with time, and within a millisecond by a counter of 31 bits that begins at random, so new
 * rows land at the end of their index, in the order in which they were made.
 */
export function newId<Kind extends IdKind>(): Id<Kind> {
  const random = randomBytes();
  const now = Date.now();
  if (now > milliseconds) {
    milliseconds = now;
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
  } else {
    sequence = (sequence + 1) % 2 ** 31;
    if (sequence === 0) milliseconds += 1;
  }
  return v7({ random, msecs: milliseconds, seq: sequence }) as Id<Kind>;
}
