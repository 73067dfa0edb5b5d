import type { AuditView } from "../../wire.js";
import { withQuery } from "../api.js";
import { formatDateTime } from "../format.js";
import { useFetch } from "../use-fetch.js";
import { Empty } from "../parts/empty.js";
import { Loader } from "../parts/loader.js";
import { Pagination } from "../parts/pagination.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { jobHref, type Route } from "../route.js";

const refreshMs = 5_000;

/** The audit log: the changes made through the dashboard, and by whom. */
export function AuditPage({ query }: { readonly query: Route["query"] }) {
  const audit = useFetch<AuditView>(withQuery("audit", { cursor: query["cursor"] }), refreshMs);
  return (
    <>
      <PageHeader title="Audit" />
      <Loader state={audit}>
        {({ entries, next }) =>
          entries.length === 0 ? (
            <Empty title="No changes yet">The audit log records each change made through the dashboard.</Empty>
          ) : (
            <>
              <Table label="Audit" rows={entries} columns={columns} keyOf={({ id }) => id} />
              <Pagination page="audit" query={query} next={next} />
            </>
          )
        }
      </Loader>
    </>
  );
}

const columns: readonly Column<AuditView["entries"][number]>[] = [
  {
    title: "Time",
    render: ({ at }) => (
      <span class="stack">
        <Time at={at} />
        <small>{formatDateTime(at)}</small>
      </span>
    ),
  },
  { title: "User", render: ({ actor }) => <b class="strong">{actor}</b> },
  { title: "Action", render: ({ action }) => action },
  {
    title: "Target",
    kind: "wide",
    render: ({ action, target }) => (action.startsWith("job.") ? <a href={jobHref(target)}>#{target}</a> : target),
  },
  { title: "Outcome", kind: "wide", render: ({ outcome }) => outcome },
];
