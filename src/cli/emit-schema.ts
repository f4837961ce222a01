import { printSchemaWithDirectives } from '@graphql-tools/utils';
import { schema } from '../graphql/schema';

/** The SDL as it is committed: sorted, with descriptions and the `@refuses` directives. */
export function emitSchema(): string {
  return `${printSchemaWithDirectives(schema()).trim()}\n`;
}
