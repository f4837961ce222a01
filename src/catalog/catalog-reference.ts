import { decodeId, type IdKind } from '../core/ids';

/** Catalog objects are named by their id (`plan_…`) or by their code, which is unique per partner. */
export type CatalogReference =
  | { readonly by: 'id'; readonly id: string }
  | { readonly by: 'code'; readonly code: string };

export const codePattern = /^[a-z][a-z0-9_-]{0,62}$/;
export const featureCodePattern = /^[a-z][a-z0-9_.-]{0,62}$/;

export function catalogReference(kind: IdKind, text: string): CatalogReference {
  const decoded = decodeId(text);
  return decoded?.kind === kind ? { by: 'id', id: decoded.uuid } : { by: 'code', code: text };
}

/** A code that could be taken for an id is refused when it is made. */
export function isFreeCode(kind: IdKind, code: string, pattern = codePattern): boolean {
  return pattern.test(code) && decodeId(code)?.kind !== kind;
}
