update "soniq_jobs"
set
  "logs" = (
    select
      coalesce(
        pg_catalog.jsonb_agg (
          line
          order by
            place
        ),
        '[]'
      )
    from
      (
        select
          line,
          place
        from
          (
            select
              line,
              place
            from
              jsonb_array_elements(
                case
                  when jsonb_typeof("soniq_jobs"."logs") = 'array' then "soniq_jobs"."logs"
                  else '[]'
                end
              ) with ordinality as kept (line, place)
            union all
            select
              line,
              jsonb_array_length(
                case
                  when jsonb_typeof("soniq_jobs"."logs") = 'array' then "soniq_jobs"."logs"
                  else '[]'
                end
              ) + place
            from
              (
                select
                  pg_catalog.jsonb_build_object (
                    'at',
                    to_char(
                      (
                        "soniq_jobs"."claimed_at" + (line ->> 'afterUs')::bigint * interval '1 microsecond'
                      ) at time zone 'UTC',
                      'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
                    )
                  ) || (line - 'afterUs') as line,
                  place
                from
                  jsonb_array_elements(s.logs) with ordinality as sent (line, place)
              ) as timed
            where
              not case
                when jsonb_typeof("soniq_jobs"."logs") = 'array' then "soniq_jobs"."logs"
                else '[]'
              end @> pg_catalog.jsonb_build_array (line)
          ) as every
        order by
          place desc
        limit
          100
      ) as newest
  )
from
  (
    select
      *
    from
      jsonb_to_recordset($1::text::jsonb) as row ("workerId" uuid, id bigint, token int, logs jsonb)
    limit
      $2
  ) as s
where
  "soniq_jobs"."id" = s.id
  and "soniq_jobs"."claim_token" = s.token
  and "soniq_jobs"."worker_id" = s."workerId"
  and "soniq_jobs"."id" = any (
    array(
      (
        select
          "id"
        from
          "soniq_jobs"
        where
          "soniq_jobs"."id" = any ($3::text::bigint[])
        order by
          "soniq_jobs"."id"
        for no key update
          skip locked
      )
    )
  )
returning
  "soniq_jobs"."id",
  "soniq_jobs"."claim_token";
