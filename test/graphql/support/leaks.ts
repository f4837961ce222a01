/** What never leaves the gateway, whatever was asked: SQL, constraints, stack frames, paths, hosts, names of libraries. */
const internal = [
  /\b(select|insert into|delete from)\b[^"]{0,200}\b(from|values|where)\b/i,
  /violates|constraint|relation "|column "|duplicate key|syntax error at|invalid input syntax|row-level|SQLSTATE|permission denied/i,
  /current transaction|deadlock|statement timeout|out of range/i,
  /\bat (?:async )?[\w.$<>[\] ]+ ?\(?[^ ]*:\d+:\d+\)/,
  /node_modules|\/src\/|\/dist\/|\/home\/|\/tmp\/|\/work\/|\.[cm]?[jt]s:\d+/,
  /127\.0\.0\.1|localhost|ECONN|ENOENT|EPIPE/,
  /typeorm|QueryFailed|postgres|\bpg_|\bpg\b|graphql-jit|apollo|fastify/i,
  /TypeError|RangeError|ReferenceError|SyntaxError|is not a function|is not defined$|Cannot read|undefined \(|\[object/,
  /tollgate_(app|job|owner)|app\.enter/,
];

/** The first internal text in an answer, or `undefined`. */
export function leakIn(text: string): string | undefined {
  for (const pattern of internal) {
    const found = pattern.exec(text);
    if (found) return text.slice(Math.max(0, found.index - 40), found.index + 160);
  }
  return undefined;
}
