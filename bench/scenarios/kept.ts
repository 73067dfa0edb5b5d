import { fill, work } from "../backlog.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import { bullmq } from "../systems/bullmq.ts";
import { floor } from "../systems/floor.ts";
import { graphileWorker } from "../systems/graphile-worker.ts";
import { pgBoss } from "../systems/pg-boss.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { Mode, System } from "../systems/system.ts";
import type { Scenario } from "./scenario.ts";

interface Contestant {
  readonly system: System;
  readonly mode: Mode;
}

const contestants: Readonly<Record<string, Contestant>> = {
  "soniq-drizzle": { system: soniqDrizzle, mode: "batched" },
  "soniq-drizzle, completed: 0": { system: soniqDrizzle, mode: "deleted" },
  "graphile-worker": { system: graphileWorker, mode: "batched" },
  "pg-boss": { system: pgBoss, mode: "batched" },
  BullMQ: { system: bullmq, mode: "batched" },
  floor: { system: floor, mode: "batched" },
};

export const kept: Scenario = {
  name: "kept",
  what: "a backlog of no-op jobs, enqueued in bulk and worked off",
  async run({ server, quick, rounds, showStatus }) {
    const jobs = quick ? 100_000 : 300_000;
    const results = await interleave<"enqueued" | "worked" | "cpu" | "rss">(
      rounds,
      Object.keys(contestants),
      async (name, round) => {
        const { system, mode } = contestants[name] as Contestant;
        showStatus(`${name}, round ${round + 1} of ${rounds}`);
        return server.withDatabase(system, async (database) => {
          // A much slower system gets a smaller backlog: its rate does not grow with the backlog.
          const some = system === bullmq ? jobs / 20 : jobs;
          const enqueued = await fill(database, system, some);
          const { jobsPerSecond, cpuMicros, rss } = await work(database, system, { mode, jobs: some });
          return { enqueued, worked: jobsPerSecond, cpu: cpuMicros, rss: rss / 1e6 };
        });
      },
    );
    const of = (name: string) => results.of(name, "worked");
    const enqueued = (name: string) => results.of(name, "enqueued");
    const best = ["graphile-worker", "pg-boss", "BullMQ"].toSorted(
      (a, b) => (enqueued(b)?.median ?? 0) - (enqueued(a)?.median ?? 0),
    )[0] as string;
    const names = Object.keys(contestants);
    return {
      tables: [
        {
          title: `${jobs.toLocaleString("en-US")} jobs`,
          columns: ["", "jobs/s", "enqueued in bulk, jobs/s", "worker CPU, µs/job", "resident memory of a worker, MB"],
          rows: names.map((name) => [
            name,
            formatSummary(of(name)),
            formatSummary(enqueued(name)),
            formatSummary(results.of(name, "cpu"), 1),
            formatSummary(results.of(name, "rss")),
          ]),
        },
      ],
      lines: [
        line(
          "kept: against graphile-worker's fastest, which keeps nothing",
          { atLeast: 1.5 },
          of("soniq-drizzle"),
          of("graphile-worker"),
          ["soniq-drizzle", "graphile-worker"],
        ),
        line("kept: against pg-boss's batches", { atLeast: 2 }, of("soniq-drizzle"), of("pg-boss"), [
          "soniq-drizzle",
          "pg-boss",
        ]),
        line("kept: against the floor", { atLeast: 0.7 }, of("soniq-drizzle"), of("floor"), ["soniq-drizzle", "floor"]),
        line(
          "deleted: against graphile-worker's fastest",
          { atLeast: 2 },
          of("soniq-drizzle, completed: 0"),
          of("graphile-worker"),
          ["soniq-drizzle", "graphile-worker"],
        ),
        line("enqueue many: against the best peer", { atLeast: 2 }, enqueued("soniq-drizzle"), enqueued(best), [
          "soniq-drizzle",
          best,
        ]),
      ],
      charts: [
        {
          title: "Jobs per second",
          unit: "jobs/s",
          bars: names.map((label) => ({ label, value: of(label) as never })),
        },
        {
          title: "Enqueued in bulk",
          unit: "jobs/s",
          bars: names.map((label) => ({ label, value: enqueued(label) as never })),
        },
      ],
    };
  },
};
