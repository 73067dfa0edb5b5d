select
  "id",
  octet_length("payload"::text)
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."id" = any ($1::text::bigint[])
    and "soniq_jobs"."name" = $2
  )
order by
  "soniq_jobs"."id";
