import type { DeadLetterGroupsView } from "../../wire.js";
import { withQuery } from "../api.js";
import { capped } from "../format.js";
import { useFetched } from "../fetched.js";
import { DeadLetterGroup } from "../parts/dead-letter-group.js";
import { DeadLetterFilters } from "../parts/dead-letter-filters.js";
import { Empty } from "../parts/empty.js";
import { Loaded } from "../parts/loaded.js";
import { PageHeader } from "../parts/page-header.js";
import { type Column, Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { href, type Route } from "../route.js";

type Group = DeadLetterGroupsView["groups"][number];
const refreshMs = 5_000;

/** The dead letters by what they died of; of one such group, or of all that a filter finds, the letters themselves. */
export function DeadLettersPage({ query }: { readonly query: Route["query"] }) {
  const { name = "", queue = "", reason = "", error = "", since = "", cursor = null } = query;
  const filter = { name, queue, reason, error, since };
  const isChosen = Object.values(filter).some((value) => value !== "");
  const groups = useFetched<DeadLetterGroupsView>(withQuery("dead-letters/groups", filter), refreshMs);
  return (
    <>
      <PageHeader title="Dead letters" above={isChosen && <a href={href("dead-letters")}>All dead letters</a>} />
      <DeadLetterFilters filter={filter} />
      <Loaded of={groups}>
        {(data) => (
          <>
            {data.count === 0 ? <None isChosen={isChosen} /> : <Groups groups={data.groups} filter={filter} />}
            <DeadLetterGroup filter={filter} count={data.count} cursor={cursor} changed={groups.reload} />
          </>
        )}
      </Loaded>
    </>
  );
}

function None({ isChosen }: { readonly isChosen: boolean }) {
  if (isChosen)
    return (
      <Empty title="No dead letter is like that">
        <a href={href("dead-letters")}>Show all dead letters</a>
      </Empty>
    );
  return <Empty title="No dead letters">Jobs that are out of attempts, or cannot go on, would be here.</Empty>;
}

function Groups({ groups, filter }: { readonly groups: readonly Group[]; readonly filter: Route["query"] }) {
  return (
    <Table
      label="What they died of"
      rows={groups}
      columns={columnsFor(filter)}
      keyOf={({ name, reason, error }) => JSON.stringify([name, reason, error])}
    />
  );
}

const columnsFor = (filter: Route["query"]): readonly Column<Group>[] => [
  { title: "Jobs", kind: "number", of: ({ count }) => <b>{capped(count)}</b> },
  {
    title: "Job",
    of: ({ name, reason, error }) => (
      <a class="strong" data-row href={href("dead-letters", { ...filter, name, reason, error })}>
        {name}
      </a>
    ),
  },
  { title: "Reason", kind: "wide", of: ({ reason }) => reason },
  { title: "Last error", of: ({ error }) => error ?? <span class="faint">–</span> },
  { title: "Oldest", kind: "number", of: ({ oldest }) => <Time at={oldest} /> },
  { title: "Newest", kind: "number", of: ({ newest }) => <Time at={newest} /> },
];
