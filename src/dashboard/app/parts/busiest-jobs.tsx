import type { StatsView } from "../../wire.js";
import { formatNumber, formatSeconds } from "../format.js";
import { href } from "../route.js";
import { Empty } from "./empty.js";
import { type Column, Table } from "./table.js";

type JobStats = StatsView["byName"][number];
const maxRows = 12;

export function BusiestJobs({ jobs }: { readonly jobs: readonly JobStats[] }) {
  if (jobs.length === 0)
    return (
      <Empty title="No attempts in this range">
        Workers run jobs: <code>npx soniq-drizzle work</code>
      </Empty>
    );
  return <Table label="Busiest jobs" rows={jobs.slice(0, maxRows)} columns={columns} keyOf={({ name }) => name} />;
}

const columns: readonly Column<JobStats>[] = [
  {
    title: "Job",
    kind: "wide",
    render: ({ name }) => (
      <a class="strong" data-row href={href("jobs", { name })}>
        <bdi>{name}</bdi>
      </a>
    ),
  },
  { title: "Completed", kind: "number", render: ({ completed }) => formatNumber(completed) },
  {
    title: "Failed",
    kind: "number",
    render: ({ failed }) => <span class={failed > 0 ? "bad" : "faint"}>{formatNumber(failed)}</span>,
  },
  {
    title: "p95",
    kind: "number",
    render: ({ p95 }) => (p95 === null ? <span class="faint">–</span> : formatSeconds(p95)),
  },
];
