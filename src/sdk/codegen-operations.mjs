// A plugin of graphql-codegen: one async function for each named operation of schema/operations, on top of the types that
// `typescript-operations` writes. Nothing of it runs in a client: the documents leave here as strings, so the SDK needs
// `fetch` and no `graphql` package.
import { readFileSync } from 'node:fs';
import { isObjectType, isUnionType, Kind, parse, print, stripIgnoredCharacters, visit } from 'graphql';

const refusedFields = ['code', 'message', 'retryable', 'path', 'facts', 'docs'];
const pageVariables = ['after', 'before', 'last'];

const lowerFirst = (text) => text[0].toLowerCase() + text.slice(1);
const quote = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const named = (type) => ('ofType' in type && type.ofType ? named(type.ofType) : type);

/** The comment lines right above a definition. graphql-js keeps comments as tokens only. */
function commentAbove(definition) {
  const lines = [];
  for (let token = definition.loc.startToken.prev; token?.kind === 'Comment'; token = token.prev) {
    const below = token.next;
    if (below.line - token.line > 1) break;
    lines.unshift(token.value.replace(/^ /, ''));
  }
  return lines;
}

function commentsOf(documents) {
  const comments = new Map();
  for (const { location } of documents) {
    for (const definition of parse(readFileSync(location, 'utf8')).definitions) {
      comments.set(definition.name.value, commentAbove(definition));
    }
  }
  return comments;
}

/** An operation with the fragments it uses, and theirs, each once. */
function withFragments(operation, fragments) {
  const used = new Map();
  const collect = (node) =>
    visit(node, {
      FragmentSpread({ name }) {
        if (used.has(name.value)) return;
        const fragment = fragments.get(name.value);
        if (!fragment) throw new Error(`${operation.name.value} uses the fragment ${name.value}, which is nowhere.`);
        used.set(name.value, fragment);
        collect(fragment);
      },
    });
  collect(operation);
  return [operation, ...used.values()].map((node) => print(node)).join('\n');
}

/** The codes that the schema promises for a field, or nothing where it cannot be refused. */
function refusalsOf(field) {
  const directive = field.astNode?.directives?.find(({ name }) => name.value === 'refuses');
  const codes = directive?.arguments?.find(({ name }) => name.value === 'codes')?.value;
  return codes?.kind === Kind.LIST ? codes.values.map((value) => value.value) : undefined;
}

/** The names of the fields that are asked of a type, through fragments. */
function fieldsAsked(selections, typeName, fragments) {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection.name.value];
    const part = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    const condition = part.typeCondition?.name.value;
    return condition && condition !== typeName ? [] : fieldsAsked(part.selectionSet.selections, typeName, fragments);
  });
}

/** Where the page stands that is turned by `after: $after`: the names of the fields down to it. */
function pathToPage(selections, type) {
  if (!isObjectType(type)) return undefined;
  for (const selection of selections) {
    if (selection.kind !== Kind.FIELD || !selection.selectionSet) continue;
    const name = (selection.alias ?? selection.name).value;
    const turns = selection.arguments.some(
      (argument) =>
        argument.name.value === 'after' &&
        argument.value.kind === Kind.VARIABLE &&
        argument.value.name.value === 'after',
    );
    if (turns) return [name];
    const fieldType = named(type.getFields()[selection.name.value].type);
    const below = pathToPage(selection.selectionSet.selections, fieldType);
    if (below) return [name, ...below];
  }
  return undefined;
}

function documentationOf(comment, description, refusals) {
  const lines = [...(comment.length > 0 ? comment : [description ?? ''])];
  if (refusals) lines.push('', `Refused with ${refusals.join(', ')}.`);
  return ['/**', ...lines.map((line) => ` * ${line}`.trimEnd()), ' */'].join('\n');
}

function writeOperation(schema, operation, fragments, comment) {
  const name = operation.name.value;
  const kind = operation.operation;
  const rootType = kind === 'query' ? schema.getQueryType() : schema.getMutationType();
  const selections = operation.selectionSet.selections;
  const fields = selections.map((selection) => ({ selection, field: rootType.getFields()[selection.name.value] }));
  const mayBeRefused = fields.filter(({ field }) => {
    const type = named(field.type);
    return isUnionType(type) && type.getTypes().some((member) => member.name === 'Refused');
  });
  if (mayBeRefused.length > 0 && fields.length > 1) {
    throw new Error(
      `${name} asks for ${fields.length} fields of which one may be refused: make it an operation of its own.`,
    );
  }
  const single = fields.length === 1 ? fields[0] : undefined;
  const operationName = `${name}${kind === 'query' ? 'Query' : 'Mutation'}`;
  const variablesType = `${operationName}Variables`;
  const root = single && (single.selection.alias ?? single.selection.name).value;
  const dataType = root ? `${operationName}[${quote(root)}]` : operationName;
  const functionName = lowerFirst(name);
  const optional = operation.variableDefinitions.every(
    ({ type, defaultValue }) => type.kind !== Kind.NON_NULL_TYPE || defaultValue,
  );
  const variables = new Set(operation.variableDefinitions.map(({ variable }) => variable.name.value));
  const lines = [];

  let refusals;
  if (mayBeRefused.length === 1) {
    refusals = refusalsOf(single.field);
    if (!refusals)
      throw new Error(`${single.field.name} may be refused, but the schema says no codes: @refuses is missing.`);
    const asked = fieldsAsked(single.selection.selectionSet.selections, 'Refused', fragments);
    const missing = ['__typename', ...refusedFields].filter((field) => !asked.includes(field));
    if (missing.length > 0)
      throw new Error(`${name} does not ask Refused for ${missing.join(', ')}: use ...RefusedParts.`);
    lines.push(
      `/** The codes with which ${single.field.name} may be refused, from \`@refuses\` in the schema. */`,
      `export type ${name}Refusal =\n${refusals.map((code) => `  | ${quote(code)}`).join('\n')};`,
      `export type ${name}Result = Exclude<${dataType}, { __typename: 'Refused' }> | Refused<${name}Refusal>;`,
    );
  } else {
    lines.push(`export type ${name}Result = ${dataType};`);
  }

  const keyed = kind === 'mutation' && variables.has('idempotencyKey');
  if (kind === 'mutation' && !keyed && single?.field.args.some((argument) => argument.name === 'idempotencyKey')) {
    throw new Error(`${name} does not pass on an $idempotencyKey: without one it cannot be sent again.`);
  }
  lines.push(
    `export const ${functionName}Operation: Operation<${name}Result, ${variablesType}> = {`,
    `  name: ${quote(name)},`,
    `  kind: ${quote(kind)},`,
    ...(root ? [`  root: ${quote(root)},`] : []),
    ...(keyed ? ['  keyed: true,'] : []),
    `  document:\n    ${quote(stripIgnoredCharacters(withFragments(operation, fragments)))},`,
    '};',
    documentationOf(comment, single?.field.description, refusals),
    `export function ${functionName}(`,
    '  client: Client,',
    `  variables: ${variablesType}${optional ? ' = {}' : ''},`,
    '  options?: CallOptions,',
    `): Promise<${name}Result> {`,
    `  return client.run(${functionName}Operation, variables, options);`,
    '}',
  );

  const path = kind === 'query' ? pathToPage(selections, rootType) : undefined;
  if (path) {
    const inResult = root ? path.slice(1) : path;
    const pageType = inResult.reduce((type, field) => `NonNullable<${type}>[${quote(field)}]`, `${name}Result`);
    const leftOut = pageVariables.filter((variable) => variables.has(variable));
    lines.push(
      `export type ${name}Entry = NonNullable<${pageType}>['nodes'][number];`,
      `/** Every entry of \`${functionName}\`, page by page: each page is asked for when the one before it is used up. */`,
      `export function iterate${name}(`,
      '  client: Client,',
      `  variables: Omit<${variablesType}, ${leftOut.map(quote).join(' | ')}>${optional ? ' = {}' : ''},`,
      '  options?: CallOptions,',
      `): AsyncGenerator<${name}Entry, void, undefined> {`,
      `  return entriesOf(async (after) => {`,
      `    const result = await ${functionName}(client, { ...variables, after }, options);`,
      `    return result${inResult.map((field) => `?.${field}`).join('')};`,
      '  });',
      '}',
    );
  }
  return lines.join('\n');
}

const header = `// Generated by \`npm run codegen\` from schema/schema.graphql and schema/operations. Do not edit: change those, then run it
// again. A test fails while this file is not what they give.

import { type CallOptions, type Client, entriesOf, type Operation, type Refused } from './client';
`;

export function plugin(schema, documents) {
  const definitions = documents.flatMap(({ document }) => document.definitions);
  const fragments = new Map(
    definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).map((node) => [node.name.value, node]),
  );
  const comments = commentsOf(documents);
  const operations = definitions
    .filter(({ kind }) => kind === Kind.OPERATION_DEFINITION)
    .sort((one, other) => one.name.value.localeCompare(other.name.value, 'en'));
  const written = operations.map((operation) =>
    writeOperation(schema, operation, fragments, comments.get(operation.name.value) ?? []),
  );
  return { prepend: [header], content: written.join('\n\n') };
}
