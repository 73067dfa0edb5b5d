import type { DeadLetterGroupsView } from "../../wire.js";
import { withQuery } from "../api.js";
import { formatCount } from "../format.js";
import { useFetch } from "../use-fetch.js";
import { DeadLetterGroup } from "../parts/dead-letter-list.js";
import { DeadLetterFilters } from "../parts/dead-letter-filters.js";
import { Empty } from "../parts/empty.js";
import { Loader } from "../parts/loader.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { href, type Route } from "../route.js";

type Group = DeadLetterGroupsView["groups"][number];
const refreshMs = 5_000;

/** The dead letters that match a filter, grouped by their cause, and below as a list. */
export function DeadLettersPage({ query }: { readonly query: Route["query"] }) {
  const { name = "", queue = "", reason = "", error = "", since = "", cursor = null } = query;
  const filter = { name, queue, reason, error, since };
  const isFiltered = Object.values(filter).some((value) => value !== "");
  const groups = useFetch<DeadLetterGroupsView>(withQuery("dead-letters/groups", filter), refreshMs);
  return (
    <>
      <PageHeader title="Dead letters" above={isFiltered && <a href={href("dead-letters")}>All dead letters</a>} />
      <DeadLetterFilters filter={filter} />
      <Loader state={groups}>
        {(data) => (
          <>
            {data.count === 0 ? (
              <NoDeadLetters isFiltered={isFiltered} />
            ) : (
              <GroupTable groups={data.groups} filter={filter} />
            )}
            <DeadLetterGroup filter={filter} count={data.count} cursor={cursor} onChange={groups.reload} />
          </>
        )}
      </Loader>
    </>
  );
}

function NoDeadLetters({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty title="No dead letters match the filter">
        <a href={href("dead-letters")}>Show all dead letters</a>
      </Empty>
    );
  return (
    <Empty title="No dead letters">A job becomes a dead letter when it is out of attempts or cannot succeed.</Empty>
  );
}

function GroupTable({ groups, filter }: { readonly groups: readonly Group[]; readonly filter: Route["query"] }) {
  return (
    <Table
      label="Dead letters by cause"
      rows={groups}
      columns={buildColumns(filter)}
      keyOf={({ name, reason, error }) => JSON.stringify([name, reason, error])}
    />
  );
}

const buildColumns = (filter: Route["query"]): readonly Column<Group>[] => [
  { title: "Jobs", kind: "number", render: ({ count }) => <b>{formatCount(count)}</b> },
  {
    title: "Job",
    render: ({ name, reason, error }) => (
      <a class="strong" data-row href={href("dead-letters", { ...filter, name, reason, error })}>
        {name}
      </a>
    ),
  },
  { title: "Reason", kind: "wide", render: ({ reason }) => reason },
  { title: "Last error", render: ({ error }) => error ?? <span class="faint">–</span> },
  { title: "Oldest", kind: "number", render: ({ oldest }) => <Time at={oldest} /> },
  { title: "Newest", kind: "number", render: ({ newest }) => <Time at={newest} /> },
];
