import { createHash } from 'node:crypto';
import { GraphQLError, type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql';
import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import { largestPage, type Page, type PageRequest } from '../core/page';

const badInput = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, description: `How many from the start: 0 to ${largestPage}; default 20.` })
  first?: number | null;
  @Field(() => String, { nullable: true, description: 'Only what follows this cursor, of this very list.' })
  after?: string | null;
  @Field(() => Int, { nullable: true, description: `How many from the end: 0 to ${largestPage}.` })
  last?: number | null;
  @Field(() => String, { nullable: true, description: 'Only what precedes this cursor, of this very list.' })
  before?: string | null;
}

/** Which list a cursor is of: the field, whose it is, and every argument that chooses its rows. */
function listDigest(list: string): Buffer {
  return createHash('sha256').update(list).digest().subarray(0, 6);
}

/** Outside, a cursor is the digest of its list and the key of its row. */
function encodeCursor(digest: Buffer, key: string): string {
  return Buffer.concat([digest, Buffer.from(key.replaceAll('-', ''), 'hex')]).toString('base64url');
}

function decodeCursor(digest: Buffer, cursor: string): string {
  const bytes = cursor.length <= 64 ? Buffer.from(cursor, 'base64url') : Buffer.alloc(0);
  if (bytes.length !== 22) throw badInput('Not a cursor.');
  if (!bytes.subarray(0, 6).equals(digest)) {
    throw badInput('This cursor is of another list: take one that the same field gave with the same arguments.');
  }
  const hex = bytes.toString('hex', 6);
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
}

const given = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;

/** As the Relay specification says; only both `first` and `last` are refused, which it advises against. */
export function pageRequest(args: PageArgs): PageRequest {
  const { first, after, last, before } = args;
  if (given(first) && given(last)) throw badInput('Give first or last, not both.');
  const limit = last ?? first ?? 20;
  if (limit < 0 || limit > largestPage) throw badInput(`A page has 0 to ${largestPage} entries.`);
  return { limit, after: after ?? undefined, before: before ?? undefined, backward: given(last) };
}

@ObjectType('PageInfo', { description: 'Where a page stands in its list (Relay).', simpleResolvers: true })
export class PageInfoType {
  @Field(() => Boolean, { description: 'There are entries after this page.' })
  hasNextPage: boolean;
  @Field(() => Boolean, { description: 'There are entries before this page.' })
  hasPreviousPage: boolean;
  @Field(() => String, { nullable: true, description: 'Cursor of the first entry.' })
  startCursor?: string | undefined;
  @Field(() => String, { nullable: true, description: 'Cursor of the last entry.' })
  endCursor?: string | undefined;
}

export interface Edge<T> {
  readonly node: T;
  /** Inside, the key of the row; outside, a cursor. */
  readonly cursor: string;
}

export interface Connection<T> {
  readonly edges: readonly Edge<T>[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfoType;
  /** Asks the database: only when `totalCount` is asked for. */
  readonly count: () => Promise<number>;
}

/** The Relay connection of a type: edges, nodes, pageInfo. */
export function connectionOf<T extends object>(name: string, node: ClassType<T>): ClassType<Connection<T>> {
  @ObjectType(`${name}Edge`, { description: `One entry of a list of ${name}.`, simpleResolvers: true })
  class EdgeType {
    @Field(() => node, { description: 'The entry.' })
    node: T;
    @Field(() => String, { description: 'Where it stands in the list.' })
    cursor: string;
  }

  @ObjectType(`${name}Connection`, { description: `A page of a list of ${name}.` })
  class ConnectionType {
    @Field(() => [EdgeType], { description: 'The entries with their cursors.' })
    edges: readonly EdgeType[];
    @Field(() => [node], { description: 'The entries.' })
    nodes: readonly T[];
    @Field(() => PageInfoType, { description: 'Where the page stands.' })
    pageInfo: PageInfoType;
  }
  return ConnectionType as unknown as ClassType<Connection<T>>;
}

/** As `connectionOf`, with `totalCount`: for lists whose size is cheap to count. */
export function countedConnectionOf<T extends object>(name: string, node: ClassType<T>): ClassType<Connection<T>> {
  const Base = connectionOf(name, node);

  @ObjectType(`${name}Connection`, { description: `A page of a list of ${name}.` })
  class CountedConnectionType extends (Base as unknown as ClassType<object>) {
    count: () => Promise<number>;

    @Field(() => Int, { description: 'Entries in the whole list; counted only when asked for.' })
    totalCount(): Promise<number> {
      return this.count();
    }
  }
  return CountedConnectionType as unknown as ClassType<Connection<T>>;
}

export function toGraphqlPage<T, A>(
  page: Page<T>,
  keyOf: (item: T) => string,
  toGraphql: (item: T) => A,
  count: () => Promise<number> = async () => page.items.length,
): Connection<A> {
  const edges = page.items.map((item) => ({ node: toGraphql(item), cursor: keyOf(item) }));
  const { backward, after, before } = page.request;
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: before !== undefined || (!backward && page.hasMore),
      hasPreviousPage: after !== undefined || (backward && page.hasMore),
      startCursor: edges[0]?.cursor,
      endCursor: edges.at(-1)?.cursor,
    },
    count,
  };
}

const pageArguments = ['first', 'after', 'last', 'before'];

type Resolve = GraphQLFieldResolver<unknown, unknown>;

/** Resolvers speak of keys; outside stand cursors, each of which holds for its own list only. */
function withCursors(field: string, resolve: Resolve): Resolve {
  return async (root, args: Record<string, unknown>, context, info) => {
    const choosing = Object.entries(args)
      .filter(([name, value]) => given(value) && !pageArguments.includes(name))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const { id } = (root ?? {}) as { id?: string };
    const digest = listDigest(
      JSON.stringify([field, id, choosing], (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
    );
    const keyOf = (cursor: unknown) => (given(cursor) ? decodeCursor(digest, String(cursor)) : cursor);
    const keys = { ...args, after: keyOf(args['after']), before: keyOf(args['before']) };
    const page = (await resolve(root, keys, context, info)) as Connection<unknown>;
    const edges = page.edges.map(({ node, cursor }) => ({ node, cursor: encodeCursor(digest, cursor) }));
    const pageInfo = { ...page.pageInfo, startCursor: edges[0]?.cursor, endCursor: edges.at(-1)?.cursor };
    return { ...page, edges, pageInfo };
  };
}

/** Gives every list of the schema its own cursors. */
export function withCursorsOfLists(graphqlSchema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(graphqlSchema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const isPage = pageArguments.every((name) => field.args.some((argument) => argument.name === name));
      if (isPage && field.resolve) field.resolve = withCursors(`${type.name}.${field.name}`, field.resolve);
    }
  }
  return graphqlSchema;
}

/** What a role that may not read a list sees of it. */
export function emptyPage<A>(args: PageArgs): Connection<A> {
  return toGraphqlPage<never, A>(
    { items: [], hasMore: false, request: pageRequest(args) },
    () => '',
    (item) => item,
  );
}
