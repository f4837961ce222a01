-- What must always hold, each as a view of what breaks it: empty is right. `npm run tollgate -- check` reads them as the owner,
-- past all policies; nobody else can. Each view says what (subject) and how it is wrong (detail).

-- Two bills for the same time. A plan change that begins a new period ends the old one early, and is none.
create view check_double_period with (security_invoker = true) as
  select 'invoice ' || b.number as subject,
         'its period overlaps that of ' || a.number || ' of the same subscription' as detail
    from invoices a
    join invoices b on b.tenant_id = a.tenant_id and b.subscription_id = a.subscription_id and b.id <> a.id
     and (b.period_start, b.id) > (a.period_start, a.id) and b.period_start < a.period_end
   where a.kind = 'PERIOD' and b.kind = 'PERIOD' and a.status <> 'VOID' and b.status <> 'VOID'
     and not exists (select 1 from plan_change_prorations c
                      where c.tenant_id = a.tenant_id and c.subscription_id = a.subscription_id and c.anchor_mode = 'RESET'
                        and c.changed_at >= a.period_start and c.changed_at <= b.period_start);

-- Time that nobody billed: between two bills, or the period that the subscription says was billed.
create view check_missing_period with (security_invoker = true) as
  select 'subscription ' || n.subscription_id as subject,
         'nothing bills ' || n.period_end || ' to ' || n.next_start as detail
    from (select i.tenant_id, i.subscription_id, i.period_end,
                 lead(i.period_start) over (partition by i.tenant_id, i.subscription_id order by i.period_start) as next_start
            from invoices i where i.kind = 'PERIOD') n
   where n.next_start > n.period_end
     and not exists (select 1 from plan_change_prorations c
                      where c.tenant_id = n.tenant_id and c.subscription_id = n.subscription_id and c.anchor_mode = 'RESET'
                        and c.changed_at < n.next_start and c.changed_at >= n.period_end - interval '1 day')
  union all
  select 'subscription ' || s.id, 'no invoice for the period that it is in, from ' || s.period_start
    from subscriptions s
   where s.status not in ('CANCELLED', 'TRIALING')
     and not exists (select 1 from invoices i where i.tenant_id = s.tenant_id and i.subscription_id = s.id
                        and i.kind = 'PERIOD' and i.period_start = s.period_start)
     and not exists (select 1 from plan_change_prorations c
                      where c.tenant_id = s.tenant_id and c.subscription_id = s.id and c.anchor_mode = 'RESET'
                        and c.changed_at >= s.period_start - interval '1 day' and c.changed_at < s.period_end);

-- What should have been billed a day ago, and is not even parked: no run, or a run that does not find it.
create view check_overdue with (security_invoker = true) as
  select 'subscription ' || s.id as subject, 'its period ended ' || s.period_end || ' and is not billed' as detail
    from subscriptions s join tenants t on t.id = s.tenant_id and not t.sandbox
   where s.status <> 'CANCELLED' and s.period_end < now() - interval '1 day'
     and not exists (select 1 from billing_work w where w.tenant_id = s.tenant_id and w.parked_at is not null);

create view check_header_lines with (security_invoker = true) as
  select 'invoice ' || i.number as subject,
         'its total is ' || i.total || ', its lines make ' || coalesce(l.amount, 0) as detail
    from invoices i
    left join (select tenant_id, invoice_id, sum(amount) as amount from invoice_lines group by 1, 2) l
      on l.tenant_id = i.tenant_id and l.invoice_id = i.id
   where i.total <> coalesce(l.amount, 0)
  union all
  select 'credit note ' || c.number, 'its total is ' || c.total || ', its lines make ' || coalesce(l.amount, 0)
    from credit_notes c
    left join (select tenant_id, credit_note_id, sum(amount) as amount from credit_note_lines group by 1, 2) l
      on l.tenant_id = c.tenant_id and l.credit_note_id = c.id
   where c.total <> coalesce(l.amount, 0);

-- A line's amount is what its explanation comes to, in major units.
create view check_explanations with (security_invoker = true) as
  select 'invoice line ' || l.id as subject,
         'its amount is ' || l.amount || ', its explanation ends in ' || (l.explanation ->> 'result') as detail
    from invoice_lines l
   where abs(replace(l.explanation ->> 'result', '.', '')::numeric) <> abs(l.amount)
  union all
  select 'credit note line ' || l.id,
         'its amount is ' || l.amount || ', its explanation ends in ' || (l.explanation ->> 'result')
    from credit_note_lines l
   where abs(replace(l.explanation ->> 'result', '.', '')::numeric) <> abs(l.amount);

-- The account of an item says what the line says.
create view check_accounts with (security_invoker = true) as
  select 'invoice line ' || l.id as subject,
         'its amount is ' || l.amount || ', the account of its item has ' || a.amount as detail
    from invoice_lines l
    join (select tenant_id, invoice_line_id, sum(amount) as amount from item_charges
           where invoice_line_id is not null and kind in ('CHARGE', 'DISCOUNT') group by 1, 2) a
      on a.tenant_id = l.tenant_id and a.invoice_line_id = l.id
   where a.amount <> l.amount and l.kind not in ('PRORATION_CREDIT', 'PLAN_USAGE', 'ADDON_USAGE', 'OVERAGE', 'TAX');

-- Numbers are gap-free for each partner: as many as were taken, each of them once.
create view check_number_gaps with (security_invoker = true) as
  with documents as (
    select partner_id, 'INVOICE' as kind, substring(number from '\d+$')::bigint as number from invoices where status <> 'DRAFT'
    union all
    select partner_id, 'CREDIT_NOTE', substring(number from '\d+$')::bigint from credit_notes
  ), found as (
    select partner_id, kind, count(*) as documents, count(distinct number) as numbers,
           max(number) as highest
      from documents group by partner_id, kind
  ), taken as (
    select partner_id, 'INVOICE' as kind, next_invoice - 1 as count from invoice_numbers
    union all
    select partner_id, 'CREDIT_NOTE', next_credit_note - 1 from invoice_numbers
  )
  select 'partner ' || p.code as subject,
         lower(replace(t.kind, '_', ' ')) || 's: ' || t.count || ' numbers taken, ' || coalesce(f.documents, 0) || ' documents, '
           || coalesce(f.numbers, 0) || ' different numbers, the highest ' || coalesce(f.highest, 0) as detail
    from taken t join partners p on p.id = t.partner_id
    left join found f on f.partner_id = t.partner_id and f.kind = t.kind
   where (t.count, t.count, t.count) is distinct from
         (coalesce(f.documents, 0), coalesce(f.numbers, 0), coalesce(f.highest, 0));

-- Never credited more than was charged: not of a line, not of an item in a period.
create view check_credit_overrun with (security_invoker = true) as
  select 'invoice line ' || l.id as subject, 'charged ' || l.amount || ', credited ' || c.amount as detail
    from invoice_lines l
    join (select tenant_id, invoice_line_id, sum(amount) as amount from credit_note_lines
           where invoice_line_id is not null group by 1, 2) c on c.tenant_id = l.tenant_id and c.invoice_line_id = l.id
   where c.amount > l.amount and l.amount >= 0
  union all
  select 'item ' || a.item_id, 'its account for the period from ' || a.period_start || ' stands at ' || a.amount
    from (select tenant_id, item_id, period_start, sum(amount) as amount from item_charges group by 1, 2, 3) a
   where a.amount < 0;

-- Reservations are counted, caps hold, and a coupon is used as often as it says.
create view check_coupon_overrun with (security_invoker = true) as
  select 'coupon ' || c.code as subject,
         c.reserved_count || ' reserved, ' || coalesce(r.count, 0) || ' in use, at most ' || coalesce(c.max_redemptions::text, 'any') as detail
    from partner_coupons c
    left join (select partner_id, coupon_id, count(*) as count from tenant_pending_coupons
                where status not in ('REMOVED', 'EXPIRED') group by 1, 2) r
      on r.partner_id = c.partner_id and r.coupon_id = c.id
   where c.reserved_count <> coalesce(r.count, 0) or c.reserved_count > c.max_redemptions
  union all
  select 'applied coupon ' || p.id,
         p.periods_applied || ' periods applied, ' || coalesce(r.count, 0) || ' redemptions, at most '
           || coalesce(case c.duration when 'ONCE' then 1 when 'REPEATING' then c.duration_periods end::text, 'any')
    from tenant_pending_coupons p
    join partner_coupons c on c.partner_id = p.partner_id and c.id = p.coupon_id
    left join (select tenant_id, pending_coupon_id, count(*) as count from coupon_redemptions group by 1, 2) r
      on r.tenant_id = p.tenant_id and r.pending_coupon_id = p.id
   where p.periods_applied <> coalesce(r.count, 0)
      or p.periods_applied > case c.duration when 'ONCE' then 1 when 'REPEATING' then c.duration_periods end;

-- A balance is the sum of its movements, and each movement starts where the one before it ended.
create view check_balances with (security_invoker = true) as
  select 'tenant ' || b.tenant_id as subject,
         'balance ' || b.balance || ' ' || b.currency || ', movements ' || coalesce(e.amount, 0) as detail
    from credit_balances b
    left join (select tenant_id, currency, sum(amount) as amount from credit_balance_entries group by 1, 2) e
      on e.tenant_id = b.tenant_id and e.currency = b.currency
   where b.balance <> coalesce(e.amount, 0)
  union all
  select 'tenant ' || m.tenant_id, 'movement ' || m.id || ' leaves ' || m.balance_after || ', the movements up to it make ' || m.amount
    from (select tenant_id, id, balance_after,
                 sum(amount) over (partition by tenant_id, currency order by id rows unbounded preceding) as amount
            from credit_balance_entries) m
   where m.balance_after <> m.amount;

-- Rows whose tenant is another partner's: in every table that names both, whichever migration made it.
create function app.find_foreign_rows() returns table (subject text, detail text)
language plpgsql stable as $$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid::regclass from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and (select count(*) from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
               and a.attname in ('tenant_id', 'partner_id')) = 2
     order by 1
  loop
    return query execute format(
      $sql$ select %L, count(*) || ' rows of tenants of another partner, one of tenant ' || min(x.tenant_id::text)
              from %s x join public.tenants t on t.id = x.tenant_id where t.partner_id <> x.partner_id
            having count(*) > 0 $sql$, 'table ' || v_table, v_table);
  end loop;
end $$;
revoke all on function app.find_foreign_rows() from public;
create view check_foreign_rows with (security_invoker = true) as
  select subject, detail from app.find_foreign_rows();

-- Work that nobody takes.
create view check_stuck_work with (security_invoker = true) as
  select 'tenant ' || w.tenant_id as subject,
         'waits for a billing run since ' || w.created_at || ', tried ' || w.attempts || ' times' as detail
    from billing_work w
   where w.parked_at is null and w.created_at < now() - interval '1 hour'
     and (w.held_until is null or w.held_until < now() - interval '1 hour');

create view check_items with (security_invoker = true) as
  select 'subscription ' || s.id as subject, count(i.id) || ' plan phases at once' as detail
    from subscriptions s
    left join subscription_items i on i.tenant_id = s.tenant_id and i.subscription_id = s.id and i.ended_at is null
   where s.status <> 'CANCELLED'
   group by s.tenant_id, s.id, s.plan_item_id
  having count(i.id) <> 1 or bool_or(i.id <> s.plan_item_id);

-- Every table of a tenant or partner is guarded by policies, and every table that only grows by its trigger.
create view check_guards with (security_invoker = true) as
  select 'table ' || c.relname as subject,
         case when c.relrowsecurity then 'has no policy' else 'row-level security is off' end as detail
    from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
     and exists (select 1 from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
                    and a.attname in ('tenant_id', 'partner_id'))
     and (not c.relrowsecurity or not exists (select 1 from pg_policy p where p.polrelid = c.oid))
  union all
  select 'table ' || g.name, 'its rows can be changed: the append-only trigger is missing or disabled'
    from unnest(array['subscription_changes', 'invoice_lines', 'credit_notes', 'credit_note_lines', 'credit_balance_entries',
                      'item_charges', 'plan_change_prorations', 'coupon_redemptions']) as g (name)
   where not exists (select 1 from pg_trigger t
                      where t.tgrelid = to_regclass('public.' || g.name) and t.tgfoid = 'app.forbid_change'::regproc
                        and t.tgenabled in ('O', 'A'))
  union all
  select 'index invoices_one_per_period', 'is missing: the database allows a period to be billed twice'
   where not exists (select 1 from pg_index x where x.indexrelid = to_regclass('public.invoices_one_per_period')
                        and x.indisunique and x.indisvalid);

-- What a document said when it was first seen by a check. A later change, whoever made it, no longer matches.
create table document_seals (
  tenant_id uuid not null,
  document_id uuid not null,
  partner_id uuid not null,
  seal bytea not null,
  sealed_at timestamptz(3) not null,
  primary key (tenant_id, document_id),
  foreign key (tenant_id, partner_id) references tenants (id, partner_id)
);
call app.protect_tenant_table('document_seals');

-- What never changes of an invoice and a credit note, lines included: their state is not part of it.
create view document_contents with (security_invoker = true) as
  select i.tenant_id, i.id as document_id, i.partner_id, 'invoice ' || i.number as name,
         sha256(convert_to(jsonb_build_array(i.subscription_id, i.number, i.kind, i.reason, i.currency, i.subtotal, i.discount,
           i.total, i.credit_applied, i.amount_due, extract(epoch from i.period_start), extract(epoch from i.period_end),
           extract(epoch from i.issued_at),
           (select jsonb_agg(jsonb_build_array(l.id, l.position, l.kind, l.source_kind, l.source_id, l.description, l.quantity,
                     l.amount, l.currency, l.explanation) order by l.position)
              from invoice_lines l where l.tenant_id = i.tenant_id and l.invoice_id = i.id))::text, 'UTF8')) as seal
    from invoices i where i.status <> 'DRAFT'
  union all
  select c.tenant_id, c.id, c.partner_id, 'credit note ' || c.number,
         sha256(convert_to(jsonb_build_array(c.subscription_id, c.number, c.reason, c.settlement, c.currency, c.total,
           extract(epoch from c.issued_at),
           (select jsonb_agg(jsonb_build_array(l.id, l.position, l.kind, l.source_kind, l.source_id, l.invoice_line_id,
                     l.description, l.quantity, l.amount, l.currency, l.explanation) order by l.position)
              from credit_note_lines l where l.tenant_id = c.tenant_id and l.credit_note_id = c.id))::text, 'UTF8'))
    from credit_notes c;

create view check_changed_documents with (security_invoker = true) as
  select d.name as subject, 'is not what it was when it was sealed, ' || s.sealed_at as detail
    from document_seals s join document_contents d on d.tenant_id = s.tenant_id and d.document_id = s.document_id
   where d.seal <> s.seal
  union all
  select 'document ' || s.document_id, 'was sealed ' || s.sealed_at || ' and is gone'
    from document_seals s
   where not exists (select 1 from invoices i where i.tenant_id = s.tenant_id and i.id = s.document_id)
     and not exists (select 1 from credit_notes c where c.tenant_id = s.tenant_id and c.id = s.document_id);

-- What the checks found last: a probe reads these few rows, never the views.
create table check_results (
  name text primary key,
  findings bigint not null,
  example text,
  checked_at timestamptz(3) not null
);
alter table check_results enable row level security;

-- Looks at one invariant and keeps what it found.
create function app.run_check(p_name text)
returns table (findings bigint, example text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_findings bigint;
  v_example text;
begin
  if p_name is null or p_name !~ '^check_[a-z_]+$' or not exists (
    select 1 from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and c.relname = p_name) then
    raise exception 'no such check' using errcode = 'TG404';
  end if;
  if p_name = 'check_changed_documents' then
    insert into document_seals (tenant_id, document_id, partner_id, seal, sealed_at)
    select d.tenant_id, d.document_id, d.partner_id, d.seal, clock_timestamp() from document_contents d
     where not exists (select 1 from document_seals s where s.tenant_id = d.tenant_id and s.document_id = d.document_id)
    on conflict do nothing;
  end if;
  execute format('select count(*), min(v.subject || '': '' || v.detail) from %I v', p_name) into v_findings, v_example;
  insert into check_results as r (name, findings, example, checked_at) values (p_name, v_findings, v_example, clock_timestamp())
  on conflict (name) do update
    set findings = excluded.findings, example = excluded.example, checked_at = excluded.checked_at;
  return query select v_findings, v_example;
end $$;
revoke all on function app.run_check(text) from public;
grant execute on function app.run_check(text) to tollgate_job;

create function app.list_checks() returns setof text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select c.relname::text from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and c.relname ~ '^check_' order by 1
$$;
revoke all on function app.list_checks() from public;
grant execute on function app.list_checks() to tollgate_job;

-- How many found something, and when the oldest result is of; nulls where nothing was ever checked.
create function app.check_summary() returns table (names text[], oldest timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(array_agg(r.name order by r.name) filter (where r.findings > 0), '{}'), min(r.checked_at) from check_results r
$$;
revoke all on function app.check_summary() from public;
grant execute on function app.check_summary() to tollgate_app;
