import { fill, work } from "../backlog.ts";
import { bestOf, line, formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import { bullmq } from "../systems/bullmq.ts";
import { graphileWorker } from "../systems/graphile-worker.ts";
import { pgBoss } from "../systems/pg-boss.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { System } from "../systems/system.ts";
import type { Scenario } from "./scenario.ts";

const systems = [soniqDrizzle, graphileWorker, pgBoss, bullmq];
const peers = [graphileWorker, pgBoss, bullmq].map(({ name }) => name);
const sizes = { "1 KB": 1_000, "8 KB": 8_000 } as const;
type Size = keyof typeof sizes;

export const payloads: Scenario = {
  name: "payloads",
  what: "the same with larger payloads",
  async run({ server, quick, rounds, showStatus }) {
    const jobs = quick ? 5_000 : 15_000;
    const results = await interleave<Size>(
      rounds,
      systems.map(({ name }) => name),
      async (name, round) => {
        const system = systems.find((one) => one.name === name) as System;
        const figures: Partial<Record<Size, number>> = {};
        for (const [size, bytes] of Object.entries(sizes) as [Size, number][]) {
          showStatus(`${name}, ${size}, round ${round + 1} of ${rounds}`);
          await server.withDatabase(system, async (database) => {
            const some = system === bullmq ? jobs / 10 : jobs;
            await fill(database, system, some, bytes);
            figures[size] = (await work(database, system, { mode: "batched", jobs: some })).jobsPerSecond;
          });
        }
        return figures;
      },
    );
    return {
      tables: [
        {
          title: `${jobs.toLocaleString("en-US")} jobs, jobs/s`,
          columns: ["", ...Object.keys(sizes)],
          rows: systems.map(({ name }) => [
            name,
            ...(Object.keys(sizes) as Size[]).map((size) => formatSummary(results.of(name, size))),
          ]),
        },
      ],
      lines: (Object.keys(sizes) as Size[]).map((size) => {
        const best = bestOf(peers, (name) => results.of(name, size));
        return line(
          `payloads of ${size}: against the best peer`,
          { atLeast: 1.3 },
          results.of("soniq-drizzle", size),
          results.of(best, size),
          ["soniq-drizzle", best],
        );
      }),
      charts: [],
    };
  },
};
