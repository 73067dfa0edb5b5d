// Unique jobs: deduplicated, throttled, debounced, replaced, or refused.
// DATABASE_URL=postgres://… npx tsx examples/features/uniqueness.ts
import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createWorker, defineConfig, defineJob, DuplicateJobError, enqueue, enqueueMany, migrate } from "soniq-drizzle";
import { soniqJobs } from "soniq-drizzle/schema";
import * as v from "valibot";

const connection = process.env["DATABASE_URL"];
const client = postgres(connection ?? "", { onnotice: () => {} });
const db = drizzle({ client });
await migrate(db);

const account = v.strictObject({ account: v.number() });
const page = v.strictObject({ page: v.string(), text: v.string() });
const by = ["account"] as const;

/** Deduplicate: while a job is queued or running, enqueueing again returns its id. */
const sync = defineJob({ name: "sync", payload: account, unique: { by } });
/** Throttle: at most one job per hour. */
const digest = defineJob({ name: "digest", payload: account, unique: { by, within: "1h" } });
/** Replace: one queued job, with the newest text. */
const index = defineJob({ name: "index", payload: page, unique: { by: ["page"], onConflict: "replace" } });
/** Debounce: two seconds after the last change, and at the latest a minute after the first. */
const save = defineJob({
  name: "save",
  payload: page,
  unique: { by: ["page"], onConflict: "reschedule", maxWait: "1m" },
});
/** A duplicate is an error. */
const charge = defineJob({ name: "charge", payload: account, unique: { by, onConflict: "error" } });

const same = (deduplicated: boolean) => (deduplicated ? "the same job" : "a new job");

await enqueue(db, sync, { account: 1 });
console.log("sync again:", same((await enqueue(db, sync, { account: 1 })).deduplicated));
console.log("sync another account:", same((await enqueue(db, sync, { account: 2 })).deduplicated));
const many = await enqueueMany(db, sync, [{ account: 2 }, { account: 3 }, { account: 3 }]);
console.log("sync many:", many.map(({ deduplicated }) => same(deduplicated)).join(", "));

await enqueue(db, digest, { account: 1 });

for (const text of ["d", "dr", "draft"]) {
  await enqueue(db, index, { page: "/", text });
  await enqueue(db, save, { page: "/", text }, { delay: "2s" });
}

const charged = await enqueue(db, charge, { account: 1 });
const refused: unknown = await enqueue(db, charge, { account: 1 }).catch((error: unknown) => error);
console.log("charge again:", refused instanceof DuplicateJobError && refused.id === charged.id && "refused");

const worker = createWorker(
  defineConfig({
    connection,
    jobs: { sync, digest, index, save, charge },
    handlers: {
      sync: () => {},
      digest: () => {},
      index: ({ text }) => console.log("indexed:", text),
      save: ({ text }) => console.log("saved:", text),
      charge: () => {},
    },
  }),
);
await worker.drain();

console.log("sync again after it has completed:", same((await enqueue(db, sync, { account: 1 })).deduplicated));
console.log("digest again after it has completed:", same((await enqueue(db, digest, { account: 1 })).deduplicated));
console.log("saved jobs:", await db.$count(soniqJobs, eq(soniqJobs.name, "save")));

await client.end();
