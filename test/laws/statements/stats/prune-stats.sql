with
  "deleted" as (
    delete from "soniq_stats"
    where
      "soniq_stats"."minute" < least(
        now() - $1::int * interval '1 second',
        (
          (
            select
              min("minute")
            from
              "soniq_stats"
          )
        ) + interval '5 minutes'
      )
    returning
      "minute"
  )
select
  "minute"
from
  "deleted"
limit
  $2;
