import { groupBy } from '../../src/core/group';
import { mapPage, pageOf } from '../../src/core/page';

test('a page is made of one row more than it shows', () => {
  const request = { limit: 2, backward: false };
  expect(pageOf(['a', 'b', 'c'], request)).toEqual({ items: ['a', 'b'], hasMore: true, request });
  expect(pageOf(['a', 'b'], request)).toEqual({ items: ['a', 'b'], hasMore: false, request });
  expect(pageOf([], request)).toEqual({ items: [], hasMore: false, request });
});

test('a page that was read backward is shown forward', () => {
  const page = pageOf(['d', 'c', 'b'], { limit: 2, backward: true });
  expect(page.items).toEqual(['c', 'd']);
  expect(page.hasMore).toBe(true);
  expect(mapPage(page, (item) => item.toUpperCase())).toEqual({ ...page, items: ['C', 'D'] });
});

test('groups keep the order in which rows came', () => {
  const groups = groupBy([3, 1, 4, 1, 5, 9, 2, 6], (value) => (value % 2 === 0 ? 'even' : 'odd'));
  expect([...groups]).toEqual([
    ['odd', [3, 1, 1, 5, 9]],
    ['even', [4, 2, 6]],
  ]);
});
