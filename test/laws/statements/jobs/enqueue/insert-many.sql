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
  payload,
  $5::text::jsonb,
  $6::text::jsonb,
  greatest(
    clock_timestamp(),
    coalesce(
      to_timestamp($7::float8 / 1000),
      clock_timestamp() + coalesce($8::float8, 0) * interval '1 millisecond'
    )
  ),
  clock_timestamp() + $9::float8 * interval '1 millisecond'
from
  jsonb_array_elements($10::text::jsonb) as payload
returning
  id;

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
        "run_at",
        "expires_at"
      )
    select
      $1::text,
      $2::text,
      $3::int,
      $4::int,
      payload,
      $5::text::jsonb,
      $6::text::jsonb,
      greatest(
        clock_timestamp(),
        coalesce(
          to_timestamp($7::float8 / 1000),
          clock_timestamp() + coalesce($8::float8, 0) * interval '1 millisecond'
        )
      ),
      clock_timestamp() + $9::float8 * interval '1 millisecond'
    from
      jsonb_array_elements($10::text::jsonb) as payload
    returning
      id
  ),
  bells as materialized (
    select
      case
        when exists (
          select
            1
          from
            "soniq_workers"
          where
            "soniq_workers"."ended_at" is null
            and "soniq_workers"."lease_expires_at" > now()
            and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb (queue::text)
        ) then pg_notify ($11, queue) is null
      end as rung
    from
      jsonb_array_elements_text($12::text::jsonb) as queue
  )
select
  inserted.*,
  (
    select
      count(rung)
    from
      bells
  ) as rung
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
    "run_at",
    "expires_at"
  )
select
  $1::text,
  "queue",
  "priority",
  "maxAttempts",
  coalesce(payload, 'null'),
  "tags",
  "meta",
  greatest(
    clock_timestamp(),
    coalesce(
      to_timestamp("runAtMs" / 1000),
      clock_timestamp() + coalesce("delayMs", 0) * interval '1 millisecond'
    )
  ),
  clock_timestamp() + "expiresInMs" * interval '1 millisecond'
from
  jsonb_to_recordset($2::text::jsonb) as row (
    "queue" text,
    "priority" int,
    "maxAttempts" int,
    "payload" jsonb,
    "tags" jsonb,
    "meta" jsonb,
    "uniqueKey" text,
    "runAtMs" float8,
    "delayMs" float8,
    "expiresInMs" float8
  )
returning
  id;

with
  held as materialized (
    select
      id,
      unique_key
    from
      "soniq_jobs"
    where
      unique_key = any (
        array(
          select
            jsonb_array_elements_text($1::text::jsonb)
        )
      )
      and unique_held
      and unique_key is not null
      and not (
        coalesce(unique_expires_at <= clock_timestamp(), false)
        and (
          finished_at is not null
          or unique_until = 'started'
          and claimed_at is not null
        )
      )
  ),
  freed as (
    update "soniq_jobs"
    set
      unique_held = false
    where
      id = any (
        array(
          select
            id
          from
            "soniq_jobs"
          where
            unique_key = any (
              array(
                select
                  jsonb_array_elements_text($2::text::jsonb)
              )
            )
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
          order by
            unique_key
          for no key update
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
      $3::text,
      $4::text,
      $5::int,
      $6::int,
      coalesce(payload, 'null'),
      $7::text::jsonb,
      $8::text::jsonb,
      "uniqueKey",
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
    from
      jsonb_to_recordset($14::text::jsonb) as row ("uniqueKey" text, "payload" jsonb)
    where
      (
        select
          count(*)
        from
          freed
      ) >= 0
    on conflict (unique_key)
    where
      unique_held
      and unique_key is not null do nothing
    returning
      id,
      unique_key as key,
      false as deduplicated
  ),
  bells as materialized (
    select
      case
        when exists (
          select
            1
          from
            "soniq_workers"
          where
            "soniq_workers"."ended_at" is null
            and "soniq_workers"."lease_expires_at" > now()
            and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb (queue::text)
        ) then pg_notify ($15, queue) is null
      end as rung
    from
      jsonb_array_elements_text($16::text::jsonb) as queue
  )
select
  inserted.*,
  (
    select
      count(rung)
    from
      bells
  ) as rung
from
  inserted
union all
select
  id,
  unique_key,
  true,
  null
from
  held
where
  not exists (
    select
    from
      inserted
    where
      key = held.unique_key
  );

with
  held as materialized (
    select
      id,
      unique_key
    from
      "soniq_jobs"
    where
      unique_key = any (
        array(
          select
            jsonb_array_elements_text($1::text::jsonb)
        )
      )
      and unique_held
      and unique_key is not null
      and not (
        coalesce(unique_expires_at <= clock_timestamp(), false)
        and (
          finished_at is not null
          or unique_until = 'started'
          and claimed_at is not null
        )
      )
  ),
  freed as (
    update "soniq_jobs"
    set
      unique_held = false
    where
      id = any (
        array(
          select
            id
          from
            "soniq_jobs"
          where
            unique_key = any (
              array(
                select
                  jsonb_array_elements_text($2::text::jsonb)
              )
            )
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
          order by
            unique_key
          for no key update
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
      $3::text,
      $4::text,
      $5::int,
      $6::int,
      coalesce(payload, 'null'),
      $7::text::jsonb,
      $8::text::jsonb,
      "uniqueKey",
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
    from
      jsonb_to_recordset($14::text::jsonb) as row ("uniqueKey" text, "payload" jsonb)
    where
      (
        select
          count(*)
        from
          freed
      ) >= 0
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
      unique_key as key,
      xmax <> 0 as deduplicated
  ),
  bells as materialized (
    select
      case
        when exists (
          select
            1
          from
            "soniq_workers"
          where
            "soniq_workers"."ended_at" is null
            and "soniq_workers"."lease_expires_at" > now()
            and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb (queue::text)
        ) then pg_notify ($15, queue) is null
      end as rung
    from
      jsonb_array_elements_text($16::text::jsonb) as queue
  )
select
  inserted.*,
  (
    select
      count(rung)
    from
      bells
  ) as rung
from
  inserted
union all
select
  id,
  unique_key,
  true,
  null
from
  held
where
  not exists (
    select
    from
      inserted
    where
      key = held.unique_key
  );

with
  held as materialized (
    select
      id,
      unique_key
    from
      "soniq_jobs"
    where
      unique_key = any (
        array(
          select
            jsonb_array_elements_text($1::text::jsonb)
        )
      )
      and unique_held
      and unique_key is not null
      and not (
        coalesce(unique_expires_at <= clock_timestamp(), false)
        and (
          finished_at is not null
          or unique_until = 'started'
          and claimed_at is not null
        )
      )
  ),
  freed as (
    update "soniq_jobs"
    set
      unique_held = false
    where
      id = any (
        array(
          select
            id
          from
            "soniq_jobs"
          where
            unique_key = any (
              array(
                select
                  jsonb_array_elements_text($2::text::jsonb)
              )
            )
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
          order by
            unique_key
          for no key update
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
      $3::text,
      $4::text,
      $5::int,
      $6::int,
      coalesce(payload, 'null'),
      $7::text::jsonb,
      $8::text::jsonb,
      "uniqueKey",
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
    from
      jsonb_to_recordset($20::text::jsonb) as row ("uniqueKey" text, "payload" jsonb)
    where
      (
        select
          count(*)
        from
          freed
      ) >= 0
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
      unique_key as key,
      xmax <> 0 as deduplicated
  ),
  bells as materialized (
    select
      case
        when exists (
          select
            1
          from
            "soniq_workers"
          where
            "soniq_workers"."ended_at" is null
            and "soniq_workers"."lease_expires_at" > now()
            and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb (queue::text)
        ) then pg_notify ($23, queue) is null
      end as rung
    from
      jsonb_array_elements_text($24::text::jsonb) as queue
  )
select
  inserted.*,
  (
    select
      count(rung)
    from
      bells
  ) as rung
from
  inserted
union all
select
  id,
  unique_key,
  true,
  null
from
  held
where
  not exists (
    select
    from
      inserted
    where
      key = held.unique_key
  );
