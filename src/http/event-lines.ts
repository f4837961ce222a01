/** Bytes of a line: an event with the longest of everything. */
export const longestLine = 64 * 1024;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** None: it is too long. They hold until the next line is asked for. */
  readonly bytes?: Buffer | undefined;
}

/**
 * The lines of a body, as they arrive. A line that comes in several parts is put together in one place, whose size does not
 * depend on how many there are; of a line that is too long nothing is kept.
 */
export async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 0;
  let held: Buffer | undefined;
  let size = 0;
  const hold = (piece: Buffer) => {
    if (size + piece.length <= longestLine) {
      held ??= Buffer.allocUnsafe(longestLine);
      piece.copy(held, size);
    }
    size += piece.length;
  };
  const line = (last?: Buffer): Line => {
    number += 1;
    if (size === 0 && last && last.length <= longestLine) return { number, bytes: last };
    if (last) hold(last);
    const bytes = size > longestLine ? undefined : (held?.subarray(0, size) ?? Buffer.alloc(0));
    size = 0;
    return { number, bytes };
  };
  for await (const part of body) {
    for (let from = 0; from < part.length; ) {
      const end = part.indexOf(10, from);
      if (end === -1) {
        hold(part.subarray(from));
        break;
      }
      yield line(part.subarray(from, end));
      from = end + 1;
    }
  }
  if (size > 0) yield line();
}
