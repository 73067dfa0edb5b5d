import type { DeadLetterListView } from "../../wire.js";
import { withQuery } from "../api.js";
import { pluralize } from "../format.js";
import { useFetch } from "../use-fetch.js";
import type { Route } from "../route.js";
import { BulkButton } from "./bulk-button.js";
import { JobName } from "./job-table.js";
import { Loader } from "./loader.js";
import { Pagination } from "./pagination.js";
import { type Column, Table } from "./table.js";
import { Time } from "./time.js";

const pageSize = 25;

interface DeadLetterGroupProps {
  readonly filter: Route["query"];
  /** The number of dead letters. 10000 is a lower bound. */
  readonly count: number;
  readonly cursor: string | null;
  readonly onChange: () => void;
}

/** The dead letters that match a filter, and the actions on all of them. */
export function DeadLetterGroup({ filter, count, cursor, onChange }: DeadLetterGroupProps) {
  const deadLetters = useFetch<DeadLetterListView>(withQuery("dead-letters", { ...filter, cursor, limit: pageSize }));
  const reload = () => {
    onChange();
    deadLetters.reload();
  };
  return (
    <section class="group" aria-label="Dead letters">
      <header class="group-header">
        {count > 0 && <h2>{pluralize(count, "dead letter")}</h2>}
        <BulkButton action="retry" filter={filter} count={count} onDone={reload} />
        <BulkButton action="purge" filter={filter} count={count} onDone={reload} />
      </header>
      {count > 0 && (
        <Loader state={deadLetters} rows={10}>
          {(data) => (
            <>
              <Table label="Dead letters" rows={data.deadLetters} columns={columns} keyOf={({ id }) => id} />
              <Pagination page="dead-letters" query={{ ...filter, cursor }} next={data.next} />
            </>
          )}
        </Loader>
      )}
    </section>
  );
}

type DeadLetter = DeadLetterListView["deadLetters"][number];

const columns: readonly Column<DeadLetter>[] = [
  { title: "Job", kind: "wide", render: (deadLetter) => <JobName job={{ ...deadLetter, reason: null }} /> },
  { title: "Queue", render: ({ queue }) => queue },
  { title: "Error", kind: "wide", render: ({ error, reason }) => <span class="reason">{error ?? reason}</span> },
  { title: "Attempts", kind: "number", render: ({ attempt }) => attempt },
  { title: "Retries", kind: "number", render: ({ manualRetries }) => manualRetries || <span class="faint">–</span> },
  { title: "Died", kind: "number", render: ({ finishedAt }) => <Time at={finishedAt} /> },
];
