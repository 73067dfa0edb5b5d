// Carries out a plan of faults, each at its time.
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import type { Application } from "../support/applications.ts";
import type { EmbeddedPostgres } from "../support/embedded-postgres.ts";
import { untilAnotherIsWell } from "./health.ts";
import type { Fault } from "./history.ts";
import type { PlannedFault } from "./plan.ts";
import { refuseRow, revokeUpdates } from "./refusals.ts";
import type { Watch } from "./run.ts";
import type { WorkerProcesses } from "./worker-processes.ts";

export interface FaultsInput {
  readonly plan: readonly PlannedFault[];
  readonly postgres: EmbeddedPostgres;
  readonly pool: Pool;
  readonly processes: WorkerProcesses;
  readonly applications: readonly Application[];
}

/** How long to wait for a statement to cut, or for a backend that is busy. */
const opportunityMs = 2_000;

/** The texts by which statements are known. */
export const statements = {
  "cut claim": /as range \(priority smallint, "runAt"/,
  "cut settle": /id bigint, token int, (state|result) /,
  "cut commit": /^commit$/,
};

/** @returns the faults that were injected, once the last one is over */
export async function injectFaults(
  input: FaultsInput,
  stop: AbortSignal,
  watch: Pick<Watch, "fault" | "missed">,
): Promise<Fault[]> {
  const injected: Fault[] = [];
  const began = performance.now();
  const under: Promise<void>[] = [];
  const struck = new Set<number>();
  for (const fault of input.plan) {
    await sleep(Math.max(0, began + fault.at - performance.now()), undefined, { signal: stop }).catch(() => {});
    if (fault.worker !== null) {
      await untilAnotherIsWell(input.pool, input.processes, fault.worker, struck, stop);
      struck.add(fault.worker);
    }
    if (stop.aborted) break;
    watch.fault(fault);
    const at = Date.now();
    const noted = async () => {
      const { kind, worker } = fault;
      if (await inject(input, fault)) injected.push({ kind, worker, at, until: Date.now() });
      else watch.missed(fault);
      if (worker !== null) struck.delete(worker);
    };
    under.push(noted());
  }
  await Promise.all(under);
  return injected;
}

/** @returns whether there was anything for the fault to strike */
async function inject({ postgres, pool, processes, applications }: FaultsInput, fault: PlannedFault): Promise<boolean> {
  const { kind, lastsMs } = fault;
  const worker = fault.worker ?? 0;
  const proxy = processes.proxy(worker);
  switch (kind) {
    case "kill":
      await processes.kill(worker, lastsMs);
      return true;
    case "terminate":
      await processes.terminate(worker, lastsMs);
      return true;
    case "freeze":
      await processes.freeze(worker, lastsMs);
      return true;
    case "restart":
      await postgres.restart();
      return true;
    case "revoke":
      return revokeUpdates(pool, lastsMs);
    case "refuse row":
      return refuseRow(pool, lastsMs, fault.pick);
    case "black hole":
      proxy.blackHole();
      await sleep(lastsMs);
      proxy.heal();
      return true;
    case "delay":
      proxy.delay({ ms: fault.latencyMs, jitterMs: fault.latencyMs, pieceBytes: 1 + fault.bytes });
      await sleep(lastsMs);
      proxy.heal();
      return true;
    case "cut claim":
    case "cut settle":
    case "cut commit":
      // Most claims bring nothing, and nothing is lost with their replies.
      return proxy.cut(
        { text: statements[kind], side: fault.side, bytes: fault.bytes, withRows: kind === "cut claim" },
        opportunityMs,
      );
    case "drop idle":
    case "drop busy":
      return dropBackend(pool, proxy.ports(), kind === "drop busy", fault.pick);
    case "drop application": {
      const name = applications[fault.pick % applications.length]?.name;
      return dropApplication(pool, name, fault.side === "reply");
    }
    default:
      return kind satisfies never;
  }
}

/** Ends one of a worker's backends. @returns whether there was one */
function dropBackend(pool: Pool, ports: readonly number[], busy: boolean, pick: number): Promise<boolean> {
  return untilThere(async () => {
    const { rows } = await pool.query<{ pid: number }>(
      `select pid from pg_stat_activity
        where application_name = 'soniq-drizzle' and client_port = any ($1) and (state = 'idle') <> $2 order by pid`,
      [ports, busy],
    );
    if (rows.length === 0) return false;
    await pool.query("select pg_terminate_backend($1)", [rows[pick % rows.length]?.pid]);
    return true;
  });
}

/** Ends all of an application's backends that are busy, and idle ones too if it is asked to. @returns whether there was one */
function dropApplication(pool: Pool, name: string | undefined, idleToo: boolean): Promise<boolean> {
  return untilThere(async () => {
    const { rows } = await pool.query(
      `with found as (select pid, state from pg_stat_activity where application_name = $1)
       select pg_terminate_backend(pid) from found
         where (state <> 'idle' or $2) and exists (select from found where state <> 'idle')`,
      [name, idleToo],
    );
    return rows.length > 0;
  });
}

/** Tries again for a while to strike something. @returns whether it did */
async function untilThere(strike: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + opportunityMs;
  while (performance.now() < until) {
    // It fails where PostgreSQL is away.
    if (await strike().catch(() => false)) return true;
    await sleep(5);
  }
  return false;
}
