select
  "id",
  "claim_token",
  "state",
  "worker_id",
  "last_worker_id"
from
  "soniq_jobs"
where
  "soniq_jobs"."id" = any ($1::text::bigint[]);

select
  "timeline"
from
  "soniq_workers"
where
  "soniq_workers"."id" = $1;

select
  "id",
  "claim_token",
  "state",
  "worker_id",
  "last_worker_id"
from
  "soniq_jobs"
where
  "soniq_jobs"."id" = any ($1::text::bigint[])
for no key update;
