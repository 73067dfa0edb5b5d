select
  "id",
  (
    extract(
      epoch
      from
        "at"
    ) * 1000
  )::float8,
  "actor",
  "action",
  coalesce("target", ''),
  "outcome"
from
  "soniq_audit"
where
  "soniq_audit"."id" < $1
order by
  "soniq_audit"."id" desc
limit
  $2;
