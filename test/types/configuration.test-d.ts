// `defineConfig`: a handler for each definition that a module exports, whatever else it exports; and no typo compiles.
import * as v from "valibot";
import { createWorker, defineConfig, defineJob, defineHandler } from "../../src/index.ts";
import * as jobs from "./jobs.ts";

const connection = process.env["DATABASE_URL"];
const { Clock, countRows, defaultQueue, greet, isWeekend, limits, sendInvoice } = jobs;
const sendIt = defineHandler(sendInvoice, async ({ orderId }) => ({ messageId: String(orderId) }));

// All handlers, inline or from files of their own. The jobs with a `run` need none, and may have one.
const handlers = {
  sendInvoice: sendIt,
  importFile: defineHandler(jobs.importFile, async ({ at }) => void at.getTime()),
  greet: defineHandler(greet, () => {}),
  countRows: defineHandler(countRows, (path) => path),
};
createWorker(defineConfig({ connection, jobs, handlers }));
defineConfig({ connection, jobs, handlers: { ...handlers, refresh: async ({ page }) => ({ etag: String(page) }) } });
defineConfig({
  connection,
  jobs,
  handlers: {
    sendInvoice: async ({ orderId, dueAt }, job) =>
      dueAt && dueAt > new Date() ? job.snooze("1h") : { messageId: String(orderId) },
    importFile: async ({ at, rows }) => void (at.getTime() + rows),
    greet: ({ id, name }) => void (name ?? id.toFixed()),
    countRows: (path) => path.trim(),
  },
});

const { nightly, orderPaid, vacancy } = jobs;
defineConfig({ connection, jobs: { greet, nightly, orderPaid, vacancy }, handlers: { greet: () => {} } });

// @ts-expect-error a handler is missing
defineConfig({ connection, jobs: { greet, countRows }, handlers: { greet: () => {} } });
// @ts-expect-error all handlers are missing
defineConfig({ connection, jobs, handlers: {} });
// @ts-expect-error no handlers
defineConfig({ connection, jobs });
// @ts-expect-error a handler for what is no job definition
defineConfig({ connection, jobs: { greet }, handlers: { greet: () => {}, isWeekend: () => {} } });
// @ts-expect-error a typo
defineConfig({ connection, jobs: { greet }, handlers: { great: () => {} } });
// @ts-expect-error a wrong payload
defineConfig({ connection, jobs: { greet }, handlers: { greet: (payload: { id: string }) => void payload } });
// @ts-expect-error a property that the payload does not have
defineConfig({ connection, jobs: { greet }, handlers: { greet: ({ orderId }) => void orderId } });
// @ts-expect-error a wrong result
defineConfig({ connection, jobs: { countRows }, handlers: { countRows: () => 7 } });
// @ts-expect-error a result where none is defined
defineConfig({ connection, jobs: { greet }, handlers: { greet: () => 7 } });
// @ts-expect-error the handler of another job
defineConfig({ connection, jobs: { greet }, handlers: { greet: sendIt } });
// @ts-expect-error a wrong result, where the definition has a `run`
defineConfig({ connection, jobs: { refresh: jobs.refresh }, handlers: { refresh: () => ({ etag: 1 }) } });

// The handler of a job of the same types under another name is another job's, too.
const first = defineJob({ name: "first", payload: v.string() });
const second = defineJob({ name: "second", payload: v.string() });
// @ts-expect-error mixed up
defineConfig({ connection, jobs: { first }, handlers: { first: defineHandler(second, () => {}) } });

// The other settings.
const small = { connection, jobs: { greet }, handlers: { greet: () => {} } };
defineConfig({ ...small, queues: { default: { concurrency: 20 }, mail: { concurrency: 5 } } });
defineConfig({ ...small, queues: { [defaultQueue]: { concurrency: isWeekend(0) ? limits.payload : 1 } } });
defineConfig({ ...small, lease: new Clock().start });
defineConfig({ ...small, retention: { completed: 0, cancelled: "1h", dead: "90d" }, maxCrashes: 3 });
defineConfig({
  ...small,
  lease: "30s",
  rescueInterval: 500,
  pollInterval: "250ms",
  shutdownTimeout: "1m",
  unknownJobGrace: "1h",
});
// @ts-expect-error no connection
defineConfig({ jobs: { greet }, handlers: { greet: () => {} } });
// @ts-expect-error a typo
defineConfig({ ...small, queue: { default: { concurrency: 20 } } });
// @ts-expect-error a number where an object is asked
defineConfig({ ...small, queues: { default: 20 } });
// @ts-expect-error a typo
defineConfig({ ...small, queues: { default: { concurency: 20 } } });
// @ts-expect-error a typo
defineConfig({ ...small, retention: { complete: "1h" } });
// @ts-expect-error a unit that does not exist
defineConfig({ ...small, retention: { dead: "3 months" } });
// @ts-expect-error no unit
defineConfig({ ...small, lease: "20" });
// @ts-expect-error a unit that does not exist
defineConfig({ ...small, shutdownTimeout: "1 minute" });
