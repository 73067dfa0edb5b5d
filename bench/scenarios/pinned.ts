import postgres from "postgres";
import { settledAt } from "../backlog.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave, type Results } from "../rounds.ts";
import { type Database, settleDown } from "../server.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import { WorkerProcesses } from "../worker-processes.ts";
import { type Duty, dutyNames, timeDuties } from "./periodic-tasks.ts";
import { insertQueued } from "./rows.ts";
import type { Scenario } from "./scenario.ts";

const workers = 4;
const idle = 20;
const lastJobs = 50_000;

type Figure = "all" | "last" | Duty;

export const pinned: Scenario = {
  name: "pinned",
  what: `${workers} workers, one of them started in the middle, and ${idle} idle processes, while a snapshot is held open`,
  async run({ server, quick, showStatus }) {
    const jobs = quick ? 300_000 : 2_000_000;
    const results = await interleave<Figure>(1, ["free", "pinned"], async (which, round) => {
      showStatus(`${which}, round ${round + 1}`);
      return server.withDatabase(soniqDrizzle, async (database) => {
        await insertQueued(database.sql, jobs);
        await settleDown(database.sql);
        const release = which === "pinned" ? await holdSnapshot(database) : async () => {};
        const rates = await workOff(database, jobs);
        const duties = await timeDuties(database);
        await release();
        return { ...rates, ...duties };
      });
    });
    return {
      tables: [
        {
          title: `${jobs.toLocaleString("en-US")} jobs`,
          columns: [
            "snapshot",
            "jobs/s",
            `jobs/s of the last ${lastJobs.toLocaleString("en-US")}`,
            ...dutyNames.map((duty) => `${duty}, ms`),
          ],
          rows: ["free", "pinned"].map((which) => [
            which,
            formatSummary(results.of(which, "all")),
            formatSummary(results.of(which, "last")),
            ...dutyNames.map((duty) => formatSummary(results.of(which, duty), 2)),
          ]),
        },
      ],
      lines: [
        compare(results, "last", `the last ${lastJobs.toLocaleString("en-US")} jobs`, { atLeast: 0.9 }, 0),
        ...dutyNames.map((duty) => compare(results, duty, duty, { atMost: 3 }, 2)),
      ],
      charts: [],
    };
  },
};

function compare(
  results: Results<Figure>,
  figure: Figure,
  what: string,
  must: { atLeast: number } | { atMost: number },
  digits: number,
) {
  return line(
    `pinned, ${what}: against no snapshot`,
    must,
    results.of("pinned", figure),
    results.of("free", figure),
    ["pinned", "free"],
    digits,
  );
}

/** Opens a transaction with a snapshot: rows that die from now on cannot be removed. */
async function holdSnapshot({ url }: Database): Promise<() => Promise<void>> {
  const client = postgres(url, { max: 1, onnotice() {} });
  const reserved = await client.reserve();
  await reserved`begin isolation level repeatable read`;
  await reserved`select count(*) from soniq_workers`;
  return async () => {
    await reserved`commit`;
    reserved.release();
    await client.end();
  };
}

async function workOff(database: Database, jobs: number): Promise<{ all: number; last: number }> {
  const { url } = database;
  const resting = await WorkerProcesses.start(soniqDrizzle, "resting", url, idle);
  const working = await WorkerProcesses.start(soniqDrizzle, "batched", url, workers - 1);
  await working.reached(jobs / 2);
  await working.add(soniqDrizzle, "batched", url);
  await working.reached(jobs);
  const endedAt = await settledAt(database, soniqDrizzle);
  await Promise.all([working.stop(), resting.stop()]);
  const lastFrom = working.progress.find(({ handled }) => handled >= jobs - lastJobs) as {
    at: number;
    handled: number;
  };
  return {
    all: jobs / ((endedAt - working.firstAt) / 1000),
    last: (jobs - lastFrom.handled) / ((endedAt - lastFrom.at) / 1000),
  };
}
