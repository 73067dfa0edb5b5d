import type { AuditView } from "../../wire.js";
import { withQuery } from "../api.js";
import { exact } from "../format.js";
import { useFetched } from "../fetched.js";
import { Empty } from "../parts/empty.js";
import { Loaded } from "../parts/loaded.js";
import { Older } from "../parts/older.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { jobHref, type Route } from "../route.js";

const refreshMs = 5_000;

/** Who changed what through this dashboard. */
export function AuditPage({ query }: { readonly query: Route["query"] }) {
  const audit = useFetched<AuditView>(withQuery("audit", { cursor: query["cursor"] }), refreshMs);
  return (
    <>
      <PageHeader title="Audit" />
      <Loaded of={audit}>
        {({ entries, next }) =>
          entries.length === 0 ? (
            <Empty title="Nothing was changed yet">What is changed through the dashboard is written down here.</Empty>
          ) : (
            <>
              <Table label="Audit" rows={entries} columns={columns} keyOf={({ id }) => id} />
              <Older page="audit" query={query} next={next} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

const columns: readonly Column<AuditView["entries"][number]>[] = [
  {
    title: "When",
    of: ({ at }) => (
      <span class="stack">
        <Time at={at} />
        <small>{exact(at)}</small>
      </span>
    ),
  },
  { title: "Who", of: ({ actor }) => <b class="strong">{actor}</b> },
  { title: "Action", of: ({ action }) => action },
  {
    title: "Of what",
    kind: "wide",
    of: ({ action, target }) => (action.startsWith("job.") ? <a href={jobHref(target)}>#{target}</a> : target),
  },
  { title: "Outcome", kind: "wide", of: ({ outcome }) => outcome },
];
