import type { JobRow } from "../../wire.js";
import { useNow } from "../clock.js";
import { formatRelativeTime, formatDuration } from "../format.js";
import { href, jobHref } from "../route.js";
import { JobState } from "./state-badge.js";
import { type Column, Table } from "./table.js";
import { Since, Time } from "./time.js";

interface JobTableProps {
  readonly jobs: readonly JobRow[];
  /** Jobs that no longer match the filter. */
  readonly unmatchedIds?: ReadonlySet<number>;
}

export function JobTable({ jobs, unmatchedIds }: JobTableProps) {
  return (
    <Table
      label="Jobs"
      rows={jobs}
      columns={columns}
      keyOf={({ id }) => id}
      classOf={({ id }) => (unmatchedIds?.has(id) ? "dimmed" : "")}
    />
  );
}

const columns: readonly Column<JobRow>[] = [
  { title: "State", render: (job) => <JobState job={job} /> },
  { title: "Job", kind: "wide", render: (job) => <JobName job={job} /> },
  { title: "Queue", render: ({ queue }) => <a href={href("jobs", { queue })}>{queue}</a> },
  {
    title: "Attempt",
    kind: "number",
    render: ({ attempt, maxAttempts }) => <Attempts {...{ attempt, maxAttempts }} />,
  },
  { title: "Enqueued", kind: "number", render: ({ createdAt }) => <Time at={createdAt} /> },
  { title: "Took", kind: "number", render: (job) => <JobDuration job={job} /> },
];

/** A job's name and id, linked to its page, with its tags and the reason of its end. */
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

function JobDuration({ job }: { readonly job: JobRow }) {
  const now = useNow();
  if (job.state === "active" && job.claimedAt) return <Since at={job.claimedAt} />;
  if (job.claimedAt && job.finishedAt)
    return <>{formatDuration(Date.parse(job.finishedAt) - Date.parse(job.claimedAt))}</>;
  if (job.state === "queued" && job.runAt && Date.parse(job.runAt) > now)
    return <>{formatRelativeTime(job.runAt, now)}</>;
  return <span class="faint">–</span>;
}
