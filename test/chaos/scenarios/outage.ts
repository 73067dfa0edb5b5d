// PostgreSQL is away for a minute: a worker waits for it, quietly, and goes on where it was.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { enqueueMany } from "../../../src/index.ts";
import { startEmbeddedPostgres } from "../../support/embedded-postgres.ts";
import { take } from "./outage.config.ts";
import { type Findings, leftovers, scratchDatabase, type Surroundings, within } from "./scenario.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** Of one processor. */
const mostCpuPercent = 5;
const mostLinesPerSecond = 1;
const longestUntilClaimSeconds = 3;
const ticksPerSecond = 100;

/** What a process has spent, user and system together; undefined where Linux does not tell. */
function cpuSeconds(pid: number): number | undefined {
  try {
    // The name, which may hold anything, ends with the last parenthesis.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}

/** It stops a server of its own: the one it is given stays up. */
export async function outage({ seconds = 60 }: Surroundings & { seconds?: number }): Promise<Findings> {
  const server = await startEmbeddedPostgres();
  const { url, sql, db, drop } = await scratchDatabase(server.url);
  const worker = spawn(
    process.execPath,
    ["--import", "tsx", "src/cli/main.ts", "work", "--config", "test/chaos/scenarios/outage.config.ts"],
    { cwd: root, env: { ...process.env, DATABASE_URL: url }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(worker, "exit").then(([status, signal]) => (status ?? signal) as number | string);
  const pid = worker.pid as number;
  let lines = 0;
  worker.stdout.on("data", (chunk: Buffer) => (lines += chunk.toString().split("\n").length - 1));
  const violations: string[] = [];
  try {
    // Done before, begun before and done meanwhile, due meanwhile, due after.
    await enqueueMany(db, take, Array<number>(20).fill(1));
    const isDone = async () => (await sql`select from soniq_jobs where state = 'completed'`).length === 20;
    if (!(await within(30, isDone))) violations.push("the worker did not begin to work");
    const running = Math.min(20_000, seconds * 500);
    await enqueueMany(db, take, Array<number>(10).fill(running));
    await enqueueMany(db, take, Array<number>(50).fill(1), { delay: Math.floor(seconds * 500) });
    await enqueueMany(db, take, Array<number>(10).fill(1), { delay: (seconds + 5) * 1_000 });
    await within(10, async () => (await sql`select from soniq_jobs where state = 'active'`).length === 10);

    await server.halt();
    // What is said as it goes, and spent on noticing, counts too.
    const before = { lines, cpu: cpuSeconds(pid) };
    await sleep(seconds * 1_000);
    const [outageLines, cpu] = [lines - before.lines, (cpuSeconds(pid) ?? NaN) - (before.cpu ?? NaN)];
    await server.resume();
    const upAt = performance.now();

    const claims = async () => {
      try {
        // The due ones of the outage, which nobody has claimed before.
        return (
          (await sql`select from soniq_jobs where claims > 0 and created_at < run_at and payload = '1' limit 1`)
            .length > 0
        );
      } catch {
        return false;
      }
    };
    const claimed = await within(60, claims);
    const untilClaim = (performance.now() - upAt) / 1_000;
    const isOver = async () => (await sql`select from soniq_jobs where state <> 'completed' limit 1`).length === 0;
    await within(60, isOver);
    violations.push(...(await leftovers(sql)));

    const cpuPercent = Math.round((cpu / seconds) * 1_000) / 10;
    const [jobs] = await sql<
      { jobs: number; crashes: number }[]
    >`select count(*)::int as jobs, sum(crashes)::int as crashes from soniq_jobs`;
    if (!claimed || untilClaim > longestUntilClaimSeconds)
      violations.push(
        `the first claim came ${untilClaim.toFixed(1)} s after PostgreSQL was back, the limit is ${longestUntilClaimSeconds} s`,
      );
    if (cpuPercent > mostCpuPercent)
      violations.push(`the worker spent ${cpuPercent} % of a processor on waiting, the limit is ${mostCpuPercent} %`);
    if (outageLines / seconds > mostLinesPerSecond)
      violations.push(
        `the worker said ${outageLines} lines in ${seconds} s, the limit is ${mostLinesPerSecond} a second`,
      );
    if (worker.exitCode !== null || worker.signalCode !== null) violations.push("the worker process ended");
    worker.kill("SIGTERM");
    const status = await exited;
    if (status !== 0) violations.push(`the worker process ended with ${status}`);
    const figures = {
      outageSeconds: seconds,
      jobs: jobs?.jobs ?? 0,
      rescued: jobs?.crashes ?? 0,
      logLines: outageLines,
      cpuPercent,
      untilClaimMs: Math.round(untilClaim * 1_000),
    };
    return { figures, violations };
  } finally {
    worker.kill("SIGKILL");
    await server.resume();
    await drop();
    await server.stop();
  }
}
