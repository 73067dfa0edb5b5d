// For whom an enqueue rings. What workers make of it: test/worker/wake-ups.test.ts.
import * as v from "valibot";
import { expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { wakeUpChannel } from "../../src/sessions/doorbell.ts";
import { endSession, publishIdleQueues } from "../../src/sessions/session.ts";
import { testDatabase } from "../support/database.ts";
import { expireLease, sessionOf } from "../support/sessions.ts";
import { until } from "../support/until.ts";

const { db, sql } = await testDatabase();
const job = defineJob({ name: "ring", payload: v.null() });
const heard: string[] = [];
await sql.listen(wakeUpChannel, (queue) => void heard.push(queue));

test("it rings where a live session waits for work, and for none that is busy, waits elsewhere, has ended or is silent", async () => {
  const idleIn = async (queue: string) => {
    const session = await sessionOf(db);
    await publishIdleQueues(db, session, [queue]);
    return session;
  };
  await idleIn("elsewhere, too");
  await publishIdleQueues(db, await idleIn("busy"), []);
  await endSession(db, await idleIn("ended"));
  await expireLease(sql, await idleIn("silent"));
  await idleIn("waits");
  // A queue of its own each, since a process rings for one only every so often. They are heard in order.
  for (const queue of ["elsewhere", "busy", "ended", "silent", "waits"]) await enqueue(db, job, null, { queue });
  expect(await until(async () => heard.length > 0 && heard)).toEqual(["waits"]);

  heard.length = 0;
  const queues = ["elsewhere", "busy", "ended", "silent", "waits"];
  await enqueueMany(
    db,
    job,
    queues.map(() => null),
    (_, n) => ({ queue: queues[n] as string }),
  );
  expect(await until(async () => heard.length > 0 && heard)).toEqual(["waits"]);
});
