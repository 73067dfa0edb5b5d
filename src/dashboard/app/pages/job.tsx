import { useEffect, useState } from "preact/hooks";
import type { JobView } from "../../wire.js";
import { withQuery } from "../api.js";
import { useFetch } from "../use-fetch.js";
import { pluralize } from "../format.js";
import { Card } from "../parts/card.js";
import { Icon } from "../parts/icon.js";
import { JobActions } from "../parts/job-actions.js";
import { JobFacts } from "../parts/job-details.js";
import { JobLogs } from "../parts/job-logs.js";
import { JsonCard } from "../parts/json-card.js";
import { Loader } from "../parts/loader.js";
import { PageHeader } from "../parts/page-header.js";
import { JobState } from "../parts/state-badge.js";
import { Timeline } from "../parts/timeline.js";
import { href } from "../route.js";
import { useSession } from "../session.js";

const refreshMs = 2_000;
/** A finished job changes only if somebody retries it, and its payload may be large. */
const finishedRefreshMs = 15_000;

/** The page of one job: its timeline, logs, details and values. */
export function JobPage({ id }: { readonly id: string }) {
  const [isRevealed, setIsRevealed] = useState(false);
  const path = withQuery(`jobs/${encodeURIComponent(id)}`, { reveal: isRevealed ? 1 : null });
  const [isFinished, setIsFinished] = useState(false);
  const job = useFetch<JobView>(path, isFinished ? finishedRefreshMs : refreshMs);
  useEffect(() => setIsFinished(job.data !== null && job.data.finishedAt !== null), [job.data]);
  return (
    <>
      <PageHeader
        title={job.data ? `${job.data.name} #${job.data.id}` : `Job #${id}`}
        heading={
          job.data && (
            <>
              <bdi>{job.data.name}</bdi> #{job.data.id}
            </>
          )
        }
        above={<a href={href("jobs")}>Jobs</a>}
      >
        {job.data && <JobActions job={job.data} onDone={job.reload} />}
      </PageHeader>
      <Loader state={job} rows={12}>
        {(data) => <JobDetails job={data} isRevealed={isRevealed} toggleReveal={() => setIsRevealed(!isRevealed)} />}
      </Loader>
    </>
  );
}

interface JobDetailsProps {
  readonly job: JobView;
  readonly isRevealed: boolean;
  readonly toggleReveal: () => void;
}

function JobDetails({ job, isRevealed, toggleReveal }: JobDetailsProps) {
  return (
    <>
      <p class="page-state">
        <JobState job={job} />
        {job.reason && <span class="reason">{job.reason}</span>}
        <ApplicationLink link={job.link} />
      </p>
      <div class="job-details">
        <div>
          <Card title="Timeline">
            <Timeline entries={job.timeline} />
          </Card>
          {job.logs.length > 0 && <JobLogs logs={job.logs} />}
        </div>
        <div>
          <JobFacts job={job} />
          {job.progress !== null && <JsonCard title="Progress" value={job.progress} />}
          <JsonCard
            title="Payload"
            value={job.payload}
            aside={<RevealButton job={job} isRevealed={isRevealed} toggleReveal={toggleReveal} />}
          />
          {job.result !== null && <JsonCard title="Result" value={job.result} />}
          {Object.keys(job.meta).length > 0 && <JsonCard title="Meta" value={job.meta} />}
        </div>
      </div>
    </>
  );
}

function RevealButton({ job, isRevealed, toggleReveal }: JobDetailsProps) {
  const { mayReveal } = useSession();
  if (!mayReveal || (job.redacted.length === 0 && !isRevealed)) return null;
  return (
    <button type="button" class="link" onClick={toggleReveal}>
      {isRevealed ? "Hide secrets" : `Reveal ${pluralize(job.redacted.length, "redacted value")}`}
    </button>
  );
}

/** A link to a page of the application. Only http and https links are shown: others, such as `javascript:`, could run code. */
function ApplicationLink({ link }: { readonly link: string | null }) {
  if (link === null || !URL.canParse(link, document.baseURI)) return null;
  const { protocol, href: address } = new URL(link, document.baseURI);
  if (protocol !== "https:" && protocol !== "http:") return null;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer" class="application-link">
      Open in the application <Icon name="outside" />
    </a>
  );
}
