import type { ComponentChildren } from "preact";
import type { QueueView } from "../../wire.js";
import { capped, exact, rate, span } from "../format.js";
import { href } from "../route.js";
import { Empty } from "./empty.js";
import { Icon } from "./icon.js";
import { type Column, Table } from "./table.js";

interface QueueTableProps {
  readonly queues: readonly QueueView[];
  /** What can be done with each. */
  readonly actions?: (queue: QueueView) => ComponentChildren;
}

/** The queues in the order of their names, so that none changes places as numbers come in. */
export function QueueTable({ queues, actions }: QueueTableProps) {
  if (queues.length === 0)
    return (
      <Empty title="No queues yet">
        A queue is there once a job is in it: <code>await enqueue(db, sendInvoice, {"{ orderId: 1 }"})</code>
      </Empty>
    );
  const columns: readonly Column<QueueView>[] = actions
    ? [...numbers, { title: "Actions", kind: "actions", of: actions }]
    : numbers;
  return (
    <Table
      label="Queues"
      rows={queues.toSorted((a, b) => a.name.localeCompare(b.name))}
      columns={columns}
      keyOf={({ name }) => name}
    />
  );
}

const jobs = (queue: QueueView, n: number, state: string) =>
  n === 0 ? <span class="faint">0</span> : <a href={href("jobs", { queue: queue.name, state })}>{capped(n)}</a>;

const numbers: readonly Column<QueueView>[] = [
  {
    title: "Queue",
    kind: "wide",
    of: (queue) => (
      <span class="queue-name">
        <a class="strong" data-row href={href("jobs", { queue: queue.name })}>
          <bdi>{queue.name}</bdi>
        </a>
        {queue.pausedAt && (
          <span class="badge paused" title={`Since ${exact(queue.pausedAt)}: none of its jobs is started`}>
            <Icon name="parked" />
            paused
          </span>
        )}
      </span>
    ),
  },
  { title: "Due", kind: "number", of: (queue) => jobs(queue, queue.due, "queued") },
  {
    title: "Longest wait",
    kind: "number",
    of: ({ latencyMs }) => (latencyMs === null ? <span class="faint">–</span> : span(latencyMs)),
  },
  { title: "Active", kind: "number", of: (queue) => jobs(queue, queue.active, "active") },
  { title: "Scheduled", kind: "number", of: (queue) => jobs(queue, queue.scheduled, "queued") },
  { title: "Parked", kind: "number", of: (queue) => jobs(queue, queue.parked, "queued") },
  { title: "Done a minute", kind: "number", of: ({ perMinute }) => rate(perMinute) },
];
