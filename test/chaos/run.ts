// One run: a database of its own, workers, load and faults; then quiet, and the verdict.
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import type { Pool } from "pg";
import { migrate } from "soniq-drizzle";
import type { Application } from "../support/applications.ts";
import type { EmbeddedPostgres } from "../support/embedded-postgres.ts";
import { databaseUrl } from "../support/postgres-for-all.ts";
import { randomFrom } from "../support/random.ts";
import { endApplications, killAll, startApplications } from "./applications.ts";
import { injectFaults } from "./faults.ts";
import { writeEvidence } from "./evidence.ts";
import { type Figures, figuresOf } from "./figures.ts";
import type { Bounds, Enqueues, History } from "./history.ts";
import { runLoad } from "./load.ts";
import { countUnfinished, installOracle, readOracle } from "./oracle.ts";
import { openPool } from "./pool.ts";
import { type PlannedFault, planFaults, type Weights } from "./plan.ts";
import { noteStalls } from "./stalls.ts";
import { judge, type Violation } from "./verdict.ts";
import { installRefusals } from "./refusals.ts";
import { WorkerProcesses } from "./worker-processes.ts";

export interface RunInput {
  readonly seed: number;
  /** How long load and faults go on. */
  readonly seconds: number;
  readonly workers: number;
  readonly bounds: Bounds;
  readonly weights: Weights;
  /** From one fault to the next, on average. */
  readonly everyMs: number;
  readonly jobsPerSecond: number;
  /** The share of jobs that are cancelled soon after they are enqueued. */
  readonly cancelled: number;
  /** How long it may take from the last fault until no job is left. */
  readonly longestDrainMs: number;
  /** The rewrites of a mutant, as a JSON text. */
  readonly mutant?: string;
}

export interface RunResult {
  readonly seed: number;
  readonly seconds: number;
  readonly drainMs: number;
  readonly figures: Figures;
  readonly violations: readonly Violation[];
  /** Where what is known of a red run was written; undefined if it was clean. */
  readonly evidence?: string;
  /** The files that a mutant rewrote, by worker process. */
  readonly mutated: readonly string[];
}

export interface Watch {
  fault(fault: PlannedFault): void;
  /** There was nothing for it to strike. */
  missed(fault: PlannedFault): void;
  phase(text: string): void;
}

/** @throws AbortError if it is stopped */
export async function run(
  postgres: EmbeddedPostgres,
  input: RunInput,
  watch: Watch,
  stop: AbortSignal,
): Promise<RunResult> {
  const random = randomFrom(input.seed);
  const [forPlan, forLoad, forWorkers] = [random.below(2 ** 31), random.below(2 ** 31), random.below(2 ** 31)];
  const { seconds, workers, bounds } = input;
  const plan = planFaults(randomFrom(forPlan), { ...input, leaseMs: bounds.leaseMs });
  const { url, workerUrl, pool } = await openDatabase(postgres);
  const processes = await WorkerProcesses.start({
    databaseUrl: url,
    workerUrl,
    workers,
    bounds,
    random: randomFrom(forWorkers),
    mutant: input.mutant,
  });
  let applications: Application[] = [];
  const { stalls, stop: stopNoting } = noteStalls();
  const end = () => {
    stopNoting();
    processes.close();
    killAll(applications);
  };
  process.once("exit", end);
  const stopped = new Promise<never>((_, reject) =>
    stop.addEventListener("abort", () => reject(stop.reason as Error), { once: true }),
  );
  const work = async (): Promise<RunResult> => {
    await allStarted(pool, processes, stop);
    if (input.weights["drop application"]) {
      applications = await startApplications(await createDatabase(postgres, "applications"), input.mutant);
    }
    watch.phase(`${workers} workers, ${applications.length} applications, ${plan.length} faults in ${seconds} s`);
    const load = runLoad({ ...input, pool, random: randomFrom(forLoad) }, stop);
    const faults = await injectFaults({ plan, postgres, pool, processes, applications }, stop, watch);
    const enqueues: Enqueues = await load;
    stop.throwIfAborted();
    watch.phase("no more faults: draining");
    const [drainMs, applicationLives] = await Promise.all([
      drained(pool, input.longestDrainMs, stop),
      endApplications(applications),
    ]);
    await processes.stop();
    const { lives, said, mutated } = processes;
    const history: History = {
      ...(await readOracle(pool)),
      enqueues,
      faults,
      lives,
      said,
      applications: applicationLives,
      stalls,
      bounds,
    };
    const violations = judge(history);
    const evidence = violations.length > 0 && !input.mutant ? { evidence: writeEvidence(history, violations) } : {};
    return { seed: input.seed, seconds, drainMs, figures: figuresOf(history), violations, mutated, ...evidence };
  };
  try {
    // What is under way need not come to its end.
    return await Promise.race([work(), stopped]);
  } finally {
    end();
    process.removeListener("exit", end);
    if (!stop.aborted) await pool.end();
  }
}

async function openDatabase(postgres: EmbeddedPostgres): Promise<{ url: string; workerUrl: string; pool: Pool }> {
  const url = await createDatabase(postgres, "workers");
  const pool = openPool(url, 20, "chaos-load");
  await migrate(drizzle({ client: pool }));
  await installOracle(pool);
  return { url, workerUrl: await installRefusals(pool, url), pool };
}

/** @returns its connection string */
async function createDatabase(postgres: EmbeddedPostgres, whose: string): Promise<string> {
  const name = `chaos_${whose}_${Date.now()}`;
  const admin = openPool(postgres.url, 1, "chaos-admin");
  await admin.query(`create database ${name}`);
  await admin.end();
  return databaseUrl(postgres.url, name);
}

/** Resolves when each worker has a session. @throws Error with what one said that ended before */
async function allStarted(pool: Pool, processes: WorkerProcesses, stop: AbortSignal): Promise<void> {
  for (;;) {
    stop.throwIfAborted();
    const [ended] = processes.lives;
    if (ended) throw new Error(`a worker ended with status ${ended.status} as it started:\n${ended.output}`);
    const { rows } = await pool.query<{ pid: number }>("select distinct pid from soniq_workers");
    if (processes.pids.every((own) => rows.some(({ pid }) => pid === own))) return;
    await sleep(50);
  }
}

/** @returns how long it took until no job was left, or the longest it may take */
async function drained(pool: Pool, longestMs: number, stop: AbortSignal): Promise<number> {
  const began = performance.now();
  const elapsed = () => Math.round(performance.now() - began);
  while (elapsed() < longestMs && !stop.aborted && (await countUnfinished(pool)) > 0) await sleep(100);
  return elapsed();
}
