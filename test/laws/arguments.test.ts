// Whoever forgets an argument, or passes one of the wrong kind, as JavaScript lets them, reads what to pass: a SoniqError, of
// every function that the package exports.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as dashboard from "../../src/dashboard.ts";
import * as admin from "../../src/admin.ts";
import * as index from "../../src/index.ts";
import * as metrics from "../../src/metrics.ts";
import * as testing from "../../src/testing.ts";
import * as webhooks from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";

const { db } = await testDatabase();
const job = index.defineJob({ name: "known", payload: v.object({ n: v.number() }) });
const surfaces = { index, admin, testing, metrics, webhooks, dashboard };
type Anything = (...args: unknown[]) => unknown;

/** They take no handle, definition, id or filter. */
const others = new Set(["createResultListener", "createWorker", "verifyWebhook", "postgresJs"]);

/** Classes are made by `new`, and are for `instanceof`. */
const isFunction = (value: unknown): value is Anything =>
  typeof value === "function" && !/^class\b/.test(String(value));
const functions = Object.values(surfaces).flatMap((surface) =>
  Object.entries(surface as Record<string, unknown>).flatMap(([name, value]) =>
    isFunction(value) && !others.has(name) ? [{ name, call: value }] : [],
  ),
);

const wrong: readonly unknown[] = [undefined, null, 5, "5", "text", {}, [], true, () => {}, { name: "x" }];
/** In the place of the handle, of what comes after it, and of what comes after a definition. */
const lists: readonly unknown[][] = [
  [],
  ...wrong.map((value) => [value]),
  ...wrong.map((value) => [value, job, { n: 1 }]),
  ...wrong.map((value) => [db, value]),
  ...wrong.filter((value) => value !== null).map((value) => [db, job, value]),
];

/** What it came to: nothing to say of an answer, and of an error that says what to pass. */
async function complaint(call: Anything, args: readonly unknown[]): Promise<string | undefined> {
  try {
    const returned = await call(...args);
    if (typeof returned === "object" && returned !== null && "close" in returned) await (returned.close as Anything)();
    return undefined;
  } catch (error) {
    if (error instanceof index.SoniqError || (error as Error).name === "AssertionError") return undefined;
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

describe.each(functions)("$name", ({ call }) => {
  test("says what to pass", async () => {
    const complaints: string[] = [];
    for (const args of lists) {
      const said = await complaint(call, args);
      const shown = args.map((arg) => (arg === db ? "db" : arg === job ? "job" : JSON.stringify(arg)));
      if (said !== undefined) complaints.push(`(${shown.join(", ")}) ${said}`);
    }
    expect(complaints).toEqual([]);
  });
});

test("an id that came as a text is not looked up", async () => {
  const { getResult, getJob, cancelJob } = index as unknown as Record<string, Anything>;
  const said = 'id is "5": pass the number, Number("5")';
  await expect(getResult?.(db, job, "5")).rejects.toThrow(said);
  await expect(getJob?.(db, job, "5")).rejects.toThrow(said);
  await expect(getJob?.(db, "5")).rejects.toThrow(said);
  await expect(cancelJob?.(db, "5")).rejects.toThrow(said);
});

test("a database that was not opened is named", async () => {
  const { enqueue } = index as unknown as Record<string, Anything>;
  await expect(enqueue?.(undefined, job, { n: 1 })).rejects.toThrow(
    "db is undefined: pass the database that Drizzle opened, or the transaction that it passes to your function",
  );
  await expect(enqueue?.(db, { name: "x" }, {})).rejects.toThrow(
    "job is an Object: pass what defineJob({ … }) returned",
  );
});
