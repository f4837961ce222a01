import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  parse,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';

/** What a document may ask for. Looked at before validation, which itself can be made to take seconds. */
export const limits = {
  /** The HTTP body, bytes. */
  bodyBytes: 64 * 1024,
  tokens: 1_000,
  /** Fields within fields, through fragments. The introspection query of GraphiQL needs 15. */
  depth: 16,
  aliases: 60,
  directives: 60,
  /** Root fields of a mutation: they run one after the other. */
  mutations: 20,
  /** One for a field, times the entries of the pages around it. */
  cost: 20_000,
} as const;

const defaultPage = 20;
/** A list without a page: prices, lines. */
const plainListFactor = 1;
const pageFactorFields = new Set(['edges', 'nodes']);

const tooComplex = (message: string) => new GraphQLError(message, { extensions: { code: 'QUERY_TOO_COMPLEX' } });
const badInput = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

export interface Measured {
  readonly document: DocumentNode;
  readonly cost: (variables: Readonly<Record<string, unknown>>) => number;
}

/** Text that PostgreSQL cannot store (NUL) or would silently change (half of a surrogate pair). */
function checkText(text: string): void {
  if (text.includes('\u0000') || !text.isWellFormed()) {
    throw badInput('Text with a NUL character or half a surrogate pair cannot be used.');
  }
}

export function checkVariables(value: unknown, depth = 0): void {
  if (depth > 32) throw badInput('The variables are nested too deeply.');
  if (typeof value === 'string') checkText(value);
  else if (value !== null && typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) {
      checkText(key);
      checkVariables(member, depth + 1);
    }
  }
}

interface Totals {
  depth: number;
  aliases: number;
  directives: number;
}

/**
 * One walk over the document with fragments measured once each: linear in the document, whatever its fragments do. The
 * numbers of a fragment count at each place it is spread, so that fragments hide nothing.
 */
class Meter {
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  private readonly measured = new Map<string, Totals>();
  private readonly open = new Set<string>();

  constructor(document: DocumentNode) {
    this.fragments = new Map(
      document.definitions.flatMap((definition) =>
        definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
      ),
    );
  }

  private ofFragment(name: string): Totals {
    const known = this.measured.get(name);
    if (known) return known;
    const fragment = this.fragments.get(name);
    if (!fragment) return { depth: 0, aliases: 0, directives: 0 };
    if (this.open.has(name)) throw tooComplex('Fragments are circular.');
    this.open.add(name);
    const totals = this.ofSelections(fragment.selectionSet, 0);
    totals.directives += fragment.directives?.length ?? 0;
    this.open.delete(name);
    this.measured.set(name, totals);
    return totals;
  }

  ofSelections(selections: SelectionSetNode, level: number): Totals {
    // The parser allows any nesting; a recursion deeper than this ends here rather than in a full stack.
    if (level > limits.depth) throw tooComplex(`The document is nested more than ${limits.depth} deep.`);
    const totals: Totals = { depth: 0, aliases: 0, directives: 0 };
    for (const selection of selections.selections) {
      totals.directives += selection.directives?.length ?? 0;
      let inner: Totals = { depth: 0, aliases: 0, directives: 0 };
      if (selection.kind === Kind.FRAGMENT_SPREAD) inner = this.ofFragment(selection.name.value);
      else if (selection.selectionSet) {
        inner = this.ofSelections(selection.selectionSet, level + (selection.kind === Kind.FIELD ? 1 : 0));
      }
      if (selection.kind === Kind.FIELD) {
        for (const argument of selection.arguments ?? []) checkLiteral(argument.value);
        if (selection.alias) totals.aliases += 1;
        inner = { ...inner, depth: inner.depth + 1 };
      }
      totals.depth = Math.max(totals.depth, inner.depth);
      totals.aliases += inner.aliases;
      totals.directives += inner.directives;
      if (totals.aliases > limits.aliases) throw tooComplex(`There are more than ${limits.aliases} aliases.`);
      if (totals.directives > limits.directives)
        throw tooComplex(`There are more than ${limits.directives} directives.`);
      if (level + totals.depth > limits.depth)
        throw tooComplex(`The document is nested more than ${limits.depth} deep.`);
    }
    return totals;
  }

  cost(selections: SelectionSetNode, page: number, variables: Readonly<Record<string, unknown>>): number {
    let total = 0;
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) {
        total += 1;
        if (selection.selectionSet) {
          const factor = pageFactorFields.has(selection.name.value) ? page : plainListFactor;
          total += factor * this.cost(selection.selectionSet, pageOf(selection, variables), variables);
        }
      } else {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection.selectionSet
            : this.fragments.get(selection.name.value)?.selectionSet;
        if (inner) total += this.cost(inner, page, variables);
      }
      if (total > limits.cost) return total;
    }
    return total;
  }
}

function pageOf(field: FieldNode, variables: Readonly<Record<string, unknown>>): number {
  for (const argument of field.arguments ?? []) {
    if (argument.name.value !== 'first' && argument.name.value !== 'last') continue;
    const { value } = argument;
    const size =
      value.kind === Kind.INT
        ? Number(value.value)
        : value.kind === Kind.VARIABLE
          ? Number(variables[value.name.value])
          : Number.NaN;
    if (size > 0) return Math.min(size, 1_000_000);
  }
  return defaultPage;
}

function checkLiteral(value: ValueNode): void {
  if (value.kind === Kind.STRING) checkText(value.value);
  else if (value.kind === Kind.LIST) for (const member of value.values) checkLiteral(member);
  else if (value.kind === Kind.OBJECT) for (const field of value.fields) checkLiteral(field.value);
}

function measure(query: string): Measured {
  let document: DocumentNode;
  try {
    document = parse(query, { maxTokens: limits.tokens, noLocation: false });
  } catch (error) {
    const syntax = error as GraphQLError;
    const tooLong = syntax.message?.includes('token');
    throw new GraphQLError(tooLong ? `The document has more than ${limits.tokens} tokens.` : syntax.message, {
      positions: syntax.positions,
      source: syntax.source,
      extensions: { code: tooLong ? 'QUERY_TOO_COMPLEX' : 'GRAPHQL_PARSE_FAILED' },
    });
  }
  const meter = new Meter(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    meter.ofSelections(definition.selectionSet, 0);
    for (const variable of definition.variableDefinitions ?? []) {
      if (variable.defaultValue) checkLiteral(variable.defaultValue);
    }
    if (definition.operation === 'mutation' && definition.selectionSet.selections.length > limits.mutations) {
      throw tooComplex(`There are more than ${limits.mutations} mutations in one document.`);
    }
  }
  return {
    document,
    cost: (variables) =>
      Math.max(
        0,
        ...document.definitions.map((definition) =>
          definition.kind === Kind.OPERATION_DEFINITION
            ? meter.cost(definition.selectionSet, defaultPage, variables)
            : 0,
        ),
      ),
  };
}

const measuredDocuments = new LRUCache<string, Measured>({ max: 1_000 });

/**
 * Holds a request against the limits; throws the refusal. Documents are remembered, so a client's own operations are
 * measured once.
 */
export function checkLimits(
  query: string,
  variables: Readonly<Record<string, unknown>>,
): { document: DocumentNode; cost: number } {
  let measured = measuredDocuments.get(query);
  if (!measured) {
    measured = measure(query);
    measuredDocuments.set(query, measured);
  }
  checkVariables(variables);
  const cost = measured.cost(variables);
  if (cost > limits.cost) throw tooComplex(`The document asks for ${cost} values or more; ${limits.cost} are allowed.`);
  return { document: measured.document, cost };
}
