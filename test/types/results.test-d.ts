// What is read of a job has the types of its definition, and each way that it can have ended is told apart.
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import {
  enqueue,
  enqueueMany,
  getJob,
  getResult,
  type Job,
  type JobContext,
  type JobError,
  type JobResult,
  type JobSummary,
  type LogLine,
  waitFor,
} from "../../src/index.ts";
import { listJobs } from "../../src/admin.ts";
import { equal } from "./equal.ts";
import { countRows, greet, importFile, sendInvoice } from "./jobs.ts";

declare const db: PostgresJsDatabase;
declare const job: JobContext;

// A job: the payload as it is stored, the result as its validator gives it.
const counted = await getJob(db, countRows, 1);
equal<typeof counted, Job<"count-rows", string, number> | undefined>(true);
if (counted) {
  equal<typeof counted.name, "count-rows">(true);
  equal<typeof counted.payload, string>(true);
  equal<typeof counted.result, number | null>(true);
  equal<typeof counted.finishedAt, Date | null>(true);
  equal<typeof counted.progress, unknown>(true);
}
const imported = await getJob(db, importFile, 1);
equal<typeof imported extends { payload: { at: string; rows?: number | undefined } } | undefined ? true : false, true>(
  true,
);

// Without a definition nothing is known of both.
const any = await getJob(db, 1);
equal<typeof any, Job | undefined>(true);
equal<NonNullable<typeof any>["payload"], unknown>(true);
equal<NonNullable<typeof any>["logs"], readonly LogLine[]>(true);

// By id, by what `enqueue` or `enqueueMany` returned, or by the job itself.
const handle = await enqueue(db, countRows, "a.csv");
const [first] = await enqueueMany(db, countRows, ["b.csv"]);
await getJob(db, countRows, handle);
await getResult(db, countRows, handle);
await waitFor(db, countRows, handle);
if (first) await waitFor(db, countRows, first);
if (counted) await getResult(db, countRows, counted);

// @ts-expect-error the handle of another definition
await getJob(db, greet, handle);
// @ts-expect-error the handle of another definition
await getResult(db, greet, handle);
// @ts-expect-error the handle of another definition
await waitFor(db, greet, handle);
// @ts-expect-error a text for an id
await getJob(db, greet, "1");
// @ts-expect-error a definition without an id
await getJob(db, greet);
// @ts-expect-error an id without a definition
await getResult(db, 1);

// A result: each status has what belongs to it, and nothing else.
const result = await waitFor(db, sendInvoice, 1, { timeout: "5s", signal: job.signal });
equal<typeof result, JobResult<{ messageId: string }>>(true);
switch (result.status) {
  case "completed":
    equal<typeof result.result, { messageId: string }>(true);
    break;
  case "pending":
    equal<typeof result.state, "queued" | "active">(true);
    equal<typeof result.progress, unknown>(true);
    break;
  case "dead":
    equal<typeof result.reason, string>(true);
    equal<typeof result.errors, readonly JobError[]>(true);
    break;
  case "cancelled":
    equal<typeof result.reason, string>(true);
    break;
  case "expired":
  case "unknown":
    // @ts-expect-error there is none
    void result.reason;
    break;
  default:
    result satisfies never;
}
// @ts-expect-error it may not have completed
void result.result;

// What no result is defined for has none.
const greeted = await getResult(db, greet, 1);
if (greeted.status === "completed") equal<typeof greeted.result, void>(true);

// @ts-expect-error a unit that does not exist
await waitFor(db, greet, 1, { timeout: "5 minutes" });
// @ts-expect-error a typo
await waitFor(db, greet, 1, { timout: "5s" });

// A list: its filter, then which page of it.
const { jobs, next } = await listJobs(db, { name: "greet", state: "queued" }, { cursor: "17", limit: 10 });
equal<typeof next, string | undefined>(true);
equal<typeof jobs, readonly JobSummary[]>(true);
await listJobs(db, {}, { cursor: next });
// @ts-expect-error a state that does not exist
await listJobs(db, { state: "scheduled" });
// @ts-expect-error which page is no filter
await listJobs(db, { limit: 10 });
// @ts-expect-error a number for a cursor
await listJobs(db, {}, { cursor: 17 });

// Progress may be anything; nothing is to be awaited.
equal<ReturnType<typeof job.progress>, void>(true);
job.progress({ done: 1, of: 2 });
