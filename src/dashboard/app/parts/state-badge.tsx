import type { JobRow } from "../../wire.js";
import { useNow } from "../clock.js";
import { Icon, type IconName } from "./icon.js";

type BadgeState = Extract<IconName, JobRow["state"] | "scheduled" | "parked">;

/** A state, shown as a word, a shape and a colour. */
export function StateBadge({ state, title }: { readonly state: BadgeState; readonly title?: string }) {
  return (
    <span class={`state state-${state}`} title={title}>
      <Icon name={state} />
      {state}
    </span>
  );
}

/** A job's state. A queued job is shown as `scheduled` before it is due, and as `parked` while it has no due time. */
export function JobState({ job }: { readonly job: JobRow }) {
  const now = useNow();
  if (job.state !== "queued") return <StateBadge state={job.state} {...(job.reason && { title: job.reason })} />;
  if (job.runAt === null) return <StateBadge state="parked" title="Becomes due when it is released" />;
  return <StateBadge state={Date.parse(job.runAt) > now ? "scheduled" : "queued"} />;
}
