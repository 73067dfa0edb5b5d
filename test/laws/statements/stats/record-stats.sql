insert into
  "soniq_stats" (
    "minute",
    "queue",
    "name",
    "measure",
    "bucket",
    "count"
  )
select
  date_trunc('minute', now()),
  queue,
  name,
  measure,
  bucket,
  count
from
  jsonb_to_recordset($1::text::jsonb) as row (
    queue text,
    name text,
    measure text,
    bucket smallint,
    count bigint
  )
order by
  queue,
  name,
  measure,
  bucket
on conflict ("minute", "queue", "name", "measure", "bucket") do update
set
  "count" = "soniq_stats"."count" + excluded.count;
