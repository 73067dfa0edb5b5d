import type { JobListView } from "../../wire.js";
import { withQuery } from "../api.js";
import { formatNumber, formatShortDateTime } from "../format.js";
import { Empty } from "../parts/empty.js";
import { JobFilters } from "../parts/job-filters.js";
import { JobTable } from "../parts/job-table.js";
import { Loader } from "../parts/loader.js";
import { Pagination } from "../parts/pagination.js";
import { PageHeader } from "../parts/page-header.js";
import { href, type Route } from "../route.js";
import { useStableList } from "../stable-list.js";

const pageSize = 50;
const refreshMs = 4_000;

export function JobsPage({ query }: { readonly query: Route["query"] }) {
  const { jobs, newCount, showNew, unmatchedIds } = useStableList(
    withQuery("jobs", { ...query, limit: pageSize }),
    refreshMs,
  );
  const isFiltered = Object.keys(query).some((name) => name !== "cursor");
  return (
    <>
      <PageHeader title="Jobs">
        {newCount > 0 && !query["cursor"] && (
          <button type="button" class="button primary" onClick={showNew}>
            Show {newCount >= pageSize ? `${pageSize}+` : newCount} new
          </button>
        )}
      </PageHeader>
      <JobFilters query={query} />
      <Loader state={jobs} rows={12}>
        {(data) => (
          <>
            {data.jobs.length > 0 ? (
              <JobTable jobs={data.jobs} unmatchedIds={unmatchedIds} />
            ) : (
              <NoJobs isFiltered={isFiltered} list={data} />
            )}
            <ListFooter list={data} query={query} />
          </>
        )}
      </Loader>
    </>
  );
}

function NoJobs({ isFiltered, list }: { readonly isFiltered: boolean; readonly list: JobListView }) {
  if (isFiltered)
    return (
      <Empty title={list.complete ? "No jobs match the filter" : "No match among the scanned jobs"}>
        <a href={href("jobs")}>Show all jobs</a>
      </Empty>
    );
  return (
    <Empty title="No jobs yet">
      Enqueue one: <code>await enqueue(db, sendInvoice, {"{ orderId: 1 }"})</code>
    </Empty>
  );
}

/** The links to other pages of the list, and how far the search got if it stopped before the page was full. */
function ListFooter({ list, query }: { readonly list: JobListView; readonly query: Route["query"] }) {
  const isPartial = list.next !== null && list.jobs.length < pageSize;
  return (
    <>
      {isPartial && (
        <p class="scan-note">
          Scanned {formatNumber(list.scannedJobs)} jobs{list.backTo && `, back to ${formatShortDateTime(list.backTo)}`}.
          Older jobs may match, too.
        </p>
      )}
      <Pagination page="jobs" query={query} next={list.next} label={isPartial ? "Keep searching" : "Older"} />
    </>
  );
}
