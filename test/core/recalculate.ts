import type { Explanation } from '../../src/core/explain';

/**
 * Calculates an explanation again, outside the system: from its formula and operands alone, with arithmetic of its own.
 * Shares no code with `src`, so that a wrong rule there cannot be wrong here in the same way.
 */
export interface Recalculated {
  /** The exact value in major units, cut off after 12 decimals like `Explanation.exact`. */
  readonly exact: string;
  /** Rounded half away from zero to the decimals that `Explanation.result` has. */
  readonly result: string;
}

interface Fraction {
  readonly above: bigint;
  readonly below: bigint;
}

const of = (above: bigint, below: bigint): Fraction =>
  below < 0n ? { above: -above, below: -below } : { above, below };

function read(text: string): Fraction {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  if (!match) throw new Error(`not a number: ${text}`);
  const decimals = match[3] ?? '';
  const size = BigInt(match[2]! + decimals);
  return of(match[1] === '-' ? -size : size, 10n ** BigInt(decimals.length));
}

const smallerOf = (one: Fraction, other: Fraction) =>
  one.above * other.below <= other.above * one.below ? one : other;
const largerOf = (one: Fraction, other: Fraction) => (smallerOf(one, other) === one ? other : one);

function rounded({ above, below }: Fraction, digits: number): bigint {
  const scaled = (above < 0n ? -above : above) * 10n ** BigInt(digits);
  const whole = scaled / below;
  const up = 2n * (scaled % below) >= below ? whole + 1n : whole;
  return above < 0n ? -up : up;
}

function written(minor: bigint, digits: number): string {
  const size = String(minor < 0n ? -minor : minor).padStart(digits + 1, '0');
  const cut = size.length - digits;
  return `${minor < 0n ? '-' : ''}${size.slice(0, cut)}${digits > 0 ? `.${size.slice(cut)}` : ''}`;
}

/**
 * The part of a whole that one line gets: whole units first, and what is left goes one each to the largest remainders, at
 * equal remainders to the earlier line.
 */
function spread(whole: bigint, lines: readonly bigint[], position: number): { exact: Fraction; part: bigint } {
  const total = lines.reduce((sum, line) => sum + line, 0n);
  const floors = lines.map((line) => (whole * line) / total);
  const left = Number(whole - floors.reduce((sum, floor) => sum + floor, 0n));
  const winners = lines
    .map((line, index) => ({ index, rest: (whole * line) % total }))
    .sort((one, other) => (one.rest === other.rest ? one.index - other.index : one.rest > other.rest ? -1 : 1))
    .slice(0, left);
  const extra = winners.some(({ index }) => index === position) ? 1n : 0n;
  return { exact: of(whole * lines[position]!, total), part: floors[position]! + extra };
}

const known = new Map<string, readonly string[]>();

/** Kept, because hundreds of thousands of explanations share a few formulas. */
function tokensOf(formula: string): readonly string[] {
  let tokens = known.get(formula);
  if (!tokens) {
    tokens = formula.match(/[A-Za-z][A-Za-z0-9]*|[0-9.]+|\S/g) ?? [];
    known.set(formula, tokens);
  }
  return tokens;
}

export function recalculate(explanation: Explanation): Recalculated {
  const digits = explanation.result.split('.')[1]?.length ?? 0;
  const operands = new Map(explanation.operands.map(({ name, value }) => [name, value]));
  const tokens = tokensOf(explanation.formula);
  let next = 0;
  const accept = (token: string) => tokens[next] === token && ++next > 0;
  const expectToken = (token: string) => {
    if (!accept(token)) throw new Error(`${explanation.formula}: ${token} expected before ${tokens[next]}`);
  };
  let fixed: bigint | undefined;

  function value(): Fraction {
    const token = tokens[next++];
    if (token === undefined) throw new Error(`${explanation.formula} ends too early`);
    if (token === '(') {
      const inner = sum();
      expectToken(')');
      return inner;
    }
    if (token === 'min' || token === 'max') {
      expectToken('(');
      const one = sum();
      expectToken(',');
      const other = sum();
      expectToken(')');
      return token === 'min' ? smallerOf(one, other) : largerOf(one, other);
    }
    if (token === 'spread') {
      expectToken('(');
      const whole = rounded(sum(), digits);
      expectToken(')');
      const lines: bigint[] = [];
      while (operands.has(`line${lines.length + 1}`)) {
        lines.push(rounded(read(operands.get(`line${lines.length + 1}`)!), digits));
      }
      const { exact, part } = spread(whole, lines, Number(operands.get('position')) - 1);
      fixed = part;
      return of(exact.above, exact.below * 10n ** BigInt(digits));
    }
    if (/^[0-9]/.test(token)) return read(token);
    const operand = operands.get(token);
    if (operand === undefined) throw new Error(`${explanation.formula}: no operand ${token}`);
    return read(operand);
  }
  function product(): Fraction {
    let result = value();
    for (;;) {
      if (accept('*')) {
        const by = value();
        result = of(result.above * by.above, result.below * by.below);
      } else if (accept('/')) {
        const by = value();
        result = of(result.above * by.below, result.below * by.above);
      } else return result;
    }
  }
  function sum(): Fraction {
    let result = product();
    for (;;) {
      const sign = accept('+') ? 1n : accept('-') ? -1n : 0n;
      if (sign === 0n) return result;
      const other = product();
      result = of(result.above * other.below + sign * other.above * result.below, result.below * other.below);
    }
  }

  const outcome = sum();
  if (next !== tokens.length) throw new Error(`${explanation.formula}: ${tokens[next]} is not understood`);
  const size = outcome.above < 0n ? -outcome.above : outcome.above;
  const cut = (size * 10n ** 12n) / outcome.below;
  const ends = (size * 10n ** 12n) % outcome.below === 0n;
  const plain = written(outcome.above < 0n ? -cut : cut, 12);
  return {
    exact: ends ? plain.replace(/\.?0+$/, '') : `${plain}…`,
    result: written(fixed ?? rounded(outcome, digits), digits),
  };
}

/** Throws unless the explanation, calculated again, says the same. */
export function checkExplanation(explanation: Explanation): void {
  const { exact, result } = recalculate(explanation);
  if (exact !== explanation.exact || result !== explanation.result) {
    throw new Error(
      `${explanation.formula} with ${JSON.stringify(explanation.operands)} is ${exact} → ${result}, ` +
        `but is said to be ${explanation.exact} → ${explanation.result}`,
    );
  }
}
