delete from "soniq_audit"
where
  "soniq_audit"."id" = any (
    array(
      (
        select
          "id"
        from
          (
            select
              "id",
              "at"
            from
              "soniq_audit"
            order by
              "soniq_audit"."id"
            limit
              $1
          ) "oldest"
        where
          "oldest"."at" < now() - interval '90 days'
      )
    )
  )
returning
  "id";
