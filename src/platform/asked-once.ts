const keyOf = (name: string, asked: readonly unknown[]) =>
  JSON.stringify([name, ...asked], (_member, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));

/** Each caller gets a list or map of its own. */
function own(answer: unknown): unknown {
  if (Array.isArray(answer)) return [...answer];
  return answer instanceof Map ? new Map(answer) : answer;
}

/**
 * The same repository for one that only reads, over one snapshot: a snapshot answers the same question alike, so each is asked
 * once. For work that tries many things and reads the same for each.
 */
export function askedOnce<T extends object>(repository: T): T {
  const answers = new Map<string, Promise<unknown>>();
  return new Proxy(repository, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...asked: unknown[]) => {
        const key = keyOf(String(name), asked);
        const answer = answers.get(key) ?? (member.apply(target, asked) as Promise<unknown>);
        answers.set(key, answer);
        return answer.then(own);
      };
    },
  });
}
