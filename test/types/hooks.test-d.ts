// Events, middleware and loggers: what their types say, and which mistakes do not compile.
import pino from "pino";
import * as v from "valibot";
import {
  createWorker,
  defineConfig,
  defineJob,
  enqueue,
  defineHandler,
  type JobContext,
  type Logger,
  type Middleware,
  type Queryable,
  type WorkerEvent,
} from "../../src/index.ts";
import { equal } from "./equal.ts";
import { greet } from "./jobs.ts";

const small = { connection: "postgres://", jobs: { greet }, handlers: { greet: () => {} } };

// One listener tells all events apart, and misses none.
function told(event: WorkerEvent): string {
  switch (event.type) {
    case "started":
      return event.job.name;
    case "logged":
      return `${event.message} ${JSON.stringify(event.fields)}`;
    case "completed":
    case "retried":
    case "snoozed":
    case "parked":
    case "released":
    case "unknown":
    case "cancelled":
    case "dead":
      return `${event.job.id} is ${event.state} after ${event.runMs.toFixed()} ms: ${event.outcome.kind}`;
    case "fenced":
      return event.outcome.kind;
    case "late-error":
      return String(event.error);
    case "rescued":
      return event.jobs.map(({ name }) => name).join();
    case "tick-skipped":
      return `${event.schedule} at ${event.tick.toISOString()}: ${event.reason}`;
    case "error":
      return event.operation;
    case "degraded":
      return event.reasons.join();
    case "session-lost":
    case "recovered":
      return event.type;
    default:
      return event satisfies never;
  }
}
createWorker(defineConfig({ ...small, onEvent: told }), { onEvent: async (event) => void (await told(event)) });
// @ts-expect-error there is no such event
defineConfig({ ...small, onEvent: (event) => event.type === "settled" });
// @ts-expect-error not every event has a job
defineConfig({ ...small, onEvent: (event) => void event.job });

// A middleware gets the job, and its payload as something that it must look at.
const traced: Middleware = async (job, next) => {
  equal<typeof job.payload, unknown>(true);
  equal<typeof job.meta, Readonly<Record<string, unknown>>>(true);
  const result = await next();
  equal<typeof result, unknown>(true);
  return result;
};
defineConfig({
  ...small,
  middleware: [
    traced,
    async (_, next) => void (await next()),
    (job, next) => (job.attempt > 3 ? job.snooze("1h") : next()),
  ],
});
// @ts-expect-error a function, not a list
defineConfig({ ...small, middleware: traced });
// @ts-expect-error next takes nothing
defineConfig({ ...small, middleware: [(job, next) => next(job.payload)] });

// Loggers: pino, and whatever has its three methods.
defineConfig({ ...small, logger: pino() });
const child: Logger = pino().child({ service: "worker" });
defineConfig({ ...small, logger: child });
defineConfig({ ...small, logger: console });
// @ts-expect-error no error
defineConfig({ ...small, logger: { info() {}, warn() {} } });

// What a job logs is a text, with fields.
defineHandler(greet, (_, job) => job.log("hello", { at: 1, of: [null] }));
// @ts-expect-error no text
defineHandler(greet, (_, job) => job.log({ hello: 1 }));
// @ts-expect-error no fields
defineHandler(greet, (_, { log }: JobContext) => log("hello", "there"));

// Who enqueues is told the payload as it was enqueued, not as the handler has it.
declare const db: Queryable;
const dated = defineJob({
  name: "dated",
  payload: v.pipe(
    v.string(),
    v.transform((text) => new Date(text)),
  ),
  onEnqueued: ({ id, name }, payload) => {
    equal<typeof payload, string>(true);
    equal<typeof id, number>(true);
    equal<typeof name, string>(true);
  },
});
void enqueue(db, dated, "2026-11-26");
