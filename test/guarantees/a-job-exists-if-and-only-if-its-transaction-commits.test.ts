// Promise 1.
import { eq, sql } from "drizzle-orm";
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany, type Queryable } from "../../src/index.ts";
import { soniqJobs } from "../../schema/index.ts";
import { testDatabase } from "../support/database.ts";
import { type Random, randomFrom, seed } from "../support/random.ts";

const { db, sql: outside } = await testDatabase();
const mail = defineJob({ name: "mail", payload: v.object({ n: v.number() }) });

const jobs = () => db.select().from(soniqJobs).where(eq(soniqJobs.name, "mail"));

test("a job enqueued in a transaction that commits is there", async () => {
  const { id } = await db.transaction((tx) => enqueue(tx, mail, { n: 1 }));
  expect((await jobs()).map((job) => job.id)).toContain(id);
});

test("a job enqueued in a transaction that rolls back never was", async () => {
  const before = (await jobs()).length;
  const failing = db.transaction(async (tx) => {
    await enqueue(tx, mail, { n: 2 });
    await enqueueMany(tx, mail, [{ n: 3 }, { n: 4 }]);
    throw new Error("the order was invalid");
  });
  await expect(failing).rejects.toThrow("the order was invalid");
  expect(await jobs()).toHaveLength(before);
});

test("nobody sees a job before its transaction commits", async () => {
  const before = (await jobs()).length;
  await db.transaction(async (tx) => {
    await enqueue(tx, mail, { n: 5 });
    expect(await jobs()).toHaveLength(before);
  });
  expect(await jobs()).toHaveLength(before + 1);
});

test(
  "of ten thousand random transactions and savepoints, just the jobs that were committed exist",
  { timeout: 180_000 },
  async () => {
    const lanes = Array.from({ length: 5 }, (_, lane) => new Lane(randomFrom(seed + lane), lane * 1_000_000));
    await Promise.all(
      lanes.map(async (lane) => {
        while (lane.ends < 2_000) await lane.transaction();
      }),
    );
    const expected = new Map(lanes.flatMap((lane) => lane.committed));
    const rows = await outside<{ n: number; id: string }[]>`
    select (payload ->> 'n')::int as n, id from soniq_jobs where name = 'lucky'`;
    const lost = [...expected.keys()].filter((n) => !rows.some((row) => row.n === n));
    const ghosts = rows.filter(({ n, id }) => expected.get(n) !== Number(id));
    expect({ lost, ghosts, rows: rows.length }, `with SONIQ_TEST_SEED=${seed}`).toEqual({
      lost: [],
      ghosts: [],
      rows: expected.size,
    });
  },
);

const lucky = defineJob({ name: "lucky", payload: v.object({ n: v.number() }) });
/** A job's number, and the id that `enqueue` told. */
type Told = [n: number, id: number];

/** Undoes a transaction or savepoint, and as many around it. */
class Undo extends Error {
  constructor(readonly levels: number) {
    super("undone on purpose");
  }
}

/** One connection's luck: transaction after transaction. */
class Lane {
  readonly committed: Told[] = [];
  /** Commits, rollbacks, and savepoints released or rolled back to. */
  ends = 0;

  constructor(
    private readonly random: Random,
    private next: number,
  ) {}

  async transaction(): Promise<void> {
    this.committed.push(...(await this.#level(db, 0)));
  }

  /** A transaction or savepoint with what may happen in it. @returns what survives of it */
  async #level(around: Queryable, depth: number): Promise<Told[]> {
    const told: Told[] = [];
    this.ends += 1;
    try {
      await around.transaction(async (tx: Queryable) => {
        for (let steps = this.random.below(2); steps >= 0; steps -= 1) told.push(...(await this.#step(tx, depth)));
        const end = this.random.next();
        if (end < 0.25) throw new Undo(this.random.below(3));
        if (end < 0.35) await tx.execute(sql`select 1 / 0`);
      });
      return told;
    } catch (error) {
      if (error instanceof Undo && error.levels > 0 && depth > 0) throw new Undo(error.levels - 1);
      const intended = error instanceof Undo || String((error as Error).cause).includes("division by zero");
      if (!intended) throw error;
      return [];
    }
  }

  async #step(tx: Queryable, depth: number): Promise<Told[]> {
    const luck = this.random.next();
    if (luck < 0.3 && depth < 3) return this.#level(tx, depth + 1);
    if (luck < 0.5) {
      const payloads = Array.from({ length: this.random.below(4) }, () => ({ n: (this.next += 1) }));
      const enqueued = await enqueueMany(tx, lucky, payloads);
      return enqueued.map(({ id }, i) => [(payloads[i] as { n: number }).n, id]);
    }
    const n = (this.next += 1);
    return [[n, (await enqueue(tx, lucky, { n })).id]];
  }
}
