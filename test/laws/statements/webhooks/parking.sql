select
  "id",
  case
    when (
      "soniq_webhook_endpoints"."paused_at" is not null
      or coalesce(
        "soniq_webhook_endpoints"."open_until" > now(),
        false
      )
    ) then 'blocked'
    when "soniq_webhook_endpoints"."failures" >= 10 then 'half-open'
    else 'unparking'
  end
from
  "soniq_webhook_endpoints"
where
  (
    "soniq_webhook_endpoints"."paused_at" is not null
    or "soniq_webhook_endpoints"."open_until" is not null
  );

select
  coalesce(
    pg_catalog.jsonb_agg ("id") filter (
      where
        "is_match"
    ),
    '[]'
  )::text,
  max("id")::text,
  count(*)::int
from
  (
    select
      "id",
      (
        "soniq_jobs"."state" = 'queued'
        and (
          "soniq_jobs"."run_at" <= now()
          and exists (
            select
              1
            from
              "soniq_webhook_endpoints"
            where
              (
                "soniq_webhook_endpoints"."id" = $1
                and (
                  "soniq_webhook_endpoints"."paused_at" is not null
                  or coalesce(
                    "soniq_webhook_endpoints"."open_until" > now(),
                    false
                  )
                )
              )
          )
        )
      ) as "is_match"
    from
      "soniq_jobs"
    where
      (
        name = 'soniq.webhook'
        and (payload ->> 'endpoint') = $2
        and "soniq_jobs"."id" > $3::bigint
      )
    order by
      "soniq_jobs"."id"
    limit
      $4
  ) "page";

select
  coalesce(
    pg_catalog.jsonb_agg ("id") filter (
      where
        "is_match"
    ),
    '[]'
  )::text,
  max("id")::text,
  count(*)::int
from
  (
    select
      "id",
      (
        "soniq_jobs"."state" = 'queued'
        and "soniq_jobs"."run_at" = 'infinity'
      ) as "is_match"
    from
      "soniq_jobs"
    where
      (
        name = 'soniq.webhook'
        and (payload ->> 'endpoint') = $1
        and "soniq_jobs"."id" > $2::bigint
      )
    order by
      "soniq_jobs"."id"
    limit
      $3
  ) "page";

select
  "id"
from
  "soniq_jobs"
where
  (
    name = 'soniq.webhook'
    and (payload ->> 'endpoint') = $1
    and "soniq_jobs"."id" < $2::bigint
    and "soniq_jobs"."state" = 'queued'
    and "soniq_jobs"."run_at" = 'infinity'
  )
order by
  "soniq_jobs"."id" desc
limit
  $3;

update "soniq_webhook_endpoints"
set
  "open_until" = $1
where
  (
    "soniq_webhook_endpoints"."id" = $2
    and "soniq_webhook_endpoints"."paused_at" is null
    and not "soniq_webhook_endpoints"."failures" >= 10
    and "soniq_webhook_endpoints"."open_until" <= now()
  );

select
  "id"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."state" = 'queued'
    and "soniq_jobs"."queue" = $1
    and "soniq_jobs"."priority" = 5
    and "soniq_jobs"."run_at" >= now() - interval '1 hour'
    and "soniq_jobs"."run_at" <= now()
  )
order by
  "soniq_jobs"."run_at"
limit
  $2
offset
  $3;

select
  "soniq_jobs"."id",
  "soniq_webhook_endpoints"."id" is null
  or (
    "soniq_webhook_endpoints"."paused_at" is null
    and not "soniq_webhook_endpoints"."failures" >= 10
  )
from
  "soniq_jobs"
  left join "soniq_webhook_endpoints" on "soniq_webhook_endpoints"."id"::text = "soniq_jobs"."payload" ->> 'endpoint'
where
  (
    "soniq_jobs"."state" = 'queued'
    and "soniq_jobs"."queue" = $1
    and "soniq_jobs"."priority" = 5
    and "soniq_jobs"."run_at" = 'infinity'
    and "soniq_jobs"."id" > $2::bigint
  )
order by
  "soniq_jobs"."id"
limit
  $3;
