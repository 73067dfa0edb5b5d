select
  "name"
from
  "soniq_schedules"
order by
  "soniq_schedules"."name" asc
limit
  $1;
