with
  "found" as (
    select
      "id",
      "state",
      "finished_at",
      "soniq_jobs"."run_at" = 'infinity' as "is_parked"
    from
      "soniq_jobs"
    where
      "soniq_jobs"."id" = $1
    for no key update
  ),
  "moved" as (
    update "soniq_jobs"
    set
      "run_at" = least("soniq_jobs"."run_at", clock_timestamp())
    where
      "soniq_jobs"."id" = any (
        array(
          select
            "found"."id"
          from
            "found"
          where
            "found"."state" = 'queued'
            and not "is_parked"
        )
      )
    returning
      "queue"
  )
select
  "state",
  "is_parked",
  (
    select
      case
        when exists (
          select
            1
          from
            "soniq_workers"
          where
            "soniq_workers"."ended_at" is null
            and "soniq_workers"."lease_expires_at" > now()
            and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ("moved"."queue"::text)
        ) then pg_notify ($2, "moved"."queue") is null
      end
    from
      "moved"
  )
from
  "found"
where
  "found"."finished_at" is null;
