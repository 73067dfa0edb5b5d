select
  "id"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."state" = 'queued'
    and "soniq_jobs"."expires_at" <= now()
    and coalesce(
      "soniq_jobs"."expires_at" <= now()
      and "soniq_jobs"."attempt" = 0,
      false
    )
    and not "soniq_jobs"."id" = any ($1::text::bigint[])
  )
order by
  "soniq_jobs"."expires_at"
limit
  $2
for no key update
  skip locked;
