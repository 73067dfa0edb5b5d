select
  count(*)
from
  (
    select
      "id"
    from
      "soniq_jobs"
    where
      "soniq_jobs"."state" = 'dead'
    limit
      $1
  ) "newest";
