import { work } from "../backlog.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave } from "../rounds.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import type { Scenario } from "./scenario.ts";
import { insertFinished, insertQueued } from "./rows.ts";

export const history: Scenario = {
  name: "history",
  what: "a backlog in a table that holds finished jobs",
  async run({ server, quick, rounds, showStatus }) {
    const finished = quick ? 500_000 : 5_000_000;
    const jobs = quick ? 30_000 : 100_000;
    return server.withDatabase(soniqDrizzle, (full) =>
      server.withDatabase(soniqDrizzle, async (empty) => {
        showStatus(`${finished.toLocaleString("en-US")} finished jobs`);
        await insertFinished(full.sql, finished);
        const results = await interleave<"worked">(rounds, ["empty", "full"], async (which, round) => {
          showStatus(`${which}, round ${round + 1} of ${rounds}`);
          const database = which === "full" ? full : empty;
          if (which === "empty") await empty.sql`truncate soniq_jobs`;
          await insertQueued(database.sql, jobs);
          return { worked: (await work(database, soniqDrizzle, { mode: "batched", jobs })).jobsPerSecond };
        });
        const of = (which: string) => results.of(which, "worked");
        return {
          tables: [
            {
              title: `${jobs.toLocaleString("en-US")} jobs, beside ${finished.toLocaleString("en-US")} finished ones`,
              columns: ["table", "jobs/s"],
              rows: ["empty", "full"].map((which) => [which, formatSummary(of(which))]),
            },
          ],
          lines: [
            line("history: against an empty table", { atLeast: 0.9 }, of("full"), of("empty"), ["full", "empty"]),
          ],
          charts: [],
        };
      }),
    );
  },
};
