// Between finding a job that no live session holds, and rescuing it, others may have rescued and claimed it.
import { expect, test } from "vitest";
import type { Queryable } from "../../src/core/queryable.ts";
import { rescueFromEnded, rescueOverdue, rescueOrphaned } from "../../src/jobs/upkeep/rescue.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { claimAs, expireLease, sessionOf } from "../support/sessions.ts";
import { expireSessions } from "../../src/sessions/end-sessions.ts";

const { db, sql } = await testDatabase();

/** The same database, on which something happens before the next update. */
function beforeUpdates(happens: () => Promise<unknown>): Queryable {
  let has = false;
  const builder = (of: Record<string, unknown>, path: unknown[][]): unknown =>
    new Proxy(of, {
      get:
        (_, key) =>
        (...args: unknown[]) => {
          const said = [...path, [key, ...args]];
          if (key !== "returning") return builder({}, said);
          return (async () => {
            if (!has) await happens();
            has = true;
            let at: unknown = db;
            for (const [name, ...given] of said)
              at = (at as Record<string, (...all: unknown[]) => unknown>)[name as string]?.(...given);
            return at;
          })();
        },
    });
  return new Proxy(db, {
    get: (of, key) =>
      key === "update" ? (...args: unknown[]) => builder({}, [["update", ...args]]) : (Reflect.get(of, key) as unknown),
  }) as unknown as Queryable;
}

test.each<[string, (on: Queryable) => Promise<unknown[]>]>([
  ["rescueFromEnded", (on) => rescueFromEnded(on, 5, { limit: 10 })],
  ["rescueOrphaned", (on) => rescueOrphaned(on, 5, { limit: 10 })],
  ["rescueOverdue", (on) => rescueOverdue(on, { limit: 10 })],
])("%s takes no job from the session that claimed it meanwhile", async (_, rescue) => {
  await sql`truncate soniq_jobs`;
  await sql`insert into soniq_jobs (name, payload) values ('x', '1')`;
  const dead = await sessionOf(db);
  const [job] = await claimAs(db, dead);
  await sql`update soniq_jobs set deadline_at = now() - interval '1 minute'`;
  await expireLease(sql, dead);
  await expireSessions(db);
  let next = "";
  const rescued = await rescue(
    beforeUpdates(async () => {
      expect(await rescueFromEnded(db, 5, { limit: 10 })).toHaveLength(1);
      next = await sessionOf(db);
      await sql`update soniq_jobs set run_at = now()`;
      expect(await claimAs(db, next)).toHaveLength(1);
    }),
  );
  expect(rescued).toEqual([]);
  expect(await jobRow(db, job!.id)).toMatchObject({ state: "active", workerId: next, claims: 2 });
});
