// Jobs whose results are as long as they may be, many of them at once: all are settled soon, in little memory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { enqueueMany } from "../../../src/index.ts";
import { produce } from "./large.config.ts";
import { type Findings, leftovers, scratchDatabase, type Surroundings, within } from "./scenario.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const maxSeconds = 60;
const maxMegabytes = 1_024;

interface LargeInput {
  readonly jobs: number;
  readonly kilobytes: number;
  readonly concurrency: number;
  /** How many end at the same time. */
  readonly together: number;
}

const loads: readonly LargeInput[] = [
  { jobs: 620, kilobytes: 900, concurrency: 620, together: 620 },
  { jobs: 1_000, kilobytes: 300, concurrency: 1_000, together: 1_000 },
  { jobs: 1_500, kilobytes: 900, concurrency: 10, together: 1 },
];

export async function large({ url }: Pick<Surroundings, "url">, inputs = loads): Promise<Findings> {
  const all: Findings = { figures: {}, violations: [] };
  for (const input of inputs) {
    const { figures, violations } = await largeResults(url, input);
    const name = `${input.jobs} of ${input.kilobytes} KB`;
    for (const [figure, value] of Object.entries(figures)) all.figures[`${name}: ${figure}`] = value;
    all.violations.push(...violations.map((violation) => `${name}: ${violation}`));
  }
  return all;
}

async function largeResults(server: string, input: LargeInput): Promise<Findings> {
  const { jobs, kilobytes, concurrency, together } = input;
  const { url, sql, db, drop } = await scratchDatabase(server);
  await enqueueMany(db, produce, Array<number>(jobs).fill(kilobytes * 1_000));
  const began = performance.now();
  const worker = spawn(
    process.execPath,
    ["--import", "tsx", "src/cli/main.ts", "work", "--config", "test/chaos/scenarios/large.config.ts"],
    {
      cwd: root,
      env: {
        ...process.env,
        DATABASE_URL: url,
        LARGE_CONCURRENCY: String(concurrency),
        LARGE_TOGETHER: String(together),
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const exited = once(worker, "close");
  let said = "";
  worker.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  worker.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const violations: string[] = [];
  try {
    const isDone = async () => {
      const [left] = await sql<{ left: number }[]>`
        select count(*)::int as left from soniq_jobs where state in ('queued', 'active')`;
      return left?.left === 0;
    };
    // As long again as it may take, to learn how long it takes.
    await within(2 * maxSeconds, isDone);
    const seconds = Math.round(performance.now() - began) / 1_000;
    if (seconds > maxSeconds) violations.push(`not settled within ${maxSeconds} s`);
    violations.push(...(await leftovers(sql)));
    const [sessions] = await sql<{ count: number }[]>`select count(*)::int as count from soniq_workers`;
    worker.kill("SIGTERM");
    await exited;
    const megabytes = Math.round(Number(/max rss (\d+) KB/.exec(said)?.[1]) / 1_024);
    if (!(megabytes <= maxMegabytes)) violations.push(`the worker took ${megabytes} MB of memory`);
    if (sessions?.count !== 1) violations.push(`the worker had ${sessions?.count} sessions`);
    const troubles = said.split("\n").filter((line) => line.includes("failed while") || line.includes("degraded"));
    for (const trouble of troubles.slice(0, 5)) violations.push(`the worker logged: ${trouble}`);
    return { figures: { seconds, megabytes }, violations };
  } finally {
    worker.kill("SIGKILL");
    await drop();
  }
}
