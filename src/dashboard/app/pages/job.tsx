import { useEffect, useState } from "preact/hooks";
import type { JobView } from "../../wire.js";
import { withQuery } from "../api.js";
import { useFetched } from "../fetched.js";
import { Card } from "../parts/card.js";
import { Icon } from "../parts/icon.js";
import { JobActions } from "../parts/job-actions.js";
import { JobFacts } from "../parts/job-facts.js";
import { JobLogs } from "../parts/job-logs.js";
import { JsonCard } from "../parts/json-card.js";
import { Loaded } from "../parts/loaded.js";
import { PageHeader } from "../parts/page-header.js";
import { JobState } from "../parts/state-mark.js";
import { Timeline } from "../parts/timeline.js";
import { href } from "../route.js";
import { useSession } from "../session.js";

const refreshMs = 2_000;
/** One that has finished changes only if somebody retries it, and its payload may be large. */
const finishedRefreshMs = 15_000;

/** All that is known of one job. */
export function JobPage({ id }: { readonly id: string }) {
  const [revealed, setRevealed] = useState(false);
  const path = withQuery(`jobs/${encodeURIComponent(id)}`, { reveal: revealed ? 1 : null });
  const [isFinished, setFinished] = useState(false);
  const job = useFetched<JobView>(path, isFinished ? finishedRefreshMs : refreshMs);
  useEffect(() => setFinished(job.data !== null && job.data.finishedAt !== null), [job.data]);
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
        {job.data && <JobActions job={job.data} done={job.reload} />}
      </PageHeader>
      <Loaded of={job} rows={12}>
        {(data) => <Story job={data} revealed={revealed} reveal={() => setRevealed(!revealed)} />}
      </Loaded>
    </>
  );
}

interface StoryProps {
  readonly job: JobView;
  readonly revealed: boolean;
  readonly reveal: () => void;
}

function Story({ job, revealed, reveal }: StoryProps) {
  return (
    <>
      <p class="page-state">
        <JobState job={job} />
        {job.reason && <span class="reason">{job.reason}</span>}
        <OwnLink link={job.link} />
      </p>
      <div class="story">
        <div>
          <Card title="What happened">
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
            aside={<Reveal job={job} revealed={revealed} reveal={reveal} />}
          />
          {job.result !== null && <JsonCard title="Result" value={job.result} />}
          {Object.keys(job.meta).length > 0 && <JsonCard title="Meta" value={job.meta} />}
        </div>
      </div>
    </>
  );
}

function Reveal({ job, revealed, reveal }: StoryProps) {
  const { mayReveal } = useSession();
  if (!mayReveal || (job.redacted.length === 0 && !revealed)) return null;
  return (
    <button type="button" class="link" onClick={reveal}>
      {revealed ? "Hide secrets" : `Reveal ${job.redacted.length} redacted`}
    </button>
  );
}

/** A page of the user's own. What is no link on the web is none here. */
function OwnLink({ link }: { readonly link: string | null }) {
  if (link === null || !URL.canParse(link, document.baseURI)) return null;
  const { protocol, href: address } = new URL(link, document.baseURI);
  if (protocol !== "https:" && protocol !== "http:") return null;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer" class="own-link">
      Open in the application <Icon name="outside" />
    </a>
  );
}
