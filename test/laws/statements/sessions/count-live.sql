select
  count(*)
from
  "soniq_workers"
where
  (
    "soniq_workers"."ended_at" is null
    and "soniq_workers"."lease_expires_at" > now()
  );
