import type { WorkerView } from "../../wire.js";
import { formatDuration } from "../format.js";
import { useFetch } from "../use-fetch.js";
import { Empty } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Loader } from "../parts/loader.js";
import { PageHeader } from "../parts/page-header.js";
import { Slots } from "../parts/slots.js";
import { type Column, Table } from "../parts/table.js";
import { Since, Time } from "../parts/time.js";

const refreshMs = 2_000;

export function WorkersPage() {
  const workers = useFetch<readonly WorkerView[]>("workers", refreshMs);
  return (
    <>
      <PageHeader title="Workers" />
      <Loader state={workers}>
        {(data) =>
          data.length === 0 ? (
            <Empty title="No workers">
              Start one: <code>npx soniq-drizzle work</code>
            </Empty>
          ) : (
            <Table
              label="Workers"
              rows={data}
              columns={columns}
              keyOf={({ id }) => id}
              classOf={({ state }) => (state === "ended" ? "ended" : "")}
            />
          )
        }
      </Loader>
    </>
  );
}

const columns: readonly Column<WorkerView>[] = [
  {
    title: "Worker",
    render: ({ id, host, pid }) => (
      <span class="stack" title={id}>
        <b class="strong">
          {host}
          {pid !== null && `:${pid}`}
        </b>
        <small class="id">{id.slice(0, 8)}</small>
      </span>
    ),
  },
  { title: "State", render: (worker) => <WorkerState worker={worker} /> },
  { title: "Slots", kind: "wide", render: (worker) => <QueueSlots worker={worker} /> },
  { title: "Version", render: ({ version }) => version },
  {
    title: "Uptime",
    kind: "number",
    render: ({ startedAt, endedAt }) =>
      endedAt ? formatDuration(Date.parse(endedAt) - Date.parse(startedAt)) : <Since at={startedAt} />,
  },
  { title: "Heartbeat", kind: "number", render: ({ beatAt }) => <Time at={beatAt} /> },
];

function WorkerState({ worker: { state, leaseLeftMs, endedAt } }: { readonly worker: WorkerView }) {
  const notes = {
    live: leaseLeftMs > 0 ? `lease ${formatDuration(leaseLeftMs)}` : null,
    silent: `lease expired ${formatDuration(-leaseLeftMs)} ago`,
    ended: endedAt && <Time at={endedAt} />,
  };
  const icons = { live: "completed", silent: "failed", ended: "cancelled" } as const;
  return (
    <span class="stack">
      <span class={`state state-${state}`}>
        <Icon name={icons[state]} />
        {state}
      </span>
      <small>{notes[state]}</small>
    </span>
  );
}

function QueueSlots({ worker: { queues, state } }: { readonly worker: WorkerView }) {
  return (
    <ul class="slots-list">
      {queues.map(({ name, active, concurrency }) => (
        <li key={name}>
          <span class="slots-queue">{name}</span>
          {state !== "ended" && <Slots active={active} total={concurrency} />}
          <small>{state === "ended" ? concurrency : `${active} of ${concurrency}`}</small>
        </li>
      ))}
    </ul>
  );
}
