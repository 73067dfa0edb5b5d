delete from "soniq_schedules"
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
