// Results, progress and waiting: a web request waits for a job for a moment, and reads the result later if that was too short.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import {
  cancelJob,
  createResultListener,
  createWorker,
  defineConfig,
  defineJob,
  enqueue,
  getJob,
  getResult,
  type JobResult,
  migrate,
  waitFor,
} from "soniq-drizzle";
import * as v from "valibot";

const thumbnails = defineJob({
  name: "thumbnails",
  payload: v.strictObject({ photos: v.number() }),
  // Stored as a string, read as a Date.
  result: v.object({
    made: v.number(),
    firstTaken: v.pipe(
      v.string(),
      v.transform((text) => new Date(text)),
    ),
  }),
  maxAttempts: 1,
  retention: { completed: "7d" }, // the default is one day
});

const connection = process.env["DATABASE_URL"];
const client = postgres(connection ?? "", { onnotice: () => {} });
const db = drizzle({ client });
await migrate(db);

/** Describes a result for a photographer. */
function describe(result: JobResult<{ made: number; firstTaken: Date }>): string {
  switch (result.status) {
    case "completed":
      return `${result.result.made} thumbnails, the first taken in ${result.result.firstTaken.getUTCFullYear()}`;
    case "pending":
      return `${result.state}, progress: ${JSON.stringify(result.progress)}`;
    case "dead":
      return `dead: ${result.reason}, after ${result.errors.length} error`;
    case "cancelled":
      return `cancelled: ${result.reason}`;
    case "expired":
    case "unknown":
      return result.status;
    default:
      return result satisfies never;
  }
}

// The handler and the lines below wait for this.
let develop = () => {};
const developed = new Promise<void>((resolve) => (develop = resolve));

const worker = createWorker(
  defineConfig({
    connection,
    jobs: { thumbnails },
    handlers: {
      thumbnails: async ({ photos }, job) => {
        if (photos === 0) throw new Error("there are no photos");
        job.progress({ percent: 50 });
        await developed;
        return { made: photos, firstTaken: "1999-12-31T12:00:00Z" };
      },
    },
  }),
);

// One connection, over which workers notify all waits of this process that a job has finished.
const listener = createResultListener(connection);

const handle = await enqueue(db, thumbnails, { photos: 24 });
console.log("before a worker runs:", describe(await getResult(db, thumbnails, handle)));

await worker.start();
let seen = await waitFor(db, thumbnails, handle, { timeout: "200ms", listener });
while (seen.status === "pending" && seen.progress === null)
  seen = await waitFor(db, thumbnails, handle, { timeout: "200ms", listener });
console.log("while it runs:", describe(seen));

develop();
console.log("waited for:", describe(await waitFor(db, thumbnails, handle, { listener })));
console.log("read again:", describe(await getResult(db, thumbnails, handle)));

const job = await getJob(db, thumbnails, handle);
console.log(`the job: ${job?.state}, attempt ${job?.attempt}, payload ${JSON.stringify(job?.payload)}`);

const none = await enqueue(db, thumbnails, { photos: 0 });
console.log("without photos:", describe(await waitFor(db, thumbnails, none, { listener })));

const later = await enqueue(db, thumbnails, { photos: 1 }, { delay: "1h" });
await cancelJob(db, later.id, "the photographer left");
console.log("cancelled:", describe(await waitFor(db, thumbnails, later, { listener })));

await client`delete from soniq_jobs where id = ${handle.id}`;
console.log("pruned:", describe(await getResult(db, thumbnails, handle)));
console.log("never enqueued:", describe(await getResult(db, thumbnails, handle.id + 1_000)));

await worker.stop();
await listener.close();
await client.end();
