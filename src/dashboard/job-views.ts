import type { Job, JobSummary } from "../jobs/row/job.js";
import { jobTimeline } from "../jobs/read/job-timeline.js";
import { isoOrNull } from "./iso.js";
import { linkOf } from "./link.js";
import type { DashboardSettings } from "./options.js";
import { nothingHidden, type Redaction } from "./redact.js";
import type { JobAction, JobRow, JobView, Sent } from "./wire.js";

/** What rows show of a job, and of a dead letter. */
type Listed = Omit<JobSummary, "workerId" | "cancelRequestedAt">;

/** @param redaction has hidden what is secret in the job's payload */
export function jobRow(job: Listed, link: string | null, redaction: Redaction): JobRow {
  const { id, name, queue, state, priority, attempt, maxAttempts } = job;
  const { tags, reason } = redaction.mask({ tags: job.tags, reason: job.reason });
  return {
    id,
    name,
    queue,
    state,
    priority,
    attempt,
    maxAttempts,
    tags,
    reason,
    createdAt: job.createdAt.toISOString(),
    runAt: isoOrNull(job.runAt),
    claimedAt: isoOrNull(job.claimedAt),
    finishedAt: isoOrNull(job.finishedAt),
    link,
  };
}

/** A job's whole story. @param revealed whether its secret fields are shown */
export function jobView(job: Job, settings: DashboardSettings, revealed: boolean): JobView {
  const redaction = revealed ? nothingHidden : settings.redact.begin();
  const hidden = {
    payload: redaction.hide(job.payload, "payload"),
    result: redaction.hide(job.result, "result"),
    progress: redaction.hide(job.progress, "progress"),
    meta: redaction.hide(job.meta, "meta") as JobView["meta"],
    logs: job.logs.map(({ at, attempt, message, fields }, i) => ({
      at,
      attempt,
      message: String(message),
      fields: fields === undefined ? null : redaction.hide(fields, `logs[${i}].fields`),
    })),
    uniqueKey: keyShown(job.uniqueKey, (fields) => redaction.hide(fields, "uniqueKey")),
  };
  const { errors: _errors, lastWorkerId: _lastWorkerId, ...told } = job;
  const masked = redaction.mask(hidden);
  return {
    ...sent(told),
    ...jobRow(job, linkOf(job, settings.link), redaction),
    ...masked,
    redacted: redaction.mask(redaction.paths),
    timeline: jobTimeline(job).map((moment) => ({
      ...moment,
      message: redaction.mask(moment.message),
      stack: redaction.mask(moment.stack),
    })),
    actions: settings.access.write ? actionsOn(job) : [],
  };
}

function sent<T extends object>(object: T): Sent<T> {
  const entries = Object.entries(object).map(([key, value]) => [
    key,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(entries) as Sent<T>;
}

/** A key may be made of the payload's fields: then they stand in it as JSON, behind the job's name. */
function keyShown(key: string | null, shown: (fields: unknown) => unknown): string | null {
  const [, name, json = ""] = /^([^:]*:)(\{.*\})$/s.exec(key ?? "") ?? [];
  try {
    const fields: unknown = JSON.parse(json);
    const said = JSON.stringify(shown(fields));
    return said === JSON.stringify(fields) ? key : `${name}${said}`;
  } catch {
    return key;
  }
}

/** What may be done with a job as it stands. */
function actionsOn({ state, runAt, cancelRequestedAt }: JobSummary): JobAction[] {
  switch (state) {
    case "queued":
      return [...(runAt !== null && runAt.getTime() > Date.now() ? ["run-now" as const] : []), "cancel", "discard"];
    case "active":
      return cancelRequestedAt === null ? ["cancel"] : [];
    case "dead":
      return ["retry"];
    case "completed":
    case "cancelled":
      return [];
    default:
      return state satisfies never;
  }
}
