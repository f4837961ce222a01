-- Pages of Stripe's that are open by what is written here, for reconciliation.
create function app.stripe_open_checkouts(p_live boolean, p_after uuid, p_limit integer)
returns table (tenant_id uuid, id uuid, session_external_id text, status text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select c.tenant_id, c.id, c.session_external_id, c.status
    from stripe_checkouts c
   where c.live = p_live and c.status in ('PENDING', 'OPEN') and c.session_external_id is not null
     and (p_after is null or c.id > p_after)
   order by c.id limit p_limit
$$;
revoke all on function app.stripe_open_checkouts(boolean, uuid, integer) from public;
grant execute on function app.stripe_open_checkouts(boolean, uuid, integer) to tollgate_job;
