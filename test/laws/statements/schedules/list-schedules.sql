select
  "name",
  "cron",
  "every_ms",
  "time_zone",
  "job_name",
  "payload"::text,
  "missed",
  "overlap",
  "jitter_ms",
  (
    extract(
      epoch
      from
        "paused_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "orphaned_at"
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        "last_tick_at"
    ) * 1000
  )::float8,
  "last_job_id",
  (
    extract(
      epoch
      from
        "next_run_at"
    ) * 1000
  )::float8
from
  "soniq_schedules"
order by
  "soniq_schedules"."name" asc;
