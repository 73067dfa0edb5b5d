update "soniq_jobs"
set
  "progress" = $1::text::jsonb
where
  (
    (
      "soniq_jobs"."id" = $2
      and "soniq_jobs"."claim_token" = $3
      and "soniq_jobs"."worker_id" = $4
    )
    and "soniq_jobs"."id" = any (
      array(
        (
          select
            "id"
          from
            "soniq_jobs"
          where
            "soniq_jobs"."id" = $5
          for no key update
            skip locked
        )
      )
    )
  )
returning
  "id";

select
  "id"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."id" = $1
    and "soniq_jobs"."claim_token" = $2
    and "soniq_jobs"."worker_id" = $3
  );

update "soniq_jobs"
set
  "progress" = $1::text::jsonb
where
  (
    "soniq_jobs"."id" = $2
    and "soniq_jobs"."claim_token" = $3
    and "soniq_jobs"."worker_id" = $4
  )
returning
  "id";
