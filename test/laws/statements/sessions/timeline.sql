select
  case
    when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8)
  end
from
  (
    values
      (1)
  ) as one;

update "soniq_workers"
set
  "idle_queues" = case
    when coalesce(
      "soniq_workers"."timeline" <> coalesce("soniq_workers"."timeline" <> $1, false),
      false
    ) then '[]'
    else "soniq_workers"."idle_queues"
  end,
  "beat_at" = now(),
  "lease_expires_at" = case
    when coalesce(
      "soniq_workers"."timeline" <> coalesce("soniq_workers"."timeline" <> $2, false),
      false
    ) then '-infinity'::timestamptz
    else now() + $3::float8 * interval '1 millisecond'
  end,
  "ended_at" = case
    when coalesce(
      "soniq_workers"."timeline" <> coalesce("soniq_workers"."timeline" <> $4, false),
      false
    ) then now()
  end
where
  (
    "soniq_workers"."id" = $5
    and "soniq_workers"."ended_at" is null
  )
returning
  "ended_at" is null;

select
  "timeline"
from
  "soniq_workers"
where
  "soniq_workers"."id" = $1;
