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
  /** Of the workers together, per job. */
  readonly cpuMicros: number;
  /** The largest resident memory of a worker, in bytes. */
  readonly rss: number;
}

/** Enqueues a backlog with the system's own function for many. @returns jobs per second */
export async function fill({ url }: Database, system: System, jobs: number, payloadBytes = 0): Promise<number> {
  const producer = await system.openProducer(url, 1);
  // Other queues read their options at the first call.
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
 * Has workers work a backlog off. Counted is from the first handler's first line, so that no start of a process is,
 * until the last job's outcome is in the database.
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

/** Waits until no job is left that was handed out and is not settled. @returns when that was */
export async function settledAt({ sql }: Database, { unsettled }: System): Promise<number> {
  for (;;) {
    const [[some]] = (await sql.unsafe(unsettled).values()) as unknown as [[boolean]];
    if (!some) return now();
    await sleep(2);
  }
}
