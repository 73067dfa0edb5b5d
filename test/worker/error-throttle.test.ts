// What a worker emits of a failure that it tries again has the driver's error: the statement and its parameters, which may be
// results of jobs, are not in it.
import { DrizzleQueryError } from "drizzle-orm";
import { expect, test } from "vitest";
import type { WorkerEvent } from "../../src/worker/events/events.ts";
import { emitToAll } from "../../src/worker/events/emit-to-all.ts";

test("trouble carries what the driver said, with its code, and not the statement", () => {
  const events: WorkerEvent[] = [];
  const said = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
  const error = new DrizzleQueryError("update soniq_jobs set result = $1", ["a secret result"], said);
  emitToAll([(event) => events.push(event)])({ type: "error", operation: "settling 2 jobs", error });
  expect(events).toEqual([{ type: "error", operation: "settling 2 jobs", error: said }]);
});
