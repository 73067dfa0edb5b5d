select
  "id"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."unique_key" >= $1
    and "soniq_jobs"."unique_key" <= $2
    and unique_held
    and unique_key is not null
    and not (
      coalesce(unique_expires_at <= clock_timestamp(), false)
      and (
        finished_at is not null
        or unique_until = 'started'
        and claimed_at is not null
      )
    )
  )
order by
  "soniq_jobs"."unique_key" desc
limit
  $3;
