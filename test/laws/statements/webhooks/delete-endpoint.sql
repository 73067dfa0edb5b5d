delete from "soniq_webhook_endpoints"
where
  "soniq_webhook_endpoints"."id" = $1
returning
  "id";
