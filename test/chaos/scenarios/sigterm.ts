// SIGTERM at any moment of a worker process's life, and sometimes once more: it ends in time, keeps no job, and no job pays.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { enqueueMany } from "../../../src/index.ts";
import { type Random, randomFrom } from "../../support/random.ts";
import { until } from "../../support/until.ts";
import { task } from "./sigterm.config.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const drainMs = 1_000;
/** Beyond the drain time: the grace of handlers, the last statements, and a machine that does other things as well. */
const slackMs = 10_000;
const lanes = 4;

/** What a worker is doing when the signal comes. */
type Moment = "starting" | "idle" | "claiming" | "running" | "settling" | "backing off";

/** What a scenario found out. */
interface Findings {
  readonly figures: Record<string, number>;
  readonly violations: string[];
}

/** A queue of its own, and its workers, one after the other. */
interface Lane {
  readonly sql: Sql;
  readonly queue: string;
  readonly random: Random;
  readonly findings: Findings;
  enqueue(jobs: readonly { ms: number; failures: number }[]): Promise<void>;
}

/**
 * @param url a database with empty job tables
 * @param signals how many workers to stop
 */
export async function sigterm({ url, seed, signals = 200 }: { url: string; seed: number; signals?: number }) {
  const client = postgres(url, { max: 2 * lanes, onnotice: () => {} });
  // Drizzle rewires the client that it is given.
  const db = drizzle({ client: postgres(url, { max: lanes, onnotice: () => {} }) });
  const findings: Findings = { figures: { signals: 0, enqueued: 0, completed: 0, longestStopMs: 0 }, violations: [] };
  const queues = Array.from({ length: lanes }, (_, i) => `lane-${i}`);
  let left = signals;
  await Promise.all(
    queues.map(async (queue, i) => {
      const enqueue = async (jobs: readonly { ms: number; failures: number }[]) => {
        add(findings, "enqueued", jobs.length);
        await enqueueMany(db, task, jobs, () => ({ queue }));
      };
      const lane: Lane = { sql: client, queue, random: randomFrom(seed * lanes + i), findings, enqueue };
      while (left-- > 0) await stopOne(lane, url);
    }),
  );
  const rest = worker(url, queues, ["--drain"]);
  // A pipe that nobody reads blocks whoever writes to it.
  rest.stdout?.resume();
  const [status] = (await once(rest, "exit")) as [number | null];
  if (status !== 0) findings.violations.push(`what was left could not be drained: status ${status}`);
  const [row] = await client`select count(*)::int as completed from soniq_jobs where state = 'completed'`;
  add(findings, "completed", row?.["completed"] as number);
  const { enqueued = 0, completed = 0 } = findings.figures;
  if (completed !== enqueued) findings.violations.push(`${enqueued} jobs were enqueued, and ${completed} completed`);
  await Promise.all([client.end(), db.$client.end()]);
  return findings;
}

/** Starts a worker, brings it to a random moment, and stops it. */
async function stopOne(lane: Lane, url: string): Promise<void> {
  const { random, queue, findings } = lane;
  const moments = Object.keys(reach) as Moment[];
  const moment = moments[random.below(moments.length)] as Moment;
  const child = worker(url, [queue]);
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  await said(child, "starts on");
  await reach[moment](lane);
  await sleep(random.below(60));
  const signalledAt = performance.now();
  child.kill("SIGTERM");
  if (random.below(4) === 0) {
    await sleep(random.below(300));
    child.kill(random.below(2) === 0 ? "SIGTERM" : "SIGINT");
    add(findings, "second signals", 1);
  }
  const ended = await Promise.race([exited, sleep(drainMs + slackMs)]);
  if (!ended) child.kill("SIGKILL");
  const stopMs = Math.round(performance.now() - signalledAt);
  add(findings, "signals", 1);
  add(findings, moment, 1);
  findings.figures["longestStopMs"] = Math.max(findings.figures["longestStopMs"] ?? 0, stopMs);
  const where = `${queue}, signal ${findings.figures["signals"]}, ${moment}`;
  const [status, signal] = ended ?? (await exited);
  if (status !== 0) findings.violations.push(`${where}: it ended with ${signal ?? status} after ${stopMs} ms`);
  for (const wrong of await whatIsWrong(lane)) findings.violations.push(`${where}: ${wrong}`);
}

/** Brings a worker that has just been started to a moment of its life. */
const reach: Record<Moment, (lane: Lane) => Promise<void>> = {
  async starting({ random }) {
    await sleep(random.below(300));
  },
  async idle(lane) {
    await idle(lane);
  },
  async claiming(lane) {
    await idle(lane);
    await lane.enqueue(tasks(50, () => ({ ms: 5, failures: 0 })));
  },
  async running(lane) {
    await lane.enqueue(tasks(5, () => ({ ms: 100 + lane.random.below(2 * drainMs), failures: 0 })));
    await until(
      async () => (await lane.sql`select from soniq_jobs where queue = ${lane.queue} and state = 'active'`)[0],
    );
  },
  async settling(lane) {
    const before = await completedIn(lane);
    await lane.enqueue(tasks(300, () => ({ ms: lane.random.below(4), failures: 0 })));
    await until(async () => (await completedIn(lane)) > before);
  },
  async "backing off"(lane) {
    await lane.enqueue(tasks(5, () => ({ ms: 1, failures: 1 + lane.random.below(2) })));
    await until(
      async () =>
        (await lane.sql`select from soniq_jobs where queue = ${lane.queue} and state = 'queued' and errors <> '[]'`)[0],
    );
  },
};

function tasks(count: number, one: () => { ms: number; failures: number }) {
  return Array.from({ length: count }, one);
}

async function idle({ sql, queue }: Lane): Promise<void> {
  await until(async () => (await sql`select from soniq_workers where ended_at is null and idle_queues ? ${queue}`)[0]);
}

async function completedIn({ sql, queue }: Lane): Promise<number> {
  const [row] = await sql`select count(*)::int as jobs from soniq_jobs where queue = ${queue} and state = 'completed'`;
  return row?.["jobs"] as number;
}

/** After a worker's end. Each failure is an attempt, and so is the completion; nothing else is. */
async function whatIsWrong({ sql, queue }: Lane): Promise<string[]> {
  const sessions = await sql`select from soniq_workers where ended_at is null and queues ? ${queue}`;
  const jobs = await sql`
    select id, state, attempt, crashes, jsonb_array_length(errors) as failures from soniq_jobs
    where queue = ${queue} and (state not in ('queued', 'completed') or crashes > 0
      or attempt <> jsonb_array_length(errors) + case state when 'completed' then 1 else 0 end)`;
  return [
    ...(sessions.length > 0 ? ["its session has not ended"] : []),
    ...jobs.map((job) => `a job is not as it should be: ${JSON.stringify(job)}`),
  ];
}

function worker(url: string, queues: readonly string[], args: readonly string[] = []): ChildProcess {
  const config = "test/chaos/scenarios/sigterm.config.ts";
  return spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", "work", "--config", config, ...args], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: url, QUEUES: queues.join(), DRAIN_TIMEOUT: `${drainMs}ms` },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function said(child: ChildProcess, text: string): Promise<void> {
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000)));
  await until(async () => output.includes(text) || child.exitCode !== null);
}

function add({ figures }: Findings, name: string, n: number): void {
  figures[name] = (figures[name] ?? 0) + n;
}
