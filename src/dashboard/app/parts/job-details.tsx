import type { JobView } from "../../wire.js";
import { href } from "../route.js";
import { Card } from "./card.js";
import { Facts } from "./facts.js";
import { Time } from "./time.js";

export function JobFacts({ job }: { readonly job: JobView }) {
  const renderTime = (at: string | null) => (at === null ? null : <Time at={at} />);
  return (
    <Card title="Details">
      <Facts
        facts={{
          Queue: <a href={href("jobs", { queue: job.queue })}>{job.queue}</a>,
          Name: <a href={href("jobs", { name: job.name })}>{job.name}</a>,
          Endpoint: endpointLink(job),
          Priority: job.priority,
          Attempts: `${job.attempt} of ${job.maxAttempts}`,
          Enqueued: renderTime(job.createdAt),
          [job.state === "queued" ? "Due" : "Was due"]: renderTime(job.runAt),
          Expires: renderTime(job.expiresAt),
          Claimed: renderTime(job.claimedAt),
          Finished: renderTime(job.finishedAt),
          "Cancel requested": renderTime(job.cancelRequestedAt),
          Worker: job.workerId && <span class="id">{job.workerId}</span>,
          "Unique key": job.uniqueKey && <span class="id">{job.uniqueKey}</span>,
          Crashes: job.crashes > 0 ? job.crashes : null,
          Retries: job.manualRetries > 0 ? job.manualRetries : null,
          Tags: job.tags.length > 0 ? job.tags.map((tag) => <Tag key={tag} tag={tag} />) : null,
        }}
      />
    </Card>
  );
}

const Tag = ({ tag }: { readonly tag: string }) => (
  <a class="tag" href={href("jobs", { tag })}>
    <bdi>{tag}</bdi>
  </a>
);

/** For a webhook delivery: a link to the deliveries of its endpoint. */
function endpointLink({ name, payload }: JobView) {
  if (name !== "soniq.webhook" || typeof payload !== "object" || payload === null || !("endpoint" in payload))
    return null;
  return <a href={href(`webhooks/${encodeURIComponent(String(payload.endpoint))}`)}>deliveries</a>;
}
