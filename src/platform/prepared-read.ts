import type { EntityManager, EntityTarget, ObjectLiteral, ValueTransformer } from 'typeorm';
import { invariant } from '../core/invariant';
import type { Prepared } from './database';
import { askManyTimes, type ManyTimes, manyTimes, togetherOf } from './together';

export type PreparedRead<Row> = (manager: EntityManager, values: readonly unknown[]) => Promise<Row[]>;

interface Made {
  readonly name: string;
  readonly text: string;
  /** For a transaction of many tenants. */
  readonly many?: ManyTimes | undefined;
  readonly columns: readonly { readonly property: string; readonly from?: ((value: unknown) => unknown) | undefined }[];
}

let made = 0;

/**
 * Rows of one entity by a condition that never changes its shape. The statement is made once and prepared on each
 * connection: a query builder makes and PostgreSQL plans it anew each time, which took ten times as long as reading a row.
 *
 * @param rest what follows `select … from table`, by the names of the columns
 */
export function preparedRead<Row extends ObjectLiteral>(entity: EntityTarget<Row>, rest: string): PreparedRead<Row> {
  let statement: Made | undefined;
  const make = (manager: EntityManager): Made => {
    const { tableName, columns } = manager.connection.getMetadata(entity);
    const names = columns.map(({ databaseName }) => `"${databaseName}"`).join(', ');
    made += 1;
    const name = `${tableName} ${made}`;
    const text = `select ${names} from "${tableName}" ${rest}`;
    const types = typesOf(rest, new Map(columns.map((column) => [column.databaseName, column.type as string])));
    return {
      ...{ name, text },
      many: types && manyTimes(name, text, types),
      columns: columns.map(({ propertyName, transformer }) => ({
        property: propertyName,
        from: (transformer as ValueTransformer | undefined)?.from,
      })),
    };
  };
  return async (manager, values) => {
    statement ??= make(manager);
    const { name, text, columns } = statement;
    invariant(manager.queryRunner, 'a read belongs to a transaction');
    const together = statement.many && togetherOf(manager);
    if (together) {
      const { many } = statement;
      // What many tenants ask alike, such as a plan that they all have, is one list of rows for all of them.
      return together.ask(name, values, async (all) => {
        const known = new Map<readonly (readonly unknown[])[], Row[]>();
        return (await askManyTimes(manager, many!, all)).map((answer) => {
          const rows = known.get(answer) ?? answer.map((cells) => rowOf(columns, cells) as Row);
          known.set(answer, rows);
          return rows;
        });
      });
    }
    const client = await manager.queryRunner.connect();
    manager.connection.logger.logQuery(text, values as unknown[], manager.queryRunner);
    const { rows } = await client.query({ name, text, values, rowMode: 'array' });
    return rows.map((cells: readonly unknown[]) => rowOf(columns, cells) as Row);
  };
}

/** Any statement that never changes its shape, prepared once on each connection, in the manager's transaction. */
export async function askPrepared<Row>(
  manager: EntityManager,
  { name, text }: Prepared,
  values: readonly unknown[],
): Promise<Row[]> {
  invariant(manager.queryRunner, 'a statement belongs to a transaction');
  const client = await manager.queryRunner.connect();
  manager.connection.logger.logQuery(text, values as unknown[], manager.queryRunner);
  const { rows } = await client.query({ name, text, values });
  return rows;
}

function rowOf(columns: Made['columns'], cells: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (const [index, { property, from }] of columns.entries()) row[property] = from ? from(cells[index]) : cells[index];
  return row;
}

/** The type of each parameter is that of the column that it is compared with. `undefined`: one of them cannot be told. */
function typesOf(rest: string, typeOf: ReadonlyMap<string, string>): string[] | undefined {
  const count = Math.max(0, ...[...rest.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
  const types = Array.from({ length: count }, (_value, index) => {
    const [, column, list] = new RegExp(`(\\w+) *(?:<=|>=|=|<|>) *(any\\()?\\$${index + 1}(?!\\d)`).exec(rest) ?? [];
    const type = column && typeOf.get(column);
    return type && `${type}${list ? '[]' : ''}`;
  });
  return types.every((type) => type) ? (types as string[]) : undefined;
}
