// Every statement of the engine as PostgreSQL gets it, committed under statements/: a review sees a change of the SQL itself.
// After such a change: `npx vitest run test/laws/statements.test.ts -u`, and read what `git diff` says.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as v from "valibot";
import { listAudit } from "../../src/audit/list-audit.ts";
import { pruneAudit } from "../../src/audit/prune-audit.ts";
import { concludeAudit, recordAudit } from "../../src/audit/record-audit.ts";
import type { Queryable } from "../../src/core/queryable.ts";
import { boundTransaction, cancelStatement } from "../../src/database/backend.ts";
import { checkTables } from "../../src/database/check-tables.ts";
import { findConnectionShortage, findLowLimit } from "../../src/database/connection-limits.ts";
import { findExposure, findOpenSchemas } from "../../src/database/exposure.ts";
import { countDeadLetters } from "../../src/dead-letters/count.ts";
import { listDeadLetters } from "../../src/dead-letters/list.ts";
import { purgeDeadLetters } from "../../src/dead-letters/purge.ts";
import { summarizeDeadLetters } from "../../src/dead-letters/summarize.ts";
import { appendLogs } from "../../src/jobs/settle/append-logs.ts";
import { cancelJob, cancelQueued } from "../../src/jobs/control/cancel-job.ts";
import { cancelExpired } from "../../src/jobs/upkeep/cancel-expired.ts";
import { claimBatch, claimByIds } from "../../src/jobs/claim/claim.ts";
import { findClaimable } from "../../src/jobs/claim/claimable.ts";
import { deleteCompleted, isReferenced } from "../../src/jobs/settle/delete-completed.ts";
import { defineJob } from "../../src/jobs/definition/define-job.ts";
import { discardJob } from "../../src/jobs/control/discard-job.ts";
import { enqueue } from "../../src/jobs/enqueue/enqueue.ts";
import { findFirstIdSince } from "../../src/jobs/read/list-jobs.ts";
import { getJob } from "../../src/jobs/read/get-job.ts";
import { findResult } from "../../src/jobs/read/get-result.ts";
import { insertJob } from "../../src/jobs/enqueue/insert.ts";
import { insertKeyed } from "../../src/jobs/enqueue/insert-keyed.ts";
import { insertMany } from "../../src/jobs/enqueue/insert-many.ts";
import { findKeyHolder } from "../../src/jobs/enqueue/find-key-holder.ts";
import { listJobs } from "../../src/jobs/read/list-jobs.ts";
import { parseOptions, type EnqueueOptions, createNewJob, type NewJob } from "../../src/jobs/enqueue/new-job.ts";
import type { Outcome } from "../../src/jobs/settle/outcome.ts";
import { hasOutstanding } from "../../src/jobs/read/has-outstanding.ts";
import { findUnansweredClaims, findOwned } from "../../src/jobs/claim/ownership.ts";
import { unpark, park } from "../../src/jobs/control/park.ts";
import { mapPayloads } from "../../src/jobs/control/payload-mapping.ts";
import {
  deleteFinished,
  findPrunable,
  findPruneHorizon,
  findReferences,
  pruneStart,
} from "../../src/jobs/upkeep/prune.ts";
import { readPayloads } from "../../src/jobs/read/read-payloads.ts";
import { retryJobs } from "../../src/jobs/control/retry-jobs.ts";
import { rescueFromEnded, rescueOverdue, rescueOrphaned } from "../../src/jobs/upkeep/rescue.ts";
import { runJobNow } from "../../src/jobs/control/run-now.ts";
import { saveProgress, saveProgressInTransaction } from "../../src/jobs/settle/save-progress.ts";
import { plainSettleStrategy } from "../../src/jobs/settle/settle.ts";
import type { Settlement } from "../../src/jobs/settle/settlement.ts";
import { settleAndClaim } from "../../src/jobs/settle/settle-and-claim.ts";
import { findCommittedSettlement, findEndedClaims } from "../../src/jobs/settle/find-ended-claims.ts";
import { notifyFinished } from "../../src/sessions/notify-finished.ts";
import { readFigures } from "../../src/metrics/read-figures.ts";
import { listQueues } from "../../src/queues/list-queues.ts";
import { pauseQueue, resumeQueue } from "../../src/queues/pause.ts";
import { findUnworkedQueues } from "../../src/queues/find-unworked-queues.ts";
import { defineSchedule } from "../../src/schedules/define-schedule.ts";
import { fireTicks } from "../../src/schedules/fire-ticks.ts";
import { listSchedules } from "../../src/schedules/list-schedules.ts";
import { throwScheduleNotFound } from "../../src/schedules/schedule-not-found.ts";
import { pauseSchedule } from "../../src/schedules/pause-schedule.ts";
import { deleteSchedule } from "../../src/schedules/delete-schedule.ts";
import { resumeSchedule } from "../../src/schedules/resume-schedule.ts";
import { toStoredSchedule } from "../../src/schedules/stored-schedule.ts";
import { triggerSchedule } from "../../src/schedules/trigger-schedule.ts";
import { findSchedule, findUpcoming } from "../../src/schedules/find-upcoming.ts";
import { reviewSchedules, syncSchedules } from "../../src/schedules/sync-schedules.ts";
import { countLiveWorkers } from "../../src/sessions/count-live.ts";
import {
  endEarlierSessions,
  expireSessions,
  findEndedSessions,
  deleteEndedSessions,
} from "../../src/sessions/end-sessions.ts";
import { listWorkers } from "../../src/sessions/list-workers.ts";
import { beat, endSession, openSession, publishIdleQueues } from "../../src/sessions/session.ts";
import { findTimeline, isOnAnotherTimeline, isOnItsTimeline } from "../../src/sessions/timeline.ts";
import { countAttempts } from "../../src/stats/count-attempts.ts";
import { foldStats } from "../../src/stats/fold-stats.ts";
import { pruneStats } from "../../src/stats/prune-stats.ts";
import { readRates } from "../../src/stats/read-rates.ts";
import { readStats } from "../../src/stats/read-stats.ts";
import { recordStats } from "../../src/stats/record-stats.ts";
import { findDueQueues } from "../../src/testing/due-now.ts";
import { publishEvent } from "../../src/webhooks/publish-event.ts";
import { publishingSettles, hasJobSubscribers } from "../../src/webhooks/publishing-settles.ts";
import { admitDelivery, recordFailure, recordSuccess } from "../../src/webhooks/breaker.ts";
import { defineEvent } from "../../src/webhooks/define-event.ts";
import { deleteEndpoint } from "../../src/webhooks/delete-endpoint.ts";
import { listDeliveries, resendDelivery } from "../../src/webhooks/delivery-log.ts";
import { listEndpoints, pauseEndpoint, registerEndpoint, resumeEndpoint } from "../../src/webhooks/endpoints.ts";
import {
  finishUnparking,
  findParkingEndpoints,
  unparkPage,
  unparkProbe,
  unparkOrphanedDeliveries,
  isBusy,
  parkPage,
} from "../../src/webhooks/parking.ts";
import { rotateSecret, rotateWebhookKeys } from "../../src/webhooks/rotate-secret.ts";
import { recordStatements } from "./recorded-statements.ts";
import { sourceFiles } from "./source-files.ts";

const worker = "11111111-1111-4111-8111-111111111111";
const endpoint = "22222222-2222-4222-8222-222222222222";
const claim = { id: 1, claimToken: 1 };
const refused = () => {};
const job = defineJob({ name: "invoice", payload: v.null() });
const keyed = {
  keep: defineJob({ name: "invoice", payload: v.null(), unique: { by: [], within: "1h" } }),
  replace: defineJob({ name: "invoice", payload: v.null(), unique: { by: [], onConflict: "replace" } }),
  reschedule: defineJob({ name: "invoice", payload: v.null(), unique: { by: [], onConflict: "reschedule" } }),
};
const conflicts = ["keep", "replace", "reschedule"] as const;
const event = defineEvent({ name: "paid", payload: v.null() });
const keys = [Buffer.alloc(32, 1).toString("base64")];

async function newJobs(definition: typeof job, options: readonly EnqueueOptions[]): Promise<NewJob[]> {
  return Promise.all(options.map((one) => createNewJob(definition, null, parseOptions(definition, one))));
}

/** With options that all jobs share, as `enqueueMany` passes them. */
async function alike(definition: typeof job): Promise<NewJob[]> {
  const options = parseOptions(definition, { delay: "1m" });
  return Promise.all([createNewJob(definition, null, options), createNewJob(definition, null, options)]);
}

const error = { message: "failed", name: "Error", attempt: 1, worker: "w", at: "2026-01-01T00:00:00.000Z" };
const outcomes: Outcome[] = [
  { kind: "completed", result: "{}" },
  { kind: "retried", delayMs: 1, error },
  { kind: "snoozed", delayMs: 1 },
  { kind: "released", delayMs: null },
  { kind: "released", delayMs: 1, ran: true, maxCrashes: 3, error },
  { kind: "parked" },
  { kind: "unknown", delayMs: 1, graceMs: 1, reason: "unknown job" },
  { kind: "unknown", delayMs: 1, graceMs: 1, reason: "invalid payload", queue: "default", error },
  { kind: "cancelled", reason: "by the handler" },
  { kind: "dead", reason: "failed", error },
];
const settlements: Settlement[][] = [
  ...outcomes.map((outcome) => [{ ...claim, outcome }]),
  [{ ...claim, outcome: { kind: "completed", result: null }, logs: "[]" }],
  outcomes.map((outcome, i) => ({ id: i, claimToken: 1, outcome })),
];
const claimInput = {
  workerId: worker,
  claimToken: 1,
  queue: "default",
  limit: 10,
  from: [{ runAt: "-infinity", id: 0, priority: 0 }],
  deadlines: "{}",
  defaultDeadlineMs: 1,
};
const schedules = () =>
  toStoredSchedule(
    defineSchedule({ name: "daily", job, payload: null, cron: "0 3 * * *", missed: "skip", overlap: "skip" }),
  );

type Run = (db: Queryable) => unknown;

/** All of a file's statements, by calls that have it send them; the rows that some of them must find. */
const files: Record<
  string,
  readonly (Run | { readonly run: Run; readonly answers: readonly (readonly unknown[])[] })[]
> = {
  "audit/list-audit": [(db) => listAudit(db), (db) => listAudit(db, { cursor: "9" })],
  "audit/prune-audit": [pruneAudit],
  "audit/record-audit": [
    (db) => recordAudit(db, { actor: "a", action: "b", target: "c", detail: null, outcome: "d" }),
    (db) => concludeAudit(db, 1, "done"),
  ],
  "database/backend": [
    (db) => boundTransaction(db, 1, 1),
    (db) => cancelStatement(db, { pid: 1, beganAt: "", timeoutMs: 1 }),
  ],
  "database/check-tables": [checkTables],
  "database/connection-limits": [(db) => findConnectionShortage(db, 1), (db) => findLowLimit(db, 1)],
  "database/exposure": [findExposure, findOpenSchemas],
  "dead-letters/count": [countDeadLetters],
  "dead-letters/list": [
    (db) => listDeadLetters(db),
    (db) =>
      listDeadLetters(db, {
        name: "a",
        queue: "b",
        reason: "c",
        error: "d",
        since: new Date(0),
        before: new Date(0),
      }),
  ],
  "dead-letters/purge": [(db) => purgeDeadLetters(db, { name: "a" })],
  "dead-letters/summarize": [(db) => summarizeDeadLetters(db, { name: "a" })],
  "jobs/settle/append-logs": [(db) => appendLogs(db, [{ workerId: worker, ...claim, lines: ["{}"] }])],
  "jobs/control/cancel-job": [
    (db) => cancelJob(db, { id: 1, name: "invoice" }),
    (db) => cancelQueued(db, [1], "superseded", refused),
  ],
  "jobs/upkeep/cancel-expired": [(db) => cancelExpired(db, { limit: 1 })],
  "jobs/claim/claim": [
    (db) => claimBatch(db, claimInput),
    (db) => claimBatch(db, { ...claimInput, limit: 1 }),
    (db) => claimByIds(db, { ...claimInput, ids: [1] }),
  ],
  "jobs/claim/claimable": [(db) => findClaimable(db, claimInput)],
  "jobs/settle/delete-completed": [
    isReferenced,
    (db) => deleteCompleted(db, worker, [{ ...claim, outcome: { kind: "completed", result: null } }]),
  ],
  "jobs/control/discard-job": [(db) => discardJob(db, { id: 1, name: "invoice" })],
  "jobs/enqueue/enqueue": [(db) => enqueue(db, job, null)],
  "jobs/read/get-job": [(db) => getJob(db, 1)],
  "jobs/read/get-result": [(db) => findResult(db, job, 1, true), (db) => findResult(db, job, 1, false)],
  "jobs/enqueue/insert": [true, false].map(
    (notify) => async (db: Queryable) => insertJob(db, (await newJobs(job, [{}]))[0]!, notify),
  ),
  "jobs/enqueue/insert-keyed": conflicts.flatMap((onConflict) =>
    [
      { freeExpiredKey: false, notify: false },
      { freeExpiredKey: false, notify: true },
      { freeExpiredKey: true, notify: true },
    ].map(
      (how) => async (db: Queryable) => insertKeyed(db, (await newJobs(keyed[onConflict], [{ delay: 1 }]))[0]!, how),
    ),
  ),
  "jobs/enqueue/insert-many": [
    async (db) => insertMany(db, await alike(job), []),
    async (db) => insertMany(db, await alike(job), ["default"]),
    async (db) => insertMany(db, await newJobs(job, [{}, { priority: 1 }]), []),
    ...conflicts.map(
      (onConflict) => async (db: Queryable) => insertMany(db, await alike(keyed[onConflict]), ["default"]),
    ),
  ],
  "jobs/enqueue/find-key-holder": [(db) => findKeyHolder(db, "key")],
  "jobs/read/list-jobs": [
    (db) => findFirstIdSince(db, 0),
    (db) => listJobs(db),
    ...(["queued", "active", "completed", "dead"] as const).map((state) => (db: Queryable) => listJobs(db, { state })),
    (db) => listJobs(db, { queue: "a", name: "b", tag: "c", payload: { path: "a.b", value: "1" } }),
    (db) => listJobs(db, { since: new Date(0), before: new Date(0) }),
  ],
  "jobs/read/has-outstanding": [(db) => hasOutstanding(db, ["default"], 1)],
  "jobs/claim/ownership": [(db) => findOwned(db, worker, [1]), (db) => findUnansweredClaims(db, worker, [claim], 1)],
  "jobs/control/park": [(db) => park(db, [1], refused), (db) => unpark(db, [1], refused)],
  "jobs/control/payload-mapping": [(db) => mapPayloads(db, [1], { job, payload: () => null }, refused).next()],
  "jobs/upkeep/prune": [
    findReferences,
    (db) => findPruneHorizon(db, 1),
    (db) => findPrunable(db, { state: "completed", before: "now", after: pruneStart, limit: 1 }),
    (db) =>
      findPrunable(db, {
        state: "dead",
        before: "now",
        names: { only: ["a"] },
        references: [{ table: "orders", column: "job_id" }],
        after: pruneStart,
        limit: 1,
      }),
    (db) => deleteFinished(db, "completed", [1]),
  ],
  "jobs/read/read-payloads": [(db) => readPayloads(db, [1])],
  "jobs/control/retry-jobs": [
    (db) => retryJobs(db, 1),
    (db) => retryJobs(db, [1], { mapping: { job, payload: () => null } }),
  ],
  "jobs/upkeep/rescue": [
    ...[[[1, 1, worker]], [{ id: 1, claim_token: 1, worker_id: worker }]].map((rows) => ({
      run: (db: Queryable) => rescueFromEnded(db, 3, { limit: 1 }),
      answers: [rows],
    })),
    (db) => rescueFromEnded(db, 3, { limit: 1 }, [worker]),
    (db) => rescueOrphaned(db, 3, { limit: 1, except: [2] }),
    (db) => rescueOverdue(db, { limit: 1 }),
  ],
  "jobs/control/run-now": [(db) => runJobNow(db, { id: 1, name: "invoice" })],
  "jobs/settle/save-progress": [
    (db) => saveProgress(db, worker, claim, "1"),
    (db) => saveProgressInTransaction(db, worker, claim, "1"),
  ],
  "jobs/settle/settle": settlements.flatMap((some) => [
    (db: Queryable) => plainSettleStrategy.settle(db, worker, some),
    (db: Queryable) => plainSettleStrategy.settleUnlocked(db, worker, some),
    (db: Queryable) => plainSettleStrategy.wouldSettle(db, worker, some[0]!),
  ]),
  "jobs/settle/settle-and-claim": [
    (db) => settleAndClaim(db, { ...claim, outcome: { kind: "completed", result: null } }, claimInput),
  ],
  "jobs/settle/find-ended-claims": [
    (db) => findEndedClaims(db, worker, settlements[0]!),
    (db) => findCommittedSettlement(db, worker, settlements[0]![0]!),
  ],
  "sessions/notify-finished": [(db) => notifyFinished(db, [1])],
  "metrics/read-figures": [readFigures],
  "queues/list-queues": [listQueues],
  "queues/pause": [(db) => pauseQueue(db, "default"), (db) => resumeQueue(db, "default")],
  "queues/find-unworked-queues": [(db) => findUnworkedQueues(db, ["default"])],
  "schedules/fire-ticks": [
    (db) => fireTicks(db, [{ schedule: { name: "daily", definition: "", ticks: 0 }, dueMs: [0], nextMs: 1 }]),
  ],
  "schedules/list-schedules": [listSchedules],
  "schedules/schedule-not-found": [(db) => throwScheduleNotFound(db, "daily")],
  "schedules/pause-schedule": [(db) => pauseSchedule(db, "daily")],
  "schedules/delete-schedule": [(db) => deleteSchedule(db, "daily")],
  "schedules/resume-schedule": [(db) => resumeSchedule(db, "daily")],
  "schedules/trigger-schedule": [(db) => triggerSchedule(db, "daily")],
  "schedules/find-upcoming": [(db) => findUpcoming(db, { limit: 1 }), (db) => findSchedule(db, "daily")],
  "schedules/sync-schedules": [
    async (db) => syncSchedules(db, [await schedules()]),
    async (db) => syncSchedules(db, [await schedules()], { definedAtMs: 1 }),
    async (db) => reviewSchedules(db, [await schedules()]),
  ],
  "sessions/count-live": [countLiveWorkers],
  "sessions/end-sessions": [
    (db) => expireSessions(db),
    endEarlierSessions,
    (db) => findEndedSessions(db, [worker], 1),
    (db) => deleteEndedSessions(db, 1),
  ],
  "sessions/list-workers": [listWorkers],
  "sessions/session": [
    (db) => openSession(db, { host: "a", pid: 1, version: "1", queues: { default: 1 }, leaseMs: 1 }),
    (db) => beat(db, worker, 1),
    (db) => publishIdleQueues(db, worker, ["default"]),
    (db) => endSession(db, worker),
  ],
  "sessions/timeline": [
    findTimeline,
    (db) => beat(db, worker, 1, isOnAnotherTimeline({ id: 1, at: "0/0" } as never)),
    (db) => isOnItsTimeline(db, worker),
  ],
  "stats/count-attempts": [countAttempts],
  "stats/fold-stats": [(db) => foldStats(db, { olderThanSeconds: 2, youngerThanSeconds: 3, stepSeconds: 1 })],
  "stats/prune-stats": [pruneStats],
  "stats/read-rates": [readRates],
  "stats/read-stats": [
    (db) => readStats(db, { range: "1h" }),
    (db) => readStats(db, { range: "7d", queue: "a", name: "b" }),
  ],
  "stats/record-stats": [(db) => recordStats(db, [])],
  "testing/due-now": [findDueQueues],
  "webhooks/publish-event": [
    (db) => publishEvent(db, event, null),
    (db) => publishEvent(db, event, null, { tenant: "a" }),
  ],
  "webhooks/publishing-settles": [hasJobSubscribers, (db) => publishingSettles.settle(db, worker, settlements.at(-1)!)],
  "webhooks/breaker": [
    (db) => admitDelivery(db, endpoint),
    (db) => recordSuccess(db, endpoint),
    (db) => recordFailure(db, endpoint, true),
    (db) => recordFailure(db, endpoint, false),
  ],
  "webhooks/delete-endpoint": [(db) => deleteEndpoint(db, endpoint)],
  "webhooks/delivery-log": [(db) => listDeliveries(db, endpoint), (db) => resendDelivery(db, 1)],
  "webhooks/endpoints": [
    (db) => registerEndpoint(db, { keys }, { url: "https://example.com/", events: "all", tenant: "a" }),
    (db) => listEndpoints(db),
    (db) => listEndpoints(db, { tenant: "a" }),
    (db) => pauseEndpoint(db, endpoint),
    (db) => resumeEndpoint(db, endpoint),
  ],
  "webhooks/parking": [
    findParkingEndpoints,
    (db) => parkPage(db, endpoint, 0, refused),
    (db) => unparkPage(db, endpoint, 0, refused),
    (db) => unparkProbe(db, endpoint, refused),
    (db) => finishUnparking(db, endpoint),
    isBusy,
    (db) => unparkOrphanedDeliveries(db, 0, refused),
  ],
  "webhooks/rotate-secret": [(db) => rotateSecret(db, { keys }, endpoint), (db) => rotateWebhookKeys(db, { keys })],
};

/** Files that send statements, but none of the engine's: they set a session up, migrate, or serve a test of the user's. */
const others = new Set([
  "core/builder",
  "core/queryable",
  "core/fetch-rows",
  "database/bounded-transaction",
  "database/migrate",
  "database/find-route",
  "dead-letters/batches",
  "jobs/row/job-row",
  "testing/drain",
  "testing/expect-enqueued",
  "testing/fire-schedules",
  "testing/travel",
]);

const folder = join(import.meta.dirname, "statements");

test.each(Object.keys(files))("the statements of %s are as they are on paper", async (file) => {
  const texts = [];
  for (const one of files[file] ?? []) {
    const { run, answers } = typeof one === "function" ? { run: one, answers: [] } : one;
    texts.push(...(await recordStatements(run, answers)));
  }
  expect(texts.length).toBeGreaterThan(0);
  await expect([...new Set(texts)].join("\n")).toMatchFileSnapshot(join(folder, `${file}.sql`));
});

test("every file that sends a statement has its statements on paper", () => {
  const senders = sourceFiles()
    .filter(({ room }) => room !== "src/dashboard/app")
    .filter(({ code }) => /\b(fetchRows|builder)(<[^(]*>)?\(|\b(db|tx|on|client)\.execute\(/.test(code))
    .map(({ path }) => path.replace(/^src\//, "").replace(/\.ts$/, ""));
  expect(senders.filter((path) => !(path in files) && !others.has(path))).toEqual([]);
});

test("every paper is of a file that is there", () => {
  const papers = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".sql"))
    .map((path) => path.replace(/\.sql$/, ""));
  expect(papers.filter((path) => !(path in files))).toEqual([]);
});
