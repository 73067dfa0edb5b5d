with
  "cancelled" as (
    update "soniq_jobs"
    set
      "state" = case
        when "soniq_jobs"."state" = 'queued' then 'cancelled'
        else "soniq_jobs"."state"
      end,
      "cancel_requested_at" = coalesce("soniq_jobs"."cancel_requested_at", now()),
      "unique_held" = "soniq_jobs"."unique_held"
      and (
        not ("soniq_jobs"."state" = 'queued')
        or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
      ),
      "finished_at" = case
        when "soniq_jobs"."state" = 'queued' then now()
      end,
      "reason" = $1
    where
      (
        "soniq_jobs"."id" = $2
        and "soniq_jobs"."state" in ($3, $4)
      )
    returning
      "state",
      "worker_id"
  )
select
  "state",
  case
    when "worker_id" is not null then pg_notify ($5, "worker_id"::text) is null
  end
from
  "cancelled";

update "soniq_jobs"
set
  "state" = $1,
  "cancel_requested_at" = now(),
  "unique_held" = "soniq_jobs"."unique_held"
  and (
    false
    or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
  ),
  "finished_at" = now(),
  "reason" = $2
where
  (
    "soniq_jobs"."id" = any ($3::text::bigint[])
    and "soniq_jobs"."state" = 'queued'
  )
returning
  "id";
