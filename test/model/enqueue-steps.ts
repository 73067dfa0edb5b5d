// How jobs come to be.
import { deepEqual as equal } from "node:assert/strict";
import { sql } from "drizzle-orm";
import * as fc from "fast-check";
import * as v from "valibot";
import { builder } from "../../src/core/builder.ts";
import { defineJob } from "../../src/jobs/define-job.ts";
import { enqueueMany } from "../../src/jobs/enqueue-many.ts";
import { enqueue } from "../../src/jobs/enqueue.ts";
import { storedUniqueKey } from "../../src/jobs/unique-key.ts";
import type { Job, JobModel } from "./job-model.ts";
import { type Step, step } from "./step.ts";

export const quick = defineJob({ name: "quick", payload: v.number(), result: v.number() });
const slow = defineJob({ name: "slow", payload: v.number(), result: v.number() });

export const anyQueue = fc.constantFrom("default", "default", "default", "default", "other");
export const anyDelay = fc.constantFrom(0, 0, 0, 60_000);
const anyDefinition = fc.constantFrom(quick, slow);
const anyKey = fc.constantFrom(null, null, "a", "b");
const anyOptions = fc.record({
  queue: anyQueue,
  priority: fc.constantFrom(5, 5, 5, 1, 9),
  delay: anyDelay,
  maxAttempts: fc.constantFrom(1, 2, 10),
  uniqueKey: anyKey,
});

type Options = typeof anyOptions extends fc.Arbitrary<infer T> ? T : never;
type Described = Pick<Job, "id" | "name" | "queue" | "uniqueKey" | "runAt"> & Partial<Job>;

/** A job that was just inserted. */
function add({ now, jobs }: JobModel, described: Described): void {
  jobs.set(described.id, {
    state: "queued",
    priority: 5,
    maxAttempts: 10,
    late: described.runAt < now,
    claims: 0,
    refunds: 0,
    crashes: 0,
    errors: 0,
    workerId: null,
    lastWorkerId: null,
    claimedAt: null,
    deadlineAt: null,
    cancelRequestedAt: null,
    unknownSince: null,
    uniqueHeld: true,
    uniqueUntil: "finished",
    uniqueExpiresAt: null,
    finishedAt: null,
    result: null,
    reason: null,
    replays: 0,
    ...described,
  });
}

/** The key's holder is the answer, if there is one; else the job is new. */
function expectEnqueued(
  model: JobModel,
  { id, name, deduplicated }: { id: number; name: string; deduplicated: boolean },
  { queue, priority, maxAttempts, delay: delayMs, uniqueKey: key }: Options,
): void {
  const uniqueKey = key && storedUniqueKey(name, key, "key");
  const holder = uniqueKey === null ? undefined : model.keyHolder(uniqueKey);
  equal({ id, deduplicated }, { id: holder?.id ?? id, deduplicated: holder !== undefined }, "what was enqueued");
  if (!holder) add(model, { id, name, queue, priority, maxAttempts, uniqueKey, runAt: model.now + delayMs });
}

const enqueueOne = fc.record({ definition: anyDefinition, options: anyOptions }).map(({ definition, options }) =>
  step(`enqueue ${definition.name} ${JSON.stringify(options)}`, async (model, { db }) => {
    expectEnqueued(model, await enqueue(db, definition, 1, options), options);
  }),
);

const enqueueSome = fc
  .record({ definition: anyDefinition, all: fc.array(anyOptions, { minLength: 1, maxLength: 6 }) })
  .map(({ definition, all }) =>
    step(`enqueue many ${definition.name} ${JSON.stringify(all)}`, async (model, { db }) => {
      const payloads = all.map(() => 1);
      const enqueued = await enqueueMany(db, definition, payloads, (_, i) => all[i] as Options);
      // In order: the holder of a key may be an earlier one of them.
      for (const [i, one] of enqueued.entries()) expectEnqueued(model, one, all[i] as Options);
    }),
  );

/** What the API cannot say yet: a key's scope; a late commit, whose job's time claims have passed already; crashes long ago. */
const insertPlainly = fc
  .record({
    name: fc.constantFrom("quick", "slow"),
    queue: anyQueue,
    key: anyKey,
    until: fc.constantFrom("started" as const, "finished" as const),
    keyForMs: fc.constantFrom(null, 200_000, 2_000_000),
    ageMs: fc.constantFrom(0, 30_000),
    crashes: fc.constantFrom(0, 0, 2),
  })
  .map(({ name, queue, key, until, keyForMs, ageMs, crashes }) =>
    step(`insert ${JSON.stringify({ name, queue, key, until, keyForMs, ageMs, crashes })}`, async (model, { db }) => {
      const uniqueKey = key && storedUniqueKey(name, key, "key");
      const after = (ms: number | null) => sql`now() + ${ms}::float8 * interval '1 millisecond'`;
      const qb = builder(db);
      const inserted = qb.$with("inserted", { id: sql<string>`id`.as("id") }).as(
        sql`insert into soniq_jobs (name, queue, payload, unique_key, unique_until, unique_expires_at, run_at, claims, crashes)
          values (${name}, ${queue}, '1', ${uniqueKey}, ${until}, ${after(keyForMs)}, ${after(-ageMs)}, ${crashes}, ${crashes})
          on conflict (unique_key) where unique_held and unique_key is not null do nothing returning id`,
      );
      const [row] = await qb
        .with(inserted)
        .select({ id: sql<string>`id` })
        .from(inserted);
      const free = uniqueKey === null || model.keyHolder(uniqueKey) === undefined;
      equal(row !== undefined, free, "whether the key was free");
      if (!row) return;
      const unique = {
        uniqueKey,
        uniqueUntil: until,
        uniqueExpiresAt: keyForMs === null ? null : model.now + keyForMs,
      };
      const past = { claims: crashes, refunds: crashes, crashes };
      add(model, { id: Number(row.id), name, queue, ...unique, ...past, runAt: model.now - ageMs });
    }),
  );

export const enqueueSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: enqueueOne },
  { weight: 2, arbitrary: enqueueSome },
  { weight: 2, arbitrary: insertPlainly },
);
