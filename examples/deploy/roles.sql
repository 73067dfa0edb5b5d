-- Roles that may do what they must, and no more. Apply it as the owner of the tables, after each migration:
--   psql "$DATABASE_URL" --set ON_ERROR_STOP=1 --file roles.sql
-- They cannot log in; grant them to those who do:
--   create role web login password '…' in role soniq_enqueue;
--   create role worker login password '…' in role soniq_work;
-- Handlers need rights of their own to your tables. Tables elsewhere than in `public`: name that schema in the first grant.

do $$
declare
  role_name text;
begin
  foreach role_name in array array['soniq_enqueue', 'soniq_work', 'soniq_read'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin', role_name);
    end if;
  end loop;
end
$$;

grant usage on schema public to soniq_enqueue, soniq_work, soniq_read;
-- Whoever may create functions in a schema can have them called with the rights of others (CVE-2018-1058). A database that was
-- created before PostgreSQL 15 lets everybody do so in `public`. Only the schema's owner can revoke that: a warning that no
-- privileges could be revoked means that this is still to be done.
revoke create on schema public from public, soniq_enqueue, soniq_work, soniq_read;

-- What they had before is taken back, so that they have what stands here, and nothing is left to everybody.
revoke all on soniq_audit, soniq_jobs, soniq_queues, soniq_schedules, soniq_stats, soniq_webhook_endpoints, soniq_workers
  from public, soniq_enqueue, soniq_work, soniq_read;
revoke all on sequence soniq_jobs_id_seq from public, soniq_enqueue, soniq_work, soniq_read;

-- The application that enqueues, publishes, cancels and discards. It reads no payloads, results or errors, but this role is no
-- boundary between applications:
-- · It reads unique keys, and a key that is made of the payload's properties (`unique.by`) holds their values. Make it of ids,
--   or give an `enqueue` a `uniqueKey` that is a hash.
-- · It may set the state of any job, since grants know columns and not transitions: it can complete a job that waits, and queue
--   one again that was completed.
-- · It may insert jobs of any name and payload, in any state, and with any id (`overriding system value`).
-- An application that is not trusted with that gets no role here: let it call one that is.
grant insert on soniq_jobs to soniq_enqueue;
-- Which job holds a unique key, and which worker to tell of a cancellation.
grant select (id, state, run_at, claimed_at, worker_id, finished_at, cancel_requested_at, unique_key, unique_held, unique_until, unique_expires_at)
  on soniq_jobs to soniq_enqueue;
-- What cancel and discard write, and what frees the key of a job that is over.
grant update (state, finished_at, unique_held, cancel_requested_at, reason) on soniq_jobs to soniq_enqueue;
-- Only where a definition's `unique.onConflict` is "replace" or "reschedule", or jobs that wait for later are run now: then it
-- reads and changes the jobs that wait.
-- grant select (xmax, created_at, queue, priority, run_at, max_attempts, payload, tags, meta, expires_at),
--   update (queue, priority, run_at, max_attempts, payload, tags, meta, unique_until, expires_at) on soniq_jobs to soniq_enqueue;
-- The doorbell: whether a worker waits.
grant select (ended_at, lease_expires_at, idle_queues) on soniq_workers to soniq_enqueue;
-- Which endpoints ask for an event. Whoever registers, rotates, pauses or deletes them needs more, and to delete them finds
-- their deliveries by name and payload:
--   grant select, insert, update, delete on soniq_webhook_endpoints to …;
--   grant select (name, payload) on soniq_jobs to …;
grant select (id, tenant, events, paused_at, open_until) on soniq_webhook_endpoints to soniq_enqueue;

-- Workers, whose handlers may enqueue, and the command line, which has their connection: it replays, purges and pauses.
grant select, insert, update, delete on soniq_jobs, soniq_workers to soniq_work;
grant select, insert, update on soniq_schedules to soniq_work;
grant select, insert, update on soniq_queues to soniq_work;
-- What they count, minute by minute, and fold and prune later.
grant select, insert, update, delete on soniq_stats to soniq_work;
-- Webhooks: where to, signed with secrets that are encrypted here, and what becomes of it. The commands `webhooks register`,
-- `rotate`, `rotate-keys` and `delete` need more, which no worker does: they are for the owner's connection.
grant select on soniq_webhook_endpoints to soniq_work;
grant update (failures, open_until, paused_at, paused_reason, updated_at) on soniq_webhook_endpoints to soniq_work;

-- The dashboard with `write` has this role, too: it writes down who did what. Workers delete that after 90 days.
grant select, insert, update, delete on soniq_audit to soniq_work;

-- People and pages that look, and applications that read results: payloads, results and errors included, which may be
-- personal data. Secrets of webhooks are not. The sequence tells a job that is gone from one that never was.
grant select on sequence soniq_jobs_id_seq to soniq_read;
grant select on soniq_audit, soniq_jobs, soniq_queues, soniq_schedules, soniq_stats, soniq_workers to soniq_read;
grant select (id, tenant, url, description, events, paused_at, paused_reason, failures, open_until, created_at, updated_at)
  on soniq_webhook_endpoints to soniq_read;
