/** Secrets by their names: what must stand nowhere. */
export type Canaries = ReadonlyMap<string, string>;

/** Of something that stands within a longer text that is encoded: the part that does not depend on what is around it. */
function base64Parts(value: string, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before, 'x'), Buffer.from(value), Buffer.alloc(3, 'x')]).toString(
      encoding,
    );
    return text.slice(before === 0 ? 0 : 4, 4 * Math.floor((before + Buffer.byteLength(value)) / 3));
  });
}

const formsOf = (value: string): Record<string, string[]> => ({
  plain: [value],
  json: [JSON.stringify(value).slice(1, -1)],
  url: [encodeURIComponent(value), encodeURI(value), new URLSearchParams({ v: value }).toString().slice(2)],
  hex: [Buffer.from(value).toString('hex')],
  base64: base64Parts(value, 'base64'),
  base64url: base64Parts(value, 'base64url'),
});

/** `name as form` of each canary that stands in a text. */
export function sightings(text: string, canaries: Canaries): string[] {
  return [...canaries].flatMap(([name, value]) =>
    Object.entries(formsOf(value))
      .filter(([, forms]) => forms.some((form) => form.length >= 8 && text.includes(form)))
      .map(([form]) => `${name} as ${form}`),
  );
}
