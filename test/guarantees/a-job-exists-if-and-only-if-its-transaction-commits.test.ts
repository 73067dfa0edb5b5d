// Promise 1.
import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import * as v from "valibot";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { soniqJobs } from "../../schema/index.ts";
import { testDatabase } from "../support/database.ts";

const { db } = await testDatabase();
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
