import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { createDashboard } from "../../dist/src/dashboard.js";
import { foldings, foldStats } from "../../dist/src/stats/fold-stats.js";
import { now } from "../clock.ts";
import { line, formatSummary } from "../findings.ts";
import { interleave, summarize } from "../rounds.ts";
import type { Database } from "../server.ts";
import { soniqDrizzle } from "../systems/soniq-drizzle.ts";
import { insertFinished, insertQueued } from "./rows.ts";
import type { Scenario } from "./scenario.ts";

/** The maximum time that a reader should wait. */
const longestMs = 500;
const requests = 5;
const dead = 20_000;
const queued = 100_000;
/** Of the statistics. */
const [names, days] = [100, 7];

/** The requests of each page, by what it shows. */
const asked = {
  "overview, an hour": "stats?range=1h",
  "overview, a week": "stats?range=7d",
  queues: "queues",
  jobs: "jobs",
  "jobs, of a state": "jobs?state=queued",
  "jobs, a field that none has": "jobs?field=order.id&value=17",
  "jobs, next page of that": "jobs?field=order.id&value=17&cursor=2500000",
  "jobs, of another day": "jobs?until=2001-01-01T00:00:00Z",
  "a job": "jobs/4711",
  "dead letters, groups": "dead-letters/groups",
  "dead letters": "dead-letters",
  schedules: "schedules",
  workers: "workers",
  webhooks: "endpoints",
  audit: "audit",
} as const;

export const pages: Scenario = {
  name: "pages",
  what: "what each page of the dashboard waits for, in a table with very many jobs",
  async run({ server, quick, rounds, showStatus }) {
    const finished = quick ? 500_000 : 5_000_000;
    return server.withDatabase(soniqDrizzle, async (database) => {
      showStatus(`${finished.toLocaleString("en-US")} finished jobs, and a week of statistics`);
      await insertHistory(database.sql, finished);
      await foldAll(database.url);
      await database.sql`vacuum analyze soniq_jobs, soniq_stats`;
      const results = await interleave<"first" | "later">(rounds, Object.keys(asked), (page) =>
        waits(database, asked[page as keyof typeof asked]),
      );
      const slowest = Math.max(...results.contestants.map((page) => results.of(page, "later")?.median ?? Infinity));
      return {
        tables: [
          {
            title: `${finished.toLocaleString("en-US")} finished, ${queued.toLocaleString("en-US")} queued, ${dead.toLocaleString("en-US")} dead jobs, ms`,
            columns: ["page", "the first time on a connection", "then"],
            rows: results.contestants.map((page) => [
              page,
              formatSummary(results.of(page, "first"), 1),
              formatSummary(results.of(page, "later"), 1),
            ]),
          },
        ],
        lines: [
          line("pages: the slowest of the dashboard's", { atMost: 1 }, summarize([slowest]), summarize([longestMs]), [
            "ms",
            "at the most",
          ]),
        ],
        charts: [],
      };
    });
  },
};

/** Measures how long the server takes for an answer, on a separate connection. */
async function waits({ url }: Database, path: string): Promise<{ first: number; later: number }> {
  const client = postgres(url, { max: 1, onnotice() {} });
  const token = "for-the-benchmark-alone";
  const dashboard = createDashboard({ db: drizzle({ client }), token });
  const took: number[] = [];
  for (let n = 0; n <= requests; n += 1) {
    const began = now();
    const response = await dashboard(
      new Request(`http://localhost/api/${path}`, { headers: { authorization: `Bearer ${token}`, host: "localhost" } }),
    );
    const text = await response.text();
    took.push(now() - began);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  }
  await client.end();
  return { first: took[0] as number, later: summarize(took.slice(1)).median };
}

async function insertHistory(sql: Sql, finished: number): Promise<void> {
  await insertFinished(sql, finished);
  await insertQueued(sql, queued);
  await sql`
    insert into soniq_jobs (name, payload, state, claims, attempt, claimed_at, finished_at, reason, errors)
    select 'name ' || n % 20, jsonb_build_object('n', n), 'dead', 3, 3, now(), now() - n * interval '1 second', 'out of attempts: refused',
      jsonb_build_array(jsonb_build_object('attempt', 3, 'name', 'Error', 'message', 'refused', 'at', now(), 'worker', ''))
    from generate_series(1, ${dead}::int) as n`;
  // Each name has jobs in one minute of ten, with times in six buckets.
  await sql`
    insert into soniq_stats (minute, queue, name, measure, bucket, count)
    select date_trunc('minute', now()) - minute * interval '1 minute', 'default', 'name ' || name, measure, bucket, 17
    from generate_series(0, ${days * 24 * 60 - 1}::int) as minute, generate_series(1, ${names}::int) as name,
      lateral (select 'completed' as measure, 0 as bucket union all select measure, bucket from unnest(array['run', 'wait']) as measure, generate_series(3, 8) as bucket) as measures
    where (minute + name) % 10 = 0`;
}

/** Folds in small steps, as workers do. */
async function foldAll(url: string): Promise<void> {
  const client = postgres(url, { max: 1, onnotice() {} });
  const db = drizzle({ client });
  for (const folding of foldings) while (await foldStats(db, folding));
  await client.end();
}
