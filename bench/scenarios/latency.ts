import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../clock.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave, percentile } from "../rounds.ts";
import { bullmq } from "../systems/bullmq.ts";
import { floor } from "../systems/floor.ts";
import { graphileWorker } from "../systems/graphile-worker.ts";
import { pgBoss } from "../systems/pg-boss.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { System } from "../systems/system.ts";
import { WorkerProcesses } from "../worker-processes.ts";
import type { Scenario } from "./scenario.ts";

const systems = [soniqDrizzle, graphileWorker, pgBoss, bullmq, floor];
const peers = [graphileWorker, pgBoss, bullmq];
const warmUpJobs = 50;

export const latency: Scenario = {
  name: "latency",
  what: "an idle worker, a job every 10 to 20 ms: from before the call that enqueues it to its handler's first line",
  async run({ server, quick, rounds, showStatus }) {
    const jobs = quick ? 100 : 400;
    const results = await interleave<"p50" | "p99">(
      rounds,
      systems.map(({ name }) => name),
      async (name, round) => {
        showStatus(`${name}, round ${round + 1} of ${rounds}`);
        const system = systems.find((one) => one.name === name) as System;
        const ms = await server.withDatabase(system, ({ url }) => latencies(system, url, jobs));
        return { p50: percentile(ms, 0.5), p99: percentile(ms, 0.99) };
      },
    );
    return {
      tables: [
        {
          title: `${jobs.toLocaleString("en-US")} jobs, ms`,
          columns: ["", "p50", "p99"],
          rows: systems.map(({ name }) => [
            name,
            formatSummary(results.of(name, "p50"), 2),
            formatSummary(results.of(name, "p99"), 2),
          ]),
        },
      ],
      lines: [
        ...peers.flatMap(({ name }) =>
          (["p50", "p99"] as const).map((figure) =>
            line(
              `latency, ${figure}: against ${name}`,
              { atMost: 1 },
              results.of("soniq-drizzle", figure),
              results.of(name, figure),
              ["soniq-drizzle", name],
              2,
            ),
          ),
        ),
        line(
          "latency, p50: against the floor",
          { atMost: 1.3 },
          results.of("soniq-drizzle", "p50"),
          results.of("floor", "p50"),
          ["soniq-drizzle", "floor"],
          2,
        ),
      ],
      charts: [
        {
          title: "From the call that enqueues to the handler, p50",
          unit: "ms",
          bars: systems.map(({ name }) => ({ label: name, value: results.of(name, "p50") as never })),
        },
      ],
    };
  },
};

async function latencies(system: System, url: string, jobs: number): Promise<readonly number[]> {
  const workers = await WorkerProcesses.start(system, "prompt", url, 1);
  const producer = await system.openProducer(url, 1);
  const enqueue = async (some: number) => {
    for (let n = 0; n < some; n += 1) {
      await sleep(10 + Math.random() * 10);
      await producer.add({ n, at: now() });
    }
  };
  await enqueue(warmUpJobs);
  await workers.reached(warmUpJobs);
  await workers.measure();
  await enqueue(jobs);
  await workers.reached(warmUpJobs + jobs);
  const latenciesMs = (await workers.measure()).flatMap((measures) => measures.latenciesMs);
  await producer.close();
  await workers.stop();
  return latenciesMs;
}
