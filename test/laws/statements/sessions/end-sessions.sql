update "soniq_workers"
set
  "idle_queues" = '[]'::jsonb,
  "lease_expires_at" = case
    when false then '-infinity'::timestamptz
    else "soniq_workers"."lease_expires_at"
  end,
  "ended_at" = now()
where
  "soniq_workers"."id" = any (
    array(
      (
        select
          "id"
        from
          "soniq_workers"
        where
          (
            "soniq_workers"."ended_at" is null
            and "soniq_workers"."lease_expires_at" < now()
          )
        for no key update
          skip locked
      )
    )
  )
returning
  "id";

update "soniq_workers"
set
  "idle_queues" = '[]'::jsonb,
  "ended_at" = now()
where
  (
    "soniq_workers"."ended_at" is null
    and "soniq_workers"."started_at" < pg_postmaster_start_time()
  )
returning
  "id";

select
  "id",
  (
    select
      1
    from
      "soniq_jobs"
    where
      state = 'active'
      and worker_id = "soniq_workers".id
    limit
      1
  ) is not null,
  "ended_at" < now() - $1::float8 * interval '1 millisecond'
from
  "soniq_workers"
where
  (
    "soniq_workers"."ended_at" is not null
    and not "soniq_workers"."id" = any ($2::text::uuid[])
  );

delete from "soniq_workers"
where
  (
    "soniq_workers"."ended_at" is not null
    and "soniq_workers"."ended_at" < now() - $1::float8 * interval '1 millisecond'
    and (
      select
        1
      from
        "soniq_jobs"
      where
        state = 'active'
        and worker_id = "soniq_workers".id
      limit
        1
    ) is null
  );
