with
  "wanted" as (
    select
      "id",
      "state",
      "unique_key",
      "unique_held",
      "manual_retries"
    from
      "soniq_jobs"
    where
      (
        "soniq_jobs"."id" = any ($1::text::bigint[])
        and "soniq_jobs"."worker_id" is null
      )
    for no key update
      skip locked
  ),
  "freed" as (
    update "soniq_jobs"
    set
      "unique_held" = $2
    where
      (
        "soniq_jobs"."unique_key" in (
          select
            "wanted"."unique_key"
          from
            "wanted"
          where
            "wanted"."state" = 'dead'
        )
        and unique_held
        and unique_key is not null
        and "soniq_jobs"."id" not in (
          select
            "wanted"."id"
          from
            "wanted"
          where
            "wanted"."state" = 'dead'
        )
        and (
          coalesce(unique_expires_at <= clock_timestamp(), false)
          and (
            finished_at is not null
            or unique_until = 'started'
            and claimed_at is not null
          )
        )
      )
    returning
      "id"
  ),
  "retried" as (
    update "soniq_jobs"
    set
      "state" = 'queued',
      "payload" = coalesce(
        $3::text::jsonb -> "soniq_jobs"."id"::text,
        "soniq_jobs"."payload"
      ),
      "run_at" = clock_timestamp(),
      "attempt" = 0,
      "crashes" = 0,
      "expires_at" = null,
      "cancel_requested_at" = null,
      "unknown_since" = null,
      "unique_held" = true,
      "claimed_at" = null,
      "finished_at" = null,
      "progress" = null,
      "reason" = null,
      "manual_retries" = "soniq_jobs"."manual_retries" + 1
    where
      "soniq_jobs"."id" = any (
        array(
          select
            id
          from
            (
              select
                *,
                row_number() over (
                  partition by
                    unique_key,
                    case
                      when unique_key is null then id
                    end
                  order by
                    unique_held desc,
                    id
                ) as nth
              from
                "wanted"
              where
                state = 'dead'
            ) as dead
          where
            nth = 1
            and not exists (
              select
                holder.id
              from
                "soniq_jobs" as holder
              where
                holder.unique_key = dead.unique_key
                and holder.id <> dead.id
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
            )
            and (
              select
                count(*)
              from
                "freed"
            ) >= 0
            and manual_retries = coalesce(
              ($4::text::jsonb -> id::text)::int,
              manual_retries
            )
        )
      )
    returning
      "id",
      "queue"
  )
select
  "id",
  case
    when row_number() over (
      partition by
        "queue"
    ) = 1 then case
      when exists (
        select
          1
        from
          "soniq_workers"
        where
          "soniq_workers"."ended_at" is null
          and "soniq_workers"."lease_expires_at" > now()
          and "soniq_workers"."idle_queues" @> pg_catalog.to_jsonb ("retried"."queue"::text)
      ) then pg_notify ($5, "retried"."queue") is null
    end
  end
from
  "retried";

select
  "id",
  "state",
  "name",
  (
    select
      holder.id
    from
      "soniq_jobs" as holder
    where
      holder.unique_key = "soniq_jobs".unique_key
      and holder.id <> "soniq_jobs".id
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
  )
from
  "soniq_jobs"
where
  "soniq_jobs"."id" = any ($1::text::bigint[]);

select
  "id",
  octet_length("payload"::text)
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."id" = any ($1::text::bigint[])
    and "soniq_jobs"."name" = $2
  )
order by
  "soniq_jobs"."id";
