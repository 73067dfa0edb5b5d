select
  "id",
  "name",
  "queue",
  "priority",
  "payload"::text,
  coalesce("reason", ''),
  case jsonb_typeof("errors")
    when 'array' then "errors"::text
    else '[]'
  end,
  "attempt",
  "max_attempts",
  "crashes",
  "manual_retries",
  "unique_key",
  "tags"::text,
  "meta"::text,
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
        "finished_at"
    ) * 1000
  )::float8,
  coalesce(
    to_char(
      ("finished_at") at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  )
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."state" = 'dead'
    and ("soniq_jobs"."finished_at", "soniq_jobs"."id") < ($1::timestamptz, $2::bigint)
  )
order by
  "soniq_jobs"."finished_at" desc,
  "soniq_jobs"."id" desc
limit
  $3;

select
  "id",
  "name",
  "queue",
  "priority",
  "payload"::text,
  coalesce("reason", ''),
  case jsonb_typeof("errors")
    when 'array' then "errors"::text
    else '[]'
  end,
  "attempt",
  "max_attempts",
  "crashes",
  "manual_retries",
  "unique_key",
  "tags"::text,
  "meta"::text,
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
        "finished_at"
    ) * 1000
  )::float8,
  coalesce(
    to_char(
      ("finished_at") at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  )
from
  "soniq_jobs"
where
  (
    (
      "soniq_jobs"."state" = 'dead'
      and "soniq_jobs"."name" = $1
      and "soniq_jobs"."queue" = $2
      and strpos(lower("soniq_jobs"."reason"), lower($3)) > 0
      and "soniq_jobs"."errors" -> -1 ->> 'name' = $4
      and "soniq_jobs"."finished_at" >= to_timestamp($5::float8 / 1000)
      and "soniq_jobs"."finished_at" < to_timestamp($6::float8 / 1000)
    )
    and ("soniq_jobs"."finished_at", "soniq_jobs"."id") < ($7::timestamptz, $8::bigint)
  )
order by
  "soniq_jobs"."finished_at" desc,
  "soniq_jobs"."id" desc
limit
  $9;
