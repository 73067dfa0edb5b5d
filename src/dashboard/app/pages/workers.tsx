import type { WorkerView } from "../../wire.js";
import { span } from "../format.js";
import { useFetched } from "../fetched.js";
import { Empty } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Loaded } from "../parts/loaded.js";
import { PageHeader } from "../parts/page-header.js";
import { Slots } from "../parts/slots.js";
import { type Column, Table } from "../parts/table.js";
import { Since, Time } from "../parts/time.js";

const refreshMs = 2_000;

export function WorkersPage() {
  const workers = useFetched<readonly WorkerView[]>("workers", refreshMs);
  return (
    <>
      <PageHeader title="Workers" />
      <Loaded of={workers}>
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
      </Loaded>
    </>
  );
}

const columns: readonly Column<WorkerView>[] = [
  {
    title: "Worker",
    of: ({ id, host, pid }) => (
      <span class="stack" title={id}>
        <b class="strong">
          {host}
          {pid !== null && `:${pid}`}
        </b>
        <small class="id">{id.slice(0, 8)}</small>
      </span>
    ),
  },
  { title: "State", of: (worker) => <WorkerState worker={worker} /> },
  { title: "Slots", kind: "wide", of: (worker) => <Queues worker={worker} /> },
  { title: "Version", of: ({ version }) => version },
  {
    title: "Up",
    kind: "number",
    of: ({ startedAt, endedAt }) =>
      endedAt ? span(Date.parse(endedAt) - Date.parse(startedAt)) : <Since at={startedAt} />,
  },
  { title: "Last beat", kind: "number", of: ({ beatAt }) => <Time at={beatAt} /> },
];

function WorkerState({ worker: { state, leaseLeftMs, endedAt } }: { readonly worker: WorkerView }) {
  const notes = {
    live: leaseLeftMs > 0 ? `lease ${span(leaseLeftMs)}` : null,
    silent: `lease over since ${span(-leaseLeftMs)}`,
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

function Queues({ worker: { queues, state } }: { readonly worker: WorkerView }) {
  return (
    <ul class="slots-list">
      {queues.map(({ name, active, concurrency }) => (
        <li key={name}>
          <span class="slots-queue">{name}</span>
          {state !== "ended" && <Slots active={active} of={concurrency} />}
          <small>{state === "ended" ? concurrency : `${active} of ${concurrency}`}</small>
        </li>
      ))}
    </ul>
  );
}
