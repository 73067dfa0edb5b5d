select
  "name",
  "kind",
  "error",
  count(*),
  (
    extract(
      epoch
      from
        min("newest"."finished_at")
    ) * 1000
  )::float8,
  (
    extract(
      epoch
      from
        max("newest"."finished_at")
    ) * 1000
  )::float8
from
  (
    select
      "name",
      split_part(coalesce("reason", ''), ':', 1) as "kind",
      "errors" -> -1 ->> 'name' as "error",
      "finished_at"
    from
      "soniq_jobs"
    where
      (
        "soniq_jobs"."state" = 'dead'
        and "soniq_jobs"."name" = $1
      )
    order by
      "soniq_jobs"."finished_at" desc,
      "soniq_jobs"."id" desc
    limit
      $2
  ) "newest"
group by
  "newest"."name",
  "kind",
  "error"
order by
  count(*) desc,
  "newest"."name",
  "kind",
  "error";
