with
  "probe" as (
    update "soniq_webhook_endpoints"
    set
      "open_until" = now() + interval '1 minute'
    where
      (
        "soniq_webhook_endpoints"."id" = $1
        and "soniq_webhook_endpoints"."paused_at" is null
        and "soniq_webhook_endpoints"."failures" >= 10
        and "soniq_webhook_endpoints"."open_until" <= now()
      )
    returning
      "id"
  )
select
  "url",
  "headers"::text,
  coalesce(
    (
      select
        pg_catalog.jsonb_agg (
          secret
          order by
            ordinal
        )
      from
        jsonb_array_elements("soniq_webhook_endpoints"."secrets") with ordinality as stored (secret, ordinal)
      where
        coalesce(
          (secret ->> 'expiresAt')::timestamptz > now(),
          true
        )
    ),
    '[]'
  )::text,
  "paused_at" is null
  and not "soniq_webhook_endpoints"."failures" >= 10,
  exists (
    select
      1
    from
      "probe"
  ),
  extract(
    epoch
    from
      clock_timestamp()
  )::float8
from
  "soniq_webhook_endpoints"
where
  "soniq_webhook_endpoints"."id" = $2;

update "soniq_webhook_endpoints"
set
  "failures" = $1,
  "open_until" = case
    when "soniq_webhook_endpoints"."failures" >= 10 then now()
    else "soniq_webhook_endpoints"."open_until"
  end
where
  (
    "soniq_webhook_endpoints"."id" = $2
    and "soniq_webhook_endpoints"."failures" > $3
  );

update "soniq_webhook_endpoints"
set
  "failures" = "soniq_webhook_endpoints"."failures" + 1,
  "open_until" = case
    when "soniq_webhook_endpoints"."failures" + 1 >= 10 then now() + least(
      60,
      2 ^ least("soniq_webhook_endpoints"."failures" + 1 - 10, 10)
    ) * interval '1 minute'
    else "soniq_webhook_endpoints"."open_until"
  end
where
  "soniq_webhook_endpoints"."id" = $1;

update "soniq_webhook_endpoints"
set
  "failures" = "soniq_webhook_endpoints"."failures" + 1,
  "open_until" = case
    when "soniq_webhook_endpoints"."failures" + 1 >= 10 then now() + least(
      60,
      2 ^ least("soniq_webhook_endpoints"."failures" + 1 - 10, 10)
    ) * interval '1 minute'
    else "soniq_webhook_endpoints"."open_until"
  end
where
  (
    "soniq_webhook_endpoints"."id" = $1
    and "soniq_webhook_endpoints"."failures" < 10
  );
