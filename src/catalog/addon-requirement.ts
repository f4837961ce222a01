import type { Id } from '../core/ids';
import type { Addon } from './addon';

/** Something that hangs on an add-on: an attachment, or one that is about to be made. */
export interface Hanging {
  readonly addon: Pick<Addon, 'id' | 'requiredAddonIds'>;
}

/** Something that cannot be (any longer), and an add-on that it misses. */
export interface Missing<T> {
  readonly member: T;
  readonly requiredAddonId: Id<'Addon'>;
}

/**
 * What hangs together stays together (billing rules §12): of everything that would be attached, what cannot be, because it
 * requires an add-on that is neither attached beside it nor included in the plan. What falls takes along what hangs on it,
 * however long the chain is. In the order of the members.
 *
 * @param isIncluded whether the plan has an add-on
 */
export function withoutRequirement<T extends Hanging>(
  members: readonly T[],
  isIncluded: (addonId: Id<'Addon'>) => boolean,
): Missing<T>[] {
  const fallen = new Map<T, Id<'Addon'>>();
  for (;;) {
    const there = new Set(members.filter((member) => !fallen.has(member)).map(({ addon }) => addon.id));
    const before = fallen.size;
    for (const member of members) {
      if (fallen.has(member)) continue;
      const missing = member.addon.requiredAddonIds.find((id) => !there.has(id) && !isIncluded(id));
      if (missing) fallen.set(member, missing);
    }
    if (fallen.size === before) break;
  }
  return members.flatMap((member) => {
    const requiredAddonId = fallen.get(member);
    return requiredAddonId ? [{ member, requiredAddonId }] : [];
  });
}
