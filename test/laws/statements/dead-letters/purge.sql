select
  coalesce(
    to_char(
      (clock_timestamp()) at time zone 'UTC',
      'YYYY-MM-DD HH24:MI:SS.US+00'
    ),
    '-infinity'
  )
from
  (
    values
      (1)
  ) as one;
