select
  "id",
  "payload"::text
from
  "soniq_jobs"
where
  "soniq_jobs"."id" in ($1)
  and length("soniq_jobs"."payload"::text) <= $2;
