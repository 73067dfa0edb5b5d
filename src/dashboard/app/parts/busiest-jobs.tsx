import type { StatsView } from "../../wire.js";
import { count, seconds } from "../format.js";
import { href } from "../route.js";
import { Empty } from "./empty.js";
import { type Column, Table } from "./table.js";

type Busy = StatsView["byName"][number];
const maxShown = 12;

export function BusiestJobs({ jobs }: { readonly jobs: readonly Busy[] }) {
  if (jobs.length === 0)
    return (
      <Empty title="Nothing ran in this time">
        Workers run jobs: <code>npx soniq-drizzle work</code>
      </Empty>
    );
  return <Table label="Busiest jobs" rows={jobs.slice(0, maxShown)} columns={columns} keyOf={({ name }) => name} />;
}

const columns: readonly Column<Busy>[] = [
  {
    title: "Job",
    kind: "wide",
    of: ({ name }) => (
      <a class="strong" data-row href={href("jobs", { name })}>
        <bdi>{name}</bdi>
      </a>
    ),
  },
  { title: "Completed", kind: "number", of: ({ completed }) => count(completed) },
  {
    title: "Failed",
    kind: "number",
    of: ({ failed }) => <span class={failed > 0 ? "bad" : "faint"}>{count(failed)}</span>,
  },
  { title: "p95", kind: "number", of: ({ p95 }) => (p95 === null ? <span class="faint">–</span> : seconds(p95)) },
];
