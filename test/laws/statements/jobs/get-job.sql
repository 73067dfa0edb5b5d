select
  "id",
  "name",
  "queue",
  "state",
  "priority",
  "attempt",
  "max_attempts",
  "crashes",
  "replays",
  "tags"::text,
  "reason",
  "worker_id",
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
        "run_at"
    ) * 1000
  )::float8,
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
        "cancel_requested_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "finished_at"
    ) * 1000
  )::float8,
  "payload"::text,
  "progress"::text,
  "result"::text,
  "errors"::text,
  "logs"::text,
  "meta"::text,
  "unique_key",
  "last_worker_id"
from
  "soniq_jobs"
where
  "soniq_jobs"."id" = $1;
