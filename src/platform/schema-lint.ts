import type { CatalogQuery } from './schema-dump';

/** A rule of the schema that something breaks. */
export interface Finding {
  readonly rule: SchemaRule;
  /** The table, column, function or role, as SQL names it. */
  readonly object: string;
  readonly message: string;
}

export const schemaRules = {
  'scope-missing': 'Every table belongs to a tenant or a partner, and says so in tenant_id or partner_id.',
  'partner-missing': 'A tenant table carries partner_id too: partner-wide reads and policies ask for it.',
  'primary-key-scope': "A primary key begins with the tenant; a reference table's with the partner.",
  'unique-scope': 'A unique key includes its tenant (reference tables: its partner), also where it is partial.',
  'foreign-key-tenant': 'A foreign key between tenant tables carries the tenant on both sides.',
  'foreign-key-partner': 'A foreign key to a reference table carries the partner on both sides.',
  'foreign-key-direction': 'A reference table never points at a tenant table.',
  'foreign-key-action': 'Rows that are pointed at are kept (NO ACTION), or go with what they belong to (CASCADE).',
  'foreign-key-missing': 'A column that holds an id has a foreign key, or a reason not to.',
  'row-security-off': 'Row-level security is enabled on every table.',
  'row-security-forced':
    'Row-level security is not forced: the app is never the owner, and forcing breaks shard moves.',
  'policy-missing': 'Every table has a policy.',
  'policy-exempt-granted': 'A table without policies is granted to nobody.',
  'partition-open': 'A partition is reached through its table only: nothing granted, row-level security enabled.',
  'key-changes': 'tenant_id and partner_id never change.',
  'grant-past-policies':
    'Policies guard SELECT, INSERT, UPDATE and DELETE only; nothing else is granted, and nothing to PUBLIC.',
  'role-power': 'The roles that serve requests and jobs can do nothing but what is granted to them.',
  'role-owns': 'The roles that serve requests and jobs own nothing and create nothing.',
  'owner-differs': 'Everything has one owner.',
  'definer-search-path':
    "A definer function pins its search_path, with pg_temp at the end: a caller's own tables come last.",
  'definer-public': 'A definer function may be called by the roles that are named, not by everybody.',
  'view-rights': "A view is security_invoker: otherwise it reads with its owner's rights, past the policies.",
  'materialized-view-granted': 'A materialized view has no policies, so it is granted to nobody.',
  'numeric-nan': "A numeric column refuses NaN: check (column <> 'NaN'). NaN passes >= 0, and one spoils every sum.",
  sequence: 'No sequences and identity columns: across nodes they are neither an order nor gap-free.',
  'timestamp-type': 'A time is timestamptz(3): an instant, in the milliseconds that the code knows.',
} as const;
export type SchemaRule = keyof typeof schemaRules;

/** Tables without a tenant, partner or policy, each with its reason. They are granted to nobody. */
export const tablesOutsideTenancy: Readonly<Record<string, string>> = {
  users: 'People are not of one partner. Only functions of the owner read them.',
  user_roles: 'Rights on the whole platform. Only functions of the owner read them.',
  check_results: 'What the checks found last, of the whole platform. Only functions of the owner read and write it.',
  inbound_events: 'Whose event it is, is known only after it was read. Only functions of the owner reach the inbox.',
  request_budgets: 'Who asks is counted before anything of theirs is read. Only a function of the owner reaches them.',
  schema_migrations: "TypeORM's list of what was migrated, made and read by the owner.",
};

/** Reference tables that name a tenant all the same. */
export const referenceTablesWithTenant: Readonly<Record<string, string>> = {
  api_keys: 'A key is looked up before its tenant is known; `app.enter` looks that tenant up each time.',
  partner_events: 'The log of a partner; the tenant is whom an event is about, where it is about one.',
};

/** Unique keys of the whole platform. */
export const platformWideKeys: Readonly<Record<string, string>> = {
  payments_one_per_reference: "A transfer is booked once for all of a partner's tenants.",
  partners_code_key: 'Partners are told apart by code on the whole platform.',
  api_keys_key_hash_key: 'A key is all that its bearer sends. Its hash tells nothing about anybody else.',
};

/** Columns that hold an id but have no foreign key. */
export const freeReferences: Readonly<Record<string, string>> = {
  'usage_rollups.feature_id': 'Written from the meters, a set at a time: a lookup for each row would be what costs.',
  'usage_uniques.feature_id': 'As of usage_rollups.',
  'usage_locks.feature_id': 'As of usage_rollups.',
  'usage_thresholds.feature_id': 'As of usage_rollups.',
  'api_keys.tenant_id': 'Reference tables do not point at tenant tables.',
  'partner_events.tenant_id': 'Reference tables do not point at tenant tables.',
  'idempotency_keys.actor_id': 'A person or an API key.',
  'partner_idempotency_keys.actor_id': 'A person or an API key.',
  'partner_idempotency_keys.partner_id': 'The nil UUID for acts of the platform.',
  'document_seals.document_id': 'An invoice or a credit note; where it is gone, its seal says so.',
  'licence_purchases.buyer_id': 'A person who may have left since.',
  'licence_seats.user_id': 'A person who may have left since.',
  'partner_self_service_policies.actor_id': 'A person or an API key.',
  'partner_credit_policies.actor_id': 'A person or an API key.',
  'plan_change_prorations.actor_id': 'A person or an API key.',
  'subscription_changes.actor_id': 'A person or an API key.',
  'subscriptions.plan_item_id': 'Item and subscription would point at each other, which a cluster cannot distribute.',
  'invoice_lines.source_id': 'A plan phase, an attachment or a coupon.',
  'credit_note_lines.source_id': 'A plan phase, an attachment or a coupon.',
  'stripe_prices.price_id': 'The price of a plan or of an add-on.',
  'item_charges.item_id': 'A plan phase or an attachment.',
  'coupon_discounts.item_id': 'A plan phase or an attachment.',
  'coupon_discounts.target_id': 'A plan or an add-on.',
  'billed_usage_charges.source_id': 'As of tenant_entitlements.',
  'billed_usage_charges.catalog_id': 'As of tenant_entitlements.',
  'tenant_entitlements.source_id': 'A plan phase, an attachment or a grant.',
  'tenant_entitlements.catalog_id': 'A plan, an add-on or a grant.',
};

/** The roles that policies are for. */
const servingRoles = ['tollgate_app', 'tollgate_job'];

interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly identity: boolean;
  readonly sequence: boolean;
  readonly checks: string[];
  readonly updatable_by: string[];
}

interface CatalogKey {
  readonly name: string;
  readonly primary: boolean;
  readonly columns: string[];
  /** An exclusion constraint counts a column only where its operator is equality. */
  readonly exclusion: boolean;
}

interface CatalogForeignKey {
  readonly name: string;
  readonly target: string;
  readonly columns: string[];
  readonly target_columns: string[];
  readonly on_delete: string;
  readonly on_update: string;
}

interface CatalogTable {
  readonly name: string;
  readonly kind: string;
  readonly owner: string;
  readonly row_security: boolean;
  readonly forced: boolean;
  readonly policies: number;
  readonly invoker: boolean;
  readonly grants: { readonly grantee: string; readonly privilege: string; readonly column: string | null }[];
  readonly columns: CatalogColumn[];
  readonly keys: CatalogKey[];
  readonly foreign_keys: CatalogForeignKey[];
}

const ownSchema = `namespace.nspname !~ '^pg_' and namespace.nspname not in ('information_schema', 'graphile_worker')`;
/** Tables of public are called by their bare name: that is how the lists above name them. */
const shortName = (oid: string) =>
  `(select case when n.nspname = 'public' then '' else quote_ident(n.nspname) || '.' end || quote_ident(c.relname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid})`;
const columnNames = (numbers: string, table: string) =>
  `(select coalesce(json_agg(a.attname order by k.place), '[]') from unnest(${numbers}) with ordinality k(number, place)
      join pg_attribute a on a.attrelid = ${table} and a.attnum = k.number)`;
const roleName = (oid: string) => `case when ${oid} = 0 then 'PUBLIC' else pg_get_userbyid(${oid})::text end`;

async function tablesOf(query: CatalogQuery): Promise<CatalogTable[]> {
  const rows = await query(
    `select ${shortName('class.oid')} as name, class.relkind as kind, pg_get_userbyid(class.relowner) as owner,
       class.relrowsecurity as row_security, class.relforcerowsecurity as forced,
       (select count(*)::int from pg_policy p where p.polrelid = class.oid) as policies,
       coalesce(class.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false) as invoker,
       (select coalesce(json_agg(json_build_object('grantee', ${roleName('g.grantee')}, 'privilege', g.privilege_type, 'column', g.attname)), '[]')
          from (select acl.grantee, acl.privilege_type, null as attname from aclexplode(class.relacl) acl
                union all
                select acl.grantee, acl.privilege_type, a.attname from pg_attribute a, aclexplode(a.attacl) acl
                 where a.attrelid = class.oid) g
         where g.grantee <> class.relowner) as grants,
       (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid),
                 case when t.typbasetype = 0 then a.atttypmod else t.typtypmod end),
               'identity', a.attidentity <> '',
               'sequence', coalesce(pg_get_expr(d.adbin, d.adrelid) ~ 'nextval', false),
               'checks', (select coalesce(json_agg(pg_get_constraintdef(k.oid)), '[]') from pg_constraint k
                           where k.contype = 'c' and (k.conrelid = class.oid and a.attnum = any(k.conkey) or k.contypid = a.atttypid)),
               'updatable_by', (select coalesce(json_agg(r.rolname), '[]') from pg_roles r
                           where r.rolname = any($1) and not r.rolsuper and r.oid <> class.relowner and has_column_privilege(r.oid, class.oid, a.attnum, 'UPDATE')))
               order by a.attnum), '[]')
          from pg_attribute a join pg_type t on t.oid = a.atttypid
          left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attrelid = class.oid and a.attnum > 0 and not a.attisdropped) as columns,
       (select coalesce(json_agg(json_build_object('name', ${shortName('i.indexrelid')}, 'primary', i.indisprimary,
               'exclusion', i.indisexclusion,
               'columns', case when i.indisexclusion
                 then (select ${columnNames(
                   `(select array_agg(k.number) from unnest(x.conkey, x.conexclop) k(number, operator)
                       join pg_operator o on o.oid = k.operator where o.oprname = '=')`,
                   'x.conrelid',
                 )} from pg_constraint x where x.conindid = i.indexrelid and x.contype = 'x')
                 else ${columnNames('(i.indkey::int2[])[0 : i.indnkeyatts - 1]', 'i.indrelid')} end)), '[]')
          from pg_index i where i.indrelid = class.oid and (i.indisunique or i.indisexclusion)) as keys,
       (select coalesce(json_agg(json_build_object('name', f.conname, 'target', ${shortName('f.confrelid')},
               'columns', ${columnNames('f.conkey', 'f.conrelid')},
               'target_columns', ${columnNames('f.confkey', 'f.confrelid')},
               'on_delete', f.confdeltype, 'on_update', f.confupdtype)), '[]')
          from pg_constraint f where f.conrelid = class.oid and f.contype = 'f' and f.conparentid = 0) as foreign_keys
     from pg_class class join pg_namespace namespace on namespace.oid = class.relnamespace
     where class.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not class.relispartition and ${ownSchema}
     order by namespace.nspname <> 'public', class.relname collate "C"`,
    [servingRoles],
  );
  return rows as unknown as CatalogTable[];
}

const isTable = ({ kind }: CatalogTable) => kind === 'r' || kind === 'p' || kind === 'f';
const has = (table: CatalogTable, column: string) => table.columns.some(({ name }) => name === column);

/** What says whose a row is: tenants and partners say it by their own id. */
function tenantColumn(table: CatalogTable): string | undefined {
  if (table.name === 'tenants') return 'id';
  return has(table, 'tenant_id') && !(table.name in referenceTablesWithTenant) ? 'tenant_id' : undefined;
}
function partnerColumn(table: CatalogTable): string | undefined {
  if (table.name === 'partners') return 'id';
  return has(table, 'partner_id') ? 'partner_id' : undefined;
}

type Report = (rule: SchemaRule, object: string, message: string) => void;

function checkKeys(table: CatalogTable, report: Report): void {
  const tenant = tenantColumn(table);
  const scope = tenant ?? partnerColumn(table);
  if (!scope) {
    report('scope-missing', table.name, 'has neither tenant_id nor partner_id');
    return;
  }
  if (tenant && !partnerColumn(table)) report('partner-missing', table.name, 'has tenant_id but no partner_id');
  const primary = table.keys.find((key) => key.primary);
  if (primary?.columns[0] !== scope) {
    const found = primary ? `is (${primary.columns.join(', ')})` : 'is missing';
    report('primary-key-scope', table.name, `its primary key ${found}; it should begin with ${scope}`);
  }
  for (const key of table.keys.filter(({ primary: isPrimary, name }) => !isPrimary && !(name in platformWideKeys))) {
    if (!key.columns.includes(scope)) {
      const what = key.exclusion ? 'an exclusion without "=" on' : 'a unique key without';
      report('unique-scope', key.name, `is ${what} ${scope} on ${table.name}`);
    }
  }
}

function checkForeignKeys(table: CatalogTable, tables: ReadonlyMap<string, CatalogTable>, report: Report): void {
  for (const key of table.foreign_keys) {
    const target = tables.get(key.target);
    const object = `${table.name}.${key.name}`;
    if (!['a', 'c'].includes(key.on_delete) || key.on_update !== 'a') {
      report(
        'foreign-key-action',
        object,
        'does something else than NO ACTION or CASCADE when its target goes or changes',
      );
    }
    if (!target || target.name in tablesOutsideTenancy) continue;
    const carries = (own: string | undefined, others: string | undefined) =>
      own !== undefined && key.columns.some((column, place) => column === own && key.target_columns[place] === others);
    const targetTenant = tenantColumn(target);
    if (targetTenant && !tenantColumn(table)) {
      report('foreign-key-direction', object, `points from a reference table at the tenant table ${target.name}`);
    } else if (targetTenant && !carries(tenantColumn(table), targetTenant)) {
      report('foreign-key-tenant', object, `points at ${target.name} without the tenant on both sides`);
    } else if (!targetTenant && !carries(partnerColumn(table), partnerColumn(target))) {
      report('foreign-key-partner', object, `points at ${target.name} without the partner on both sides`);
    }
  }
  const pointing = new Set(table.foreign_keys.flatMap(({ columns }) => columns));
  for (const { name, type } of table.columns) {
    const object = `${table.name}.${name}`;
    if (type !== 'uuid' || !/_id(_|$)/.test(name) || pointing.has(name) || object in freeReferences) continue;
    // Insert policies hold a tenant's rows against the tenant and partner that `app.enter` found.
    if (name === 'tenant_id' || (name === 'partner_id' && tenantColumn(table))) continue;
    report('foreign-key-missing', object, 'holds an id that nothing checks');
  }
}

function checkProtection(table: CatalogTable, report: Report): void {
  if (table.name in tablesOutsideTenancy) {
    for (const grant of table.grants) {
      report('policy-exempt-granted', table.name, `grants ${grant.privilege} to ${grant.grantee}`);
    }
    return;
  }
  if (!table.row_security) report('row-security-off', table.name, 'has row-level security switched off');
  if (table.forced) report('row-security-forced', table.name, 'has row-level security forced');
  if (table.policies === 0) report('policy-missing', table.name, 'has no policy');
}

function checkGrants(table: CatalogTable, report: Report): void {
  if (table.kind === 'm') {
    for (const grantee of new Set(table.grants.map((grant) => grant.grantee))) {
      report('materialized-view-granted', table.name, `is granted to ${grantee}`);
    }
    return;
  }
  for (const { grantee, privilege, column } of table.grants) {
    if (grantee === 'PUBLIC' || !['SELECT', 'INSERT', 'UPDATE', 'DELETE'].includes(privilege)) {
      report(
        'grant-past-policies',
        column ? `${table.name}.${column}` : table.name,
        `grants ${privilege} to ${grantee}`,
      );
    }
  }
  for (const column of table.columns) {
    if (!['tenant_id', 'partner_id', tenantColumn(table), partnerColumn(table)].includes(column.name)) continue;
    for (const role of column.updatable_by) {
      report('key-changes', `${table.name}.${column.name}`, `can be updated by ${role}`);
    }
  }
}

function checkColumns(table: CatalogTable, report: Report): void {
  for (const column of table.columns) {
    const object = `${table.name}.${column.name}`;
    const excludesNan = column.checks.some((check) => /<> 'NaN'::numeric/.test(check) && isAbout(check, column.name));
    if (/^numeric/.test(column.type) && !excludesNan) report('numeric-nan', object, 'accepts NaN');
    if (column.identity || column.sequence) report('sequence', object, 'takes its value from a sequence');
    if (/^timestamp/.test(column.type) && !/^timestamp\(3\) with time zone(\[\])?$/.test(column.type)) {
      report('timestamp-type', object, `is ${column.type}`);
    }
  }
}

/** `value` stands for the column in the check of a domain. */
function isAbout(check: string, column: string): boolean {
  return new RegExp(`\\(("?${column}"?|VALUE) <> 'NaN'::numeric\\)`).test(check);
}

async function checkRoutines(query: CatalogQuery, report: Report): Promise<void> {
  const rows = await query(
    `select routine.oid::regprocedure::text as name, routine.proconfig as settings,
       exists (select 1 from aclexplode(coalesce(routine.proacl, acldefault('f', routine.proowner))) acl where acl.grantee = 0) as public
     from pg_proc routine join pg_namespace namespace on namespace.oid = routine.pronamespace
     where routine.prosecdef and ${ownSchema} order by 1`,
  );
  for (const row of rows) {
    const name = String(row['name']);
    const path = ((row['settings'] as string[] | null) ?? []).find((setting) => setting.startsWith('search_path='));
    if (!path) report('definer-search-path', name, 'runs with the search_path of its caller');
    else if (!/[=,]\s*"?pg_temp"?$/.test(path))
      report('definer-search-path', name, `has ${path}, without pg_temp at the end`);
    if (row['public']) report('definer-public', name, 'may be called by everybody');
  }
}

/** Policies of the partitioned table guard what is asked of it; a partition that is asked itself has none. */
async function checkPartitions(query: CatalogQuery, report: Report): Promise<void> {
  const rows = await query(
    `select ${shortName('class.oid')} as name, class.relrowsecurity as row_security,
       exists (select 1 from aclexplode(class.relacl) acl where acl.grantee <> class.relowner)
       or exists (select 1 from pg_attribute a where a.attrelid = class.oid and a.attacl is not null) as granted
     from pg_class class join pg_namespace namespace on namespace.oid = class.relnamespace
     where class.relispartition and class.relkind in ('r', 'p', 'f') and ${ownSchema} order by 1`,
  );
  for (const row of rows) {
    if (row['granted']) report('partition-open', String(row['name']), 'is granted to somebody');
    if (!row['row_security']) report('partition-open', String(row['name']), 'has row-level security switched off');
  }
}

async function checkRoles(query: CatalogQuery, report: Report): Promise<void> {
  const roles = await query(
    `select rolname as name,
       array_remove(array[case when rolsuper then 'SUPERUSER' end, case when rolbypassrls then 'BYPASSRLS' end,
         case when rolcreaterole then 'CREATEROLE' end, case when rolcreatedb then 'CREATEDB' end,
         case when rolreplication then 'REPLICATION' end], null) as powers,
       array(select pg_get_userbyid(m.roleid)::text from pg_auth_members m where m.member = r.oid order by 1) as member_of
     from pg_roles r where rolname = any($1) order by rolname`,
    [servingRoles],
  );
  for (const role of roles) {
    for (const power of role['powers'] as string[]) report('role-power', String(role['name']), `is ${power}`);
    for (const other of role['member_of'] as string[])
      report('role-power', String(role['name']), `is a member of ${other}`);
  }
  const creators = await query(
    `select r.rolname as name, quote_ident(namespace.nspname) as schema from pg_roles r, pg_namespace namespace
     where r.rolname = any($1) and not r.rolsuper and ${ownSchema} and has_schema_privilege(r.oid, namespace.oid, 'CREATE')
     order by 1, 2`,
    [servingRoles],
  );
  for (const row of creators) report('role-owns', String(row['schema']), `${row['name']} may create objects here`);
}

async function checkOwners(query: CatalogQuery, report: Report): Promise<void> {
  // The schema public belongs to whoever owns the database; all else was made by the migrations.
  const rows = await query(
    `select what, owner from (
       select ${shortName('class.oid')} as what, pg_get_userbyid(class.relowner)::text as owner
         from pg_class class join pg_namespace namespace on namespace.oid = class.relnamespace
        where class.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${ownSchema}
       union all
       select routine.oid::regprocedure::text, pg_get_userbyid(routine.proowner)::text
         from pg_proc routine join pg_namespace namespace on namespace.oid = routine.pronamespace where ${ownSchema}
       union all
       select format_type(type.oid, null), pg_get_userbyid(type.typowner)::text
         from pg_type type join pg_namespace namespace on namespace.oid = type.typnamespace
        where type.typtype in ('e', 'd') and ${ownSchema}
       union all
       select 'schema ' || quote_ident(namespace.nspname), pg_get_userbyid(namespace.nspowner)::text
         from pg_namespace namespace where namespace.nspname <> 'public' and ${ownSchema}) owned
     order by what collate "C"`,
  );
  const counts = new Map<string, number>();
  for (const { owner } of rows) counts.set(String(owner), (counts.get(String(owner)) ?? 0) + 1);
  const usual = [...counts].sort((first, second) => second[1] - first[1])[0]?.[0];
  for (const { what, owner } of rows) {
    if (servingRoles.includes(String(owner))) report('role-owns', String(what), `belongs to ${owner}`);
    else if (owner !== usual) report('owner-differs', String(what), `belongs to ${owner}, all else to ${usual}`);
  }
}

/** Holds a migrated schema against the rules, by what PostgreSQL says is there. Nothing found: an empty list. */
export async function lintSchema(query: CatalogQuery): Promise<Finding[]> {
  const findings: Finding[] = [];
  const report: Report = (rule, object, message) => findings.push({ rule, object, message });
  const tables = await tablesOf(query);
  const byName = new Map(tables.map((table) => [table.name, table]));
  for (const table of tables) {
    checkGrants(table, report);
    if (table.kind === 'v' && !table.invoker) report('view-rights', table.name, "reads with its owner's rights");
    if (!isTable(table)) {
      if (table.kind === 'S' && !/^schema_migrations_/.test(table.name))
        report('sequence', table.name, 'is a sequence');
      continue;
    }
    checkProtection(table, report);
    if (table.name in tablesOutsideTenancy && table.name === 'schema_migrations') continue;
    checkColumns(table, report);
    if (table.name in tablesOutsideTenancy) continue;
    checkKeys(table, report);
    checkForeignKeys(table, byName, report);
  }
  await checkPartitions(query, report);
  await checkRoutines(query, report);
  await checkRoles(query, report);
  await checkOwners(query, report);
  return findings;
}

/** For people: one line a finding, with the rule it breaks. */
export function findingText({ rule, object, message }: Finding): string {
  return `${object} ${message}. ${schemaRules[rule]}`;
}
