import { fill, work } from "../backlog.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import { bullmq } from "../systems/bullmq.ts";
import { graphileWorker } from "../systems/graphile-worker.ts";
import { pgBoss } from "../systems/pg-boss.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { System } from "../systems/system.ts";
import type { Scenario } from "./scenario.ts";

const systems = [soniqDrizzle, graphileWorker, pgBoss, bullmq];

export const unbatched: Scenario = {
  name: "unbatched",
  what: "each job claimed and settled without a batch",
  async run({ server, quick, rounds, showStatus }) {
    const jobs = quick ? 2_000 : 8_000;
    const results = await interleave<"worked">(
      rounds,
      systems.map(({ name }) => name),
      async (name, round) => {
        showStatus(`${name}, round ${round + 1} of ${rounds}`);
        const system = systems.find((one) => one.name === name) as System;
        return server.withDatabase(system, async (database) => {
          await fill(database, system, jobs);
          return { worked: (await work(database, system, { mode: "unbatched", jobs })).jobsPerSecond };
        });
      },
    );
    const of = (system: System) => results.of(system.name, "worked");
    return {
      tables: [
        {
          title: `${jobs.toLocaleString("en-US")} jobs`,
          columns: ["", "jobs/s"],
          rows: systems.map((system) => [system.name, formatSummary(of(system))]),
        },
      ],
      lines: [graphileWorker, pgBoss, bullmq].map((peer) =>
        line(`unbatched: against ${peer.name}`, { atLeast: 1 }, of(soniqDrizzle), of(peer), [
          "soniq-drizzle",
          peer.name,
        ]),
      ),
      charts: [],
    };
  },
};
