import { GraphQLError } from 'graphql';
import { ArgsType, type ClassType, Field, Int, ObjectType } from 'type-graphql';
import { isUuid } from '../core/ids';
import { largestPage, type Page, type PageRequest } from '../core/page';

const badInput = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

@ArgsType()
export class PageArgs {
  @Field(() => Int, { nullable: true, description: `How many from the start: at most ${largestPage}; default 20.` })
  first?: number | null;
  @Field(() => String, { nullable: true, description: 'Only what follows this cursor.' })
  after?: string | null;
  @Field(() => Int, { nullable: true, description: `How many from the end: at most ${largestPage}.` })
  last?: number | null;
  @Field(() => String, { nullable: true, description: 'Only what precedes this cursor.' })
  before?: string | null;
}

const encodeCursor = (key: string) => Buffer.from(key).toString('base64url');

function decodeCursor(cursor: string): string {
  const key = cursor.length <= 64 ? Buffer.from(cursor, 'base64url').toString('utf8') : '';
  if (!isUuid(key)) throw badInput('Not a cursor of this list.');
  return key;
}

export function pageRequest(args: PageArgs): PageRequest {
  const { first, after, last, before } = args;
  if (typeof first === 'number' && typeof last === 'number') throw badInput('Give first or last, not both.');
  const given = (cursor: string | null | undefined) => cursor !== null && cursor !== undefined;
  if (given(typeof last === 'number' ? after : before)) throw badInput('after goes with first, before with last.');
  const limit = last ?? first ?? 20;
  if (limit < 1 || limit > largestPage) throw badInput(`A page has 1 to ${largestPage} entries.`);
  const cursor = typeof last === 'number' ? before : after;
  return { limit, beyond: given(cursor) ? decodeCursor(cursor!) : undefined, backward: typeof last === 'number' };
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
  const edges = page.items.map((item) => ({ node: toGraphql(item), cursor: encodeCursor(keyOf(item)) }));
  const { backward, beyond } = page.request;
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: backward ? beyond !== undefined : page.hasMore,
      hasPreviousPage: backward ? page.hasMore : beyond !== undefined,
      startCursor: edges[0]?.cursor,
      endCursor: edges.at(-1)?.cursor,
    },
    count,
  };
}

/** What a role that may not read a list sees of it. */
export function emptyPage<A>(args: PageArgs): Connection<A> {
  return toGraphqlPage<never, A>(
    { items: [], hasMore: false, request: pageRequest(args) },
    () => '',
    (item) => item,
  );
}
