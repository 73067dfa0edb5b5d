import type { Job, JobSummary } from "../jobs/row/job.js";
import { jobTimeline } from "../jobs/read/job-timeline.js";
import { toIsoOrNull } from "./iso.js";
import { buildLink } from "./link.js";
import type { DashboardSettings } from "./options.js";
import { noRedaction, type Redaction } from "./redact.js";
import type { JobAction, JobRow, JobView, Serialized } from "./wire.js";

/** The fields that a row needs of a job or a dead letter. */
type ListedJob = Omit<JobSummary, "workerId" | "cancelRequestedAt">;

/** @param redaction has already hidden the secrets of the job's payload */
export function toJobRow(job: ListedJob, link: string | null, redaction: Redaction): JobRow {
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
    runAt: toIsoOrNull(job.runAt),
    claimedAt: toIsoOrNull(job.claimedAt),
    finishedAt: toIsoOrNull(job.finishedAt),
    link,
  };
}

/** Converts a job with its timeline and logs. @param isRevealed whether the secret fields are shown */
export function toJobView(job: Job, settings: DashboardSettings, isRevealed: boolean): JobView {
  const redaction = isRevealed ? noRedaction : settings.redact.createRedaction();
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
    uniqueKey: redactKey(job.uniqueKey, (fields) => redaction.hide(fields, "uniqueKey")),
  };
  const { errors: _errors, lastWorkerId: _lastWorkerId, ...rest } = job;
  const masked = redaction.mask(hidden);
  return {
    ...serializeDates(rest),
    ...toJobRow(job, buildLink(job, settings.link), redaction),
    ...masked,
    redacted: redaction.mask(redaction.paths),
    timeline: jobTimeline(job).map((entry) => ({
      ...entry,
      message: redaction.mask(entry.message),
      stack: redaction.mask(entry.stack),
    })),
    actions: settings.access.write ? listActions(job) : [],
  };
}

function serializeDates<T extends object>(object: T): Serialized<T> {
  const entries = Object.entries(object).map(([key, value]) => [
    key,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(entries) as Serialized<T>;
}

/** Redacts a unique key. A key that is built from payload fields contains them as JSON after the job's name. */
function redactKey(key: string | null, redactFields: (fields: unknown) => unknown): string | null {
  const [, name, json = ""] = /^([^:]*:)(\{.*\})$/s.exec(key ?? "") ?? [];
  try {
    const fields: unknown = JSON.parse(json);
    const redactedJson = JSON.stringify(redactFields(fields));
    return redactedJson === JSON.stringify(fields) ? key : `${name}${redactedJson}`;
  } catch {
    return key;
  }
}

/** Lists the actions that a job's state allows. */
function listActions({ state, runAt, cancelRequestedAt }: JobSummary): JobAction[] {
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
