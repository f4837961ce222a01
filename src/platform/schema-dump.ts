/** Asks one question of the catalog, on any connection that may read it. */
export type CatalogQuery = (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;

const heading = `-- The migrated schema as PostgreSQL sees it, to be reviewed like code. Written by \`npm run tollgate -- dump-schema\`;
-- changed by a migration, never by hand. Owners and their own rights are left out: they differ from server to server.
`;

/** Kept by others: the job queue migrates its own schema, and TypeORM its list of migrations. */
const foreignSchemas = ['information_schema', 'graphile_worker'];
const foreignTables = ['schema_migrations'];

/**
 * Names are printed with their schema, whatever search_path the connection has: the setting lasts for the statement. A
 * statement joins `path` and prints in its select list, which is worked out for joined rows only, so after the setting.
 */
const qualified = `with path as materialized (select set_config('search_path', 'pg_catalog', true))`;

const schemaFilter = (column: string) =>
  `${column} !~ '^pg_' and ${column} not in (${foreignSchemas.map((name) => `'${name}'`).join(', ')})`;

const tableFilter = `${schemaFilter('namespace.nspname')}
  and class.relname not in (${foreignTables.map((name) => `'${name}'`).join(', ')})
  and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = class.oid and d.deptype = 'e')`;

interface Grant {
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** The rights in an access list, but for those of the owner and of whoever owns by being the database's owner. */
const grantsOf = (list: string, owner: string) => `
  (select coalesce(json_agg(json_build_object(
      'grantee', case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end,
      'privilege', lower(acl.privilege_type), 'grantable', acl.is_grantable)), '[]')
     from aclexplode(${list}) acl where acl.grantee <> ${owner})`;

const compare = (first: string, second: string) => (first < second ? -1 : first > second ? 1 : 0);
/** By the code of the characters: a database sorts by its own collation. */
const sorted = <T>(values: Iterable<T>, key: (value: T) => string): T[] =>
  [...values].sort((first, second) => compare(key(first), key(second)));

function groupBy<T>(values: Iterable<T>, key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) ?? []), value]);
  return groups;
}

/** `grant select, insert on x to a, b;` — one line for all roles that have the same rights. */
function grantLines(grants: readonly Grant[], target: string): string[] {
  const rights = [...groupBy(grants, (grant) => `${grant.grantee} ${grant.grantable}`).values()].map((group) => ({
    grantee: group[0]!.grantee,
    option: group[0]!.grantable ? ' with grant option' : '',
    privileges: sorted(
      group.map((grant) => grant.privilege),
      (privilege) => privilege,
    ).join(', '),
  }));
  return sorted(groupBy(rights, ({ privileges, option }) => `${privileges}${option}`).values(), (group) =>
    group.map(({ grantee }) => grantee).join(),
  ).map((group) => {
    const grantees = sorted(
      group.map(({ grantee }) => grantee),
      (grantee) => grantee,
    );
    return `grant ${group[0]!.privileges} on ${target} to ${grantees.join(', ')}${group[0]!.option};`;
  });
}

interface Column {
  readonly name: string;
  readonly text: string;
  readonly grants: readonly Grant[];
}

/** The same right on several columns in one line: `grant update (name, version) on x to a;`. */
function columnGrantLines(columns: readonly Column[], table: string): string[] {
  const grants = columns.flatMap((column) => column.grants.map((grant) => ({ ...grant, column: column.name })));
  const groups = groupBy(grants, ({ grantee, privilege, grantable }) => `${grantee} ${privilege} ${grantable}`);
  const merged = [...groups.values()].map((group) => ({
    ...group[0]!,
    privilege: `${group[0]!.privilege} (${group.map(({ column }) => column).join(', ')})`,
  }));
  return grantLines(merged, table);
}

interface TableRow {
  readonly oid: number;
  readonly name: string;
  readonly kind: string;
  readonly persistence: string;
  readonly partition_key: string | null;
  readonly parents: string[];
  readonly bound: string | null;
  readonly options: string[] | null;
  readonly row_security: boolean;
  readonly forced: boolean;
  readonly view: string | null;
  readonly grants: Grant[];
}

async function tables(query: CatalogQuery): Promise<string[]> {
  const found = (await query(`
    ${qualified}
    select class.oid, class.oid::regclass::text as name,
      class.relkind as kind, class.relpersistence as persistence,
      case when class.relkind = 'p' then pg_get_partkeydef(class.oid) end as partition_key,
      array(select i.inhparent::regclass::text from pg_inherits i where i.inhrelid = class.oid order by i.inhseqno) as parents,
      pg_get_expr(class.relpartbound, class.oid, true) as bound,
      class.reloptions as options, class.relrowsecurity as row_security, class.relforcerowsecurity as forced,
      case when class.relkind in ('v', 'm') then pg_get_viewdef(class.oid, true) end as view,
      ${grantsOf('class.relacl', 'class.relowner')} as grants
    from path, pg_class class join pg_namespace namespace on namespace.oid = class.relnamespace
    where class.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not class.relispartition and ${tableFilter}`)) as unknown as TableRow[];
  const columns = await partsOf(
    query,
    `select attribute.attrelid as table_id, attribute.attnum as place, quote_ident(attribute.attname) as name,
       format_type(attribute.atttypid, attribute.atttypmod)
       || case when attribute.attcollation <> type.typcollation
            then ' collate ' || (select quote_ident(c.collname) from pg_collation c where c.oid = attribute.attcollation)
            else '' end
       || case when attribute.attnotnull then ' not null' else '' end
       || case attribute.attidentity when 'a' then ' generated always as identity'
            when 'd' then ' generated by default as identity' else '' end
       || case when value.oid is null then ''
            when attribute.attgenerated <> '' then ' generated always as (' || pg_get_expr(value.adbin, value.adrelid, true) || ')'
            else ' default ' || pg_get_expr(value.adbin, value.adrelid, true) end as text,
       ${grantsOf('attribute.attacl', 'class.relowner')} as grants
     from path, pg_attribute attribute
     join pg_class class on class.oid = attribute.attrelid and class.relkind in ('r', 'p', 'v', 'm', 'f')
     join pg_namespace namespace on namespace.oid = class.relnamespace
     join pg_type type on type.oid = attribute.atttypid
     left join pg_attrdef value on value.adrelid = attribute.attrelid and value.adnum = attribute.attnum
     where attribute.attnum > 0 and not attribute.attisdropped and ${tableFilter}`,
  );
  // NOT NULL stands with its column: only PostgreSQL 18 keeps it as a constraint (n) as well.
  const constraints = await partsOf(
    query,
    `select c.conrelid as table_id, c.conname as place, quote_ident(c.conname) as name,
       pg_get_constraintdef(c.oid, true) as text, array_position('{p,u,x,c,f}', c.contype::text) as rank
     from path, pg_constraint c where c.contype in ('p', 'u', 'x', 'c', 'f') and c.conrelid <> 0`,
  );
  const indexes = await partsOf(
    query,
    `select i.indrelid as table_id, i.indexrelid::regclass::text as place, pg_get_indexdef(i.indexrelid, 0, true) as text
     from path, pg_index i where not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))`,
  );
  const triggers = await partsOf(
    query,
    `select t.tgrelid as table_id, t.tgname as place, pg_get_triggerdef(t.oid, true)
       || case t.tgenabled when 'O' then '' else ' -- enabled: ' || t.tgenabled::text end as text
     from path, pg_trigger t where not t.tgisinternal`,
  );
  const policies = await partsOf(
    query,
    `select p.polrelid as table_id, p.polname as place, quote_ident(p.polname) as name,
       case when p.polpermissive then '' else ' as restrictive' end || ' for '
       || case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end
       || ' to ' || (select string_agg(case when role = 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', '
                       order by pg_get_userbyid(role)::text collate "C") from unnest(p.polroles) role)
       || coalesce(E'\\n  using (' || pg_get_expr(p.polqual, p.polrelid, true) || ')', '')
       || coalesce(E'\\n  with check (' || pg_get_expr(p.polwithcheck, p.polrelid, true) || ')', '') as text
     from path, pg_policy p`,
  );
  return sorted(found, (table) => table.name).map((table) => {
    const id = String(table.oid);
    const ownColumns = sorted(columns.get(id) ?? [], ({ place }) => String(place).padStart(5, '0')) as Part[];
    const grants = [...grantLines(table.grants, table.name), ...columnGrantLines(ownColumns, table.name)];
    if (table.kind === 'S') return [`create sequence ${table.name};`, ...grants].join('\n');
    if (table.view !== null) {
      const kind = table.kind === 'm' ? 'materialized view' : 'view';
      const options = table.options ? ` with (${table.options.join(', ')})` : '';
      return [`create ${kind} ${table.name}${options} as\n${table.view}`, ...grants].join('\n');
    }
    const ownConstraints = sorted(constraints.get(id) ?? [], ({ rank, name }) => `${rank} ${name}`);
    const body = [
      ...ownColumns.map(({ name, text }) => `  ${name} ${text}`),
      ...ownConstraints.map(({ name, text }) => `  constraint ${name} ${text}`),
    ].join(',\n');
    const of =
      table.parents.length === 0 ? '' : ` ${table.bound ? 'partition of' : 'inherits'} ${table.parents.join()}`;
    const partitionBy = table.partition_key === null ? '' : ` partition by ${table.partition_key}`;
    const prefix = table.persistence === 'u' ? 'unlogged ' : '';
    return [
      `create ${prefix}table ${table.name}${of} (\n${body}\n)${table.bound ? ` ${table.bound}` : ''}${partitionBy};`,
      ...sorted(indexes.get(id) ?? [], ({ place }) => String(place)).map(({ text }) => `${text};`),
      ...sorted(triggers.get(id) ?? [], ({ place }) => String(place)).map(({ text }) => `${text};`),
      ...(table.row_security ? [`alter table ${table.name} enable row level security;`] : []),
      ...(table.forced ? [`alter table ${table.name} force row level security;`] : []),
      ...sorted(policies.get(id) ?? [], ({ place }) => String(place)).map(
        ({ name, text }) => `create policy ${name} on ${table.name}${text};`,
      ),
      ...grants,
    ].join('\n');
  });
}

interface Part extends Column {
  readonly table_id: number;
  readonly place: string | number;
  readonly rank?: number;
}

/** Columns, constraints and whatever else hangs on a table, by the table's oid. */
async function partsOf(query: CatalogQuery, select: string): Promise<Map<string, Part[]>> {
  const rows = await query(`${qualified} ${select}`);
  return groupBy(rows as unknown as Part[], (row) => String(row.table_id));
}

async function schemas(query: CatalogQuery): Promise<string[]> {
  const rows = await query(`
    select quote_ident(nspname) as name, ${grantsOf('nspacl', 'nspowner')} as grants
    from pg_namespace where ${schemaFilter('nspname')}`);
  return sorted(rows, (row) => String(row['name'])).map((row) =>
    [`create schema ${row['name']};`, ...grantLines(row['grants'] as Grant[], `schema ${row['name']}`)].join('\n'),
  );
}

async function extensions(query: CatalogQuery): Promise<string[]> {
  const rows = await query(`select quote_ident(extname) as name from pg_extension where extname <> 'plpgsql'`);
  return sorted(rows, (row) => String(row['name'])).map((row) => `create extension ${row['name']};`);
}

async function types(query: CatalogQuery): Promise<string[]> {
  const rows = await query(`
    ${qualified}
    select format_type(type.oid, null) as name,
      case type.typtype
        when 'e' then 'create type ' || format_type(type.oid, null) || ' as enum ('
          || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = type.oid) || ');'
        else 'create domain ' || format_type(type.oid, null) || ' as ' || format_type(type.typbasetype, type.typtypmod)
          || case when type.typnotnull then ' not null' else '' end
          || coalesce(' default ' || type.typdefault, '')
          || coalesce((select string_agg(' constraint ' || quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid, true), ''
               order by c.conname::text collate "C") from pg_constraint c where c.contypid = type.oid and c.contype = 'c'), '') || ';'
      end as text
    from path, pg_type type join pg_namespace namespace on namespace.oid = type.typnamespace
    where type.typtype in ('e', 'd') and ${schemaFilter('namespace.nspname')}`);
  return sorted(rows, (row) => String(row['name'])).map((row) => String(row['text']));
}

async function routines(query: CatalogQuery): Promise<string[]> {
  const rows = await query(`
    ${qualified}
    select routine.oid::regprocedure::text as name,
      pg_get_functiondef(routine.oid) as text,
      case when routine.prokind = 'p' then 'procedure' else 'function' end as kind,
      ${grantsOf(`coalesce(routine.proacl, acldefault('f', routine.proowner))`, 'routine.proowner')} as grants
    from path, pg_proc routine join pg_namespace namespace on namespace.oid = routine.pronamespace
    where routine.prokind <> 'a' and ${schemaFilter('namespace.nspname')}
      and not exists (select 1 from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = routine.oid and d.deptype = 'e')`);
  return sorted(rows, (row) => String(row['name'])).map((row) => {
    const target = `${row['kind']} ${row['name']}`;
    const grants = row['grants'] as Grant[];
    return [
      `${String(row['text']).trim()};`,
      // Everybody may call a new function: said either way, so that a reviewer sees it.
      ...(grants.some(({ grantee }) => grantee === 'public') ? [] : [`revoke all on ${target} from public;`]),
      ...grantLines(grants, target),
    ].join('\n');
  });
}

async function defaultGrants(query: CatalogQuery): Promise<string[]> {
  const rows = await query(`
    select coalesce(' in schema ' || quote_ident(n.nspname), '') as place,
      case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end as kind,
      ${grantsOf('d.defaclacl', 'd.defaclrole')} as grants
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace`);
  return sorted(
    rows.flatMap((row) =>
      grantLines(row['grants'] as Grant[], String(row['kind'])).map(
        (line) => `alter default privileges${row['place']} ${line}`,
      ),
    ),
    (line) => line,
  );
}

/**
 * The schema as readable SQL, the same text on every server that the same migrations ran on: sorted, without owners,
 * object ids, partitions (made by the calendar, like the table they belong to) or what only some versions of PostgreSQL (15 and newer) keep in their catalog.
 */
export async function dumpSchema(query: CatalogQuery): Promise<string> {
  const sections: [string, string[]][] = [
    ['Schemas', await schemas(query)],
    ['Extensions', await extensions(query)],
    ['Types', await types(query)],
    ['Tables', await tables(query)],
    ['Functions', await routines(query)],
    ['Rights that new objects are born with', await defaultGrants(query)],
  ];
  const texts = sections.flatMap(([title, parts]) =>
    parts.length === 0 ? [] : [`-- ${title}\n\n${parts.join('\n\n')}`],
  );
  return `${heading}\n${texts.join('\n\n')}\n`;
}
