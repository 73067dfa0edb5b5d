update "soniq_webhook_endpoints"
set
  "secrets" = $1::text::jsonb || coalesce(
    (
      select
        pg_catalog.jsonb_agg (
          secret || pg_catalog.jsonb_build_object (
            'expiresAt',
            least(
              now() + $2::float8 * interval '1 millisecond',
              (secret ->> 'expiresAt')::timestamptz
            )
          )
          order by
            ordinal
        )
      from
        jsonb_array_elements(
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
          )
        ) with ordinality as valid (secret, ordinal)
    ),
    '[]'
  ),
  "updated_at" = now()
where
  "soniq_webhook_endpoints"."id" = $3
returning
  "id";

select
  "id"
from
  "soniq_webhook_endpoints"
where
  "soniq_webhook_endpoints"."id" > $1
order by
  "soniq_webhook_endpoints"."id"
limit
  $2;
