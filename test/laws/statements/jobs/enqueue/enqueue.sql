insert into
  "soniq_jobs" (
    "name",
    "queue",
    "priority",
    "max_attempts",
    "payload",
    "tags",
    "meta",
    "run_at",
    "expires_at"
  )
select
  $1::text,
  $2::text,
  $3::int,
  $4::int,
  $5::text::jsonb,
  $6::text::jsonb,
  $7::text::jsonb,
  greatest(
    clock_timestamp(),
    coalesce(
      to_timestamp($8::float8 / 1000),
      clock_timestamp() + coalesce($9::float8, 0) * interval '1 millisecond'
    )
  ),
  clock_timestamp() + $10::float8 * interval '1 millisecond'
returning
  id,
  case
    when exists (
      select
        1
      from
        "soniq_workers"
      where
        "soniq_workers"."ended_at" is null
        and "soniq_workers"."lease_expires_at" > now()
        and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($11::text::text)
    ) then pg_notify ($12, $13::text) is null
  end as rung;
