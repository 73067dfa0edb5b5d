with
  document as materialized (
    select distinct
      schedules || '{}' as schedules
    from
      "soniq_workers"
    where
      "soniq_workers"."ended_at" is null
      and "soniq_workers"."lease_expires_at" > now()
  ),
  found as materialized (
    select
      new.name,
      (
        schedule.definition <> new.definition
        and (
          not jsonb_exists (schedule.definitions, new.definition)
          or not exists (
            select
              1
            from
              document
            where
              schedule.definitions -> (document.schedules ->> new.name) > coalesce(schedule.definitions -> new.definition, '0')
          )
        )
      ) as outdated
    from
      jsonb_to_recordset($1::text::jsonb) as new (name text, definition text)
      join "soniq_schedules" as schedule on schedule.name = new.name
  )
select
  floor(
    (
      extract(
        epoch
        from
          clock_timestamp()
      ) * 1000
    )::float8
  ) as now,
  coalesce(pg_catalog.jsonb_agg (name), '[]')::text as existing,
  coalesce(
    pg_catalog.jsonb_agg (name) filter (
      where
        outdated
    ),
    '[]'
  )::text as outdated
from
  found;

with
  document as materialized (
    select distinct
      schedules || '{}' as schedules
    from
      "soniq_workers"
    where
      "soniq_workers"."ended_at" is null
      and "soniq_workers"."lease_expires_at" > now()
  ),
  found as materialized (
    select
      new.name,
      (
        schedule.definition <> new.definition
        and (
          not exists (
            select
              1
            from
              document
            where
              schedule.definitions -> (document.schedules ->> new.name) > coalesce(schedule.definitions -> new.definition, '0')
          )
        )
      ) as outdated
    from
      jsonb_to_recordset($1::text::jsonb) as new (name text, definition text)
      join "soniq_schedules" as schedule on schedule.name = new.name
  )
select
  floor(
    (
      extract(
        epoch
        from
          clock_timestamp()
      ) * 1000
    )::float8
  ) as now,
  coalesce(pg_catalog.jsonb_agg (name), '[]')::text as existing,
  coalesce(
    pg_catalog.jsonb_agg (name) filter (
      where
        outdated
    ),
    '[]'
  )::text as outdated
from
  found;
