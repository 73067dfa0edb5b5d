with
  announced as (
    insert into
      "soniq_jobs" (name, queue, max_attempts, payload, run_at)
    select
      $1::text,
      $2,
      $3::int,
      pg_catalog.jsonb_build_object (
        'endpoint',
        "soniq_webhook_endpoints"."id",
        'event',
        $4::text,
        'id',
        $5::text,
        'at',
        to_char(
          now() at time zone 'UTC',
          'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
        ),
        'data',
        $6::text::jsonb
      ),
      case
        when (
          "soniq_webhook_endpoints"."paused_at" is not null
          or coalesce(
            "soniq_webhook_endpoints"."open_until" > now(),
            false
          )
        ) then 'infinity'
        else clock_timestamp()
      end
    from
      "soniq_webhook_endpoints"
    where
      (
        "soniq_webhook_endpoints"."tenant" is null
        or "soniq_webhook_endpoints"."tenant" = $7::text
      )
      and (
        "soniq_webhook_endpoints"."events" = '[]'
        or "soniq_webhook_endpoints"."events" @> pg_catalog.to_jsonb ($8::text)
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
    when $9
    and run_at < 'infinity' then case
      when exists (
        select
          1
        from
          "soniq_workers"
        where
          "soniq_workers"."ended_at" is null
          and "soniq_workers"."lease_expires_at" > now()
          and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($10::text)
      ) then pg_notify ($11, $12) is null
    end
  end as rung
from
  announced
order by
  id;
