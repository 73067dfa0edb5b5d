insert into
  "soniq_jobs" (
    "id",
    "queue",
    "name",
    "state",
    "priority",
    "payload",
    "run_at",
    "claims",
    "claim_token",
    "attempt",
    "max_attempts",
    "crashes",
    "worker_id",
    "last_worker_id",
    "deadline_at",
    "cancel_requested_at",
    "unknown_since",
    "unique_key",
    "unique_held",
    "unique_until",
    "unique_expires_at",
    "created_at",
    "claimed_at",
    "finished_at",
    "result",
    "progress",
    "errors",
    "logs",
    "reason",
    "replays",
    "tags",
    "meta"
  )
values
  (
    default,
    $1,
    $2,
    default,
    $3,
    $4::text::jsonb,
    greatest(
      clock_timestamp(),
      coalesce(
        to_timestamp($5::float8 / 1000),
        clock_timestamp() + coalesce($6::float8, 0) * interval '1 millisecond'
      )
    ),
    default,
    default,
    default,
    $7,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    default,
    $8::text::jsonb,
    $9::text::jsonb
  )
returning
  "id",
  case
    when exists (
      select
        1
      from
        "soniq_workers"
      where
        "soniq_workers"."ended_at" is null
        and "soniq_workers"."lease_expires_at" > now()
        and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($10::text::text)
    ) then pg_notify ($11, $12::text) is null
  end as "rung";
