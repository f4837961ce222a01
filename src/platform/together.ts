import type { EntityManager, EntityTarget, ObjectLiteral, QueryRunner, ValueTransformer } from 'typeorm';

interface Waiting {
  readonly item: unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

interface Group {
  readonly run: (items: readonly never[]) => Promise<readonly unknown[]>;
  readonly waiting: Waiting[];
}

/**
 * The same work for many tenants in one transaction, each by the code that does it for one: what they ask in the same step
 * goes out as one statement. They wait for each other, so they stay in step.
 */
export class Together {
  private groups = new Map<string, Group>();
  private running = false;
  private failed: { readonly error: unknown } | undefined;

  /**
   * @param key the same for everything that one statement can answer
   * @param run answers all of them, in their order
   */
  ask<Item, Answer>(
    key: string,
    item: Item,
    run: (items: readonly Item[]) => Promise<readonly Answer[]>,
  ): Promise<Answer> {
    // The transaction is lost: what else it would say is only noise.
    if (this.failed) return Promise.reject(this.failed.error);
    return new Promise((resolve, reject) => {
      let group = this.groups.get(key);
      if (!group) {
        group = { run: run as never, waiting: [] };
        this.groups.set(key, group);
      }
      group.waiting.push({ item, resolve: resolve as never, reject });
      if (!this.running) {
        this.running = true;
        setImmediate(() => void this.send());
      }
    });
  }

  private async send(): Promise<void> {
    while (this.groups.size > 0) {
      const groups = [...this.groups.values()];
      this.groups = new Map();
      for (const { run, waiting } of groups) {
        try {
          if (this.failed) throw this.failed.error;
          const answers = await run(waiting.map(({ item }) => item) as never);
          for (const [index, { resolve }] of waiting.entries()) resolve(answers[index] as never);
        } catch (error) {
          this.failed ??= { error };
          for (const { reject } of waiting) reject(error);
        }
      }
      // Everybody goes on with what they heard, and asks the next thing, before it is sent.
      await new Promise(setImmediate);
    }
    this.running = false;
  }
}

const sessions = new WeakMap<QueryRunner, Together>();

/** Where this manager's transaction is that of many tenants. */
export const togetherOf = (manager: EntityManager): Together | undefined =>
  manager.queryRunner ? sessions.get(manager.queryRunner) : undefined;

const special = /["\\]/;
const specials = /["\\]/g;

/**
 * What one statement answers for a list of items, for one of them: alone, or with those of the other tenants that ask it in
 * this step.
 *
 * @param key the same for everything that one statement can answer
 * @param run answers all of them, in their order
 */
export async function oneOfMany<Item, Answer>(
  manager: EntityManager,
  key: string,
  item: Item,
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<Answer> {
  const together = togetherOf(manager);
  return together ? together.ask(key, item, run) : (await run([item]))[0]!;
}

/** An array as PostgreSQL reads it, in one piece: a driver that quotes each value makes three copies of it. */
function arrayText(values: readonly unknown[]): string {
  let list = '';
  for (const value of values) {
    if (list !== '') list += ',';
    if (value === null || value === undefined) list += 'NULL';
    else {
      const text = String(value);
      list += special.test(text) ? `"${text.replace(specials, '\\$&')}"` : `"${text}"`;
    }
  }
  return `{${list}}`;
}

/** Any parameter as text that a cast to its type reads. */
function parameterText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return arrayText(value);
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export interface ManyTimes {
  readonly name: string;
  readonly text: string;
}

const isList = (type: string) => type.endsWith('[]');
/**
 * Values of a type. Behind row-level security a value is looked up in an index only as what it is: a cast from text might
 * tell what a policy hides, so PostgreSQL would read every row that the policy lets in first. Lists in a list stay text.
 */
const listOf = (type: string) => (isList(type) ? 'text[]' : `${type}[]`);

/** The elements of a list that is the given parameter, each as its type. */
const listed = (type: string, parameter: number) =>
  isList(type) ? `unnest($${parameter}::text[])::${type}` : `unnest($${parameter}::${type}[])`;

/** One statement that reads the answers to a list of questions: `place` comes first in each row. */
export function manyTimes(name: string, text: string, types: readonly string[]): ManyTimes {
  const asked = text.replaceAll(/\$(\d+)/g, (_match, number) => {
    const type = types[Number(number) - 1]!;
    return isList(type) ? `(question.p${number})::${type}` : `question.p${number}`;
  });
  const names = types.map((_type, index) => `p${index + 1}`).join(', ');
  const lists = types.map((type, index) => `$${index + 1}::${listOf(type)}`).join(', ');
  return {
    name: `${name} many`,
    text: `select question.place::integer, answer.* from unnest(${lists}) with ordinality as question(${names}, place)
           cross join lateral (${asked}) answer`,
  };
}

/** The rows for each question, by its place; the same question is asked once. */
export async function askManyTimes(
  manager: EntityManager,
  statement: ManyTimes,
  questions: readonly (readonly unknown[])[],
): Promise<unknown[][][]> {
  const places = new Map<string, number>();
  const different: (string | null)[][] = [];
  const placeOf = questions.map((values) => {
    const texts = values.map(parameterText);
    const key = JSON.stringify(texts);
    let place = places.get(key);
    if (place === undefined) {
      place = different.push(texts) - 1;
      places.set(key, place);
    }
    return place;
  });
  const client = await manager.queryRunner!.connect();
  const values = different[0]!.map((_value, index) => arrayText(different.map((texts) => texts[index])));
  manager.connection.logger.logQuery(statement.text, values, manager.queryRunner);
  const { rows } = await client.query({ ...statement, values, rowMode: 'array' });
  const answers: unknown[][][] = different.map(() => []);
  for (const [place, ...cells] of rows as [number, ...unknown[]][]) answers[place - 1]!.push(cells);
  return placeOf.map((place) => answers[place]!);
}

/** A read by SQL text, for one tenant or, in a transaction of many, for all that ask it in this step. */
export async function gatheredQuery<Row>(
  manager: EntityManager,
  {
    text,
    types,
    columns,
  }: { readonly text: string; readonly types: readonly string[]; readonly columns: readonly string[] },
  values: readonly unknown[],
): Promise<Row[]> {
  const together = togetherOf(manager);
  if (!together) return manager.query(text, values as unknown[]);
  const rows = await together.ask(text, values, (all) =>
    askManyTimes(manager, manyTimes(`query ${text.length} ${hash(text)}`, text, types), all),
  );
  return rows.map((cells) => Object.fromEntries(columns.map((column, index) => [column, cells[index]])) as Row);
}

const hash = (text: string) =>
  [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7).toString(36);

interface Column {
  readonly property: string;
  readonly name: string;
  readonly type: string;
  readonly to?: ((value: unknown) => unknown) | undefined;
}

function columnsOf(manager: EntityManager, entity: EntityTarget<ObjectLiteral>): { table: string; columns: Column[] } {
  const { tableName, columns } = manager.connection.getMetadata(entity);
  return {
    table: tableName,
    columns: columns.map((column) => ({
      property: column.propertyName,
      name: column.databaseName,
      type: `${column.type as string}${column.isArray ? '[]' : ''}`,
      to: (column.transformer as ValueTransformer | undefined)?.to,
    })),
  };
}

const stored = ({ to }: Column, value: unknown) =>
  parameterText(to && value !== null && value !== undefined ? to(value) : value);
/** JSON arrays are values, not lists. */
const cell = (column: Column, value: unknown) =>
  column.type === 'jsonb' && value !== null && value !== undefined ? JSON.stringify(value) : stored(column, value);

async function insertMany(manager: EntityManager, entity: EntityTarget<ObjectLiteral>, rows: readonly ObjectLiteral[]) {
  const { table, columns } = columnsOf(manager, entity);
  // A column that nobody gives keeps its default.
  const given = columns.filter(({ property }) => rows.some((row) => row[property] !== undefined));
  const names = given.map(({ name }) => `"${name}"`).join(', ');
  const client = await manager.queryRunner!.connect();
  await client.query({
    name: `insert ${table} ${hash(names)}`,
    // In the select list: as functions in `from` each list would be written to a store of its own first.
    text: `insert into "${table}" (${names}) select ${given.map(({ type }, index) => listed(type, index + 1)).join(', ')}`,
    values: given.map((column) => arrayText(rows.map((row) => cell(column, row[column.property])))),
  });
}

/** One row each, by its key; answers for each whether there was one. */
async function updateMany(
  manager: EntityManager,
  entity: EntityTarget<ObjectLiteral>,
  changes: readonly { readonly key: ObjectLiteral; readonly set: ObjectLiteral }[],
): Promise<boolean[]> {
  const { table, columns } = columnsOf(manager, entity);
  const { key, set } = changes[0]!;
  const keys = columns.filter(({ property }) => property in key);
  const sets = columns.filter(({ property }) => property in set && set[property] !== undefined);
  const all = [...keys, ...sets];
  const client = await manager.queryRunner!.connect();
  const at = (index: number) => (isList(all[index]!.type) ? `u.c${index}::${all[index]!.type}` : `u.c${index}`);
  const { rows } = await client.query({
    text: `update "${table}" t
              set ${sets.map(({ name }, index) => `"${name}" = ${at(keys.length + index)}`).join(', ')}
             from unnest(${all.map(({ type }, index) => `$${index + 1}::${listOf(type)}`).join(', ')}) with ordinality
               as u(${all.map((_column, index) => `c${index}`).join(', ')}, place)
            where ${keys.map(({ name }, index) => `t."${name}" = ${at(index)}`).join(' and ')}
           returning u.place::integer as place`,
    values: all.map((column, index) =>
      arrayText(
        changes.map((change) => cell(column, (index < keys.length ? change.key : change.set)[column.property])),
      ),
    ),
  });
  const found = new Set((rows as { place: number }[]).map(({ place }) => place));
  return changes.map((_change, index) => found.has(index + 1));
}

/** A manager whose plain writes and reads by key go out together with those of the others. */
export function managerForMany(runner: QueryRunner): EntityManager {
  const together = new Together();
  sessions.set(runner, together);
  const base = runner.manager;
  const manager = Object.create(base) as EntityManager;
  const nameOf = (entity: EntityTarget<ObjectLiteral>) => base.connection.getMetadata(entity).tableName;
  const overrides = {
    insert: async (entity: EntityTarget<ObjectLiteral>, given: ObjectLiteral | ObjectLiteral[]) => {
      const rows = Array.isArray(given) ? given : [given];
      await together.ask(`insert ${nameOf(entity)}`, rows, async (all) => {
        await insertMany(base, entity, all.flat());
        return all.map(() => undefined);
      });
    },
    update: async (entity: EntityTarget<ObjectLiteral>, key: ObjectLiteral, set: ObjectLiteral) => {
      const shape = `${Object.keys(key)} ${Object.keys(set).filter((name) => set[name] !== undefined)}`;
      const found = await together.ask(`update ${nameOf(entity)} ${shape}`, { key, set }, (all) =>
        updateMany(base, entity, all),
      );
      return { affected: found ? 1 : 0, raw: [], generatedMaps: [] };
    },
  };
  return Object.assign(manager, overrides);
}
