// How jobs come to be.
import { deepEqual as equal, rejects } from "node:assert/strict";
import { sql } from "drizzle-orm";
import * as fc from "fast-check";
import * as v from "valibot";
import { builder } from "../../src/core/builder.ts";
import { DuplicateJobError, InvalidValueError } from "../../src/core/errors.ts";
import { defineJob } from "../../src/jobs/definition/define-job.ts";
import { enqueueMany } from "../../src/jobs/enqueue/enqueue-many.ts";
import { enqueue } from "../../src/jobs/enqueue/enqueue.ts";
import { toStoredKey } from "../../src/jobs/row/unique-key.ts";
import type { UniqueSettings } from "../../src/jobs/definition/unique-settings.ts";
import type { Job, JobModel } from "./job-model.ts";
import { type Step, step } from "./step.ts";

export const quick = defineJob({ name: "quick", payload: v.number(), result: v.number() });

/** As definitions of one name, older and newer ones, have it. */
const anyUnique = fc.constantFrom<UniqueSettings<number>[]>(
  { by },
  { by },
  { by },
  { by, until: "started" },
  { by, within: 200_000 },
  { by, within: 200_000, until: "started" },
  { by, onConflict: "error" },
  { by, onConflict: "replace" },
  { by, onConflict: "reschedule" },
  { by, onConflict: "reschedule", maxWait: 90_000 },
);
/** Each enqueue gives its key. */
function by(): null {
  return null;
}

export const anyQueue = fc.constantFrom("default", "default", "default", "default", "other");
export const anyDelay = fc.constantFrom(0, 0, 0, 60_000);
const anyDefinition = fc.record({ name: fc.constantFrom("quick", "slow"), unique: anyUnique });
const anyKey = fc.constantFrom(null, null, "a", "b");
const anyOptions = fc.record({
  queue: anyQueue,
  priority: fc.constantFrom(5, 5, 5, 1, 9),
  delay: anyDelay,
  maxAttempts: fc.constantFrom(1, 2, 10),
  uniqueKey: anyKey,
});

type Definition = typeof anyDefinition extends fc.Arbitrary<infer T> ? T : never;
type Options = typeof anyOptions extends fc.Arbitrary<infer T> ? T : never;
type Described = Pick<Job, "id" | "name" | "queue" | "uniqueKey" | "runAt"> & Partial<Job>;

const defined = (definition: Definition) => defineJob({ ...definition, payload: v.number(), result: v.number() });
const told = ({ name, unique }: Definition) => `${name} ${JSON.stringify(unique)}`;

/** A job that was just inserted. */
function add({ now, jobs }: JobModel, described: Described): void {
  jobs.set(described.id, {
    state: "queued",
    priority: 5,
    maxAttempts: 10,
    late: described.runAt < now,
    createdAt: now,
    claims: 0,
    claimToken: 0,
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
    manualRetries: 0,
    ...described,
  });
}

const isChanged = (job: Job | undefined, { onConflict }: Definition["unique"]) =>
  job?.state === "queued" && (onConflict === "replace" || onConflict === "reschedule");

/** The job that holds the key and goes on doing so, or is changed. */
function holderOf(model: JobModel, { name, unique }: Definition, { uniqueKey: key }: Options): Job | undefined {
  const holder = key === null ? undefined : model.keyHolder(toStoredKey(name, key, "key"));
  return holder && (isChanged(holder, unique) || !model.isOver(holder)) ? holder : undefined;
}

/** The key's holder is the answer, if there is one, and may be changed; else the job is new. */
function expectEnqueued(
  model: JobModel,
  definition: Definition,
  { id, name, deduplicated }: { id: number; name: string; deduplicated: boolean },
  options: Options,
): void {
  const { unique } = definition;
  const { queue, priority, maxAttempts, delay, uniqueKey: key } = options;
  const holder = holderOf(model, definition, options);
  equal({ id, deduplicated }, { id: holder?.id ?? id, deduplicated: holder !== undefined }, "what was enqueued");
  const reschedules = unique.onConflict === "reschedule";
  const changes = reschedules || unique.onConflict === "replace";
  const uniqueUntil = key === null ? "finished" : (unique.until ?? (changes ? "started" : "finished"));
  const runAt = reschedules && key !== null ? rescheduled(model.now, delay, holder, unique) : model.now + delay;
  if (!holder) {
    const uniqueKey = key && toStoredKey(name, key, "key");
    const over = uniqueKey === null ? undefined : model.keyHolder(uniqueKey);
    if (over) over.uniqueHeld = false;
    const uniqueExpiresAt = key !== null && unique.within ? model.now + Number(unique.within) : null;
    add(model, { id, name, queue, priority, maxAttempts, uniqueKey, uniqueUntil, uniqueExpiresAt, runAt });
  } else if (isChanged(holder, unique)) {
    Object.assign(holder, { maxAttempts, uniqueUntil });
    if (reschedules) Object.assign(holder, { queue, priority, runAt, late: false });
  }
}

/** In full seconds, no later than the longest wait allows, and not in the past. */
function rescheduled(now: number, delay: number, holder: Job | undefined, { maxWait }: Definition["unique"]): number {
  const asked = delay === 0 ? now : Math.ceil((now + delay) / 1_000) * 1_000;
  const last = maxWait === undefined ? Infinity : (holder?.createdAt ?? now) + Number(maxWait);
  return Math.max(now, Math.min(asked, last));
}

const enqueueOne = fc.record({ definition: anyDefinition, options: anyOptions }).map(({ definition, options }) =>
  step(`enqueue ${told(definition)} ${JSON.stringify(options)}`, async (model, { db }) => {
    const enqueued = await enqueue(db, defined(definition), 1, options).catch(duplicate);
    const holder = holderOf(model, definition, options);
    if (enqueued instanceof DuplicateJobError || (holder && definition.unique.onConflict === "error"))
      equal(enqueued, new DuplicateJobError(definition.name, holder?.id ?? 0), "the error");
    else expectEnqueued(model, definition, enqueued, options);
  }),
);

function duplicate(error: unknown): DuplicateJobError {
  if (error instanceof DuplicateJobError) return error;
  throw error;
}

const enqueueSome = fc
  .record({ definition: anyDefinition, all: fc.array(anyOptions, { minLength: 1, maxLength: 6 }) })
  .map(({ definition, all }) =>
    step(`enqueue many ${told(definition)} ${JSON.stringify(all)}`, async (model, { db }) => {
      const payloads = all.map(() => 1);
      const keys = all.flatMap(({ uniqueKey }) => uniqueKey ?? []);
      const isError = definition.unique.onConflict === "error";
      const enqueueThem = enqueueMany(db, defined(definition), payloads, (_, i) => all[i] as Options);
      if (isError && new Set(keys).size < keys.length) await rejects(enqueueThem, InvalidValueError);
      else if (isError && all.some((options) => holderOf(model, definition, options)))
        await rejects(enqueueThem, DuplicateJobError);
      // In order: the holder of a key may be an earlier one of them.
      else
        for (const [i, one] of (await enqueueThem).entries()) expectEnqueued(model, definition, one, all[i] as Options);
    }),
  );

/** What the API does not say: a late commit, whose job's time claims have passed already; crashes long ago; other windows. */
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
      const uniqueKey = key && toStoredKey(name, key, "key");
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
