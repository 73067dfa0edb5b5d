// Retrying and purging by filter: in batches, with progress, whatever happens beside it.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { purgeDeadLetters, retryDeadLetters } from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { jobRow } from "../support/job-row.ts";
import { transactionWith } from "../support/locks.ts";

const { db, sql } = await testDatabase();

const many = (name: string, howMany: number) =>
  died(
    sql,
    Array.from({ length: howMany }, () => ({ name })),
  );
const inState = async (name: string, state: string) =>
  (await sql`select from soniq_jobs where name = ${name} and state = ${state}`).length;

describe("retrying", () => {
  test("takes all that fit and no others, in batches, and tells how far it is", async () => {
    await many("many", 2_300);
    const [other] = await many("other", 1);
    const told: number[] = [];
    const count = await retryDeadLetters(db, { name: "many" }, { onProgress: ({ retried }) => told.push(retried) });
    expect(count).toEqual({ retried: 2_300, refused: 0 });
    expect(told).toEqual([1_000, 2_000, 2_300]);
    expect(await inState("many", "queued")).toBe(2_300);
    expect(await jobRow(db, other as number)).toMatchObject({ state: "dead", manualRetries: 0 });
  });

  test("begins with those that died first", async () => {
    const ids = await many("order", 1_500);
    const batches: number[][] = [];
    await retryDeadLetters(db, { name: "order" }, { onProgress: ({ batch }) => batches.push([...batch.retried]) });
    expect(new Set(batches[0])).toEqual(new Set(ids.slice(0, 1_000)));
  });

  test("leaves what died after it began, or it would never end", async () => {
    await many("again", 1_500);
    const deaths: Promise<unknown>[] = [];
    const { retried } = await retryDeadLetters(
      db,
      { name: "again" },
      {
        onProgress: ({ batch }) =>
          deaths.push(
            sql`update soniq_jobs set state = 'dead', finished_at = clock_timestamp() where id = any (${[...batch.retried]})`.execute(),
          ),
      },
    );
    await Promise.all(deaths);
    expect(retried).toBe(1_500);
    expect(await sql`select distinct manual_retries from soniq_jobs where name = 'again'`).toMatchObject([
      { manual_retries: 1 },
    ]);
  });

  test("goes on past those that cannot be retried, and counts them", async () => {
    await died(
      sql,
      Array.from({ length: 1_200 }, (_, n) => ({ name: "twins", uniqueKey: `twins:${n % 600}` })),
    );
    const because = new Set<string>();
    const count = await retryDeadLetters(
      db,
      { name: "twins" },
      { onProgress: ({ batch }) => batch.refused.forEach((refusal) => because.add(refusal.reason)) },
    );
    expect(count).toEqual({ retried: 600, refused: 600 });
    expect(because).toEqual(new Set(["key-held"]));
  });

  test("ends with the batch at hand once its signal is aborted, and what is done stays done", async () => {
    await many("stopped", 2_500);
    const stop = new AbortController();
    const retrying = retryDeadLetters(
      db,
      { name: "stopped" },
      { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) },
    );
    await expect(retrying).rejects.toThrow("enough");
    expect([await inState("stopped", "queued"), await inState("stopped", "dead")]).toEqual([1_000, 1_500]);
  });

  test("on a transaction is the transaction's", async () => {
    await many("undone", 1_200);
    const transaction = db.transaction(async (tx) => {
      expect(await retryDeadLetters(tx, { name: "undone" })).toEqual({ retried: 1_200, refused: 0 });
      tx.rollback();
    });
    await expect(transaction).rejects.toThrow("Rollback");
    expect(await inState("undone", "dead")).toBe(1_200);
  });

  test("with a mapping makes the payloads of that job anew, and touches no other", async () => {
    const counted = defineJob({ name: "counted", payload: v.strictObject({ n: v.number() }) });
    await died(
      sql,
      Array.from({ length: 250 }, (_, n) => ({ name: n % 2 ? "counted" : "plain", payload: n })),
    );
    const mapping = { job: counted, payload: (n: number) => ({ n }) };
    expect(await retryDeadLetters(db, {}, { mapping })).toEqual({ retried: 125, refused: 0 });
    expect(await inState("plain", "dead")).toBe(125);
    const rows =
      await sql`select from soniq_jobs where name = 'counted' and state = 'queued' and (payload ->> 'n')::int % 2 = 1`;
    expect(rows).toHaveLength(125);
  });
});

describe("purging", () => {
  test("deletes all that fit and no others, in batches, and tells how far it is", async () => {
    await many("purged", 1_300);
    await many("spared", 1);
    const told: number[] = [];
    const count = await purgeDeadLetters(db, { name: "purged" }, { onProgress: ({ purged }) => told.push(purged) });
    expect(count).toEqual({ purged: 1_300, refused: 0 });
    expect(told).toEqual([1_000, 1_300]);
    expect([await inState("purged", "dead"), await inState("spared", "dead")]).toEqual([0, 1]);
  });

  test("goes on past what a foreign key holds, and says which that is", async () => {
    const ids = await many("referenced", 100);
    await sql`create table orders (job_id bigint references soniq_jobs)`;
    await sql`insert into orders values (${ids[33] as number})`;
    const refused: unknown[] = [];
    const count = await purgeDeadLetters(
      db,
      { name: "referenced" },
      { onProgress: ({ batch }) => refused.push(...batch.refused) },
    );
    await sql`drop table orders`;
    expect(count).toEqual({ purged: 99, refused: 1 });
    expect(refused).toMatchObject([{ id: ids[33], reason: "failed", error: { cause: { code: "23503" } } }]);
  });

  test("fails where the right to delete is not granted, and counts no row for it", async () => {
    await many("kept", 3);
    await sql`create function refuse() returns trigger language plpgsql as 'begin raise insufficient_privilege; end'`;
    await sql`create trigger refuse before delete on soniq_jobs for each row when (old.name = 'kept') execute function refuse()`;
    await expect(purgeDeadLetters(db, { name: "kept" })).rejects.toMatchObject({ cause: { code: "42501" } });
    await sql`drop trigger refuse on soniq_jobs`;
    expect(await inState("kept", "dead")).toBe(3);
  });

  test("goes around what another transaction has locked", async () => {
    const ids = await many("locked", 10);
    const commit = await transactionWith(sql, `select from soniq_jobs where id = ${ids[3]} for update`);
    const refused: unknown[] = [];
    const count = await purgeDeadLetters(
      db,
      { name: "locked" },
      { onProgress: ({ batch }) => refused.push(...batch.refused) },
    );
    await commit();
    expect(count).toEqual({ purged: 9, refused: 1 });
    expect(refused).toEqual([{ id: ids[3], reason: "locked" }]);
  });

  test("on a transaction leaves it usable, whatever is refused", async () => {
    const ids = await many("within", 3);
    await sql`create table invoices (job_id bigint references soniq_jobs)`;
    await sql`insert into invoices values (${ids[1] as number})`;
    const left = await db.transaction(async (tx) => {
      expect(await purgeDeadLetters(tx, { name: "within" })).toEqual({ purged: 2, refused: 1 });
      return tx.execute("select id::int from soniq_jobs where name = 'within'");
    });
    expect([...left]).toEqual([{ id: ids[1] }]);
  });
});
