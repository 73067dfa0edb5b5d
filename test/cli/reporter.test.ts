// What the command line prints while things go wrong: enough to know it, and not more than one can read.
import { expect, test } from "vitest";
import * as v from "valibot";
import { createReporter } from "../../src/cli/reporter.ts";
import { createErrorThrottle } from "../../src/worker/events/error-throttle.ts";
import { defineJob, enqueue, type WorkerEvent } from "../../src/index.ts";
import { startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";

/** A terminal that keeps what it is told, and a clock that the test sets. */
function terminal() {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const write = (text: string) => lines.push(text.trimEnd().replace(/^\S+ /, "")) > 0;
  const { emit: tell } = createReporter(
    undefined,
    { isTTY: true, write },
    createErrorThrottle(() => clock.ms),
  );
  const trouble = (doing: string) => tell({ type: "error", operation: doing, error: new Error("connection refused") });
  return { lines, clock, tell, trouble };
}

process.env["NO_COLOR"] = "1";

test("of what goes wrong, one line a second is shown, and the next one says how many were not", () => {
  const { lines, clock, trouble } = terminal();
  trouble("claiming from default");
  for (let n = 0; n < 7; n += 1) trouble("extending the lease");
  clock.ms = 999;
  trouble("settling 3 jobs");
  expect(lines).toEqual(["failed while claiming from default, retrying: connection refused"]);
  clock.ms = 1_000;
  trouble("settling 4 jobs");
  clock.ms = 2_500;
  trouble("settling 5 jobs");
  expect(lines.slice(1)).toEqual([
    "failed while settling 4 jobs, retrying: connection refused (and 8 earlier failures, not shown)",
    "failed while settling 5 jobs, retrying: connection refused",
  ]);
});

test("what a receiver or an error says is shown on the event's line, and no terminal obeys it", () => {
  const { lines, tell } = terminal();
  const message = "\u001b]8;;https://evil.example\u0007paid\u001b]8;;\u0007\u001b[2J\rall is well\nagain\u009b31m";
  tell({ type: "error", operation: "claiming", error: new Error(message) });
  expect(lines).toEqual(["failed while claiming, retrying: paid all is well again"]);
});

test("a tick that has no job of its own says both of what may stand in its way", () => {
  const { lines, tell } = terminal();
  tell({ type: "tick-skipped", schedule: "nightly", tick: new Date("2026-01-01T02:00Z"), reason: "overlap" });
  expect(lines).toEqual([
    "schedule nightly: the tick of 2026-01-01T02:00:00.000Z enqueued no job, because the previous job has not finished, or another job holds its unique key",
  ]);
});

test("what became of a job is always shown", () => {
  const { lines, tell, trouble } = terminal();
  const job = { id: 1, name: "mail", queue: "default", attempt: 1, maxAttempts: 3 };
  const settled = (id: number) =>
    tell({
      type: "completed",
      job: { ...job, id },
      outcome: { kind: "completed" },
      state: "completed",
      runMs: 1,
    } as unknown as WorkerEvent);
  for (let id = 1; id <= 50; id += 1) {
    trouble("claiming");
    settled(id);
  }
  expect(lines.filter((line) => line.startsWith("failed"))).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith("mail"))).toHaveLength(50);
});

test("an attempt that failed is shown with what caused its error", () => {
  const { lines, tell } = terminal();
  const error = {
    name: "MailError",
    message: "not sent\nat all",
    cause: "Error: no route to host",
    attempt: 1,
    worker: "",
  };
  tell({
    type: "retried",
    job: { id: 7, name: "mail", queue: "default", attempt: 1, maxAttempts: 3 },
    outcome: { kind: "retried", delayMs: 2_000, error },
    state: "queued",
    runMs: 1,
  } as unknown as WorkerEvent);
  expect(lines).toEqual([
    "mail #7 · retried · in 1 ms · attempt 1 of 3 · runs again in 2.0 s: not sent ← Error: no route to host",
  ]);
});

test("with a logger in the configuration, all is said to that, and nothing is printed", () => {
  const said: unknown[][] = [];
  const noting = (level: string) => (fields: object, text: string) => void said.push([level, fields, text]);
  const logger = { info: noting("info"), warn: noting("warn"), error: noting("error") };
  const printed: string[] = [];
  const { log: say, emit: tell } = createReporter(logger, {
    isTTY: true,
    write: (text: string) => printed.push(text) > 0,
  });
  say("queues: default × 10");
  for (let n = 0; n < 3; n += 1) tell({ type: "error", operation: "claiming", error: new Error("connection refused") });
  tell({ type: "degraded", ready: false, reasons: ["PostgreSQL has answered no beat for 12 s"] });
  expect(said).toEqual([
    ["info", {}, "queues: default × 10"],
    ["warn", {}, "failed while claiming, retrying: connection refused"],
    ["warn", expect.objectContaining({ ready: false }), "not ready: PostgreSQL has answered no beat for 12 s"],
  ]);
  expect(printed).toEqual([]);
});

test("a worker whose PostgreSQL goes away and comes back says so in no more than a line a second", async () => {
  const { db, url } = await testDatabase();
  const network = await networkTo(url);
  const child = startChild(network.url);
  await child.said("soniq-drizzle");
  const idle = defineJob({ name: "unknown-here", payload: v.null() });
  await enqueue(db, idle, null);
  await child.said("unknown-here");
  await network.goAway();
  // Each line that is shown says what was left out before it.
  await child.said("suppressed");
  const failures = () => child.output().filter((line) => line.includes("failed while"));
  await until(async () => failures().length >= 6);
  await network.comeBack();
  const { id } = await enqueue(db, idle, null);
  await child.said(`"id":${id}`);
  const times = failures().map((line) => (JSON.parse(line) as { time: number }).time);
  const seconds = ((times.at(-1) as number) - (times[0] as number)) / 1_000;
  expect(times.length).toBeLessThanOrEqual(seconds + 2);
  expect(failures().some((line) => line.includes("not shown"))).toBe(true);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});
