import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { checkName, checkText, checkVariables } from './variables';

/** What a document may ask for. Looked at before validation, which itself can be made to take seconds. */
export const limits = {
  /** The HTTP body, bytes. */
  bodyBytes: 64 * 1024,
  /** The same where it is a batch of usage events. */
  batchBodyBytes: 1024 * 1024,
  tokens: 1_000,
  /** Fields within fields, through fragments. The introspection query of GraphiQL needs 15. */
  depth: 16,
  aliases: 60,
  directives: 60,
  /** Root fields of a mutation: they run one after the other. */
  mutations: 20,
  /** Lists within lists of the introspection; that of GraphiQL has types, their fields, their arguments. */
  introspectionLists: 3,
  /** Questions to the schema itself in one document. */
  introspections: 4,
  /** One for a field, times the entries of the pages and lists around it. */
  cost: 50_000,
  /** Up to here a document is answered at once; dearer ones of one actor take turns. */
  lightCost: 500,
  /** Fields that read from the database, counted while a request runs: lists in lists may hold more than was estimated. */
  reads: 5_000,
  /** Errors in one answer: a list of which each entry fails would fill it otherwise. */
  errors: 100,
} as const;

const defaultPage = 20;
const pageFactorFields = new Set(['edges', 'nodes']);
/** A list without a page (prices, lines, requirements): what such a list holds as a rule. Lists in lists multiply. */
const plainListFactor = 5;
/** One entry for each currency or tax rate; steps of a price and what becomes of a payment, which most do not have. */
const shortLists = new Set(['usagePrices', 'tiers', 'payments', 'refunds', 'disputes', 'taxes']);
const shortListFactor = 2;
/** Fields that cost more than one: each tries many acts. */
const dearFields: ReadonlyMap<string, number> = new Map([['unlocks', 100]]);
/** Fields of the introspection types that are lists. A schema points at itself, so lists in lists grow without end. */
const introspectionLists = new Set([
  'types',
  'fields',
  'args',
  'inputFields',
  'interfaces',
  'possibleTypes',
  'enumValues',
  'directives',
]);

let plainLists: { readonly of: GraphQLSchema; readonly names: ReadonlySet<string> } | undefined;

/** Names of fields that are plain lists of objects, somewhere in the schema. */
function plainListFields(schema: GraphQLSchema): ReadonlySet<string> {
  if (plainLists?.of !== schema) {
    const fields = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && !type.name.startsWith('__') ? Object.values(type.getFields()) : [],
    );
    const lists = fields.filter(
      ({ type, name }) =>
        isListType(getNullableType(type)) && isCompositeType(getNamedType(type)) && !pageFactorFields.has(name),
    );
    plainLists = { of: schema, names: new Set(lists.map(({ name }) => name)) };
  }
  return plainLists.names;
}

export const tooComplex = (message: string) => new GraphQLError(message, { extensions: { code: 'QUERY_TOO_COMPLEX' } });

export interface Measured {
  readonly document: DocumentNode;
  readonly cost: (variables: Readonly<Record<string, unknown>>, lists: ReadonlySet<string>) => number;
}

interface Totals {
  depth: number;
  aliases: number;
  directives: number;
  /** Fields at the top. */
  fields: number;
  /** `__schema` and `__type`. */
  introspections: number;
  /** Lists within lists, by the names that the introspection has for them. */
  lists: number;
}

const noTotals: Readonly<Totals> = { depth: 0, aliases: 0, directives: 0, fields: 0, introspections: 0, lists: 0 };

/** What selections cost: `once`, and `each` for every entry of the page they stand in. */
interface Cost {
  readonly once: number;
  readonly each: number;
}

/** Far above the limit and far below what floating point can add: fragments that double make numbers of any size. */
const largestCost = 1_000_000_000;

/** Looked up in the variables, else in the operation's defaults: how many entries a page has. */
type PageSize = (field: FieldNode) => number;

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
    if (!fragment) return { ...noTotals };
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
    const totals: Totals = { ...noTotals };
    for (const selection of selections.selections) {
      totals.directives += selection.directives?.length ?? 0;
      let inner: Readonly<Totals> = noTotals;
      if (selection.kind === Kind.FRAGMENT_SPREAD) inner = this.ofFragment(selection.name.value);
      else if (selection.selectionSet) {
        inner = this.ofSelections(selection.selectionSet, level + (selection.kind === Kind.FIELD ? 1 : 0));
      }
      if (selection.kind === Kind.FIELD) {
        for (const argument of selection.arguments ?? []) checkLiteral(argument.value);
        if (selection.alias) totals.aliases += 1;
        inner = ofField(selection, inner);
      }
      totals.depth = Math.max(totals.depth, inner.depth);
      totals.lists = Math.max(totals.lists, inner.lists);
      totals.aliases += inner.aliases;
      totals.directives += inner.directives;
      totals.fields += inner.fields;
      totals.introspections += inner.introspections;
      if (totals.aliases > limits.aliases) throw tooComplex(`There are more than ${limits.aliases} aliases.`);
      if (totals.directives > limits.directives)
        throw tooComplex(`There are more than ${limits.directives} directives.`);
      if (totals.introspections > limits.introspections)
        throw tooComplex(`The schema is asked about more than ${limits.introspections} times.`);
      if (level + totals.depth > limits.depth)
        throw tooComplex(`The document is nested more than ${limits.depth} deep.`);
    }
    return totals;
  }

  /** Each fragment is counted once for these variables, however often it is spread: linear, as above. */
  cost(
    operation: OperationDefinitionNode,
    variables: Readonly<Record<string, unknown>>,
    lists: ReadonlySet<string>,
  ): number {
    const known = new Map<string, Cost>();
    const page = pageSizes(operation, variables);
    const ofFragment = (name: string): Cost => {
      let cost = known.get(name);
      if (!cost) {
        const fragment = this.fragments.get(name);
        cost = fragment ? ofSelections(fragment.selectionSet) : { once: 0, each: 0 };
        known.set(name, cost);
      }
      return cost;
    };
    const ofSelections = (selections: SelectionSetNode): Cost => {
      let once = 0;
      let each = 0;
      for (const selection of selections.selections) {
        if (selection.kind !== Kind.FIELD) {
          const inner =
            selection.kind === Kind.INLINE_FRAGMENT
              ? ofSelections(selection.selectionSet)
              : ofFragment(selection.name.value);
          once += inner.once;
          each += inner.each;
          continue;
        }
        const name = selection.name.value;
        once += dearFields.get(name) ?? 1;
        if (!selection.selectionSet) continue;
        const inner = ofSelections(selection.selectionSet);
        const whole = inner.once + inner.each * page(selection);
        if (pageFactorFields.has(name)) each += whole;
        else once += whole * (lists.has(name) ? (shortLists.has(name) ? shortListFactor : plainListFactor) : 1);
      }
      return { once: Math.min(once, largestCost), each: Math.min(each, largestCost) };
    };
    const { once, each } = ofSelections(operation.selectionSet);
    return once + each * defaultPage;
  }
}

function ofField(field: FieldNode, inner: Readonly<Totals>): Totals {
  const name = field.name.value;
  const asksSchema = name === '__schema' || name === '__type';
  if (asksSchema && inner.lists > limits.introspectionLists) {
    throw tooComplex(`More than ${limits.introspectionLists} lists of the schema are nested.`);
  }
  return {
    ...inner,
    depth: inner.depth + 1,
    fields: 1,
    introspections: inner.introspections + (asksSchema ? 1 : 0),
    lists: asksSchema ? 0 : inner.lists + (introspectionLists.has(name) ? 1 : 0),
  };
}

function pageSizes(operation: OperationDefinitionNode, variables: Readonly<Record<string, unknown>>): PageSize {
  const given = (name: string): unknown => {
    if (Object.hasOwn(variables, name)) return variables[name];
    const fallback = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue;
    return fallback?.kind === Kind.INT ? fallback.value : undefined;
  };
  return (field) => {
    for (const { name, value } of field.arguments ?? []) {
      if (name.value !== 'first' && name.value !== 'last') continue;
      const entries =
        value.kind === Kind.INT ? value.value : value.kind === Kind.VARIABLE ? given(value.name.value) : undefined;
      const size = typeof entries === 'number' || typeof entries === 'string' ? Number(entries) : Number.NaN;
      if (size >= 0) return Math.min(Math.max(size, 1), 1_000_000);
    }
    return defaultPage;
  };
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
    const tooLong = /more tha[nt] \d+ tokens/.test(syntax.message ?? '');
    throw new GraphQLError(tooLong ? `The document has more than ${limits.tokens} tokens.` : syntax.message, {
      positions: syntax.positions,
      source: syntax.source,
      extensions: { code: tooLong ? 'QUERY_TOO_COMPLEX' : 'GRAPHQL_PARSE_FAILED' },
    });
  }
  const meter = new Meter(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const { fields } = meter.ofSelections(definition.selectionSet, 0);
    for (const { variable, defaultValue } of definition.variableDefinitions ?? []) {
      checkName(variable.name.value);
      if (defaultValue) checkLiteral(defaultValue);
    }
    if (definition.operation === 'mutation' && fields > limits.mutations) {
      throw tooComplex(`There are more than ${limits.mutations} mutations in one document.`);
    }
  }
  return {
    document,
    cost: (variables, lists) =>
      Math.max(
        0,
        ...document.definitions.map((definition) =>
          definition.kind === Kind.OPERATION_DEFINITION ? meter.cost(definition, variables, lists) : 0,
        ),
      ),
  };
}

const measuredDocuments = new LRUCache<string, Measured>({ max: 1_000 });

/** Holds a document against the limits; throws the refusal. Remembered, so that a client's own are measured once. */
export function measureDocument(query: string): Measured {
  let measured = measuredDocuments.get(query);
  if (!measured) {
    measured = measure(query);
    measuredDocuments.set(query, measured);
  }
  return measured;
}

/** Holds a request against the limits; throws the refusal. */
export function checkLimits(
  schema: GraphQLSchema,
  query: string,
  variables: Readonly<Record<string, unknown>>,
): { document: DocumentNode; cost: number } {
  const measured = measureDocument(query);
  checkVariables(schema, measured.document, variables);
  const cost = measured.cost(variables, plainListFields(schema));
  if (cost > limits.cost) throw tooComplex(`The document asks for ${cost} values or more; ${limits.cost} are allowed.`);
  return { document: measured.document, cost };
}
