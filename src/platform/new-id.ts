import { v7 } from 'uuid';
import type { Id, IdKind } from '../core/ids';

/** UUIDv7: grows with time, so new rows land at the end of their index. */
export function newId<Kind extends IdKind>(): Id<Kind> {
  return v7() as Id<Kind>;
}
