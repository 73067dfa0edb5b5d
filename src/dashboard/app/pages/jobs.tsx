import type { JobListView } from "../../wire.js";
import { withQuery } from "../api.js";
import { count, short } from "../format.js";
import { Empty } from "../parts/empty.js";
import { JobFilters } from "../parts/job-filters.js";
import { JobTable } from "../parts/job-table.js";
import { Loaded } from "../parts/loaded.js";
import { Older } from "../parts/older.js";
import { PageHeader } from "../parts/page-header.js";
import { href, type Route } from "../route.js";
import { useSettledList } from "../settled-list.js";

const pageSize = 50;
const refreshMs = 4_000;

export function JobsPage({ query }: { readonly query: Route["query"] }) {
  const { jobs, fresh, showFresh, goneIds } = useSettledList(
    withQuery("jobs", { ...query, limit: pageSize }),
    refreshMs,
  );
  const isFiltered = Object.keys(query).some((name) => name !== "cursor");
  return (
    <>
      <PageHeader title="Jobs">
        {fresh > 0 && !query["cursor"] && (
          <button type="button" class="button primary" onClick={showFresh}>
            Show {fresh >= pageSize ? `${pageSize}+` : fresh} new
          </button>
        )}
      </PageHeader>
      <JobFilters query={query} />
      <Loaded of={jobs} rows={12}>
        {(data) => (
          <>
            {data.jobs.length > 0 ? (
              <JobTable jobs={data.jobs} goneIds={goneIds} />
            ) : (
              <NoJobs isFiltered={isFiltered} searched={data} />
            )}
            <Searched list={data} query={query} />
          </>
        )}
      </Loaded>
    </>
  );
}

function NoJobs({ isFiltered, searched }: { readonly isFiltered: boolean; readonly searched: JobListView }) {
  if (isFiltered)
    return (
      <Empty title={searched.complete ? "No job is like that" : "None among those that were looked at"}>
        <a href={href("jobs")}>Show all jobs</a>
      </Empty>
    );
  return (
    <Empty title="No jobs yet">
      Enqueue one: <code>await enqueue(db, sendInvoice, {"{ orderId: 1 }"})</code>
    </Empty>
  );
}

/** How far the search went, where it did not see all there is. */
function Searched({ list, query }: { readonly list: JobListView; readonly query: Route["query"] }) {
  const isCut = list.next !== null && list.jobs.length < pageSize;
  return (
    <>
      {isCut && (
        <p class="searched">
          Looked at {count(list.lookedAt)} jobs{list.backTo && `, back to ${short(list.backTo)}`}. There may be more.
        </p>
      )}
      <Older page="jobs" query={query} next={list.next} label={isCut ? "Go on looking" : "Older"} />
    </>
  );
}
