import { setTimeout as sleep } from "node:timers/promises";
import { createWorker } from "../../dist/src/index.js";
import { fill, settledAt } from "../backlog.ts";
import { line, formatSummary } from "../findings.ts";
import { type Summary, summarize } from "../rounds.ts";
import type { Database } from "../server.ts";
import { noop, soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { Scenario } from "./scenario.ts";

const jobsPerWave = 100_000;
const waves = 10;
/** Autovacuum wakes up once a minute. */
const waveMs = 40_000;
const retention = "40s";

/** `tuned`: with the settings of the migration `storage`; `default`: without them. */
const autovacuums = ["default", "tuned"] as const;
const tuned = `autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_insert_scale_factor,
  autovacuum_vacuum_insert_threshold, autovacuum_analyze_scale_factor, autovacuum_analyze_threshold, autovacuum_vacuum_cost_delay`;

/** In MB. */
interface Size {
  readonly table: number;
  readonly indexes: number;
  readonly claimIndex: number;
}

export const storage: Scenario = {
  name: "storage",
  what: `a million jobs in ${waves} waves, each kept for ${retention}: what table and indexes grow to`,
  async run({ server, showStatus }) {
    const sizes = await Promise.all(
      autovacuums.map((autovacuum) =>
        server.withDatabase(soniqDrizzle, async (database) => {
          if (autovacuum === "default") await database.sql.unsafe(`alter table soniq_jobs reset (${tuned})`);
          return workWaves(database, (wave) => showStatus(`${autovacuum}, wave ${wave}`));
        }),
      ),
    );
    const after = (i: number, wave: number) => (sizes[i] as Size[])[wave - 1] as Size;
    // The size goes up and down with the waves and with the runs of autovacuum.
    const largest = (i: number, from: number, to: number): Summary =>
      summarize([Math.max(...(sizes[i] as Size[]).slice(from, to).map((size) => size.table + size.indexes))]);
    return {
      tables: autovacuums.map((autovacuum, i) => ({
        title: `Autovacuum: ${autovacuum}, MB`,
        columns: ["after jobs", "table", "indexes", "of these the claim index"],
        rows: [1, 2, 4, 6, 8, 10].map((wave) => {
          const { table, indexes, claimIndex } = after(i, wave);
          const texts = [table, indexes, claimIndex].map((mb) => formatSummary(summarize([mb])).replace(/ .*/, ""));
          return [(wave * jobsPerWave).toLocaleString("en-US"), ...texts];
        }),
      })),
      lines: autovacuums.map((autovacuum, i) =>
        line(
          `storage, autovacuum ${autovacuum}: the largest with the second half million, against the first`,
          { atMost: 1.2 },
          largest(i, waves / 2, waves),
          largest(i, 0, waves / 2),
          ["MB then", "MB before"],
        ),
      ),
      charts: [],
    };
  },
};

async function workWaves(database: Database, onWave: (wave: number) => void): Promise<Size[]> {
  const worker = createWorker({
    connection: database.url,
    jobs: { noop },
    handlers: { noop: async () => ({ ok: true }) },
    queues: { default: { concurrency: 100 } },
    retention: { completed: retention },
  });
  await worker.start();
  const sizes: Size[] = [];
  for (let wave = 1; wave <= waves; wave += 1) {
    onWave(wave);
    const over = sleep(waveMs);
    await fill(database, soniqDrizzle, jobsPerWave);
    await settledAt(database, {
      ...soniqDrizzle,
      unsettled: "select exists (select from soniq_jobs where state in ('queued', 'active'))",
    });
    await over;
    sizes.push(await sizeOf(database));
  }
  await worker.stop();
  return sizes;
}

async function sizeOf({ sql }: Database): Promise<Size> {
  const [size] = await sql<[Size]>`
    select pg_table_size('soniq_jobs') / 1e6 as table, pg_indexes_size('soniq_jobs') / 1e6 as indexes,
      pg_relation_size('soniq_jobs_claim') / 1e6 as "claimIndex"`;
  return { table: Number(size.table), indexes: Number(size.indexes), claimIndex: Number(size.claimIndex) };
}
