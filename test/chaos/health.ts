// Knows which workers are well, so that the harness always leaves one to rescue what the others held.
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { WorkerProcesses } from "./worker-processes.ts";

/** How long a fault waits for another worker to be well; after that, the machine is too slow to wait for. */
const latencyMs = 20_000;
const lookMs = 200;

/** Resolves when a worker beside this one has a live session and no fault upon it. */
export async function untilAnotherIsWell(
  pool: Pool,
  processes: WorkerProcesses,
  worker: number,
  struck: ReadonlySet<number>,
  stop: AbortSignal,
): Promise<void> {
  const until = performance.now() + latencyMs;
  while (performance.now() < until && !stop.aborted) {
    const live = await livePids(pool);
    if (processes.pids.some((pid, other) => other !== worker && !struck.has(other) && live.has(pid))) return;
    await sleep(lookMs);
  }
}

async function livePids(pool: Pool): Promise<Set<number>> {
  try {
    const { rows } = await pool.query<{ pid: number }>(
      "select pid from soniq_workers where ended_at is null and lease_expires_at > now()",
    );
    return new Set(rows.map(({ pid }) => pid));
  } catch {
    // PostgreSQL is away.
    return new Set();
  }
}
