import { AssertionError } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import { desc, eq, sql } from "drizzle-orm";
import { soniqJobs } from "../../schema/jobs.js";
import { builder } from "../core/builder.js";
import type { Queryable } from "../core/queryable.js";
import { dateFrom } from "../core/fragments.js";
import { checkJobDefinition, type JobDefinition } from "../jobs/definition/define-job.js";

/** A job that a test has found. */
export interface EnqueuedJob<Name extends string = string, In = unknown> {
  readonly id: number;
  readonly name: Name;
  readonly state: "queued" | "active" | "completed" | "cancelled" | "dead";
  readonly queue: string;
  readonly priority: number;
  /** As it was enqueued. */
  readonly payload: In;
  readonly runAt: Date;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, unknown>>;
}

const maxSearched = 1_000;
const maxShown = 10;

/**
 * Finds an enqueued job, whatever its current state.
 *
 * @param tx the test's transaction, or any Drizzle PostgreSQL database
 * @param payload properties that the payload must have, each with the value that was enqueued; or a function that returns whether the
 *   payload matches. Default: any payload matches
 * @returns the newest job that matches
 * @throws AssertionError if no job matches. It lists the existing jobs
 */
export async function expectEnqueued<Name extends string, In>(
  tx: Queryable,
  job: JobDefinition<Name, In>,
  payload?: Partial<NoInfer<In>> | ((payload: NoInfer<In>) => boolean),
): Promise<EnqueuedJob<Name, In>> {
  checkJobDefinition(job);
  const sameName = await findNewestJobs(tx, job.name);
  const match = sameName.find((enqueued) => matches(enqueued.payload, payload));
  if (match) return match as EnqueuedJob<Name, In>;
  throw new AssertionError({
    message: `no job ${job.name}${describeExpected(payload)} was enqueued; ${describeJobs(await findNewestJobs(tx))}`,
    actual: sameName.map((enqueued) => enqueued.payload),
    expected: payload,
    operator: "expectEnqueued",
  });
}

async function findNewestJobs(tx: Queryable, name?: string): Promise<EnqueuedJob[]> {
  const rows = await builder(tx)
    .select({
      id: soniqJobs.id,
      name: soniqJobs.name,
      state: soniqJobs.state,
      queue: soniqJobs.queue,
      priority: soniqJobs.priority,
      payload: sql<string>`${soniqJobs.payload}::text`,
      runAt: dateFrom(soniqJobs.runAt),
      tags: sql<string>`${soniqJobs.tags}::text`,
      meta: sql<string>`${soniqJobs.meta}::text`,
    })
    .from(soniqJobs)
    .where(name === undefined ? undefined : eq(soniqJobs.name, name))
    .orderBy(desc(soniqJobs.id))
    .limit(maxSearched);
  return rows.map((row) => ({
    ...row,
    payload: JSON.parse(row.payload) as unknown,
    tags: JSON.parse(row.tags) as string[],
    meta: JSON.parse(row.meta) as Record<string, unknown>,
  }));
}

function matches(actual: unknown, expected: unknown): boolean {
  if (expected === undefined) return true;
  if (typeof expected === "function") return Boolean((expected as (payload: unknown) => unknown)(actual));
  if (!isObject(expected) || !isObject(actual)) return isDeepStrictEqual(actual, expected);
  return Object.keys(expected).every((key) => isDeepStrictEqual(actual[key], expected[key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describeExpected(payload: unknown): string {
  if (payload === undefined) return "";
  return typeof payload === "function" ? " that the function accepts" : ` with ${JSON.stringify(payload)}`;
}

function describeJobs(jobs: readonly EnqueuedJob[]): string {
  if (jobs.length === 0) return "there are no jobs";
  const lines = jobs
    .slice(0, maxShown)
    .map(({ id, name, state, payload }) => `  ${name} #${id}, ${state}: ${JSON.stringify(payload)}`);
  const more = jobs.length > maxShown ? ["  and more"] : [];
  return ["existing jobs, newest first:", ...lines, ...more].join("\n");
}
