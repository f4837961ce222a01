import { InvariantViolation, invariant, unreachable } from '../../src/core/invariant';
import { done, refuse } from '../../src/core/result';
import { invalid, parseLabel } from '../../src/core/text';

describe('labels', () => {
  test.each([
    ['Pro', 'Pro'],
    ['  Pro  ', 'Pro'],
    ['Jürgen & Söhne GmbH', 'Jürgen & Söhne GmbH'],
    ['株式会社', '株式会社'],
    ['عقد', 'عقد'], // right-to-left letters need no marks
    ['👩‍👩‍👧', '👩‍👩‍👧'], // joined by zero-width joiners
    ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
    ['=1+1', '=1+1'], // stored exactly; an export neutralizes it
    ['__proto__', '__proto__'],
  ])('%j is kept as %j', (text, label) => expect(parseLabel(text)).toBe(label));

  test.each([
    ['nothing', ''],
    ['blanks', ' \t\n '],
    ['a NUL byte, which PostgreSQL refuses', 'Pro\u0000'],
    ['a NUL byte inside', 'P\u0000ro'],
    ['a lone high surrogate, which PostgreSQL would store as another character', 'Pro \ud800'],
    ['a lone low surrogate', '\udc00 Pro'],
    ['surrogates in the wrong order', 'a\udc00\ud800b'],
    ['an escape character', '\u001b[31mPro'],
    ['a carriage return', 'a\rb'],
    ['delete', 'a\u007fb'],
    ['a right-to-left mark', '\u200fPro'],
    ['a left-to-right mark', 'a\u200eb'],
    ['a right-to-left override', 'Pro \u202egnp.exe'],
    ['an isolate', '\u2066Pro\u2069'],
    ['an Arabic letter mark', 'a\u061cb'],
    ['201 characters', 'x'.repeat(201)],
    ['a megabyte', 'x'.repeat(1_000_000)],
  ])('%s is refused', (_name, text) => expect(parseLabel(text)).toBeUndefined());

  test('the length is counted after trimming', () => {
    expect(parseLabel(` ${'x'.repeat(200)} `)).toHaveLength(200);
    expect(parseLabel('x'.repeat(500), 500)).toHaveLength(500);
    expect(parseLabel('x'.repeat(501), 500)).toBeUndefined();
  });
});

describe('results', () => {
  test('done', () => expect(done(7)).toEqual({ ok: true, value: 7 }));

  test('a refusal has a code, a sentence, and facts as text; what is not known is left out', () => {
    expect(
      refuse('TOO_MUCH', 'Too much.', {
        path: ['input', 'quantity'],
        facts: { limit: 10n, used: 12, soft: false, plan: 'pro', none: undefined, nothing: null },
      }),
    ).toEqual({
      ok: false,
      refusal: {
        code: 'TOO_MUCH',
        message: 'Too much.',
        retryable: false,
        path: ['input', 'quantity'],
        facts: [
          { name: 'limit', value: '10' },
          { name: 'used', value: '12' },
          { name: 'soft', value: 'false' },
          { name: 'plan', value: 'pro' },
        ],
      },
    });
  });

  test('a refusal is final and has no path unless it says so', () => {
    const { refusal } = refuse('NO', 'No.');
    expect(refusal).toEqual({ code: 'NO', message: 'No.', retryable: false, facts: [] });
    expect('path' in refusal).toBe(false);
  });

  test('input that is not valid points at itself', () => {
    expect(invalid(['prices', '0'], 'Not a price.').refusal).toMatchObject({
      code: 'INVALID_INPUT',
      path: ['input', 'prices', '0'],
    });
  });
});

describe('invariants', () => {
  test('a broken one is thrown, never returned', () => {
    expect(() => invariant(false, 'broken')).toThrow(new InvariantViolation('broken'));
    expect(() => invariant(true, 'broken')).not.toThrow();
    expect(() => unreachable('SOMETHING' as never)).toThrow(/unhandled case: "SOMETHING"/);
  });
});
