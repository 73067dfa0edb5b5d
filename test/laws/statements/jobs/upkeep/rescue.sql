select
  "held"."id",
  "held"."claim_token",
  "held"."worker_id"
from
  "soniq_workers"
  cross join lateral (
    select
      "id",
      "claim_token",
      "worker_id"
    from
      "soniq_jobs"
    where
      (
        "soniq_jobs"."state" = 'active'
        and "soniq_jobs"."worker_id" = "soniq_workers"."id"
      )
    limit
      $1
    for no key update
      skip locked
  ) "held"
where
  "soniq_workers"."ended_at" is not null
limit
  $2;

update "soniq_jobs"
set
  "state" = case
    when "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
    when case
      when "soniq_jobs"."worker_id" = any (failover.sessions) then 0
      else 1
    end = 1
    and "soniq_jobs"."crashes" + 1 >= $1::int then 'dead'
    else 'queued'
  end,
  "run_at" = case
    when case
      when "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
      when case
        when "soniq_jobs"."worker_id" = any (failover.sessions) then 0
        else 1
      end = 1
      and "soniq_jobs"."crashes" + 1 >= $2::int then 'dead'
      else 'queued'
    end = 'queued' then now() + random() * least(60, 2 ^ least("soniq_jobs"."crashes", 10) - 1) * interval '1 second'
    else "soniq_jobs"."run_at"
  end,
  "attempt" = "soniq_jobs"."attempt" - 1,
  "crashes" = "soniq_jobs"."crashes" + case
    when "soniq_jobs"."worker_id" = any (failover.sessions) then 0
    else 1
  end,
  "worker_id" = $3,
  "deadline_at" = $4,
  "unique_held" = "soniq_jobs"."unique_held"
  and (
    case
      when "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
      when case
        when "soniq_jobs"."worker_id" = any (failover.sessions) then 0
        else 1
      end = 1
      and "soniq_jobs"."crashes" + 1 >= $5::int then 'dead'
      else 'queued'
    end = 'queued'
    or coalesce("soniq_jobs"."unique_expires_at" > now(), false)
  ),
  "finished_at" = case
    when case
      when "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
      when case
        when "soniq_jobs"."worker_id" = any (failover.sessions) then 0
        else 1
      end = 1
      and "soniq_jobs"."crashes" + 1 >= $6::int then 'dead'
      else 'queued'
    end <> 'queued' then now()
  end,
  "reason" = case case
      when "soniq_jobs"."cancel_requested_at" is not null then 'cancelled'
      when case
        when "soniq_jobs"."worker_id" = any (failover.sessions) then 0
        else 1
      end = 1
      and "soniq_jobs"."crashes" + 1 >= $7::int then 'dead'
      else 'queued'
    end
    when 'cancelled' then coalesce("soniq_jobs"."reason", 'cancelled')
    when 'dead' then 'crashed ' || ("soniq_jobs"."crashes" + 1) || ' workers'
  end
from
  (
    select
      array(
        select
          "soniq_workers"."id"
        from
          "soniq_workers"
        where
          "soniq_workers"."lease_expires_at" = '-infinity'::timestamptz
      ) as sessions
    offset
      0
  ) as failover
where
  "soniq_jobs"."id" = any (
    array(
      select
        "soniq_jobs"."id"
      from
        jsonb_to_recordset($8::text::jsonb) as claim (id bigint, "claimToken" int, "workerId" uuid)
        join "soniq_jobs" on "soniq_jobs"."id" = claim.id
        and "soniq_jobs"."claim_token" = claim."claimToken"
        and "soniq_jobs"."worker_id" is not distinct from claim."workerId"
      for no key update of
        "soniq_jobs" skip locked
    )
  )
returning
  "soniq_jobs"."id",
  "soniq_jobs"."name",
  "soniq_jobs"."queue",
  "soniq_jobs"."state",
  "soniq_jobs"."reason";

select
  "held"."id",
  "held"."claim_token",
  "held"."worker_id"
from
  "soniq_workers"
  cross join lateral (
    select
      "id",
      "claim_token",
      "worker_id"
    from
      "soniq_jobs"
    where
      (
        "soniq_jobs"."state" = 'active'
        and "soniq_jobs"."worker_id" = "soniq_workers"."id"
      )
    limit
      $1
    for no key update
      skip locked
  ) "held"
where
  (
    "soniq_workers"."ended_at" is not null
    and "soniq_workers"."id" = any ($2::text::uuid[])
  )
limit
  $3;

select
  "id",
  "claim_token",
  "worker_id"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."state" = 'active'
    and not exists (
      select
        1
      from
        "soniq_workers"
      where
        "soniq_workers"."id" = "soniq_jobs"."worker_id"
        and "soniq_workers"."ended_at" is null
    )
    and not "soniq_jobs"."id" = any ($1::text::bigint[])
  )
limit
  $2;

select
  "id",
  "claim_token",
  "worker_id"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."state" = 'active'
    and "soniq_jobs"."deadline_at" < now()
  )
limit
  $1;
