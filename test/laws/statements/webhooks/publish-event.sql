with
  published as (
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
      pg_catalog.jsonb_build_object (
        'endpoint',
        "soniq_webhook_endpoints"."id",
        'event',
        $5::text,
        'id',
        $6::text,
        'at',
        to_char(
          now() at time zone 'UTC',
          'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        ),
        'data',
        $7::text::jsonb
      ),
      $8::text::jsonb,
      $9::text::jsonb,
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
          clock_timestamp() + coalesce($10::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $11::float8 * interval '1 millisecond'
    from
      "soniq_webhook_endpoints"
    where
      (
        "soniq_webhook_endpoints"."tenant" is null
        or "soniq_webhook_endpoints"."tenant" = $12::text
      )
      and (
        "soniq_webhook_endpoints"."events" = '[]'
        or "soniq_webhook_endpoints"."events" @> pg_catalog.to_jsonb ($13::text)
      )
    order by
      "soniq_webhook_endpoints"."id"
    returning
      id,
      run_at
  )
select
  id,
  case
    when $14
    and run_at < 'infinity' then case
      when exists (
        select
          1
        from
          "soniq_workers"
        where
          "soniq_workers"."ended_at" is null
          and "soniq_workers"."lease_expires_at" > now()
          and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($15::text)
      ) then pg_notify ($16, $17) is null
    end
  end as rung
from
  published
order by
  id;
