-- Where the first years of a term went back and a later one is paid: what it gives begins with that one.
alter table licences add column access_from timestamptz(3);
grant update (access_from) on licences to tollgate_app, tollgate_job;
