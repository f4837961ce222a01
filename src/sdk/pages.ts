/**
 * How a normalised cache keeps a list that is read in pages. The same idea as Apollo's `relayStylePagination`, with two
 * differences: it keeps `nodes`, which that one drops, and it does not need Apollo to be installed.
 */

interface PageInfo {
  readonly hasNextPage?: boolean | undefined;
  readonly hasPreviousPage?: boolean | undefined;
  readonly startCursor?: string | null | undefined;
  readonly endCursor?: string | null | undefined;
}

/** A list as a cache holds it: only what was asked for is there. */
export interface CachedList {
  readonly nodes?: readonly unknown[];
  readonly edges?: readonly unknown[];
  readonly pageInfo?: PageInfo;
  /** How many entries lie on the near side of a page's far cursor: nodes have no cursors of their own. */
  readonly reached?: Readonly<Record<string, number>>;
  readonly [other: string]: unknown;
}

export type ListArguments = Readonly<Record<string, unknown>> | null;

export interface ListPolicy {
  readonly keyArgs: (args: ListArguments) => string[];
  readonly merge: (
    existing: CachedList | undefined,
    incoming: CachedList,
    options: { readonly args: ListArguments },
  ) => CachedList;
}

const sizeOf = (list: CachedList) => (list.nodes ?? list.edges ?? []).length;

/** A list grows in one direction only, since `first` and `last` are different lists. */
function mergePages(
  existing: CachedList | undefined,
  incoming: CachedList,
  { args }: { readonly args: ListArguments },
): CachedList {
  const backward = typeof args?.['last'] === 'number';
  const cursor = args?.[backward ? 'before' : 'after'];
  const { nodes: _nodes, edges: _edges, pageInfo: _pageInfo, reached: _reached, ...rest } = existing ?? {};
  // The first page starts the list anew, and so does a page that nothing is known to lie before.
  const kept = typeof cursor === 'string' ? (existing?.reached?.[cursor] ?? 0) : 0;

  function grown(old: readonly unknown[] | undefined, page: readonly unknown[] | undefined) {
    if (!page) return undefined;
    if (kept === 0 || !old) return page;
    return backward ? [...page, ...old.slice(old.length - kept)] : [...old.slice(0, kept), ...page];
  }
  const nodes = grown(existing?.nodes, incoming.nodes);
  const edges = grown(existing?.edges, incoming.edges);
  const { hasNextPage, endCursor, hasPreviousPage, startCursor } = existing?.pageInfo ?? {};
  const nearEnd = backward ? { hasNextPage, endCursor } : { hasPreviousPage, startCursor };
  const farCursor = incoming.pageInfo?.[backward ? 'startCursor' : 'endCursor'];
  const before = Object.entries(existing?.reached ?? {}).filter(([, count]) => count <= kept);
  return {
    ...rest,
    ...incoming,
    ...(nodes && { nodes }),
    ...(edges && { edges }),
    ...(incoming.pageInfo && { pageInfo: { ...incoming.pageInfo, ...(kept > 0 && nearEnd) } }),
    reached: {
      ...Object.fromEntries(before),
      ...(typeof farCursor === 'string' && { [farCursor]: kept + sizeOf(incoming) }),
    },
  };
}

/** @param filters the arguments that make another list; `last` does as well, since it reads from the other end */
export function pages(filters: readonly string[]): ListPolicy {
  return {
    keyArgs: (args) => [...filters, 'last'].filter((name) => args?.[name] !== undefined && args[name] !== null),
    merge: mergePages,
  };
}
