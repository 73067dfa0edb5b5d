import type { JobRow } from "../../wire.js";
import { useNow } from "../clock.js";
import { relative, span } from "../format.js";
import { href, jobHref } from "../route.js";
import { JobState } from "./state-mark.js";
import { type Column, Table } from "./table.js";
import { Since, Time } from "./time.js";

interface JobTableProps {
  readonly jobs: readonly JobRow[];
  /** Those that no longer are what was looked for. */
  readonly goneIds?: ReadonlySet<number>;
}

export function JobTable({ jobs, goneIds }: JobTableProps) {
  return (
    <Table
      label="Jobs"
      rows={jobs}
      columns={columns}
      keyOf={({ id }) => id}
      classOf={({ id }) => (goneIds?.has(id) ? "gone" : "")}
    />
  );
}

const columns: readonly Column<JobRow>[] = [
  { title: "State", of: (job) => <JobState job={job} /> },
  { title: "Job", kind: "wide", of: (job) => <JobName job={job} /> },
  { title: "Queue", of: ({ queue }) => <a href={href("jobs", { queue })}>{queue}</a> },
  { title: "Attempt", kind: "number", of: ({ attempt, maxAttempts }) => <Attempts {...{ attempt, maxAttempts }} /> },
  { title: "Enqueued", kind: "number", of: ({ createdAt }) => <Time at={createdAt} /> },
  { title: "Took", kind: "number", of: (job) => <Took job={job} /> },
];

/** A job's name and id, a way to its story; its tags, and why it ended. */
export function JobName({ job }: { readonly job: JobRow }) {
  return (
    <span class="job-name">
      <a data-row class="strong" href={jobHref(job.id)}>
        <bdi>{job.name}</bdi> <span class="id">#{job.id}</span>
      </a>
      {job.tags.map((tag) => (
        <a key={tag} class="tag" href={href("jobs", { tag })}>
          <bdi>{tag}</bdi>
        </a>
      ))}
      {job.reason && <span class="reason">{job.reason}</span>}
    </span>
  );
}

function Attempts({ attempt, maxAttempts }: Pick<JobRow, "attempt" | "maxAttempts">) {
  if (attempt === 0) return <span class="faint">–</span>;
  return (
    <span class={attempt > 1 ? "" : "faint"}>
      {attempt} of {maxAttempts}
    </span>
  );
}

function Took({ job }: { readonly job: JobRow }) {
  const now = useNow();
  if (job.state === "active" && job.claimedAt) return <Since at={job.claimedAt} />;
  if (job.claimedAt && job.finishedAt) return <>{span(Date.parse(job.finishedAt) - Date.parse(job.claimedAt))}</>;
  if (job.state === "queued" && job.runAt && Date.parse(job.runAt) > now) return <>{relative(job.runAt, now)}</>;
  return <span class="faint">–</span>;
}
