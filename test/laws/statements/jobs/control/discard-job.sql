with
  "found" as (
    select
      "id",
      "state",
      "finished_at"
    from
      "soniq_jobs"
    where
      "soniq_jobs"."id" = $1
    for no key update
  ),
  "discarded" as (
    update "soniq_jobs"
    set
      "state" = $2,
      "unique_held" = "soniq_jobs"."unique_held"
      and (
        false
        or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
      ),
      "finished_at" = now(),
      "reason" = $3
    where
      "soniq_jobs"."id" = any (
        array(
          select
            "found"."id"
          from
            "found"
          where
            "found"."state" = 'queued'
        )
      )
    returning
      "id"
  )
select
  "state"
from
  "found"
where
  "found"."finished_at" is null;
