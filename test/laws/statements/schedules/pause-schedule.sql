update "soniq_schedules"
set
  "paused_at" = coalesce("soniq_schedules"."paused_at", now()),
  "updated_at" = now()
where
  "soniq_schedules"."name" = $1
returning
  "name";

select
  "name"
from
  "soniq_schedules"
order by
  "soniq_schedules"."name" asc
limit
  $1;
