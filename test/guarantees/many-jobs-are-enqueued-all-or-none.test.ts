// Promise: enqueueMany enqueues all jobs or none, also where the connection breaks at any point of it.
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle as overNodePostgres } from "drizzle-orm/node-postgres";
import { drizzle as overPostgresJs } from "drizzle-orm/postgres-js";
import { Pool } from "pg";
import postgres from "postgres";
import * as v from "valibot";
import { afterAll, expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { defineJob, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { networkTo } from "../support/network.ts";
import { randomFrom, seed } from "../support/random.ts";
import { until } from "../support/until.ts";

const { url, sql } = await testDatabase();
const network = await networkTo(url);
const client = postgres(network.url, { max: 2, connect_timeout: 2, fetch_types: false, onnotice: () => {} });
const pool = new Pool({ connectionString: network.url, max: 2 });
pool.on("error", () => {});
afterAll(() => Promise.all([client.end({ timeout: 1 }), pool.end()]));

const handles: readonly (readonly [string, Queryable])[] = [
  ["postgres.js", overPostgresJs({ client })],
  ["node-postgres", overNodePostgres({ client: pool })],
];
const payload = v.object({ call: v.number(), n: v.number(), keyed: v.boolean() });
const plain = defineJob({ name: "plain", payload });
const unique = { by: ({ call, n, keyed }: v.InferOutput<typeof payload>) => (keyed ? `${call} ${n}` : null) };
const kept = defineJob({ name: "kept", payload, unique });
const refused = defineJob({ name: "refused", payload, unique: { ...unique, onConflict: "error" } });
const kinds = [
  { what: "9,000 in two statements", job: plain, length: 9_000, keyed: () => false },
  { what: "50 in one statement", job: plain, length: 50, keyed: () => false },
  { what: "50 with keys", job: kept, length: 50, keyed: () => true },
  { what: "6,000 with keys", job: kept, length: 6_000, keyed: () => true },
  { what: "50, each other one with a key", job: kept, length: 50, keyed: (n: number) => n % 2 === 0 },
  { what: "50 with keys that must be free", job: refused, length: 50, keyed: () => true },
];
const random = randomFrom(seed);
let call = 0;

test.for(handles.flatMap(([driver, db]) => kinds.map((kind) => ({ driver, db, ...kind }))))(
  `$what on $driver (seed ${seed})`,
  { timeout: 120_000 },
  async ({ db, job, length, keyed }) => {
    let longestMs = 50;
    for (let round = 0; round < 7; round += 1) {
      call += 1;
      const payloads = Array.from({ length }, (_, n) => ({ call, n, keyed: keyed(n) }));
      const from = performance.now();
      const enqueueing = enqueueMany(db, job, payloads).then(
        () => "all" as const,
        () => "unknown" as const,
      );
      // The first two calls are left alone: they connect, and tell how long one takes.
      const cut = round < 2 ? undefined : sleep(random.next() * longestMs).then(() => network.cut());
      const said = await enqueueing;
      if (round === 1) longestMs = performance.now() - from;
      await cut;
      const stored = await storedJobs(call);
      expect(said === "all" ? [length] : [0, length]).toContain(stored);
    }
  },
);

/** How many there are once nobody is at it any more: a backend may be committing that has lost its client. */
async function storedJobs(of: number): Promise<number> {
  await until(async () => {
    const others = await sql`select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'`;
    return others.length === 0;
  });
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int from soniq_jobs where payload ->> 'call' = ${String(of)}`;
  return row?.count ?? 0;
}
