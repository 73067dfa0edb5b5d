select
  pg_notify ($1, $2) is null
from
  (
    values
      (1)
  ) as one;
