-- How much may still be asked, for each limit and each one it is for. Whoever asks is counted before anything of theirs is read,
-- so these rows belong to no tenant, and only the function below reaches them. Unlogged: they are written often, and what is
-- lost in a crash is that everybody may ask again.
create unlogged table request_budgets (
  -- The limit and whom it is for: 'requests <id of an actor or an account>'.
  name text primary key,
  -- What is left. Below zero: what was used before it was taken.
  points double precision not null,
  changed_at timestamptz(3) not null
);
alter table request_budgets enable row level security;

-- Takes from several budgets: what was used already is taken in any case, what is wanted ahead as far as there is any. A budget
-- fills up by so much a second, up to its most; one that nobody has used is full.
create function app.take_budgets(p_names text[], p_used double precision[], p_wanted double precision[],
                                 p_per_second double precision[], p_most double precision[])
returns table (place integer, granted double precision, points double precision)
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  v_now timestamptz := clock_timestamp();
  v_one record;
  v_left double precision;
begin
  -- Always in the same order: two that take the same budgets wait for each other once.
  for v_one in
    select i.place::integer, p_names[i.place] as name, greatest(p_used[i.place], 0) as used,
           greatest(p_wanted[i.place], 0) as wanted, p_per_second[i.place] as per_second, p_most[i.place] as most
      from generate_subscripts(p_names, 1) i(place) order by p_names[i.place], i.place
  loop
    insert into request_budgets (name, points, changed_at) values (v_one.name, v_one.most, v_now)
      on conflict on constraint request_budgets_pkey do nothing;
    select least(v_one.most,
                 b.points + v_one.per_second * greatest(extract(epoch from v_now - b.changed_at), 0)::double precision)
           - v_one.used
      into v_left from request_budgets b where b.name = v_one.name for update;
    place := v_one.place;
    -- Whole points: a part of one would never become one.
    granted := least(v_one.wanted, greatest(floor(v_left), 0));
    -- A debt is never larger than what could be saved: it is worked off in the same time.
    points := greatest(v_left - granted, -v_one.most);
    update request_budgets b set points = take_budgets.points, changed_at = greatest(b.changed_at, v_now)
     where b.name = v_one.name;
    return next;
  end loop;
  -- One that has not been used for an hour is full again: the same as none.
  if random() < 0.002 then
    delete from request_budgets where name in (
      select b.name from request_budgets b where b.changed_at < v_now - interval '1 hour' limit 1000 for update skip locked);
  end if;
end $$;
revoke all on function app.take_budgets(text[], double precision[], double precision[], double precision[], double precision[])
  from public;
grant execute on function app.take_budgets(text[], double precision[], double precision[], double precision[], double precision[])
  to tollgate_app;
