import type { TestDatabase } from '../../support/database';

export interface TablePrint {
  readonly rows: number;
  /** Of every column of every row. */
  readonly content: string;
}

/** What is in every table, past all policies: two that are equal mean that nothing was written in between. */
export async function fingerprint(database: TestDatabase): Promise<Readonly<Record<string, TablePrint>>> {
  const tables = await database.asOwner<{ name: string }>(
    `select format('%I', c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind = 'r'
        -- How much an actor has asked is counted whatever becomes of what it asks.
        and c.relname <> 'request_budgets' order by 1`,
  );
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, count(*)::int as rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as content from ${name} t`,
  );
  const rows = await database.asOwner<TablePrint & { name: string }>(parts.join(' union all '));
  return Object.fromEntries(rows.map(({ name, ...print }) => [name, print]));
}

/** How many rows each table has gained; tables that are as they were are left out. */
export function growth(
  before: Readonly<Record<string, TablePrint>>,
  after: Readonly<Record<string, TablePrint>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).flatMap(([name, { rows }]) => {
      const gained = rows - (before[name]?.rows ?? 0);
      return gained === 0 ? [] : [[name, gained]];
    }),
  );
}
