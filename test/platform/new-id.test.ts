import { newId } from '../../src/platform/new-id';

test('ids are of version 7, all different, and in the order in which they were made', () => {
  const began = Date.now();
  const ids = Array.from({ length: 20_000 }, () => newId<'Invoice'>());
  const ended = Date.now();
  expect(ids.filter((id) => !/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toEqual(
    [],
  );
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  const timeOf = (id: string) => Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  expect(timeOf(ids[0]!)).toBeGreaterThanOrEqual(began);
  // A full counter lends a millisecond of the future, at most.
  expect(timeOf(ids.at(-1)!)).toBeLessThanOrEqual(ended + 1);
  // What is left of an id is random: one is not told from another.
  expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length);
});
