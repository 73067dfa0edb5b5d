select
  "id",
  ("payload" - 'data')::text,
  case
    when "state" = 'queued'
    and "soniq_jobs"."run_at" = 'infinity' then 'parked'
    else "state"
  end,
  "attempt",
  case
    when "state" = 'queued'
    and not "soniq_jobs"."run_at" = 'infinity' then (
      extract(
        epoch
        from
          "soniq_jobs"."run_at"
      ) * 1000
    )::float8
  end,
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
  "result"::text,
  "errors"::text,
  "reason"
from
  "soniq_jobs"
where
  (
    name = 'soniq.webhook'
    and (payload ->> 'endpoint') = $1
    and "soniq_jobs"."id" < $2::bigint
  )
order by
  "soniq_jobs"."id" desc
limit
  $3;

insert into
  "soniq_jobs" (
    "name",
    "queue",
    "priority",
    "max_attempts",
    "payload",
    "tags",
    "meta",
    "run_at",
    "expires_at"
  )
select
  $1::text,
  $2::text,
  $3::int,
  $4::int,
  original.payload,
  $5::text::jsonb,
  $6::text::jsonb,
  greatest(
    clock_timestamp(),
    coalesce(
      to_timestamp(
        case
          when (
            "soniq_webhook_endpoints"."paused_at" is not null
            or coalesce(
              "soniq_webhook_endpoints"."open_until" > now(),
              false
            )
          ) then float8 'infinity'
        end / 1000
      ),
      clock_timestamp() + coalesce($7::float8, 0) * interval '1 millisecond'
    )
  ),
  clock_timestamp() + $8::float8 * interval '1 millisecond'
from
  (
    select
      payload
    from
      "soniq_jobs"
    where
      id = $9
      and name = $10
  ) as original
  join "soniq_webhook_endpoints" on "soniq_webhook_endpoints"."id"::text = original.payload ->> 'endpoint'
returning
  id,
  run_at;
