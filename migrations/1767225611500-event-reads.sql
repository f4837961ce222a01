-- Reading the log by type, and deliveries by status, without walking past everything else; and an invariant of the log.
create index partner_events_of_type on partner_events (partner_id, type, sequence);
create index webhook_deliveries_of_status on webhook_deliveries (partner_id, endpoint_id, status, id);

-- Events that nobody numbers, and numbers that were not given, or given to nothing.
create view check_events with (security_invoker = true) as
  select 'partner ' || w.partner_id as subject,
         count(*) || ' events wait for a number, the first since ' || min(w.recorded_at) as detail
    from (select partner_id, recorded_at from outbox_events union all
          select partner_id, recorded_at from partner_outbox_events) w
   where w.recorded_at < now() - interval '1 hour'
   group by w.partner_id
  union all
  select 'partner ' || n.partner_id,
         count(e.sequence) || ' events from ' || coalesce(min(e.sequence)::text, 'none') || ' to '
           || coalesce(max(e.sequence)::text, 'none') || ', counted to ' || n.last_sequence
    from partner_event_numbers n left join partner_events e on e.partner_id = n.partner_id
   group by n.partner_id, n.last_sequence
  having (count(e.sequence) > 0 and max(e.sequence) <> n.last_sequence)
      or count(e.sequence) <> coalesce(max(e.sequence) - min(e.sequence) + 1, 0);
