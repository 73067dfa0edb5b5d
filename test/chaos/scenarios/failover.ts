// The primary is lost and its standby promoted: what was acknowledged and replicated is done once, and nothing is done for
// what the survivor does not know.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/node-postgres";
import type { Pool } from "pg";
import postgres, { type Sql } from "postgres";
import { migrate } from "../../../src/database/migrate.ts";
import { enqueue } from "../../../src/index.ts";
import { startEmbeddedPostgres } from "../../support/embedded-postgres.ts";
import { openPool } from "../pool.ts";
import { booked, noted, orders } from "./failover.config.ts";
import { type Findings, type Surroundings, within } from "./scenario.ts";
import { openSwitch } from "./switch.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const config = "test/chaos/scenarios/failover.config.ts";
const longestUntilClaimSeconds = 8;
/** More than the sequence of the ids has logged ahead, so that the survivor gives ids out a second time. */
const lostOrders = 150;
const isolatedMs = 3_000;

/** An order whose transaction was acknowledged. */
interface Acknowledged {
  readonly n: number;
  readonly phase: "before" | "unreplicated" | "after";
}

type Kind = "synchronous" | "asynchronous";

interface Input extends Surroundings {
  readonly kinds?: readonly Kind[];
}

/** Two failovers: with a synchronous standby, and with one that has not received the last commits. */
export async function failover({ kinds = ["synchronous", "asynchronous"] }: Input): Promise<Findings> {
  const findings: Findings[] = [];
  for (const kind of kinds) findings.push(await failOver(kind));
  return {
    figures: Object.assign({}, ...findings.map(({ figures }) => figures)) as Findings["figures"],
    violations: findings.flatMap(({ violations }) => violations),
  };
}

async function failOver(kind: Kind): Promise<Findings> {
  const primary = await startEmbeddedPostgres({ fsync: "off", max_connections: "100" });
  const bare = postgres(primary.url, { max: 1, onnotice: () => {} });
  await migrate(drizzle({ client: openPool(primary.url, 1, "failover-migrations") }));
  await bare.unsafe(`
    create table failover_orders (n int primary key, job int, kind text);
    create table failover_effects (n int, job int)`);
  const standby = await primary.standby();
  const gate = await openSwitch(primary.url);
  const workers: Worker[] = [];
  const shop = new Shop(openPool(gate.url, 10, "failover-shop"));
  const violations: string[] = [];
  try {
    const walSender = await streaming(bare);
    if (kind === "synchronous") {
      await bare.unsafe("alter system set synchronous_standby_names = '*'");
      await bare`select pg_reload_conf()`;
    }
    workers.push(...Array.from({ length: kind === "synchronous" ? 2 : 1 }, () => startWorker(gate.url)));
    await shop.order("before", 40);
    if (!(await within(120, async () => (await completedOn(bare)) > 10)))
      violations.push("the workers did not begin to work");
    await caughtUp(bare);
    // From here on nothing that is committed reaches the standby.
    process.kill(walSender, "SIGSTOP");
    if (kind === "asynchronous") await shop.order("unreplicated", lostOrders);
    const isolatedAt = Date.now();
    const unanswered = kind === "synchronous" ? shop.order("unreplicated", 10) : Promise.resolve();
    await sleep(isolatedMs);
    const survivor = postgres(standby.url, { max: 4, onnotice: () => {} });
    await survivor`select pg_promote(true, 60)`;
    const promotedAt = Date.now();
    // The old primary lives on for a moment, and the workers are connected to it.
    await sleep(kind === "synchronous" ? isolatedMs : 0);
    const switchedAt = Date.now();
    await primary.kill();
    gate.switchTo(standby.url);
    const ready = readyMs(workers, switchedAt);
    await unanswered;
    await shop.order("after", 160);
    const isOver = async () => (await survivor`select from soniq_jobs where state <> 'completed' limit 1`).length === 0;
    if (!(await within(90, isOver))) violations.push("jobs were not finished 90 s after the failover");
    const started = workers.flatMap((worker) => worker.started);
    const splitBrain = started.filter(({ at }) => at > promotedAt && at < switchedAt - 100).length;
    violations.push(...(await broken(survivor, shop.acknowledged, kind)));
    if (kind === "synchronous" && splitBrain > 0)
      violations.push(`${splitBrain} jobs were started on a primary that had been replaced`);
    const untilClaimMs = await firstClaimMs(survivor, switchedAt);
    if (!(untilClaimMs < longestUntilClaimSeconds * 1_000))
      violations.push(`the first claim came ${untilClaimMs} ms after the switch`);
    const untilReadyMs = await ready;
    const runs = started.length - new Set(started.map(({ n }) => n)).size;
    // A transaction that lost its connection counts one crash, or a job that brings PostgreSQL down would do so without end.
    const [counted] = await survivor<{ crashes: number; errors: number; attempts: number }[]>`
      select count(*) filter (where crashes > case name when 'booked' then 1 else 0 end)::int as crashes, sum(jsonb_array_length(errors))::int as errors, count(*) filter (where attempt <> 1)::int as attempts from soniq_jobs`;
    if (counted && counted.errors + counted.attempts + counted.crashes > 0)
      violations.push(
        `the failover was counted: ${counted.errors} errors, ${counted.crashes} jobs with more crashes than lost transactions, ${counted.attempts} jobs with another attempt than the first`,
      );
    for (const worker of workers) if (!worker.runs()) violations.push("a worker process ended");
    const statuses = await Promise.all(workers.map((worker) => worker.stop()));
    for (const status of statuses) if (status !== 0) violations.push(`a worker process ended with ${status}`);
    await survivor.end({ timeout: 1 });
    const figures = {
      acknowledged: shop.acknowledged.length,
      lost: shop.acknowledged.filter(({ phase }) => phase === "unreplicated").length,
      startedAgain: runs,
      isolatedForMs: switchedAt - isolatedAt,
      untilClaimMs,
      untilReadyMs,
    };
    return {
      figures: Object.fromEntries(Object.entries(figures).map(([name, figure]) => [`${kind} ${name}`, figure])),
      violations: violations.map((violation) => `${kind}: ${violation}`),
    };
  } finally {
    for (const worker of workers) worker.kill();
    gate.close();
    // It waits for connections that are broken.
    void shop.close();
    void bare.end({ timeout: 0 });
    await standby.stop();
    await primary.kill();
    await primary.stop();
  }
}

/** Orders, each with its job in one transaction: half of them are booked in the job's transaction. */
class Shop {
  readonly acknowledged: Acknowledged[] = [];
  #last = 0;

  constructor(private readonly pool: Pool) {}

  /** Resolves when each transaction has been acknowledged, or has failed. */
  async order(phase: Acknowledged["phase"], count: number): Promise<void> {
    const db = drizzle({ client: this.pool });
    const one = async (n: number) => {
      // The longest are at work until after the failover, the shortest end in the middle of it.
      const payload = { n, ms: 200 + ((n * 997) % 9_000) };
      const kind = n % 2 === 0 ? "booked" : "noted";
      try {
        await db.transaction(async (tx) => {
          const { id } = await (kind === "booked" ? enqueue(tx, booked, payload) : enqueue(tx, noted, payload));
          await tx.insert(orders).values({ n, job: id, kind });
        });
        this.acknowledged.push({ n, phase });
      } catch {
        // Nobody was promised anything.
      }
    };
    const numbers = Array.from({ length: count }, () => (this.#last += 1));
    await Promise.all(numbers.map(one));
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

/** What the survivor's rows say, against what was promised. */
async function broken(sql: Sql, acknowledged: readonly Acknowledged[], kind: string): Promise<string[]> {
  const kept = new Set((await sql<{ n: number }[]>`select n from failover_orders`).map(({ n }) => n));
  const missing = acknowledged.filter(({ n }) => !kept.has(n));
  const promised = missing.filter(({ phase }) => phase !== "unreplicated" || kind === "synchronous");
  const rows = async (what: string, query: string) => {
    const found = await sql.unsafe(query);
    return found.length === 0 ? [] : [`${found.length} ${what}, such as ${JSON.stringify(found[0])}`];
  };
  return [
    ...(promised.length === 0 ? [] : [`${promised.length} orders were acknowledged and are lost`]),
    ...(kind === "synchronous" || missing.length === lostOrders
      ? []
      : [`${missing.length} orders are lost, and ${lostOrders} were not replicated`]),
    ...(await rows(
      "orders have no job, or jobs no order",
      "select n, id from failover_orders full join soniq_jobs on id = job and n = (payload ->> 'n')::int where n is null or id is null",
    )),
    ...(await rows(
      "orders were not booked exactly once, by their own job",
      `select o.n, count(e.n) as effects, array_agg(e.job) as jobs from failover_orders o left join failover_effects e on e.n = o.n
       where kind = 'booked' group by o.n, o.job having count(e.n) <> 1 or min(e.job) <> o.job`,
    )),
    ...(await rows(
      "effects are of orders that do not exist",
      "select * from failover_effects e where not exists (select from failover_orders o where o.n = e.n)",
    )),
    ...(await rows(
      "jobs have the result of another one's run",
      "select id, payload, result from soniq_jobs where name = 'noted' and state = 'completed' and result <> payload -> 'n'",
    )),
  ];
}

interface Worker {
  /** When it started to run which order. */
  readonly started: { readonly n: number; readonly at: number }[];
  runs(): boolean;
  /** Asks its health until it is ready. @returns when that was */
  ready(): Promise<number>;
  stop(): Promise<unknown>;
  kill(): void;
}

function startWorker(url: string): Worker {
  const child: ChildProcess = spawn(
    process.execPath,
    `--import tsx src/cli/main.ts work --config ${config} --health-port 0 --health-host 127.0.0.1`.split(" "),
    { cwd: root, env: { ...process.env, DATABASE_URL: url }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit").then(([status, signal]) => (status ?? signal) as unknown);
  const started: { n: number; at: number }[] = [];
  let health = "";
  createInterface(child.stdout as NodeJS.ReadableStream).on("line", (line) => {
    const [, n, at] = /^began \w+ (\d+) (\d+)$/.exec(line) ?? [];
    if (n && at) started.push({ n: Number(n), at: Number(at) });
    health ||= /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "";
  });
  return {
    started,
    runs: () => child.exitCode === null && child.signalCode === null,
    async ready() {
      await within(30, async () => (await fetch(`${health}/readyz`)).ok);
      return Date.now();
    },
    async stop() {
      child.kill("SIGTERM");
      return exited;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** @returns the process that sends the log to the standby */
async function streaming(sql: Sql): Promise<number> {
  const senders = () => sql<{ pid: number }[]>`select pid from pg_stat_replication where state = 'streaming'`;
  await within(30, async () => (await senders()).length > 0);
  const [sender] = await senders();
  if (!sender) throw new Error("the standby does not stream");
  return sender.pid;
}

async function caughtUp(sql: Sql): Promise<void> {
  const behind = () => sql`select from pg_stat_replication where replay_lsn < pg_current_wal_lsn()`;
  await within(30, async () => (await behind()).length === 0);
}

async function completedOn(sql: Sql): Promise<number> {
  return (await sql`select from soniq_jobs where state = 'completed'`).length;
}

/** How long after the switch the survivor's first claim was made; Infinity if there was none. */
async function firstClaimMs(sql: Sql, switchedAt: number): Promise<number> {
  const [found] = await sql<{ at: number | null }[]>`
    select min(extract(epoch from claimed_at) * 1000)::float8 as at from soniq_jobs where claimed_at > to_timestamp(${switchedAt / 1_000}::float8)`;
  return Math.round((found?.at ?? Infinity) - switchedAt);
}

async function readyMs(workers: readonly Worker[], switchedAt: number): Promise<number> {
  return Math.max(...(await Promise.all(workers.map((worker) => worker.ready())))) - switchedAt;
}
