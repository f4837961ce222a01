const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
const isBlank = (byte: number | undefined) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/** Behind the text that begins at `from`; the end of the bytes where it does not end. */
function behindText(bytes: Buffer, from: number): number {
  for (let end = bytes.indexOf(quote, from + 1); end !== -1; end = bytes.indexOf(quote, end + 1)) {
    let escapes = 0;
    while (bytes[end - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return end + 1;
  }
  return bytes.length;
}

/** Behind the value that begins at `from`. The parser that reads it checks whether its brackets match. */
function behindValue(bytes: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) {
      at = behindText(bytes, at) - 1;
      if (depth === 0) return at + 1;
    } else if (byte === openBrace || byte === openBracket) {
      depth += 1;
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth <= 1) return depth === 0 ? at : at + 1;
      depth -= 1;
    } else if (depth === 0 && (byte === comma || isBlank(byte))) {
      return at;
    }
  }
  return bytes.length;
}

function textOf(bytes: Buffer, from: number, end: number): string | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', from, end));
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A text that is a member of the outermost object of JSON; the last one, where there are several of its name. Nothing is made
 * of the other members: they are walked over byte by byte. `undefined`: there is none, or this is no JSON.
 */
export function textMember(bytes: Buffer, name: string): string | undefined {
  let at = 0;
  const skipBlanks = () => {
    while (isBlank(bytes[at])) at += 1;
  };
  // Each character of a name may be written as an escape of six.
  const longestKey = 6 * name.length + 2;
  let found: string | undefined;
  skipBlanks();
  if (bytes[at] !== openBrace) return undefined;
  do {
    at += 1;
    skipBlanks();
    if (bytes[at] !== quote) return found;
    const keyFrom = at;
    at = behindText(bytes, at);
    const isNamed = at - keyFrom <= longestKey && textOf(bytes, keyFrom, at) === name;
    skipBlanks();
    if (bytes[at] !== colon) return undefined;
    at += 1;
    skipBlanks();
    const valueFrom = at;
    at = behindValue(bytes, at);
    if (isNamed) found = textOf(bytes, valueFrom, at);
    skipBlanks();
  } while (bytes[at] === comma);
  return found;
}
