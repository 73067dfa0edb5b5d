import * as v from "valibot";
import { recordAudit } from "../../audit/record-audit.js";
import type { Queryable } from "../../core/queryable.js";
import { explainRefusal } from "../../dead-letters/explain-refusal.js";
import { cancelJob } from "../../jobs/control/cancel-job.js";
import { discardJob } from "../../jobs/control/discard-job.js";
import { getJob } from "../../jobs/read/get-job.js";
import { listJobs } from "../../jobs/read/list-jobs.js";
import { retryJobs } from "../../jobs/control/retry-jobs.js";
import { runJobNow } from "../../jobs/control/run-now.js";
import { getActorName } from "../access.js";
import type { Api, Change } from "../api.js";
import { toIsoOrNull } from "../iso.js";
import { toJobRow, toJobView } from "../job-views.js";
import { readRedactions } from "../read-redactions.js";
import type { DashboardSettings } from "../options.js";
import { parseValue, parseId, page, parseQuery, text, time } from "../query.js";
import { Refusal } from "../refusal.js";
import type { JobListView } from "../wire.js";

const listQuery = v.strictObject({
  state: v.exactOptional(v.picklist(["queued", "active", "completed", "cancelled", "dead"])),
  queue: text,
  name: text,
  tag: text,
  field: text,
  value: v.optional(v.pipe(v.string(), v.maxLength(1_000)), ""),
  since: time,
  until: time,
  ...page,
});

export function addJobRoutes(api: Api): void {
  api.addReadRoute("/jobs", (db, request) => readList(db, parseQuery(request, listQuery), api.settings));
  api.addGetRoute("/jobs/:id", async (c) => {
    const id = parseJobId(c.req.param("id"));
    const viewer = c.req.query("reveal") === "1" && (await api.authorize(c, "job.reveal", String(id)));
    const job = await api.runReadOnly((db) => getJob(db, id));
    if (!job) throw new Refusal(404, `there is no job #${id}: it never existed or was deleted`);
    if (viewer) await recordReveal(getActorName(viewer), String(id));
    return c.json(toJobView(job, api.settings, viewer !== false));
  });
  api.addChangeRoute("/jobs/:target/retry", "job.retry", retry);
  api.addChangeRoute("/jobs/:target/cancel", "job.cancel", cancel, reasonBody);
  api.addChangeRoute("/jobs/:target/run-now", "job.run-now", runNow);
  api.addChangeRoute("/jobs/:target/discard", "job.discard", discard, reasonBody);

  const recentReveals = new Map<string, number>();
  /** Writes at most one audit entry per actor and job within ten minutes, because the page reloads the job every few seconds. */
  async function recordReveal(actor: string, target: string): Promise<void> {
    const key = JSON.stringify([actor, target]);
    const now = performance.now();
    if (now - (recentReveals.get(key) ?? -Infinity) < revealIntervalMs) return;
    await api.runReadWrite((db) => recordAudit(db, { ...revealEntry, actor, target }));
    if (recentReveals.size >= maxRecentReveals) recentReveals.clear();
    recentReveals.set(key, now);
  }
}

async function readList(
  db: Queryable,
  { cursor, limit, field, value, until, ...filter }: v.InferOutput<typeof listQuery>,
  { redact }: DashboardSettings,
): Promise<JobListView> {
  // A search by a secret field would reveal its value to a user who tries values one by one.
  const secretField = field?.split(".").find((key) => redact.isSecretField(key));
  if (secretField !== undefined)
    throw new Refusal(403, `the field ${JSON.stringify(secretField)} is redacted: search by another field`);
  const found = await listJobs(
    db,
    { ...filter, ...(until && { before: until }), ...(field !== undefined && { payload: { path: field, value } }) },
    { cursor, limit },
  );
  const redactions = await readRedactions(
    db,
    found.jobs.filter(({ reason, tags }) => reason !== null || tags.length > 0).map(({ id }) => id),
    redact,
  );
  return {
    jobs: found.jobs.map((job) => toJobRow(job, null, redactions.of(job.id))),
    next: found.next ?? null,
    scannedJobs: found.scannedJobs,
    backTo: toIsoOrNull(found.backTo),
    complete: found.next === undefined,
  };
}

function parseJobId(input: string | undefined): number {
  return parseId(input, "a job's");
}

const revealIntervalMs = 600_000;
const maxRecentReveals = 1_000;
const revealEntry = { action: "job.reveal", detail: {}, outcome: "shown" };

async function retry(db: Queryable, { target }: Change): Promise<string> {
  const id = parseJobId(target);
  const { refused } = await retryJobs(db, id);
  if (refused[0]) throw new Refusal(409, `job #${id} stays dead: ${explainRefusal(refused[0])}`);
  return "queued again, with all its attempts";
}

const reasonBody = v.optional(v.strictObject({ reason: text }), {});

/** Returns the reason that the request gives; default: the actor's name. */
function parseReason({ body, actor }: Change): string {
  return parseValue(reasonBody, body, "body").reason ?? `by ${actor}`;
}

async function cancel(db: Queryable, change: Change): Promise<string> {
  const id = parseJobId(change.target);
  const outcome = await cancelJob(db, id, parseReason(change));
  if (outcome === "not found") throw createNotFound(id);
  return outcome === "cancelled" ? "cancelled" : "asked to stop: its signal is aborted";
}

async function runNow(db: Queryable, { target }: Change): Promise<string> {
  const id = parseJobId(target);
  const outcome = await runJobNow(db, id);
  if (outcome === "not found") throw createNotFound(id);
  if (outcome === "active") throw new Refusal(409, `job #${id} is already running`);
  if (outcome === "parked") throw new Refusal(409, `job #${id} is parked: resume its webhook endpoint`);
  return "due now";
}

async function discard(db: Queryable, change: Change): Promise<string> {
  const id = parseJobId(change.target);
  const outcome = await discardJob(db, id, parseReason(change));
  if (outcome === "not found") throw createNotFound(id);
  if (outcome === "active") throw new Refusal(409, `job #${id} is running: cancel it instead`);
  return "discarded: it is a dead letter";
}

function createNotFound(id: number): Refusal {
  return new Refusal(409, `there is no job #${id}, or it has finished`);
}
