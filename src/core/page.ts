/** One page of a list in key order. Keys are UUIDv7, so key order is the order of creation. */
export interface PageRequest {
  readonly limit: number;
  /** Only rows behind this key. */
  readonly after?: string | undefined;
  /** Only rows before this key. */
  readonly before?: string | undefined;
  /** Reads from the end towards the start (`last`). */
  readonly backward: boolean;
}

export interface Page<T> {
  /** Always in ascending key order. */
  readonly items: readonly T[];
  /** There are rows beyond the page in the direction that was read. */
  readonly hasMore: boolean;
  readonly request: PageRequest;
}

export const largestPage = 100;

/** Makes a page of `limit + 1` rows that were read in the page's direction. */
export function pageOf<T>(rows: readonly T[], request: PageRequest): Page<T> {
  const items = rows.slice(0, request.limit);
  return { items: request.backward ? items.reverse() : items, hasMore: rows.length > request.limit, request };
}

export function mapPage<T, U>(page: Page<T>, convert: (item: T) => U): Page<U> {
  return { ...page, items: page.items.map(convert) };
}
