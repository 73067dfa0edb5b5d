import type { ComponentChildren } from "preact";
import type { QueueView } from "../../wire.js";
import { formatCount, formatDateTime, formatRate, formatDuration } from "../format.js";
import { href } from "../route.js";
import { Empty } from "./empty.js";
import { Icon } from "./icon.js";
import { type Column, Table } from "./table.js";

interface QueueTableProps {
  readonly queues: readonly QueueView[];
  /** Renders the buttons of a queue. */
  readonly actions?: (queue: QueueView) => ComponentChildren;
}

/** The queues, sorted by name, so that rows keep their positions while their numbers change. */
export function QueueTable({ queues, actions }: QueueTableProps) {
  if (queues.length === 0)
    return (
      <Empty title="No queues yet">
        Enqueue a job, and its queue appears: <code>await enqueue(db, sendInvoice, {"{ orderId: 1 }"})</code>
      </Empty>
    );
  const columns: readonly Column<QueueView>[] = actions
    ? [...baseColumns, { title: "Actions", kind: "actions", render: actions }]
    : baseColumns;
  return (
    <Table
      label="Queues"
      rows={queues.toSorted((a, b) => a.name.localeCompare(b.name))}
      columns={columns}
      keyOf={({ name }) => name}
    />
  );
}

const linkToJobs = (queue: QueueView, n: number, state: string) =>
  n === 0 ? <span class="faint">0</span> : <a href={href("jobs", { queue: queue.name, state })}>{formatCount(n)}</a>;

const baseColumns: readonly Column<QueueView>[] = [
  {
    title: "Queue",
    kind: "wide",
    render: (queue) => (
      <span class="queue-name">
        <a class="strong" data-row href={href("jobs", { queue: queue.name })}>
          <bdi>{queue.name}</bdi>
        </a>
        {queue.pausedAt && (
          <span class="badge paused" title={`Since ${formatDateTime(queue.pausedAt)}: workers start none of its jobs`}>
            <Icon name="parked" />
            paused
          </span>
        )}
      </span>
    ),
  },
  { title: "Due", kind: "number", render: (queue) => linkToJobs(queue, queue.due, "queued") },
  {
    title: "Longest wait",
    kind: "number",
    render: ({ latencyMs }) => (latencyMs === null ? <span class="faint">–</span> : formatDuration(latencyMs)),
  },
  { title: "Active", kind: "number", render: (queue) => linkToJobs(queue, queue.active, "active") },
  { title: "Scheduled", kind: "number", render: (queue) => linkToJobs(queue, queue.scheduled, "queued") },
  { title: "Parked", kind: "number", render: (queue) => linkToJobs(queue, queue.parked, "queued") },
  { title: "Completed/min", kind: "number", render: ({ perMinute }) => formatRate(perMinute) },
];
