// The jobs of a chaos run, and the tables that their handlers and the load write: imported by workers and load alike.
import { bigint, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { defineJob } from "soniq-drizzle";
import { soniqJobs } from "soniq-drizzle/schema";
import * as v from "valibot";

/** `n` is a number of the load's own, which names the job whether or not its id is ever known. */
const common = { n: v.number(), ms: v.number() };
const settings = { maxAttempts: 100, backoff: () => 100 as const };

/** Writes its effect on a connection of its own. One that is `deaf` does not hear that it should stop. */
export const plain = defineJob({
  name: "plain",
  payload: v.strictObject({ ...common, deaf: v.boolean() }),
  ...settings,
});

/** Does the same, and returns so many bytes. */
export const large = defineJob({
  name: "large",
  payload: v.strictObject({ ...common, bytes: v.number() }),
  result: v.string(),
  ...settings,
});

/** Writes its effect in the transaction that settles it. */
export const transactional = defineJob({ name: "transactional", payload: v.strictObject(common), ...settings });

/** Snoozes some times, then completes; it does not hear that it should stop, so cancelled ones still ask to be requeued. */
export const snoozing = defineJob({
  name: "snoozing",
  payload: v.strictObject({ ...common, times: v.number() }),
  ...settings,
});

/** Fails as many attempts as it is told to, then completes; as deaf as the one before. */
export const failing = defineJob({
  name: "failing",
  payload: v.strictObject({ ...common, times: v.number() }),
  ...settings,
});

/** The ledger: what handlers did, each row with the claim under which it was done and the transaction that wrote it. */
export const effects = pgTable(
  "chaos_effects",
  {
    job: bigint("job", { mode: "number" }).notNull(),
    claims: integer("claims"),
    kind: text("kind", { enum: ["begun", "done", "snoozed"] }).notNull(),
    transaction: text("transaction").notNull(),
  },
  (t) => [index("chaos_effects_job").on(t.job)],
);

/** An application's table, with a foreign key to the jobs. */
export const orders = pgTable(
  "chaos_orders",
  {
    n: bigint("n", { mode: "number" }).primaryKey(),
    jobId: bigint("job_id", { mode: "number" }).references(() => soniqJobs.id, { onDelete: "set null" }),
  },
  (t) => [index("chaos_orders_job_id").on(t.jobId)],
);
