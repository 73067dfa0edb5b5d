import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { claim } from "../../dist/src/jobs/claim/claim.js";
import { ClaimPositions } from "../../dist/src/jobs/claim/claim-positions.js";
import { settle } from "../../dist/src/jobs/settle/settle.js";
import { openSession } from "../../dist/src/sessions/session.js";
import { now } from "../clock.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import { type Database, settleDown } from "../server.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import { insertQueued } from "./rows.ts";
import type { Scenario } from "./scenario.ts";

const jobsPerClaim = 500;

export const waiting: Scenario = {
  name: "waiting",
  what: "what a claim costs where very many jobs wait, and others are scheduled at a better priority",
  async run({ server, quick, rounds, showStatus }) {
    const queued = quick ? 200_000 : 1_000_000;
    const scheduled = quick ? 200_000 : 500_000;
    const claimed = quick ? 20_000 : 50_000;
    return server.withDatabase(soniqDrizzle, (full) =>
      server.withDatabase(soniqDrizzle, async (empty) => {
        showStatus(
          `${queued.toLocaleString("en-US")} queued jobs, ${scheduled.toLocaleString("en-US")} scheduled ones`,
        );
        await insertQueued(full.sql, queued);
        await insertQueued(full.sql, scheduled, 0, "tomorrow");
        const results = await interleave<"ms">(rounds, ["empty", "full"], async (which, round) => {
          showStatus(`${which}, round ${round + 1} of ${rounds}`);
          // In the full table, the claimed jobs are some of the queued ones.
          if (which === "empty") await insertQueued(empty.sql, claimed);
          return { ms: await meanClaimMs(which === "full" ? full : empty, claimed / jobsPerClaim) };
        });
        const of = (which: string) => results.of(which, "ms");
        return {
          tables: [
            {
              title: `a claim of ${jobsPerClaim} jobs`,
              columns: ["table", "ms"],
              rows: [
                ["with nothing else", formatSummary(of("empty"), 2)],
                ["with those that wait", formatSummary(of("full"), 2)],
              ],
            },
          ],
          lines: [
            line(
              "waiting: what a claim costs, against an empty table",
              { atMost: 1.2 },
              of("full"),
              of("empty"),
              ["full", "empty"],
              2,
            ),
          ],
          charts: [],
        };
      }),
    );
  },
};

/** Claims as a worker does, from claim positions; settles each claim before the next one. */
async function meanClaimMs({ url, sql }: Database, claims: number): Promise<number> {
  await settleDown(sql);
  const client = postgres(url, { max: 1, prepare: false, fetch_types: false, onnotice() {} });
  const db = drizzle({ client });
  const workerId = await openSession(db, { host: "", pid: 0, version: "", queues: {}, leaseMs: 1e9 });
  const positions = new ClaimPositions();
  let ms = 0;
  for (let i = 0; i < claims; i += 1) {
    const from = positions.starts();
    const began = now();
    const jobs = await claim(db, {
      workerId,
      claimToken: i + 1,
      queue: "default",
      limit: jobsPerClaim,
      from,
      deadlines: "{}",
      defaultDeadlineMs: 60_000,
    });
    ms += now() - began;
    if (jobs.length < jobsPerClaim) throw new Error(`only ${jobs.length} jobs could be claimed`);
    positions.advance(jobs);
    const outcome = { kind: "completed" as const, result: null };
    await settle(
      db,
      workerId,
      jobs.map((job) => ({ ...job, outcome })),
    );
  }
  await client.end();
  return ms / claims;
}
