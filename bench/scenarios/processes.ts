import { setTimeout as sleep } from "node:timers/promises";
import { work } from "../backlog.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave, summarize } from "../rounds.ts";
import type { Database } from "../server.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import { WorkerProcesses } from "../worker-processes.ts";
import { insertQueued } from "./rows.ts";
import type { Scenario } from "./scenario.ts";

const counts = [1, 2, 4, 8] as const;
const resting = 50;
/** Two cores lose less than this to switching between eight processes; a collapse would lose more. */
const collapse = 0.8;

export const processes: Scenario = {
  name: "processes",
  what: "one to eight worker processes on one backlog, and fifty that rest",
  async run({ server, quick, rounds, showStatus }) {
    const jobs = quick ? 30_000 : 60_000;
    const results = await interleave<"worked">(rounds, counts.map(String), async (count, round) => {
      showStatus(`${count} processes, round ${round + 1} of ${rounds}`);
      return server.withDatabase(soniqDrizzle, async (database) => {
        await insertQueued(database.sql, jobs);
        const input = { mode: "batched", jobs, processes: Number(count) } as const;
        return { worked: (await work(database, soniqDrizzle, input)).jobsPerSecond };
      });
    });
    showStatus(`${resting} processes at rest`);
    const atRest = summarize([
      await server.withDatabase(soniqDrizzle, (database) => queriesAtRest(database, quick ? 10 : 60)),
    ]);
    const of = (count: number) => results.of(String(count), "worked");
    return {
      tables: [
        {
          title: `${jobs.toLocaleString("en-US")} jobs`,
          columns: ["processes", "jobs/s"],
          rows: counts.map((count) => [String(count), formatSummary(of(count))]),
        },
        {
          title: "At rest",
          columns: ["processes", "queries per second and process"],
          rows: [[String(resting), formatSummary(atRest, 2)]],
        },
      ],
      lines: [
        ...counts
          .slice(1)
          .map((count) =>
            line(`processes: ${count} against one`, { atLeast: collapse }, of(count), of(1), [
              `${count} processes`,
              "one",
            ]),
          ),
        line(
          "processes: queries per second of one at rest, of three",
          { atMost: 1 },
          atRest,
          summarize([3]),
          ["at rest", "allowed"],
          2,
        ),
      ],
      charts: [],
    };
  },
};

/** Counts transactions: each query of a worker is one. */
async function queriesAtRest({ url, sql }: Database, seconds: number): Promise<number> {
  const workers = await WorkerProcesses.start(soniqDrizzle, "batched", url, resting);
  const transactions = async () => {
    const [row] = await sql<{ n: number }[]>`
      select (xact_commit + xact_rollback)::float8 as n from pg_stat_database where datname = current_database()`;
    return (row as { n: number }).n;
  };
  // By then, the workers have finished what they do once at their start.
  await sleep(5_000);
  const before = await transactions();
  await sleep(seconds * 1000);
  const queries = (await transactions()) - before;
  await workers.stop();
  return queries / seconds / resting;
}
