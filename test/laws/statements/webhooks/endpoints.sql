insert into
  "soniq_webhook_endpoints" (
    "id",
    "url",
    "description",
    "tenant",
    "events",
    "secrets",
    "headers",
    "paused_at",
    "paused_reason",
    "failures",
    "open_until",
    "created_at",
    "updated_at"
  )
values
  (
    $1,
    $2,
    $3,
    $4,
    $5::text::jsonb,
    $6::text::jsonb,
    $7::text::jsonb,
    default,
    default,
    default,
    default,
    default,
    default
  );

select
  "id",
  "url",
  coalesce("description", ''),
  "tenant",
  "events"::text,
  case
    when "paused_at" is not null then 'paused'
    when "soniq_webhook_endpoints"."failures" >= 10 then 'open'
    else 'working'
  end,
  "paused_reason",
  "failures",
  (
    extract(
      epoch
      from
        "open_until"
    ) * 1000
  )::float8,
  (
    "soniq_webhook_endpoints"."paused_at" is not null
    or coalesce(
      "soniq_webhook_endpoints"."open_until" > now(),
      false
    )
  ),
  (
    extract(
      epoch
      from
        "created_at"
    ) * 1000
  )::float8
from
  "soniq_webhook_endpoints"
order by
  "soniq_webhook_endpoints"."created_at",
  "soniq_webhook_endpoints"."id";

select
  "id",
  "url",
  coalesce("description", ''),
  "tenant",
  "events"::text,
  case
    when "paused_at" is not null then 'paused'
    when "soniq_webhook_endpoints"."failures" >= 10 then 'open'
    else 'working'
  end,
  "paused_reason",
  "failures",
  (
    extract(
      epoch
      from
        "open_until"
    ) * 1000
  )::float8,
  (
    "soniq_webhook_endpoints"."paused_at" is not null
    or coalesce(
      "soniq_webhook_endpoints"."open_until" > now(),
      false
    )
  ),
  (
    extract(
      epoch
      from
        "created_at"
    ) * 1000
  )::float8
from
  "soniq_webhook_endpoints"
where
  "soniq_webhook_endpoints"."tenant" = $1
order by
  "soniq_webhook_endpoints"."created_at",
  "soniq_webhook_endpoints"."id";

update "soniq_webhook_endpoints"
set
  "paused_at" = coalesce("soniq_webhook_endpoints"."paused_at", now()),
  "paused_reason" = $1,
  "updated_at" = now()
where
  "soniq_webhook_endpoints"."id" = $2
returning
  "id";

update "soniq_webhook_endpoints"
set
  "paused_at" = $1,
  "paused_reason" = $2,
  "failures" = $3,
  "open_until" = now(),
  "updated_at" = now()
where
  "soniq_webhook_endpoints"."id" = $4
returning
  "id";
