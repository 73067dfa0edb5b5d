select
  "name"
from
  "soniq_queues"
where
  (
    "soniq_queues"."name" in ($1)
    and "soniq_queues"."paused_at" is not null
  );

select
  exists (
    (
      select
        "id"
      from
        "soniq_jobs"
      where
        (
          state = 'active'
          and "soniq_jobs"."queue" in ($1)
        )
    )
  )
  or exists (
    (
      select
        "id"
      from
        "soniq_jobs"
      where
        (
          state = 'queued'
          and "soniq_jobs"."run_at" <= now() + $2::float8 * interval '1 millisecond'
          and "soniq_jobs"."queue" in ($3)
        )
    )
  )
from
  (
    values
      (1)
  ) as one;
