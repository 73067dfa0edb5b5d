// Worker events, middleware, and log lines that are stored with a job: an import that fails once.
import { AsyncLocalStorage } from "node:async_hooks";
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createWorker, defineConfig, defineJob, enqueue, type Middleware, migrate } from "soniq-drizzle";
import { soniqJobs } from "soniq-drizzle/schema";
import * as v from "valibot";

const db = drizzle({ client: postgres(process.env.DATABASE_URL ?? "", { max: 1, onnotice: () => {} }) });

const importFile = defineJob({
  name: "import-file",
  payload: v.strictObject({ path: v.string() }),
  backoff: () => "300ms",
  onEnqueued: ({ name }, { path }) => console.log(`enqueued: ${name} of ${path}`),
});

/** Functions that a handler calls can read the request's id. */
const request = new AsyncLocalStorage<unknown>();
const withRequest: Middleware = (job, next) => request.run(job.meta.requestId, next);

/** Observes how the handler ends. It returns nothing, so the handler's result stands. */
const watched: Middleware = async (job, next) => {
  console.log(`middleware: attempt ${job.attempt} begins`);
  await next().catch((error: Error) => console.log(`middleware: it threw "${error.message}"`));
};

const config = defineConfig({
  connection: process.env.DATABASE_URL,
  jobs: { importFile },
  handlers: {
    importFile: async ({ path }, job) => {
      job.log(`reading ${path}`, { request: request.getStore() });
      if (job.attempt === 1) throw new Error("the file is locked");
      job.log("imported", { rows: 302 });
    },
  },
  middleware: [withRequest, watched],
  onEvent(event) {
    if ("job" in event) console.log(`event: ${event.type}`);
  },
  queues: { default: { concurrency: 1 } },
});

await migrate(db);
const { id } = await enqueue(db, importFile, { path: "orders.csv" }, { meta: { requestId: "r-42" } });
await createWorker(config).drain({ wait: "1s" });

const [job] = await db.select({ logs: soniqJobs.logs }).from(soniqJobs).where(eq(soniqJobs.id, id));
console.log("stored with the job:");
const lines = (job?.logs ?? []) as { attempt: number; message: string; fields: object }[];
for (const { attempt, message, fields } of lines) {
  console.log(`  attempt ${attempt}: ${message} ${JSON.stringify(fields)}`);
}
await db.$client.end();
