import type { JobRow } from "../../wire.js";
import { useNow } from "../clock.js";
import { Icon, type IconName } from "./icon.js";

type Shown = Extract<IconName, JobRow["state"] | "scheduled" | "parked">;

/** A state: told by a word, a shape and a colour. */
export function StateMark({ state, title }: { readonly state: Shown; readonly title?: string }) {
  return (
    <span class={`state state-${state}`} title={title}>
      <Icon name={state} />
      {state}
    </span>
  );
}

/** A job's state, where `queued` may be for later, or set aside. */
export function JobState({ job }: { readonly job: JobRow }) {
  const now = useNow();
  if (job.state !== "queued") return <StateMark state={job.state} {...(job.reason && { title: job.reason })} />;
  if (job.runAt === null) return <StateMark state="parked" title="Set aside: due when it is freed" />;
  return <StateMark state={Date.parse(job.runAt) > now ? "scheduled" : "queued"} />;
}
