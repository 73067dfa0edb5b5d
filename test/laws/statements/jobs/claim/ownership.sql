select
  "id",
  "claim_token",
  "cancel_requested_at" is not null
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."id" = any ($1::text::bigint[])
    and "soniq_jobs"."worker_id" = $2
  );

select
  "id",
  "claim_token"
from
  "soniq_jobs"
where
  (
    "soniq_jobs"."state" = 'active'
    and "soniq_jobs"."worker_id" = $1
    and "soniq_jobs"."claimed_at" < now() - $2::float8 * interval '1 millisecond'
  );
