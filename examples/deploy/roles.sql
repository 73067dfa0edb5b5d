-- Roles with the least privileges. Apply this file as the owner of the tables, after each migration:
--   psql "$DATABASE_URL" --set ON_ERROR_STOP=1 --file roles.sql
-- These roles cannot log in; grant them to roles that do:
--   create role web login password '…' in role soniq_enqueue;
--   create role worker login password '…' in role soniq_work;
-- Handlers need further privileges on your own tables. If the job tables are not in `public`, change the first grant.

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
-- A user who may create functions in a schema can have them called with the privileges of others (CVE-2018-1058). A database
-- that was created before PostgreSQL 15 allows this to everyone in `public`. Only the schema's owner can revoke it: if this
-- statement warns that no privileges could be revoked, run it as the owner.
revoke create on schema public from public, soniq_enqueue, soniq_work, soniq_read;

-- Revokes all earlier privileges, so that only the grants below remain.
revoke all on soniq_audit, soniq_jobs, soniq_queues, soniq_schedules, soniq_stats, soniq_webhook_endpoints, soniq_workers
  from public, soniq_enqueue, soniq_work, soniq_read;
revoke all on sequence soniq_jobs_id_seq from public, soniq_enqueue, soniq_work, soniq_read;

-- The application that enqueues, publishes, cancels and discards. It cannot read payloads, results or errors. But this role does
-- not separate applications from each other:
-- · It reads unique keys, and a key that is built from properties of the payload (`unique.by`) contains their values. Use ids as
--   such properties, or pass a hash as `uniqueKey` to `enqueue`.
-- · It may set the state of any job, since privileges apply to columns and not to transitions: it can complete a queued job, and
--   queue a completed one again.
-- · It may insert jobs of any name and payload, in any state, and with any id (`overriding system value`).
-- Do not give this role to an application that you do not trust with that: let it call a trusted one.
grant insert on soniq_jobs to soniq_enqueue;
-- To find the job that holds a unique key, and the worker to notify of a cancellation.
grant select (id, state, run_at, claimed_at, worker_id, finished_at, cancel_requested_at, unique_key, unique_held, unique_until, unique_expires_at)
  on soniq_jobs to soniq_enqueue;
-- For cancel and discard, and to free a key whose window has passed.
grant update (state, finished_at, unique_held, cancel_requested_at, reason) on soniq_jobs to soniq_enqueue;
-- Needed only if a definition's `unique.onConflict` is "replace" or "reschedule", or if the application calls `runJobNow`: these
-- read and change queued jobs.
-- grant select (xmax, created_at, queue, priority, run_at, max_attempts, payload, tags, meta, expires_at),
--   update (queue, priority, run_at, max_attempts, payload, tags, meta, unique_until, expires_at) on soniq_jobs to soniq_enqueue;
-- For the doorbell: whether a worker waits for a job.
grant select (ended_at, lease_expires_at, idle_queues) on soniq_workers to soniq_enqueue;
-- To find the endpoints that subscribe to an event. An application that registers, rotates, pauses or deletes endpoints needs
-- more, and to delete them it finds their deliveries by name and payload:
--   grant select, insert, update, delete on soniq_webhook_endpoints to …;
--   grant select (name, payload) on soniq_jobs to …;
grant select (id, tenant, events, paused_at, open_until) on soniq_webhook_endpoints to soniq_enqueue;

-- Workers, whose handlers may enqueue, and the command line, which uses their connection to retry, purge and pause.
grant select, insert, update, delete on soniq_jobs, soniq_workers to soniq_work;
grant select, insert, update on soniq_schedules to soniq_work;
grant select, insert, update on soniq_queues to soniq_work;
-- Statistics per minute, which workers write, fold and prune.
grant select, insert, update, delete on soniq_stats to soniq_work;
-- Webhooks: the endpoints with their encrypted secrets, and the state of their breakers. Run the commands `webhooks register`,
-- `rotate`, `rotate-keys` and `delete` with the owner's connection: they need privileges that a worker does not.
grant select on soniq_webhook_endpoints to soniq_work;
grant update (failures, open_until, paused_at, paused_reason, updated_at) on soniq_webhook_endpoints to soniq_work;

-- For the dashboard with `write`, which records each change in the audit log. Workers delete its entries after 90 days.
grant select, insert, update, delete on soniq_audit to soniq_work;

-- Read-only users and pages, and applications that read results. Includes payloads, results and errors, which may contain
-- personal data, but not the secrets of webhooks. The sequence distinguishes a deleted job from one that never existed.
grant select on sequence soniq_jobs_id_seq to soniq_read;
grant select on soniq_audit, soniq_jobs, soniq_queues, soniq_schedules, soniq_stats, soniq_workers to soniq_read;
grant select (id, tenant, url, description, events, paused_at, paused_reason, failures, open_until, created_at, updated_at)
  on soniq_webhook_endpoints to soniq_read;
