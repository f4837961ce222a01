import { type CachedList, type ListArguments, pages } from '../../src/sdk/pages';

const { keyArgs, merge } = pages(['tenantId']);
const page = (nodes: string[], more: boolean): CachedList => ({
  nodes,
  pageInfo: { startCursor: nodes[0]!, endCursor: nodes.at(-1)!, hasNextPage: more, hasPreviousPage: more },
});

/** What a cache holds after it has read these pages, one after the other. */
function after(...read: [ListArguments, CachedList][]): CachedList {
  return read.reduce<CachedList | undefined>((list, [args, incoming]) => merge(list, incoming, { args }), undefined)!;
}

test('lists differ by their filters and by the end they are read from', () => {
  expect(keyArgs(null)).toEqual([]);
  expect(keyArgs({ first: 2, after: 'b', tenantId: null })).toEqual([]);
  expect(keyArgs({ first: 2, tenantId: 'tenant_1' })).toEqual(['tenantId']);
  expect(keyArgs({ last: 2 })).toEqual(['last']);
});

test('the next page goes behind the list', () => {
  const list = after(
    [{ first: 2 }, page(['a', 'b'], true)],
    [{ first: 2, after: 'b' }, page(['c', 'd'], true)],
    [{ first: 2, after: 'd' }, page(['e'], false)],
  );
  expect(list.nodes).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(list.pageInfo).toEqual({ startCursor: 'a', endCursor: 'e', hasNextPage: false, hasPreviousPage: true });
});

test('the page before goes in front', () => {
  const list = after([{ last: 2 }, page(['d', 'e'], true)], [{ last: 2, before: 'd' }, page(['b', 'c'], false)]);
  expect(list.nodes).toEqual(['b', 'c', 'd', 'e']);
  expect(list.pageInfo).toEqual({ startCursor: 'b', endCursor: 'e', hasNextPage: true, hasPreviousPage: false });
});

test('a page that is read twice stands there once; what came behind it is read again', () => {
  const read: [ListArguments, CachedList][] = [
    [{ first: 2 }, page(['a', 'b'], true)],
    [{ first: 2, after: 'b' }, page(['c', 'd'], true)],
    [{ first: 2, after: 'd' }, page(['e'], false)],
    [{ first: 2, after: 'b' }, page(['c', 'x'], true)],
  ];
  expect(after(...read).nodes).toEqual(['a', 'b', 'c', 'x']);
  expect(after(...read, [{ first: 2, after: 'x' }, page(['e'], false)]).nodes).toEqual(['a', 'b', 'c', 'x', 'e']);
});

test('the first page starts the list anew', () => {
  const list = after(
    [{ first: 2 }, page(['a', 'b'], true)],
    [{ first: 2, after: 'b' }, page(['c'], false)],
    [{ first: 2 }, page(['a', 'x'], true)],
  );
  expect(list.nodes).toEqual(['a', 'x']);
});

test('edges are kept like nodes, and counts stay', () => {
  const edges = (names: string[]) => names.map((cursor) => ({ cursor }));
  const list = after(
    [{ first: 1 }, { totalCount: 2, edges: edges(['a']), pageInfo: { endCursor: 'a' } }],
    [
      { first: 1, after: 'a' },
      { edges: edges(['b']), pageInfo: { endCursor: 'b' } },
    ],
  );
  expect(list).toMatchObject({ totalCount: 2, edges: [{ cursor: 'a' }, { cursor: 'b' }] });
});
