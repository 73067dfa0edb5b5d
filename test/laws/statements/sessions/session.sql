insert into
  "soniq_workers" (
    "id",
    "host",
    "pid",
    "version",
    "code",
    "timeline",
    "queues",
    "idle_queues",
    "schedules",
    "started_at",
    "beat_at",
    "lease_expires_at",
    "ended_at"
  )
values
  (
    default,
    $1,
    $2,
    $3,
    default,
    $4,
    $5::text::jsonb,
    default,
    $6::text::jsonb,
    default,
    default,
    now() + $7::float8 * interval '1 millisecond',
    default
  )
returning
  "id";

update "soniq_workers"
set
  "idle_queues" = case
    when false then '[]'
    else "soniq_workers"."idle_queues"
  end,
  "beat_at" = now(),
  "lease_expires_at" = case
    when false then '-infinity'::timestamptz
    else now() + $1::float8 * interval '1 millisecond'
  end,
  "ended_at" = case
    when false then now()
  end
where
  (
    "soniq_workers"."id" = $2
    and "soniq_workers"."ended_at" is null
  )
returning
  "ended_at" is null;

update "soniq_workers"
set
  "idle_queues" = $1::text::jsonb
where
  (
    "soniq_workers"."id" = $2
    and "soniq_workers"."ended_at" is null
  );

update "soniq_workers"
set
  "idle_queues" = '[]'::jsonb,
  "ended_at" = now()
where
  (
    "soniq_workers"."id" = $1
    and "soniq_workers"."ended_at" is null
  );
