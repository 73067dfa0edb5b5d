select
  "name",
  "definition",
  "cron",
  "every_ms",
  "time_zone",
  "missed",
  "overlap",
  "ticks",
  "paused_at" is not null,
  floor(
    extract(
      epoch
      from
        greatest("soniq_schedules"."next_run_at", to_timestamp(0))
    ) * 1000
  )::float8,
  coalesce(
    to_char(
      ("next_run_at") at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  ),
  floor(
    extract(
      epoch
      from
        now()
    ) * 1000
  )::float8
from
  "soniq_schedules"
where
  (
    "soniq_schedules"."paused_at" is null
    and "soniq_schedules"."orphaned_at" is null
    and (
      "soniq_schedules"."next_run_at",
      "soniq_schedules"."name"
    ) > ($1::timestamptz, $2::text)
  )
order by
  "soniq_schedules"."next_run_at" asc,
  "soniq_schedules"."name" asc
limit
  $3;

select
  "name",
  "definition",
  "cron",
  "every_ms",
  "time_zone",
  "missed",
  "overlap",
  "ticks",
  "paused_at" is not null,
  floor(
    extract(
      epoch
      from
        greatest("soniq_schedules"."next_run_at", to_timestamp(0))
    ) * 1000
  )::float8,
  coalesce(
    to_char(
      ("next_run_at") at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  ),
  floor(
    extract(
      epoch
      from
        now()
    ) * 1000
  )::float8
from
  "soniq_schedules"
where
  "soniq_schedules"."name" = $1;
