select
  "id",
  "name",
  "queue",
  "priority",
  "max_attempts",
  "payload"::text,
  "tags"::text,
  "meta"::text,
  "unique_key",
  (
    extract(
      epoch
      from
        "run_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "expires_at"
    ) * 1000
  )::float8,
  "state",
  "attempt",
  "crashes",
  "manual_retries",
  "worker_id",
  "last_worker_id",
  (
    extract(
      epoch
      from
        "claimed_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "finished_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "created_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "cancel_requested_at"
    ) * 1000
  )::float8,
  "result"::text,
  "progress"::text,
  "errors"::text,
  "logs"::text,
  "reason"
from
  "soniq_jobs"
where
  "soniq_jobs"."id" = $1;
