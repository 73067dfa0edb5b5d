// What becomes of a transaction whose connection dies while its handler goes on. Unguarded, postgres.js 3.4.9 ends the process
// or writes the rest into another transaction.
import { sql as text } from "drizzle-orm";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TransactionOf } from "../../src/index.ts";
import { TransactionSlots } from "../../src/database/transaction-slots.ts";
import type { TransactionSlot } from "../../src/database/transaction-slot.ts";
import { testDatabase } from "../support/database.ts";
import { createEffects, drivers, effects, effectsIn } from "../support/effects.ts";
import { gate } from "../support/gate.ts";

const { url, sql } = await testDatabase();
await createEffects(sql);
const incidents: unknown[] = [];
const note = (error: unknown) => void incidents.push(error);

beforeEach(async () => {
  await sql`truncate effects`;
  process.on("uncaughtException", note).on("unhandledRejection", note);
});

afterEach(() => {
  process.off("uncaughtException", note).off("unhandledRejection", note);
  for (const incident of incidents.splice(0)) throw incident;
});

type Transaction = TransactionOf<ReturnType<(typeof drivers)[number][1]["openSlot"]>["db"]>;

/** What a handler may do, not knowing that its connection is gone. */
const lateWrites: Record<string, (tx: Transaction) => PromiseLike<unknown>> = {
  "a statement": (tx) => tx.execute(text`insert into effects values (99)`),
  "an insert": (tx) => tx.insert(effects).values({ n: 99 }),
  "an insert that returns": (tx) => tx.insert(effects).values({ n: 99 }).returning(),
  "a select": (tx) => tx.select().from(effects),
  "a relational query": (tx) => tx.query.effects.findFirst(),
  "a nested transaction": (tx) => tx.transaction((inner) => inner.insert(effects).values({ n: 99 })),
};

describe.each(drivers)("on %s", (_driver, database) => {
  const open: TransactionSlot<Transaction>[] = [];
  const openSlot = () => {
    const slot = database.openSlot(url, 20_000);
    open.push(slot);
    return slot;
  };
  afterAll(() => open.forEach((slot) => slot.destroy()));

  /** Kills the backend of a transaction, and lets it write once more. @returns what that write met */
  async function killAndGoOn(
    slot: TransactionSlot<Transaction>,
    nested: boolean,
    late: (tx: Transaction) => PromiseLike<unknown>,
  ) {
    const [backend, killed, met] = [gate<number>(), gate(), gate<unknown>()];
    const body = async (tx: Transaction) => {
      await tx.insert(effects).values({ n: 1 });
      const [row] = await tx.select({ pid: text<number>`pg_backend_pid()` }).from(effects);
      backend.open(row?.pid as number);
      await killed.opened;
      await Promise.resolve(late(tx)).then(() => met.open("executed"), met.open);
      throw new Error("the handler ends");
    };
    slot.db
      .transaction((tx) => (nested ? tx.transaction((inner) => body(inner as Transaction)) : body(tx)))
      .catch(() => {});
    const lost = new Promise((tell) => (slot.loss.onLoss = tell));
    await sql`select pg_terminate_backend(${await backend.opened})`;
    await lost;
    return { goOn: killed.open, met: met.opened };
  }

  const cases = [false, true].flatMap((nested) =>
    Object.entries(lateWrites).map(([name, late]) => ({
      where: nested ? "nested in it" : "of it",
      name,
      nested,
      late,
    })),
  );

  test.each(cases)("$name $where is refused, and nothing is committed", async ({ nested, late }) => {
    const { goOn, met } = await killAndGoOn(openSlot(), nested, late);
    goOn();
    expect(await met).toSatisfy((error: Error) =>
      /TransactionLostError/.test(`${error.name} ${(error.cause as Error)?.name}`),
    );
    expect(await effectsIn(sql)).toEqual([]);
  });

  test.each(cases)("$name $where does not get into another job's transaction", async ({ nested, late }) => {
    const slots = new TransactionSlots(openSlot, 1);
    const never = new AbortController().signal;
    const slot = (await slots.acquire(never)) as TransactionSlot<Transaction>;
    const { goOn, met } = await killAndGoOn(slot, nested, late);
    slots.release(slot);
    const other = (await slots.acquire(never)) as TransactionSlot<Transaction>;
    await other.db.transaction(async (tx) => {
      await tx.insert(effects).values({ n: 2 });
      goOn();
      expect(await met).not.toBe("executed");
    });
    expect(await effectsIn(sql)).toEqual([2]);
  });

  test("a statement that is on its way fails, and nothing is committed", async () => {
    const slot = openSlot();
    const lost = new Promise((tell) => (slot.loss.onLoss = tell));
    const outcome = slot.db
      .transaction(async (tx) => {
        await tx.insert(effects).values({ n: 1 });
        await tx.execute(text`select pg_terminate_backend(pg_backend_pid()), pg_sleep(60)`);
      })
      .then(
        () => "committed",
        () => "failed",
      );
    await Promise.race([lost, outcome]);
    await lost;
    expect(await Promise.race([outcome, Promise.resolve("left alone")])).not.toBe("committed");
    expect(await effectsIn(sql)).toEqual([]);
  });

  test("what a handler forgot to wait for is refused once its transaction is over", async () => {
    const slot = openSlot();
    let leaked: Transaction | undefined;
    await slot.db.transaction(async (tx) => {
      leaked = tx;
      await tx.insert(effects).values({ n: 1 });
    });
    await slot.db.transaction(async (tx) => {
      const late = Promise.resolve(leaked?.insert(effects).values({ n: 99 }));
      await expect(late).rejects.toSatisfy((error: Error) =>
        /sent after its transaction ended/.test(`${error.message} ${String(error.cause)}`),
      );
      await tx.insert(effects).values({ n: 2 });
    });
    expect(await effectsIn(sql)).toEqual([1, 2]);
  });

  test("a connection that breaks at rest is replaced", async () => {
    const slots = new TransactionSlots(openSlot, 1);
    const never = new AbortController().signal;
    const slot = (await slots.acquire(never)) as TransactionSlot<Transaction>;
    const [row] = (await slot.db.transaction((tx) =>
      tx.select({ pid: text<number>`pg_backend_pid()` }).from(text`(values (1)) as one`),
    )) as [{ pid: number }];
    slots.release(slot);
    const lost = new Promise((tell) => (slot.loss.onLoss = tell));
    await sql`select pg_terminate_backend(${row.pid})`;
    await lost;
    const next = (await slots.acquire(never)) as TransactionSlot<Transaction>;
    await next.db.transaction((tx) => tx.insert(effects).values({ n: 3 }));
    expect(await effectsIn(sql)).toEqual([3]);
  });
});
