import fc from 'fast-check';
import { textMember } from '../../src/http/text-member';
import { seed } from '../support/arbitraries';

const read = (text: string) => textMember(Buffer.from(text), 'query');

test('finds what JSON.parse finds, whatever else is there and however it is written', () => {
  const names = fc.oneof(fc.constantFrom('query', 'queries', 'variables', '', 'q"uery', '\\'), fc.string());
  const members = fc.dictionary(names, fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.string({ unit: 'binary' })));
  const written = fc.tuple(members, fc.constantFrom(undefined, 1, '\t', ' \n'));
  fc.assert(
    fc.property(written, ([body, indent]) => {
      // Half of a surrogate pair cannot be sent.
      const text = JSON.stringify(body, undefined, indent).toWellFormed();
      const { query } = JSON.parse(text);
      return read(text) === (typeof query === 'string' ? query : undefined);
    }),
    { seed, numRuns: 10_000 },
  );
});

test('the last of two, also where its name is written in escapes', () => {
  expect(read('{"query":"a","query":"b"}')).toBe('b');
  expect(read('{"query":"a","\\u0071uer\\u0079":"b"}')).toBe('b');
  expect(read('{"query":"a","query":1}')).toBeUndefined();
});

test('never ends elsewhere than at the end, whatever bytes there are', () => {
  const pieces = ['{', '}', '[', ']', '"', '\\', ':', ',', ' ', '1', '"query"', '"query":"x"', 'ł', '\u0000'];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch {
        // Found or not: whoever reads it afterwards refuses it.
        read(text);
        return true;
      }
      const query = (parsed as { query?: unknown } | null)?.query;
      return read(text) === (typeof query === 'string' ? query : undefined);
    }),
    { seed, numRuns: 20_000 },
  );
});
