// Jobs that bring their process down each time: they become dead letters, and take no neighbour along.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { enqueueMany } from "../../../src/index.ts";
import { killer, neighbour } from "./crashloops.config.ts";
import { type Findings, scratchDatabase, type Surroundings, within } from "./scenario.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const processes = 2;
const killers = 3;
const neighbours = 300;
const longestSeconds = 180;

export async function crashloops({ url: server }: Surroundings): Promise<Findings> {
  const { url, sql, db, drop } = await scratchDatabase(server);
  const children = new Set<ChildProcess>();
  let supervising = true;
  let started = 0;
  const config = "test/chaos/scenarios/crashloops.config.ts";
  /** Started again whenever it ends. */
  const supervise = () => {
    if (!supervising) return;
    started += 1;
    const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", "work", "--config", config], {
      cwd: root,
      env: { ...process.env, DATABASE_URL: url },
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.add(child);
    child.once("exit", () => {
      children.delete(child);
      supervise();
    });
  };
  try {
    const half = Array<null>(neighbours / 2).fill(null);
    await enqueueMany(db, neighbour, half);
    await enqueueMany(db, killer, Array<null>(killers).fill(null));
    await enqueueMany(db, neighbour, half);
    for (let n = 0; n < processes; n += 1) supervise();
    const isDone = async () =>
      (await sql`select from soniq_jobs where state in ('queued', 'active') limit 1`).length === 0;
    const done = await within(longestSeconds, isDone);
    const violations = done ? [] : [`not all jobs have ended after ${longestSeconds} s`];
    const rows = await sql<
      { name: string; state: string; attempt: number; reason: string | null; crashes: number; jobs: number }[]
    >`
      select name, state, attempt, reason, max(crashes) as crashes, count(*)::int as jobs from soniq_jobs group by 1, 2, 3, 4`;
    for (const { name, state, attempt, reason, jobs } of rows) {
      const asItShould = name === "killer" ? state === "dead" && attempt === 0 : state === "completed" && attempt === 1;
      if (!asItShould)
        violations.push(`${jobs} jobs named ${name} are ${state} in attempt ${attempt}: ${reason ?? ""}`);
    }
    const most = (of: string) => Math.max(0, ...rows.filter(({ name }) => name === of).map(({ crashes }) => crashes));
    const figures = {
      jobs: killers + neighbours,
      processes: started,
      crashesPerKiller: most("killer"),
      mostCrashesOfANeighbour: most("neighbour"),
    };
    return { figures, violations };
  } finally {
    supervising = false;
    for (const child of children) child.kill("SIGKILL");
    await drop();
  }
}
