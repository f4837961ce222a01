import {
  type DocumentNode,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isListType,
  Kind,
  print,
  typeFromAST,
} from 'graphql';
import { isStorable } from '../core/text';

/** What the variables of a request may hold. */
export const variableLimits = {
  /** Values in all, each event of usage as one: an event has limits of its own. */
  values: 10_000,
  /** Members of one list or object. */
  members: 2_000,
  /** Lists and objects within each other. */
  depth: 32,
} as const;

const badInput = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

/** Text that PostgreSQL cannot store (NUL) or would silently change (half of a surrogate pair). */
export function checkText(text: string): void {
  if (!isStorable(text)) {
    throw badInput('Text with a NUL character or half a surrogate pair cannot be used.');
  }
}

/** A variable called like a member of every object (`constructor`, `__proto__`) would be taken for that member. */
export function checkName(name: string): void {
  if (name in Object.prototype) throw badInput(`A variable cannot be called ${name}.`);
}

/** Scalars that look at whatever they are given themselves, and answer what is wrong with it by its place. */
const ownLimits: ReadonlySet<string> = new Set(['UsageEvent']);

type Type = GraphQLInputType | undefined;

/** One value may stand for a list of one. */
const withoutList = (type: Type): Type => {
  const nullable = type && getNullableType(type);
  return isListType(nullable) ? nullable.ofType : nullable;
};
const hasOwnLimits = (type: Type): boolean => {
  const nullable = type && getNullableType(type);
  return nullable !== undefined && 'name' in nullable && ownLimits.has(nullable.name);
};

/** As what the document declares its variables. One that several operations declare differently has no type here. */
function declaredTypes(schema: GraphQLSchema, document: DocumentNode): ReadonlyMap<string, Type> {
  const types = new Map<string, Type>();
  const written = new Map<string, string>();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const { variable, type } of definition.variableDefinitions ?? []) {
      const name = variable.name.value;
      const text = print(type);
      const isSame = (written.get(name) ?? text) === text;
      // biome-ignore lint/suspicious/noExplicitAny: of the three kinds of type node each has an overload of its own.
      types.set(name, isSame ? (typeFromAST(schema, type as any) as Type) : undefined);
      written.set(name, text);
    }
  }
  return types;
}

const typesOf = new WeakMap<DocumentNode, ReadonlyMap<string, Type>>();

/** Looks at each value once and ends at the first problem, so that its work is bounded by the limits, not by what was sent. */
class Walk {
  private values = 0;

  check(value: unknown, type: Type, depth: number): void {
    this.values += 1;
    if (this.values > variableLimits.values) {
      throw badInput(`The variables have more than ${variableLimits.values} values.`);
    }
    if (typeof value === 'string') checkText(value);
    if (typeof value !== 'object' || value === null) return;
    const inner = withoutList(type);
    if (hasOwnLimits(Array.isArray(value) ? type : inner)) return;
    if (depth >= variableLimits.depth) throw badInput('The variables are nested too deeply.');
    if (Array.isArray(value)) this.list(value, inner, depth);
    else this.object(value as Record<string, unknown>, inner, depth);
  }

  private list(members: readonly unknown[], type: Type, depth: number): void {
    if (members.length > variableLimits.members) this.tooMany();
    for (const member of members) this.check(member, type, depth + 1);
  }

  private object(members: Readonly<Record<string, unknown>>, type: Type, depth: number): void {
    const nullable = type && getNullableType(type);
    const fields = isInputObjectType(nullable) ? nullable.getFields() : undefined;
    let count = 0;
    // Parsed JSON inherits none.
    for (const key in members) {
      count += 1;
      if (count > variableLimits.members) this.tooMany();
      checkText(key);
      const field = fields && Object.hasOwn(fields, key) ? fields[key] : undefined;
      this.check(members[key], field?.type, depth + 1);
    }
  }

  private tooMany(): never {
    throw badInput(`A list or an object of the variables has more than ${variableLimits.members} members.`);
  }
}

/** Holds the variables of a request against the limits; throws the refusal. */
export function checkVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  let types = typesOf.get(document);
  if (!types) {
    types = declaredTypes(schema, document);
    typesOf.set(document, types);
  }
  const walk = new Walk();
  for (const name in variables) {
    checkText(name);
    checkName(name);
    walk.check(variables[name], types.get(name), 1);
  }
}
