insert into
  "soniq_audit" (
    "id",
    "at",
    "actor",
    "action",
    "target",
    "detail",
    "outcome"
  )
values
  (default, default, $1, $2, $3, $4::text::jsonb, $5)
returning
  "id";

update "soniq_audit"
set
  "outcome" = $1
where
  "soniq_audit"."id" = $2;
