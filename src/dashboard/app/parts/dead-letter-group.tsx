import type { DeadLetterListView } from "../../wire.js";
import { withQuery } from "../api.js";
import { plural } from "../format.js";
import { useFetched } from "../fetched.js";
import type { Route } from "../route.js";
import { BulkButton } from "./bulk-button.js";
import { JobName } from "./job-table.js";
import { Loaded } from "./loaded.js";
import { Older } from "./older.js";
import { type Column, Table } from "./table.js";
import { Time } from "./time.js";

const pageSize = 25;

interface DeadLetterGroupProps {
  readonly filter: Route["query"];
  /** How many there are, 10000 for as many or more. */
  readonly count: number;
  readonly cursor: string | null;
  readonly changed: () => void;
}

/** The dead letters that a filter finds, and what can be done to all of them. */
export function DeadLetterGroup({ filter, count, cursor, changed }: DeadLetterGroupProps) {
  const letters = useFetched<DeadLetterListView>(withQuery("dead-letters", { ...filter, cursor, limit: pageSize }));
  const done = () => {
    changed();
    letters.reload();
  };
  return (
    <section class="group" aria-label="Dead letters">
      <header class="group-header">
        {count > 0 && <h2>{plural(count, "dead letter")}</h2>}
        <BulkButton action="retry" filter={filter} count={count} done={done} />
        <BulkButton action="purge" filter={filter} count={count} done={done} />
      </header>
      {count > 0 && (
        <Loaded of={letters} rows={10}>
          {(data) => (
            <>
              <Table label="Dead letters" rows={data.deadLetters} columns={columns} keyOf={({ id }) => id} />
              <Older page="dead-letters" query={{ ...filter, cursor }} next={data.next} />
            </>
          )}
        </Loaded>
      )}
    </section>
  );
}

type Letter = DeadLetterListView["deadLetters"][number];

const columns: readonly Column<Letter>[] = [
  { title: "Job", kind: "wide", of: (letter) => <JobName job={{ ...letter, reason: null }} /> },
  { title: "Queue", of: ({ queue }) => queue },
  { title: "Error", kind: "wide", of: ({ error, reason }) => <span class="reason">{error ?? reason}</span> },
  { title: "Attempts", kind: "number", of: ({ attempt }) => attempt },
  { title: "Retries", kind: "number", of: ({ manualRetries }) => manualRetries || <span class="faint">–</span> },
  { title: "Died", kind: "number", of: ({ finishedAt }) => <Time at={finishedAt} /> },
];
