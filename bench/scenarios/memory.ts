import { fill, settledAt } from "../backlog.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import { graphileWorker } from "../systems/graphile-worker.ts";
import { pgBoss } from "../systems/pg-boss.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { System } from "../systems/system.ts";
import { WorkerProcesses } from "../worker-processes.ts";
import type { Scenario } from "./scenario.ts";

const systems = [soniqDrizzle, graphileWorker, pgBoss];
const first = 20_000;
const then = 100_000;

export const memory: Scenario = {
  name: "memory",
  what: "a worker's memory after its first jobs, and after many more",
  async run({ server, showStatus }) {
    const results = await interleave<"first" | "later" | "rss">(
      1,
      systems.map(({ name }) => name),
      async (name, round) => {
        showStatus(`${name}, round ${round + 1}`);
        const system = systems.find((one) => one.name === name) as System;
        return server.withDatabase(system, async (database) => {
          const workers = await WorkerProcesses.start(system, "batched", database.url, 1);
          const heapAfter = async (jobs: number, all: number) => {
            await fill(database, system, jobs);
            await workers.reached(all);
            await settledAt(database, system);
            return (await workers.measure())[0] as { heapUsed: number; rss: number };
          };
          const before = await heapAfter(first, first);
          const after = await heapAfter(then, first + then);
          await workers.stop();
          return { first: before.heapUsed / 1e6, later: after.heapUsed / 1e6, rss: after.rss / 1e6 };
        });
      },
    );
    return {
      tables: [
        {
          title: "MB",
          columns: ["", `heap after ${first / 1000},000 jobs`, `after ${then / 1000},000 more`, "resident then"],
          rows: systems.map(({ name }) => [
            name,
            formatSummary(results.of(name, "first"), 1),
            formatSummary(results.of(name, "later"), 1),
            formatSummary(results.of(name, "rss")),
          ]),
        },
      ],
      lines: [
        line(
          "memory: the heap after 100,000 more jobs",
          { atMost: 1.1 },
          results.of("soniq-drizzle", "later"),
          results.of("soniq-drizzle", "first"),
          ["then", "first"],
          1,
        ),
      ],
      charts: [],
    };
  },
};
