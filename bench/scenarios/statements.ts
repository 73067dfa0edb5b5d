import type { Sql } from "postgres";
import { now } from "../clock.ts";
import { formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import { settleDown } from "../server.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import { insertQueued } from "./rows.ts";
import type { Scenario } from "./scenario.ts";

const batch = 1_000;
const batches = 6;
const rows = "jsonb_to_recordset($1::text::jsonb) as s (id bigint, claims int, result jsonb)";

/** Measures the cost of a batch's rows in PostgreSQL, by operation. */
const statements: Readonly<Record<string, { text: string; json?: true; before?: string }>> = {
  "read by primary key": { text: "select count(*) from soniq_jobs where id = any ($1::text::bigint[])" },
  lock: { text: "select id from soniq_jobs where id = any ($1::text::bigint[]) for no key update" },
  "read outcomes from JSON": { text: `select count(*) from ${rows}`, json: true },
  "read outcomes and join": { text: `select count(*) from ${rows} join soniq_jobs j using (id)`, json: true },
  delete: { text: "delete from soniq_jobs where id = any ($1::text::bigint[])" },
  update: { text: "update soniq_jobs set attempt = attempt + 1 where id = any ($1::text::bigint[])" },
  "update, without the partial indexes": {
    text: "update soniq_jobs set attempt = attempt + 1 where id = any ($1::text::bigint[])",
    before: "drop index soniq_jobs_claim, soniq_jobs_owner, soniq_jobs_unique, soniq_jobs_dead, soniq_jobs_finished",
  },
  "update, without them, on its page": {
    text: "update soniq_jobs set attempt = attempt + 1 where id = any ($1::text::bigint[])",
    before: `drop index soniq_jobs_claim, soniq_jobs_owner, soniq_jobs_unique, soniq_jobs_dead, soniq_jobs_finished;
      alter table soniq_jobs set (fillfactor = 45)`,
  },
};

export const statementCosts: Scenario = {
  name: "statements",
  what: "what PostgreSQL spends on a row, by what is done to it",
  async run({ server, rounds, showStatus }) {
    const results = await interleave<"micros">(rounds, Object.keys(statements), async (name, round) => {
      showStatus(`${name}, round ${round + 1} of ${rounds}`);
      return server.withDatabase(soniqDrizzle, async ({ sql }) => {
        const { text, json, before } = statements[name] as (typeof statements)[string];
        if (before) await sql.unsafe(before);
        await insertQueued(sql, 2 * batch * batches);
        await settleDown(sql);
        return { micros: await microsPerRow(sql, text, json === true) };
      });
    });
    return {
      tables: [
        {
          title: `batches of ${batch.toLocaleString("en-US")} rows, round trip and commit included`,
          columns: ["", "µs per row"],
          rows: Object.keys(statements).map((name) => [name, formatSummary(results.of(name, "micros"), 1)]),
        },
      ],
      lines: [],
      charts: [],
    };
  },
};

async function microsPerRow(sql: Sql, text: string, json: boolean): Promise<number> {
  let ms = 0;
  for (let i = 0; i <= batches; i += 1) {
    const ids = Array.from({ length: batch }, (_, n) => i * batch + n + 1);
    const parameter = json
      ? `[${ids.map((id) => `{"id":${id},"claims":1,"result":{"ok":true}}`).join()}]`
      : `{${ids.join()}}`;
    const began = now();
    await sql.unsafe(text, [parameter]);
    // The first run has cold caches.
    if (i > 0) ms += now() - began;
  }
  return (ms / batches / batch) * 1000;
}
