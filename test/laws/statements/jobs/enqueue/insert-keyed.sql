insert into
  "soniq_jobs" (
    "name",
    "queue",
    "priority",
    "max_attempts",
    "payload",
    "tags",
    "meta",
    "unique_key",
    "unique_until",
    "unique_expires_at",
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
  $8::text,
  $9::text,
  clock_timestamp() + $10::float8 * interval '1 millisecond',
  greatest(
    clock_timestamp(),
    coalesce(
      to_timestamp($11::float8 / 1000),
      clock_timestamp() + coalesce($12::float8, 0) * interval '1 millisecond'
    )
  ),
  clock_timestamp() + $13::float8 * interval '1 millisecond'
on conflict (unique_key)
where
  unique_held
  and unique_key is not null do nothing
returning
  id,
  false as deduplicated;

with
  inserted as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "unique_key",
        "unique_until",
        "unique_expires_at",
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
      $8::text,
      $9::text,
      clock_timestamp() + $10::float8 * interval '1 millisecond',
      greatest(
        clock_timestamp(),
        coalesce(
          to_timestamp($11::float8 / 1000),
          clock_timestamp() + coalesce($12::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $13::float8 * interval '1 millisecond'
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do nothing
    returning
      id,
      false as deduplicated
  )
select
  id,
  deduplicated,
  case
    when exists (
      select
        1
      from
        "soniq_workers"
      where
        "soniq_workers"."ended_at" is null
        and "soniq_workers"."lease_expires_at" > now()
        and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($14::text::text)
    ) then pg_notify ($15, $16::text) is null
  end as rung
from
  inserted;

with
  freed as (
    update "soniq_jobs"
    set
      unique_held = false
    where
      unique_key = $1::text
      and unique_held
      and unique_key is not null
      and (
        coalesce(unique_expires_at <= clock_timestamp(), false)
        and (
          finished_at is not null
          or unique_until = 'started'
          and claimed_at is not null
        )
      )
    returning
      id
  ),
  inserted as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "unique_key",
        "unique_until",
        "unique_expires_at",
        "run_at",
        "expires_at"
      )
    select
      $2::text,
      $3::text,
      $4::int,
      $5::int,
      $6::text::jsonb,
      $7::text::jsonb,
      $8::text::jsonb,
      (
        select
          $9::text
        from
          (
            select
              count(*)
            from
              freed
          ) as freed
      ),
      $10::text,
      clock_timestamp() + $11::float8 * interval '1 millisecond',
      greatest(
        clock_timestamp(),
        coalesce(
          to_timestamp($12::float8 / 1000),
          clock_timestamp() + coalesce($13::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $14::float8 * interval '1 millisecond'
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do nothing
    returning
      id,
      false as deduplicated
  )
select
  id,
  deduplicated,
  case
    when $15::boolean then case
      when exists (
        select
          1
        from
          "soniq_workers"
        where
          "soniq_workers"."ended_at" is null
          and "soniq_workers"."lease_expires_at" > now()
          and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($16::text::text)
      ) then pg_notify ($17, $18::text) is null
    end
  end as rung
from
  inserted;

insert into
  "soniq_jobs" (
    "name",
    "queue",
    "priority",
    "max_attempts",
    "payload",
    "tags",
    "meta",
    "unique_key",
    "unique_until",
    "unique_expires_at",
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
  $8::text,
  $9::text,
  clock_timestamp() + $10::float8 * interval '1 millisecond',
  greatest(
    clock_timestamp(),
    coalesce(
      to_timestamp($11::float8 / 1000),
      clock_timestamp() + coalesce($12::float8, 0) * interval '1 millisecond'
    )
  ),
  clock_timestamp() + $13::float8 * interval '1 millisecond'
on conflict (unique_key)
where
  unique_held
  and unique_key is not null do update
set
  "max_attempts" = excluded."max_attempts",
  "payload" = excluded."payload",
  "tags" = excluded."tags",
  "meta" = excluded."meta",
  "unique_until" = excluded."unique_until",
  "expires_at" = excluded."expires_at"
where
  "soniq_jobs"."state" = 'queued'
  and (
    "soniq_jobs"."max_attempts" is distinct from excluded."max_attempts"
    or "soniq_jobs"."payload" is distinct from excluded."payload"
    or "soniq_jobs"."tags" is distinct from excluded."tags"
    or "soniq_jobs"."meta" is distinct from excluded."meta"
    or "soniq_jobs"."unique_until" is distinct from excluded."unique_until"
    or "soniq_jobs"."expires_at" is distinct from excluded."expires_at"
  )
returning
  id,
  xmax <> 0 as deduplicated;

with
  inserted as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "unique_key",
        "unique_until",
        "unique_expires_at",
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
      $8::text,
      $9::text,
      clock_timestamp() + $10::float8 * interval '1 millisecond',
      greatest(
        clock_timestamp(),
        coalesce(
          to_timestamp($11::float8 / 1000),
          clock_timestamp() + coalesce($12::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $13::float8 * interval '1 millisecond'
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do update
    set
      "max_attempts" = excluded."max_attempts",
      "payload" = excluded."payload",
      "tags" = excluded."tags",
      "meta" = excluded."meta",
      "unique_until" = excluded."unique_until",
      "expires_at" = excluded."expires_at"
    where
      "soniq_jobs"."state" = 'queued'
      and (
        "soniq_jobs"."max_attempts" is distinct from excluded."max_attempts"
        or "soniq_jobs"."payload" is distinct from excluded."payload"
        or "soniq_jobs"."tags" is distinct from excluded."tags"
        or "soniq_jobs"."meta" is distinct from excluded."meta"
        or "soniq_jobs"."unique_until" is distinct from excluded."unique_until"
        or "soniq_jobs"."expires_at" is distinct from excluded."expires_at"
      )
    returning
      id,
      xmax <> 0 as deduplicated
  )
select
  id,
  deduplicated,
  case
    when exists (
      select
        1
      from
        "soniq_workers"
      where
        "soniq_workers"."ended_at" is null
        and "soniq_workers"."lease_expires_at" > now()
        and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($14::text::text)
    ) then pg_notify ($15, $16::text) is null
  end as rung
from
  inserted;

with
  freed as (
    update "soniq_jobs"
    set
      unique_held = false
    where
      unique_key = $1::text
      and unique_held
      and unique_key is not null
      and (
        coalesce(unique_expires_at <= clock_timestamp(), false)
        and (
          finished_at is not null
          or unique_until = 'started'
          and claimed_at is not null
        )
      )
    returning
      id
  ),
  inserted as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "unique_key",
        "unique_until",
        "unique_expires_at",
        "run_at",
        "expires_at"
      )
    select
      $2::text,
      $3::text,
      $4::int,
      $5::int,
      $6::text::jsonb,
      $7::text::jsonb,
      $8::text::jsonb,
      (
        select
          $9::text
        from
          (
            select
              count(*)
            from
              freed
          ) as freed
      ),
      $10::text,
      clock_timestamp() + $11::float8 * interval '1 millisecond',
      greatest(
        clock_timestamp(),
        coalesce(
          to_timestamp($12::float8 / 1000),
          clock_timestamp() + coalesce($13::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $14::float8 * interval '1 millisecond'
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do update
    set
      "max_attempts" = excluded."max_attempts",
      "payload" = excluded."payload",
      "tags" = excluded."tags",
      "meta" = excluded."meta",
      "unique_until" = excluded."unique_until",
      "expires_at" = excluded."expires_at"
    where
      "soniq_jobs"."state" = 'queued'
      and (
        "soniq_jobs"."max_attempts" is distinct from excluded."max_attempts"
        or "soniq_jobs"."payload" is distinct from excluded."payload"
        or "soniq_jobs"."tags" is distinct from excluded."tags"
        or "soniq_jobs"."meta" is distinct from excluded."meta"
        or "soniq_jobs"."unique_until" is distinct from excluded."unique_until"
        or "soniq_jobs"."expires_at" is distinct from excluded."expires_at"
      )
    returning
      id,
      xmax <> 0 as deduplicated
  )
select
  id,
  deduplicated,
  case
    when $15::boolean then case
      when exists (
        select
          1
        from
          "soniq_workers"
        where
          "soniq_workers"."ended_at" is null
          and "soniq_workers"."lease_expires_at" > now()
          and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($16::text::text)
      ) then pg_notify ($17, $18::text) is null
    end
  end as rung
from
  inserted;

insert into
  "soniq_jobs" (
    "name",
    "queue",
    "priority",
    "max_attempts",
    "payload",
    "tags",
    "meta",
    "unique_key",
    "unique_until",
    "unique_expires_at",
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
  $8::text,
  $9::text,
  clock_timestamp() + $10::float8 * interval '1 millisecond',
  greatest(
    clock_timestamp(),
    least(
      case
        when $11::float8 > 0 then to_timestamp(
          ceil(
            extract(
              epoch
              from
                greatest(
                  clock_timestamp(),
                  coalesce(
                    to_timestamp($12::float8 / 1000),
                    clock_timestamp() + coalesce($13::float8, 0) * interval '1 millisecond'
                  )
                )
            ) / (least(1000, $14::float8 / 16) / 1000)
          ) * (least(1000, $15::float8 / 16) / 1000)
        )
        else greatest(
          clock_timestamp(),
          coalesce(
            to_timestamp($16::float8 / 1000),
            clock_timestamp() + coalesce($17::float8, 0) * interval '1 millisecond'
          )
        )
      end,
      now() + $18::float8 * interval '1 millisecond'
    )
  ),
  clock_timestamp() + $19::float8 * interval '1 millisecond'
on conflict (unique_key)
where
  unique_held
  and unique_key is not null do update
set
  "queue" = excluded."queue",
  "priority" = excluded."priority",
  "max_attempts" = excluded."max_attempts",
  "payload" = excluded."payload",
  "tags" = excluded."tags",
  "meta" = excluded."meta",
  "unique_until" = excluded."unique_until",
  "run_at" = greatest(
    clock_timestamp(),
    least(
      excluded."run_at",
      "soniq_jobs"."created_at" + $20::float8 * interval '1 millisecond'
    )
  ),
  "expires_at" = excluded."expires_at"
where
  "soniq_jobs"."state" = 'queued'
  and (
    "soniq_jobs"."queue" is distinct from excluded."queue"
    or "soniq_jobs"."priority" is distinct from excluded."priority"
    or "soniq_jobs"."max_attempts" is distinct from excluded."max_attempts"
    or "soniq_jobs"."payload" is distinct from excluded."payload"
    or "soniq_jobs"."tags" is distinct from excluded."tags"
    or "soniq_jobs"."meta" is distinct from excluded."meta"
    or "soniq_jobs"."unique_until" is distinct from excluded."unique_until"
    or "soniq_jobs"."run_at" is distinct from greatest(
      clock_timestamp(),
      least(
        excluded."run_at",
        "soniq_jobs"."created_at" + $21::float8 * interval '1 millisecond'
      )
    )
    or "soniq_jobs"."expires_at" is distinct from excluded."expires_at"
  )
returning
  id,
  xmax <> 0 as deduplicated;

with
  inserted as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "unique_key",
        "unique_until",
        "unique_expires_at",
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
      $8::text,
      $9::text,
      clock_timestamp() + $10::float8 * interval '1 millisecond',
      greatest(
        clock_timestamp(),
        least(
          case
            when $11::float8 > 0 then to_timestamp(
              ceil(
                extract(
                  epoch
                  from
                    greatest(
                      clock_timestamp(),
                      coalesce(
                        to_timestamp($12::float8 / 1000),
                        clock_timestamp() + coalesce($13::float8, 0) * interval '1 millisecond'
                      )
                    )
                ) / (least(1000, $14::float8 / 16) / 1000)
              ) * (least(1000, $15::float8 / 16) / 1000)
            )
            else greatest(
              clock_timestamp(),
              coalesce(
                to_timestamp($16::float8 / 1000),
                clock_timestamp() + coalesce($17::float8, 0) * interval '1 millisecond'
              )
            )
          end,
          now() + $18::float8 * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $19::float8 * interval '1 millisecond'
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do update
    set
      "queue" = excluded."queue",
      "priority" = excluded."priority",
      "max_attempts" = excluded."max_attempts",
      "payload" = excluded."payload",
      "tags" = excluded."tags",
      "meta" = excluded."meta",
      "unique_until" = excluded."unique_until",
      "run_at" = greatest(
        clock_timestamp(),
        least(
          excluded."run_at",
          "soniq_jobs"."created_at" + $20::float8 * interval '1 millisecond'
        )
      ),
      "expires_at" = excluded."expires_at"
    where
      "soniq_jobs"."state" = 'queued'
      and (
        "soniq_jobs"."queue" is distinct from excluded."queue"
        or "soniq_jobs"."priority" is distinct from excluded."priority"
        or "soniq_jobs"."max_attempts" is distinct from excluded."max_attempts"
        or "soniq_jobs"."payload" is distinct from excluded."payload"
        or "soniq_jobs"."tags" is distinct from excluded."tags"
        or "soniq_jobs"."meta" is distinct from excluded."meta"
        or "soniq_jobs"."unique_until" is distinct from excluded."unique_until"
        or "soniq_jobs"."run_at" is distinct from greatest(
          clock_timestamp(),
          least(
            excluded."run_at",
            "soniq_jobs"."created_at" + $21::float8 * interval '1 millisecond'
          )
        )
        or "soniq_jobs"."expires_at" is distinct from excluded."expires_at"
      )
    returning
      id,
      xmax <> 0 as deduplicated
  )
select
  id,
  deduplicated,
  case
    when exists (
      select
        1
      from
        "soniq_workers"
      where
        "soniq_workers"."ended_at" is null
        and "soniq_workers"."lease_expires_at" > now()
        and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($22::text::text)
    ) then pg_notify ($23, $24::text) is null
  end as rung
from
  inserted;

with
  freed as (
    update "soniq_jobs"
    set
      unique_held = false
    where
      unique_key = $1::text
      and unique_held
      and unique_key is not null
      and (
        coalesce(unique_expires_at <= clock_timestamp(), false)
        and (
          finished_at is not null
          or unique_until = 'started'
          and claimed_at is not null
        )
      )
    returning
      id
  ),
  inserted as (
    insert into
      "soniq_jobs" (
        "name",
        "queue",
        "priority",
        "max_attempts",
        "payload",
        "tags",
        "meta",
        "unique_key",
        "unique_until",
        "unique_expires_at",
        "run_at",
        "expires_at"
      )
    select
      $2::text,
      $3::text,
      $4::int,
      $5::int,
      $6::text::jsonb,
      $7::text::jsonb,
      $8::text::jsonb,
      (
        select
          $9::text
        from
          (
            select
              count(*)
            from
              freed
          ) as freed
      ),
      $10::text,
      clock_timestamp() + $11::float8 * interval '1 millisecond',
      greatest(
        clock_timestamp(),
        least(
          case
            when $12::float8 > 0 then to_timestamp(
              ceil(
                extract(
                  epoch
                  from
                    greatest(
                      clock_timestamp(),
                      coalesce(
                        to_timestamp($13::float8 / 1000),
                        clock_timestamp() + coalesce($14::float8, 0) * interval '1 millisecond'
                      )
                    )
                ) / (least(1000, $15::float8 / 16) / 1000)
              ) * (least(1000, $16::float8 / 16) / 1000)
            )
            else greatest(
              clock_timestamp(),
              coalesce(
                to_timestamp($17::float8 / 1000),
                clock_timestamp() + coalesce($18::float8, 0) * interval '1 millisecond'
              )
            )
          end,
          now() + $19::float8 * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $20::float8 * interval '1 millisecond'
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do update
    set
      "queue" = excluded."queue",
      "priority" = excluded."priority",
      "max_attempts" = excluded."max_attempts",
      "payload" = excluded."payload",
      "tags" = excluded."tags",
      "meta" = excluded."meta",
      "unique_until" = excluded."unique_until",
      "run_at" = greatest(
        clock_timestamp(),
        least(
          excluded."run_at",
          "soniq_jobs"."created_at" + $21::float8 * interval '1 millisecond'
        )
      ),
      "expires_at" = excluded."expires_at"
    where
      "soniq_jobs"."state" = 'queued'
      and (
        "soniq_jobs"."queue" is distinct from excluded."queue"
        or "soniq_jobs"."priority" is distinct from excluded."priority"
        or "soniq_jobs"."max_attempts" is distinct from excluded."max_attempts"
        or "soniq_jobs"."payload" is distinct from excluded."payload"
        or "soniq_jobs"."tags" is distinct from excluded."tags"
        or "soniq_jobs"."meta" is distinct from excluded."meta"
        or "soniq_jobs"."unique_until" is distinct from excluded."unique_until"
        or "soniq_jobs"."run_at" is distinct from greatest(
          clock_timestamp(),
          least(
            excluded."run_at",
            "soniq_jobs"."created_at" + $22::float8 * interval '1 millisecond'
          )
        )
        or "soniq_jobs"."expires_at" is distinct from excluded."expires_at"
      )
    returning
      id,
      xmax <> 0 as deduplicated
  )
select
  id,
  deduplicated,
  case
    when $23::boolean then case
      when exists (
        select
          1
        from
          "soniq_workers"
        where
          "soniq_workers"."ended_at" is null
          and "soniq_workers"."lease_expires_at" > now()
          and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ($24::text::text)
      ) then pg_notify ($25, $26::text) is null
    end
  end as rung
from
  inserted;
