// A configuration that cannot work says which setting is wrong, and what it should be.
import { expect, test } from "vitest";
import * as v from "valibot";
import { createWorker, defineJob } from "../../src/index.ts";
import { narrowSettings } from "../../src/worker/settings/settings.ts";
import { parseConfig } from "../../src/worker/settings/settings.ts";

const connection = "postgres://127.0.0.1:1/nowhere";
const job = defineJob({ name: "bare", payload: v.null() });

test.each<[settings: object, said: string]>([
  [{ leese: "20s" }, "configuration: leese is not a setting; the settings are connection, database, jobs, "],
  [
    { retention: { done: "1d" } },
    "configuration: retention.done is not a setting; the settings are completed, cancelled, dead",
  ],
  [{ retention: "1d" }, "configuration: retention must be an object with completed, cancelled, dead"],
  [{ queues: { mail: { concurency: 5 } } }, "configuration: queues.mail.concurrency is missing"],
  [
    { queues: { mail: { concurrency: 5, lifo: true } } },
    "configuration: queues.mail.lifo is not a setting; the settings are concurrency",
  ],
  [{ queues: { mail: 5 } }, "configuration: queues.mail must be an object with concurrency"],
  [{ queues: { mail: { concurrency: "5" } } }, "configuration: queues.mail.concurrency must be a whole number from 1"],
  [{ maxCrashes: 0.5 }, "configuration: maxCrashes must be a whole number from 1"],
  [{ queues: 5 }, "configuration: queues must be an object such as { mail: { concurrency: 5 } }"],
  [{ timeoutGrace: "soon" }, 'configuration: timeoutGrace is "soon", which is not a duration'],
  [{ timeoutGrace: -1 }, "configuration: timeoutGrace is -1, which is not a duration"],
  [{ timeoutGrace: "30d" }, "configuration: timeoutGrace must be from 0 to 2147483647 ms"],
  [{ constructor: 5 }, "configuration: constructor is not a setting; the settings are connection, database, jobs, "],
  [{ retention: { toString: "1d" } }, "configuration: retention.toString is not a setting"],
  [{ queues: { constructor: 5 } }, "configuration: queues.constructor must be an object with concurrency"],
  [{ queues: [] }, "configuration: queues must be an object such as"],
  [{ queues: {} }, "configuration: queues is empty"],
  [{ queues: { "": { concurrency: 1 } } }, "configuration: queues"],
  [{ jobs: { toString: job } }, "configuration: handlers.toString is missing: it runs the job bare"],
  [{ handlers: { constructor: () => {} } }, "configuration: handlers.constructor has no job definition of that name"],
  [{ jobs: undefined }, "configuration: jobs must be an object with definitions made by defineJob"],
  [{ handlers: 5 }, "configuration: handlers must be an object with a handler for each job"],
])("%j", (settings, said) => {
  expect(() => createWorker({ connection, jobs: {}, ...settings } as never)).toThrow(said);
});

const inherited = ["constructor", "hasOwnProperty", "toString", "__proto__"];

test.each(inherited)("a queue and a job may be called %s, as any object's properties are", (name) => {
  const own = <T>(value: T) => Object.fromEntries([[name, value]]);
  const handlers = own(() => "ran");
  const settings = parseConfig({ connection, jobs: own(job), handlers, queues: own({ concurrency: 3 }) });
  expect(Object.entries(settings.queues)).toEqual([[name, 3]]);
  expect(settings.runnables.get("bare")?.handler).toBe(handlers[name]);
  expect(Object.entries(narrowSettings(settings, [name]).queues)).toEqual([[name, 3]]);
});

test.each(inherited)("a queue called %s is not configured where nobody has named it", (name) => {
  const settings = parseConfig({ connection, jobs: {}, handlers: {} });
  expect(() => narrowSettings(settings, [name])).toThrow("is not configured: the queues are default");
});
