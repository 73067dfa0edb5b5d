import { setTimeout as sleep } from "node:timers/promises";
import { now } from "./clock.ts";
import { type Database, settleDown } from "./server.ts";
import type { Mode, Payload, System } from "./systems/system.ts";
import { WorkerProcesses } from "./worker-processes.ts";

const jobsPerCall = 10_000;

export interface BacklogInput {
  readonly mode: Mode;
  readonly jobs: number;
  readonly processes?: number;
  readonly payloadBytes?: number;
}

export interface Worked {
  readonly jobsPerSecond: number;
  /** CPU time of all workers together, per job. */
  readonly cpuMicros: number;
  /** The maximum of the workers' resident memory, in bytes. */
  readonly rss: number;
}

/** Enqueues a backlog with the system's bulk function. @returns jobs per second */
export async function fill({ url }: Database, system: System, jobs: number, payloadBytes = 0): Promise<number> {
  const producer = await system.openProducer(url, 1);
  // Some systems read their options with the first call, which should not be measured.
  await producer.addMany([{ n: 0 }]);
  const text = payloadBytes > 0 ? "x".repeat(payloadBytes) : undefined;
  let ms = 0;
  for (let from = 1; from < jobs; from += jobsPerCall) {
    const payloads: Payload[] = Array.from({ length: Math.min(jobsPerCall, jobs - from) }, (_, i) => ({
      n: from + i,
      ...(text && { text }),
    }));
    const began = now();
    await producer.addMany(payloads);
    ms += now() - began;
  }
  await producer.close();
  return (jobs - 1) / (ms / 1000);
}

/**
 * Starts workers that work off a backlog. Measures from the first line of the first handler, which excludes the start of the
 * processes, until the outcome of the last job is in the database.
 */
export async function work(database: Database, system: System, input: BacklogInput): Promise<Worked> {
  const { mode, jobs, processes = system.processes(mode) } = input;
  await settleDown(database.sql);
  const workers = await WorkerProcesses.start(system, mode, database.url, processes);
  await workers.reached(jobs);
  const jobsPerSecond = jobs / (((await settledAt(database, system)) - workers.firstAt) / 1000);
  const measures = await workers.measure();
  await workers.stop();
  return {
    jobsPerSecond,
    cpuMicros: (measures.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / jobs) * 1000,
    rss: Math.max(...measures.map(({ rss }) => rss)),
  };
}

/** Waits until every job that was claimed is settled. @returns the time when that was so */
export async function settledAt({ sql }: Database, { unsettled }: System): Promise<number> {
  for (;;) {
    const [[hasUnsettled]] = (await sql.unsafe(unsettled).values()) as unknown as [[boolean]];
    if (!hasUnsettled) return now();
    await sleep(2);
  }
}
