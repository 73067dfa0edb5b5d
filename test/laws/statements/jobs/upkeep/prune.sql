select
  pg_catalog.format ('%I.%I', nspname, relname),
  quote_ident(attname)
from
  pg_constraint
  inner join pg_class on pg_class.oid = conrelid
  inner join pg_namespace on pg_namespace.oid = relnamespace
  inner join pg_attribute on attrelid = conrelid
  and attnum = conkey[1]
where
  contype = 'f'
  and confrelid = to_regclass('soniq_jobs')
  and confdeltype in ('a', 'r')
  and has_schema_privilege(relnamespace, 'usage')
  and has_table_privilege(conrelid, 'select');

select
  coalesce(
    to_char(
      (
        to_timestamp(
          greatest(
            0,
            extract(
              epoch
              from
                now()
            )::float8 - $1::float8 / 1000
          )
        )
      ) at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  )
from
  (
    values
      (1)
  ) as one;

select
  coalesce(
    pg_catalog.json_agg (
      "page"."id"
      order by
        "page"."finished_at",
        "page"."id"
    ) filter (
      where
        "prunable"
        and not "referenced"
    ),
    '[]'
  )::text,
  (
    count(*) filter (
      where
        "prunable"
        and "referenced"
    )
  )::int,
  count(*)::int,
  coalesce(
    to_char(
      (max("page"."finished_at")) at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  ),
  (
    (
      pg_catalog.array_agg (
        "page"."id"
        order by
          "page"."finished_at",
          "page"."id"
      )
    ) [count(*)]
  )::float8
from
  (
    select
      "id",
      "finished_at",
      (
        "soniq_jobs"."state" = 'completed'
        and not (
          "soniq_jobs"."unique_held"
          and coalesce("soniq_jobs"."unique_expires_at" > now(), false)
        )
      ) as "prunable",
      false as "referenced"
    from
      "soniq_jobs"
    where
      (
        ("soniq_jobs"."finished_at", "soniq_jobs"."id") > ($1::timestamptz, $2::bigint)
        and "soniq_jobs"."finished_at" < $3::timestamptz
      )
    order by
      "soniq_jobs"."finished_at",
      "soniq_jobs"."id"
    limit
      $4
  ) "page";

select
  coalesce(
    pg_catalog.json_agg (
      "page"."id"
      order by
        "page"."finished_at",
        "page"."id"
    ) filter (
      where
        "prunable"
        and not "referenced"
    ),
    '[]'
  )::text,
  (
    count(*) filter (
      where
        "prunable"
        and "referenced"
    )
  )::int,
  count(*)::int,
  coalesce(
    to_char(
      (max("page"."finished_at")) at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  ),
  (
    (
      pg_catalog.array_agg (
        "page"."id"
        order by
          "page"."finished_at",
          "page"."id"
      )
    ) [count(*)]
  )::float8
from
  (
    select
      "id",
      "finished_at",
      (
        "soniq_jobs"."state" = 'dead'
        and "soniq_jobs"."name" = any (
          array(
            select
              jsonb_array_elements_text($1::text::jsonb)
          )
        )
        and not (
          "soniq_jobs"."unique_held"
          and coalesce("soniq_jobs"."unique_expires_at" > now(), false)
        )
      ) as "prunable",
      (
        false
        or exists (
          select
            1
          from
            orders as referencing
          where
            referencing.job_id = "soniq_jobs"."id"
        )
      ) as "referenced"
    from
      "soniq_jobs"
    where
      (
        "soniq_jobs"."state" = 'dead'
        and ("soniq_jobs"."finished_at", "soniq_jobs"."id") > ($2::timestamptz, $3::bigint)
        and "soniq_jobs"."finished_at" < $4::timestamptz
      )
    order by
      "soniq_jobs"."finished_at",
      "soniq_jobs"."id"
    limit
      $5
  ) "page";

delete from "soniq_jobs"
where
  "soniq_jobs"."id" = any (
    array(
      (
        select
          "id"
        from
          "soniq_jobs"
        where
          (
            "soniq_jobs"."id" = any ($1::text::bigint[])
            and "soniq_jobs"."state" = $2
          )
        for update
          skip locked
      )
    )
  )
returning
  "id";
