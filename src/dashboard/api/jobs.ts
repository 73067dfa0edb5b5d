import * as v from "valibot";
import { recordAudit } from "../../audit/record-audit.js";
import type { Queryable } from "../../core/queryable.js";
import { whyRefused } from "../../dead-letters/why-refused.js";
import { cancelJob } from "../../jobs/control/cancel.js";
import { discardJob } from "../../jobs/control/discard-job.js";
import { getJob } from "../../jobs/read/get-job.js";
import { listJobs } from "../../jobs/read/list-jobs.js";
import { retryJobs } from "../../jobs/control/retry.js";
import { runJobNow } from "../../jobs/control/run-now.js";
import { actorOf } from "../access.js";
import type { Api, Change } from "../api.js";
import { isoOrNull } from "../iso.js";
import { jobRow, jobView } from "../job-views.js";
import { readRedactions } from "../read-redactions.js";
import type { DashboardSettings } from "../options.js";
import { checked, idOf, page, queryOf, text, time } from "../query.js";
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

export function jobRoutes(api: Api): void {
  api.read("/jobs", (db, request) => jobList(db, queryOf(request, listQuery), api.settings));
  api.look("/jobs/:id", async (c) => {
    const id = jobId(c.req.param("id"));
    const reveals = c.req.query("reveal") === "1" && (await api.authorize(c, "job.reveal", String(id)));
    const job = await api.reading((db) => getJob(db, id));
    if (!job) throw new Refusal(404, `there is no job #${id}, or no longer`);
    if (reveals) await noteReveal(actorOf(reveals), String(id));
    return c.json(jobView(job, api.settings, reveals !== false));
  });
  api.change("/jobs/:target/retry", "job.retry", retry);
  api.change("/jobs/:target/cancel", "job.cancel", cancelOne, why);
  api.change("/jobs/:target/run-now", "job.run-now", runOneNow);
  api.change("/jobs/:target/discard", "job.discard", discardOne, why);

  const recent = new Map<string, number>();
  /** The page asks again every few seconds: one entry stands for all that an actor sees of a job within ten minutes. */
  async function noteReveal(actor: string, target: string): Promise<void> {
    const key = JSON.stringify([actor, target]);
    const now = performance.now();
    if (now - (recent.get(key) ?? -Infinity) < revealIntervalMs) return;
    await api.writing((db) => recordAudit(db, { ...revealed, actor, target }));
    if (recent.size >= maxRecentReveals) recent.clear();
    recent.set(key, now);
  }
}

async function jobList(
  db: Queryable,
  { cursor, limit, field, value, ...filter }: v.InferOutput<typeof listQuery>,
  { redact }: DashboardSettings,
): Promise<JobListView> {
  // Who may not see it could find it out, value by value.
  const hidden = field?.split(".").find((key) => redact.hides(key));
  if (hidden !== undefined)
    throw new Refusal(403, `the values of ${JSON.stringify(hidden)} are not shown here: search by another field`);
  const found = await listJobs(
    db,
    { ...filter, ...(field !== undefined && { payload: { path: field, value } }) },
    { cursor, limit },
  );
  const redactions = await readRedactions(
    db,
    found.jobs.filter(({ reason, tags }) => reason !== null || tags.length > 0).map(({ id }) => id),
    redact,
  );
  return {
    jobs: found.jobs.map((job) => jobRow(job, null, redactions.of(job.id))),
    next: found.next ?? null,
    lookedAt: found.lookedAt,
    backTo: isoOrNull(found.backTo),
    complete: found.next === undefined,
  };
}

function jobId(given: string | undefined): number {
  return idOf(given, "a job's");
}

const revealIntervalMs = 600_000;
const maxRecentReveals = 1_000;
const revealed = { action: "job.reveal", detail: {}, outcome: "shown" };

async function retry(db: Queryable, { target }: Change): Promise<string> {
  const id = jobId(target);
  const { refused } = await retryJobs(db, id);
  if (refused[0]) throw new Refusal(409, `job #${id} stays dead: ${whyRefused(refused[0])}`);
  return "queued again, with all its attempts";
}

const why = v.optional(v.strictObject({ reason: text }), {});

/** Why, as whoever did it says. */
function reasonOf({ body, actor }: Change): string {
  return checked(why, body, "body").reason ?? `by ${actor}`;
}

async function cancelOne(db: Queryable, change: Change): Promise<string> {
  const id = jobId(change.target);
  const became = await cancelJob(db, id, reasonOf(change));
  if (became === "not found") throw gone(id);
  return became === "cancelled" ? "cancelled" : "asked to stop: its signal is aborted";
}

async function runOneNow(db: Queryable, { target }: Change): Promise<string> {
  const id = jobId(target);
  const became = await runJobNow(db, id);
  if (became === "not found") throw gone(id);
  if (became === "active") throw new Refusal(409, `job #${id} runs already`);
  if (became === "parked") throw new Refusal(409, `job #${id} is parked: resume its endpoint`);
  return "due now";
}

async function discardOne(db: Queryable, change: Change): Promise<string> {
  const id = jobId(change.target);
  const became = await discardJob(db, id, reasonOf(change));
  if (became === "not found") throw gone(id);
  if (became === "active") throw new Refusal(409, `job #${id} runs: cancel it first`);
  return "discarded: it is a dead letter";
}

function gone(id: number): Refusal {
  return new Refusal(409, `there is no job #${id}, or it has finished`);
}
