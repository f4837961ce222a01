import { type Instant, isAtOrBefore, isBefore } from '../core/calendar';
import { groupBy } from '../core/group';
import { type EntitlementSource, sourceContent, sourceKey } from './entitlement';

/** One state of a source, as it is stored. */
export interface StoredSource {
  readonly id: string;
  readonly source: EntitlementSource;
}

/** What to write so that the rows say what the tenant has from now on, and still what it had before. */
export interface SourceChanges {
  readonly inserts: readonly EntitlementSource[];
  readonly updates: readonly StoredSource[];
  readonly deletes: readonly StoredSource[];
}

const ownerOf = ({ sourceKind, sourceId }: EntitlementSource) => `${sourceKind} ${sourceId}`;

/**
 * Compares what the rows are with what they should be. What the catalog says of an add-on, and how many of it there are, may
 * change while it lasts: the old state ends now and the new one begins, so that the past stays as it was. What never changes (a
 * plan version's own limits, a grant) is only ever out of step, and is mended in its place. A source that is gone ends now.
 */
export function sourceChanges(
  stored: readonly StoredSource[],
  wanted: readonly EntitlementSource[],
  now: Instant,
): SourceChanges {
  const byKey = groupBy(stored, ({ source }) => sourceKey(source));
  const owners = new Set(stored.map(({ source }) => ownerOf(source)));
  const inserts: EntitlementSource[] = [];
  const updates: StoredSource[] = [];
  const deletes: StoredSource[] = [];
  const seen = new Set<string>();
  for (const source of wanted) {
    const key = sourceKey(source);
    seen.add(key);
    const states = byKey.get(key) ?? [];
    const last = states.reduce<StoredSource | undefined>(
      (latest, one) => (latest && isBefore(one.source.startsAt, latest.source.startsAt) ? latest : one),
      undefined,
    );
    const change = changeOf(last, source, { now, isKnownOwner: owners.has(ownerOf(source)) });
    if (change.insert) inserts.push(change.insert);
    if (change.update) updates.push({ id: last!.id, source: change.update });
  }
  for (const [key, states] of byKey) {
    if (seen.has(key)) continue;
    for (const state of states) {
      if (isAtOrBefore(now, state.source.startsAt)) deletes.push(state);
      else if (!hasEnded(state.source, now)) updates.push({ ...state, source: { ...state.source, endsAt: now } });
    }
  }
  return { inserts, updates, deletes };
}

const hasEnded = ({ endsAt }: Pick<EntitlementSource, 'endsAt'>, at: Instant) =>
  endsAt !== undefined && isAtOrBefore(endsAt, at);

function changeOf(
  last: StoredSource | undefined,
  wanted: EntitlementSource,
  { now, isKnownOwner }: { readonly now: Instant; readonly isKnownOwner: boolean },
): { readonly insert?: EntitlementSource; readonly update?: EntitlementSource } {
  const fromNow = isBefore(wanted.startsAt, now) ? { ...wanted, startsAt: now } : wanted;
  if (!last) {
    if (hasEnded(wanted, now) && wanted.changes && isKnownOwner) return {};
    return { insert: wanted.changes && isKnownOwner ? fromNow : wanted };
  }
  const { source } = last;
  if (!wanted.changes) return sourceContent(source) === sourceContent(wanted) ? {} : { update: wanted };
  // It was gone for a while, and is there again.
  if (wanted.sourceKind === 'PLAN' && hasEnded(source, now) && !hasEnded(wanted, now)) return { insert: fromNow };
  // The state's own start: the one before it ended there.
  const { startsAt } = source;
  const kept = { ...source, sourceName: wanted.sourceName, startsAt, endsAt: wanted.endsAt };
  const isSameState = sourceContent(kept) === sourceContent({ ...wanted, startsAt });
  if (isSameState || hasEnded(wanted, now)) {
    return sourceContent(kept) === sourceContent(source) ? {} : { update: kept };
  }
  if (!isBefore(startsAt, now)) return { update: { ...wanted, startsAt } };
  return { update: { ...source, endsAt: now }, insert: { ...wanted, startsAt: now } };
}
