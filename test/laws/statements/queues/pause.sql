with
  "paused" as (
    insert into
      "soniq_queues" ("name", "paused_at")
    values
      ($1, clock_timestamp())
    on conflict ("name") do update
    set
      "paused_at" = coalesce("soniq_queues"."paused_at", excluded.paused_at)
    returning
      "name"
  )
select
  pg_notify ($2, "name") is null
from
  "paused";

with
  "resumed" as (
    update "soniq_queues"
    set
      "paused_at" = $1
    where
      (
        "soniq_queues"."name" = $2
        and "soniq_queues"."paused_at" is not null
      )
    returning
      "name"
  )
select
  pg_notify ($3, "name") is null
from
  "resumed";
