select
  due.id
from
  (
    select
      "due"."id",
      "weight"
    from
      jsonb_to_recordset($1::text::jsonb) as range (
        priority smallint,
        "runAt" timestamptz,
        id bigint,
        "endAt" timestamptz,
        "endId" bigint
      )
      cross join lateral (
        select
          "id",
          pg_column_size("payload")::float8 * case
            when pg_column_compression("payload") is null then 1
            else 32
          end as "weight"
        from
          "soniq_jobs"
        where
          (
            (
              "soniq_jobs"."state" = 'queued'
              and "soniq_jobs"."queue" = $2
              and "soniq_jobs"."run_at" <= now()
              and not coalesce(
                "soniq_jobs"."expires_at" <= now()
                and "soniq_jobs"."attempt" = 0,
                false
              )
            )
            and "soniq_jobs"."priority" = range.priority
            and ("soniq_jobs"."run_at", "soniq_jobs"."id") >= (range."runAt", range.id)
            and ("soniq_jobs"."run_at", "soniq_jobs"."id") < (range."endAt", range."endId")
            and "soniq_jobs"."id" <> all (
              (
                select
                  $3::text::bigint[]
              )::bigint[]
            )
          )
        order by
          "soniq_jobs"."run_at",
          "soniq_jobs"."id"
        limit
          $4
      ) "due"
    where
      true
    limit
      $5
  ) "due";
