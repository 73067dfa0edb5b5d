update "soniq_jobs"
set
  "run_at" = now()
where
  (
    (
      "soniq_jobs"."state" = 'queued'
      and "soniq_jobs"."name" <> $1
    )
    and (
      "soniq_jobs"."claims" = 0
      or "soniq_jobs"."manual_retries" > 0
    )
    and "soniq_jobs"."run_at" > now()
    and "soniq_jobs"."run_at" <= clock_timestamp()
  );

select distinct
  "queue"
from
  "soniq_jobs"
where
  (
    (
      "soniq_jobs"."state" = 'queued'
      and "soniq_jobs"."name" <> $1
    )
    and "soniq_jobs"."run_at" <= now()
  )
order by
  "soniq_jobs"."queue";
