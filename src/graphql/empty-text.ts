import {
  GraphQLError,
  type GraphQLField,
  GraphQLID,
  type GraphQLInputType,
  type GraphQLSchema,
  GraphQLString,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { refuse } from '../core/result';
import { toGraphqlRefused } from './refusal.graphql';

/** Of whom it is: the same as any other id of nothing, so that a stranger's and a missing one look alike. */
const scopes = new Set(['tenantId', 'partnerId', 'id']);
/** A key is judged where it is claimed; an empty description is one. */
const judgedElsewhere = new Set(['idempotencyKey', 'description']);

/** Where empty text stands in place of "none"; `undefined`: nowhere. Required texts are judged by who reads them. */
function emptyTextAt(type: GraphQLInputType, name: string, value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === '') {
    if (isNonNullType(type) || scopes.has(name) || judgedElsewhere.has(name)) return undefined;
    return type === GraphQLString || type === GraphQLID ? [name] : undefined;
  }
  const given = isNonNullType(type) ? type.ofType : type;
  if (isListType(given) && Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      const found = emptyTextAt(given.ofType, String(index), member);
      if (found) return [name, ...found];
    }
  } else if (isInputObjectType(given)) {
    for (const [key, member] of Object.entries(value)) {
      const field = given.getFields()[key];
      const found = field && emptyTextAt(field.type, key, member);
      if (found) return [name, ...found];
    }
  }
  return undefined;
}

function takesText(type: GraphQLInputType, seen: ReadonlySet<string> = new Set()): boolean {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return named === GraphQLString || named === GraphQLID;
  if (seen.has(named.name)) return false;
  const within = new Set([...seen, named.name]);
  return Object.values(named.getFields()).some((field) => takesText(field.type, within));
}

function guard(field: GraphQLField<unknown, unknown>): void {
  const texts = field.args.filter(({ type }) => takesText(type));
  const { resolve } = field;
  if (texts.length === 0 || !resolve) return;
  const answer = getNamedType(field.type);
  const refuses = isUnionType(answer) && answer.getTypes().some(({ name }) => name === 'Refused');
  field.resolve = (source, args, context, info) => {
    for (const { name, type } of texts) {
      const path = emptyTextAt(type, name, (args as Record<string, unknown>)[name]);
      if (!path) continue;
      const message = `Empty text is no value for ${path.join('.')}: leave it out, or send null.`;
      if (!refuses) throw new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
      const code = path.at(-1) === 'quote' ? 'QUOTE_INVALID' : 'INVALID_INPUT';
      return toGraphqlRefused(refuse(code, message, { path: [...path] }).refusal);
    }
    return resolve(source, args, context, info);
  };
}

/**
 * Empty text is never "none": an optional text that was given and is empty is refused, for every argument of every field and
 * every member of every input, before any resolver asks whether it is there.
 */
export function refusingEmptyText(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !(isObjectType(type) || isInterfaceType(type))) continue;
    for (const field of Object.values(type.getFields())) guard(field);
  }
  return schema;
}
