select
  "name",
  "state",
  "result"::text,
  "progress"::text,
  coalesce("reason", ''),
  "errors"::text,
  case
    when "finished_at" is null then pg_notify ($1, "id"::text) is null
  end
from
  "soniq_jobs"
where
  "soniq_jobs"."id" = $2;

select
  $1::bigint between 1 and case
    when has_sequence_privilege(
      pg_get_serial_sequence('soniq_jobs', 'id'),
      'select, usage'
    ) then pg_sequence_last_value (
      pg_get_serial_sequence('soniq_jobs', 'id')::regclass
    )
  end
from
  (
    values
      (1)
  ) as one;

select
  "name",
  "state",
  "result"::text,
  "progress"::text,
  coalesce("reason", ''),
  "errors"::text,
  null
from
  "soniq_jobs"
where
  "soniq_jobs"."id" = $1;
