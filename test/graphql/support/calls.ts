import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { schema } from '../../../src/graphql/schema';
import type { DemoIdentity } from '../../../src/seed/identities';
import type { Answer, TestGateway } from '../../support/gateway';

export type Field = GraphQLField<unknown, unknown>;
export type Arguments = Readonly<Record<string, unknown>>;

export const queries = (): Readonly<Record<string, Field>> => schema().getQueryType()!.getFields();
export const mutations = (): Readonly<Record<string, Field>> => schema().getMutationType()!.getFields();
export const operation = (name: string): Field => (queries()[name] ?? mutations()[name])!;
export const isMutation = (name: string): boolean => name in mutations();

/** Enough of an answer to tell what it is, and whose. */
export function shortSelection(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (isUnionType(named)) {
    const refused = named.getTypes().some((member) => member.name === 'Refused');
    return `{ __typename ${refused ? '... on Refused { code message path retryable facts { name value } docs }' : ''} }`;
  }
  if (!isObjectType(named)) throw new Error(`cannot select of ${named.name}`);
  const fields = named.getFields();
  const leaves = [
    'id',
    'userId',
    'code',
    'reason',
    'reasons',
    'allowed',
    'valid',
    'account',
    'role',
    'amount',
    'featureCode',
  ];
  const nodes = fields['nodes'] ? `nodes ${shortSelection(fields['nodes'].type)}` : '';
  return `{ __typename ${leaves.filter((leaf) => fields[leaf] && isLeafType(getNamedType(fields[leaf].type))).join(' ')} ${nodes} }`;
}

/** A whole answer: every field, each kind of object once in full, as far as `depth` goes. */
export function fullSelection(type: GraphQLOutputType, depth: number, seen: Set<string> = new Set()): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (isUnionType(named)) {
    const members = named.getTypes().map((member) => {
      // Members whose fields have other types under the same name cannot be asked for side by side.
      const together = named.getTypes().every(({ name }) => /Done$|^Refused$|Preview$|Quote$|Unlock$/.test(name));
      return `... on ${member.name} ${together ? fullSelection(member, depth, seen) : `{ ${member.getFields()['id'] ? 'id' : '__typename'} }`}`;
    });
    return `{ __typename ${members.join(' ')} }`;
  }
  if (!isObjectType(named)) throw new Error(`cannot select of ${named.name}`);
  const whole = !seen.has(named.name) && depth > 0;
  seen.add(named.name);
  const fields = Object.values(named.getFields()).flatMap((field) => {
    if (isLeafType(getNamedType(field.type))) return whole || field.name === 'id' ? [field.name] : [];
    if (!whole || field.name === 'edges') return [];
    return [`${field.name} ${fullSelection(field.type, depth - 1, seen)}`];
  });
  return `{ __typename ${fields.join(' ')} }`;
}

export interface Call {
  readonly name: string;
  readonly args: Arguments;
}

/** Several calls of operations in one document, under the aliases c0, c1 …; every argument goes as a variable. */
export function documentOf(
  calls: readonly Call[],
  selection: (type: GraphQLOutputType) => string = shortSelection,
): { query: string; variables: Record<string, unknown> } {
  const variables: Record<string, unknown> = {};
  const definitions: string[] = [];
  const fields = calls.map(({ name, args }, index) => {
    const field = operation(name);
    const given = Object.entries(args).map(([argument, value]) => {
      const variable = `${argument}${index}`;
      variables[variable] = value;
      definitions.push(`$${variable}: ${field.args.find((known) => known.name === argument)!.type}`);
      return `${argument}: $${variable}`;
    });
    return `c${index}: ${name}${given.length > 0 ? `(${given.join(', ')})` : ''} ${selection(field.type)}`;
  });
  const kind = isMutation(calls[0]!.name) ? 'mutation' : 'query';
  const head = definitions.length > 0 ? `(${definitions.join(', ')})` : '';
  return { query: `${kind} ${head} { ${fields.join('\n')} }`, variables };
}

export type Who = DemoIdentity | { readonly bearer: string } | null;

/** One answer for each call, as if it had been asked alone: its own part of the data, and its own errors. */
export async function askCalls(
  gateway: TestGateway,
  who: Who,
  calls: readonly Call[],
  selection?: (type: GraphQLOutputType) => string,
): Promise<Alone[]> {
  const { query, variables } = documentOf(calls, selection);
  const answer = await gateway.ask(who, query, variables);
  const lone = answer.errors?.every(({ path }) => path === undefined) ?? false;
  // A field that may not be null takes the whole answer with it; then each call is asked by itself.
  if (calls.length > 1 && answer.errors && !lone && answer.data === null) {
    return Promise.all(calls.map(async (call) => (await askCalls(gateway, who, [call], selection))[0]!));
  }
  return calls.map((_call, index) => ({
    value: answer.data?.[`c${index}`],
    errors: (answer.errors ?? [])
      .filter(({ path }) => path === undefined || path[0] === `c${index}`)
      .map(({ message, extensions: { code } }) => ({ code, message })),
    answer,
  }));
}

export interface Alone {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever they asked for.
  readonly value: any;
  readonly errors: readonly { code: string; message: string }[];
  readonly answer: Answer;
}

/** What became of a call, in one word: DATA, null, empty, or the code of a refusal or an error. */
export function outcomeOf({ value, errors }: Alone): string {
  if (errors.length > 0) return errors[0]!.code;
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return value.length > 0 ? 'DATA' : 'empty';
  if (Array.isArray(value.nodes)) return value.nodes.length > 0 ? 'DATA' : 'empty';
  if (value.__typename === 'Refused') return value.code;
  if (value.__typename === 'Entitlement' && /_UNKNOWN$/.test(value.reason)) return value.reason;
  if (value.__typename === 'CouponValidation' && !value.valid) return value.reasons[0];
  return 'DATA';
}

/** Every argument of an operation that is an id, as a path: `input.features.feature`. */
export function idPaths(field: Field): string[] {
  const ofType = (type: GraphQLInputType, path: string): string[] => {
    const named = getNamedType(type);
    if (named.name === 'ID') return [path];
    return isInputObjectType(named)
      ? Object.values(named.getFields()).flatMap((member) => ofType(member.type, `${path}.${member.name}`))
      : [];
  };
  return field.args.flatMap((argument) => ofType(argument.type, argument.name));
}

/** Every argument and member of an input, as a path with its type. */
export function inputPaths(field: Field): { path: string; type: GraphQLInputType }[] {
  const ofType = (type: GraphQLInputType, path: string): { path: string; type: GraphQLInputType }[] => {
    const named = getNamedType(type);
    return [
      { path, type },
      ...(isInputObjectType(named)
        ? Object.values(named.getFields()).flatMap((member) => ofType(member.type, `${path}.${member.name}`))
        : []),
    ];
  };
  return field.args.flatMap((argument) => ofType(argument.type, argument.name));
}

/** The arguments with another value at a path; lists on the way are entered at their first member. */
export function withValue(args: Arguments, path: string, value: unknown): Arguments {
  const [name, ...rest] = path.split('.');
  const set = (holder: unknown, names: readonly string[]): unknown => {
    if (names.length === 0) return Array.isArray(holder) && !Array.isArray(value) ? [value] : value;
    if (Array.isArray(holder)) return [set(holder[0], names), ...holder.slice(1)];
    const members = (holder ?? {}) as Record<string, unknown>;
    return { ...members, [names[0]!]: set(members[names[0]!], names.slice(1)) };
  };
  return { ...args, [name!]: set(args[name!], rest) };
}

export function valueAt(args: Arguments, path: string): unknown {
  let value: unknown = args;
  for (const name of path.split('.')) {
    value = (Array.isArray(value) ? value[0] : value) as unknown;
    value = (value as Record<string, unknown> | undefined)?.[name];
  }
  return Array.isArray(value) ? value[0] : value;
}

export const isRequired = (type: GraphQLInputType): boolean => isNonNullType(type);
export const isList = (type: GraphQLInputType): boolean => isListType(getNullableType(type));
