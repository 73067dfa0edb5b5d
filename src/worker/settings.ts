import * as v from "valibot";
import { type Duration, longestTimerMs, milliseconds } from "../core/duration.js";
import { ConfigError, InvalidValueError } from "../core/errors.js";
import type { Queryable } from "../core/queryable.js";
import type { PgliteConnection } from "../database/pglite-connection.js";
import { hasStrayAt } from "../database/connect.js";
import { plainPostgresJs } from "../database/postgres-js.js";
import type { TransactionDriver } from "../database/transaction-slot.js";
import { isJobDefinition, type JobDefinition } from "../jobs/define-job.js";
import type { HandlerFunction } from "../jobs/job-context.js";
import { isScheduleDefinition, type ScheduleDefinition } from "../schedules/define-schedule.js";
import type { Retention } from "../jobs/retention.js";
import { deliveryQueue } from "../webhooks/delivery.js";
import type { WebhookConfig } from "../webhooks/webhook-config.js";
import { checkWebhooks } from "../webhooks/webhook-settings.js";
import type { WorkerConfig } from "./config.js";
import { fewestConnections } from "./connection-budget.js";
import type { Logger } from "./event-log.js";
import type { Tell } from "./events.js";
import { type Middleware, withMiddleware } from "./middleware.js";

/** A job definition with the function that runs it, middleware included. */
export interface Runnable {
  readonly definition: JobDefinition;
  readonly run: HandlerFunction<unknown, unknown>;
  /** The same without the middleware. */
  readonly handler: HandlerFunction<unknown, unknown>;
  readonly timeoutMs: number;
  readonly retentionMs: RetentionMs;
}

/** How long finished jobs are kept, in milliseconds. */
type RetentionMs = Readonly<Record<keyof Retention, number>>;

/** A checked configuration: defaults filled in, durations in milliseconds. */
export interface Settings {
  readonly connection: string | PgliteConnection;
  /** Opens a connection for the transactions of handlers. */
  readonly database: TransactionDriver<Queryable>;
  readonly maxConnections: number | undefined;
  readonly runnables: ReadonlyMap<string, Runnable>;
  readonly schedules: readonly ScheduleDefinition[];
  /** Concurrency by queue. */
  readonly queues: Readonly<Record<string, number>>;
  readonly batchSize: number;
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly pollMs: number;
  readonly drainTimeoutMs: number;
  /** Of the jobs whose definition says nothing else. */
  readonly retentionMs: RetentionMs;
  readonly maxCrashes: number;
  readonly timeoutGraceMs: number;
  readonly unknownGraceMs: number;
  readonly onEvent: Tell | undefined;
  readonly logger: Logger | undefined;
  readonly webhooks: WebhookConfig | undefined;
}

const defaultTimeoutMs = 300_000;

const defaultConcurrency = 10;

/** About a century: with PGlite no other process is there to take a worker's jobs, and a beat may have to wait. */
const endlessMs = 3e12;

/** Settings of these names, and of no others. */
const noOthersThan = <Entries extends v.ObjectEntries>(entries: Entries) =>
  // Without a prototype, whose names would count as entries.
  v.strictObject(Object.assign(Object.create(null) as object, entries), ({ expected }) => {
    const names = Object.keys(entries).join(", ");
    if (expected === "never") return `is no setting; there are ${names}`;
    return expected === "Object" ? `must be an object with ${names}` : "is missing";
  });

const wholeNumber = "must be a whole number from 1";
const count = v.pipe(v.number(wholeNumber), v.integer(wholeNumber), v.minValue(1, wholeNumber));
const duration = (fallback: Duration, shortestMs = 0, longestMs = longestTimerMs) =>
  v.pipe(
    v.optional(v.union([v.number(), v.string()]), fallback),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        const ms = milliseconds(dataset.value as Duration, "");
        if (ms >= shortestMs && ms <= longestMs) return ms;
        addIssue({ message: ` must be from ${shortestMs} to ${longestMs} ms` });
      } catch (error) {
        addIssue({ message: (error as Error).message });
      }
      return NEVER;
    }),
  );

const keptFor = (fallback: Duration) => duration(fallback, 0, Infinity);

/** Valibot's own object schemas leave out what is called `constructor` and the like, which an export or a queue may be. */
const anyObject = (message: string) =>
  v.custom<Record<string, unknown>>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    message,
  );

function isPglite(value: unknown): boolean {
  return typeof value === "object" && value !== null && "openSlot" in value && "openListener" in value;
}

function isLogger(value: unknown): boolean {
  const methods = value as Record<string, unknown>;
  return (
    typeof value === "object" &&
    value !== null &&
    ["info", "warn", "error"].every((level) => typeof methods[level] === "function")
  );
}

const configSchema = noOthersThan({
  connection: v.union(
    [
      v.pipe(
        v.string(),
        v.regex(/^postgres(ql)?:\/\//, "must begin with postgres:// or postgresql://"),
        v.check((url) => URL.canParse(url), "is no valid URL: percent-encode what is special in its password"),
        v.check(
          (url) => !hasStrayAt(url),
          "has an @ behind its host: percent-encode what is special in its password, which would be taken for a host and printed",
        ),
      ),
      v.custom<PgliteConnection>(isPglite),
    ],
    ({ input }) =>
      input === undefined
        ? "is not set: give PostgreSQL's connection string. Is DATABASE_URL defined?"
        : "must be PostgreSQL's connection string, or pglite(db) of soniq-drizzle/pglite",
  ),
  database: v.optional(
    v.looseObject(
      { openSlot: v.function() },
      "must be postgresJs((client) => drizzle({ client, schema })) or nodePostgres(…)",
    ),
  ),
  jobs: anyObject("must be an object with definitions made by defineJob({ … })"),
  handlers: v.optional(anyObject("must be an object with a handler for each of jobs"), {}),
  schedules: v.optional(
    v.pipe(
      v.array(v.custom<ScheduleDefinition>(isScheduleDefinition, "must be made by defineSchedule({ … })")),
      v.checkItems(
        ({ name }, i, all) => all.findIndex((other) => other.name === name) === i,
        "has the name of another: rename one",
      ),
    ),
    [],
  ),
  queues: v.optional(
    v.pipe(
      anyObject("must be an object such as { mail: { concurrency: 5 } }"),
      v.transform((queues) => new Map(Object.entries(queues))),
      v.map(v.pipe(v.string(), v.minLength(1), v.maxLength(200)), noOthersThan({ concurrency: count })),
    ),
  ),
  batchSize: v.optional(v.pipe(count, v.maxValue(1_000, "must be from 1 to 1000")), 1_000),
  lease: duration("20s", 100),
  sweep: duration("5s", 10),
  poll: duration("1s", 10),
  drainTimeout: duration("20s"),
  maxConnections: v.optional(
    v.pipe(
      count,
      v.minValue(
        fewestConnections,
        `must be at least ${fewestConnections}: for claims and settles, the heartbeat, the listener, and a handler's transaction`,
      ),
    ),
  ),
  retention: v.optional(
    noOthersThan({ completed: keptFor("24h"), cancelled: keptFor("24h"), dead: keptFor("30d") }),
    {},
  ),
  maxCrashes: v.optional(count, 5),
  timeoutGrace: duration("5s"),
  unknownGrace: duration("10m"),
  onEvent: v.optional(v.function("must be a function")),
  middleware: v.optional(v.array(v.function("must be a function"), "must be a list of functions"), []),
  logger: v.optional(v.custom<Logger>(isLogger, "must have info, warn and error, as a pino logger has")),
  webhooks: v.optional(
    noOthersThan({ keys: v.optional(v.any()), allow: v.optional(v.any()), timeout: v.optional(v.any()) }),
  ),
});

/**
 * Checks a configuration.
 *
 * @throws ConfigError naming the setting that cannot work, and why
 */
export function checkConfig(config: WorkerConfig): Settings {
  const checked = v.safeParse(configSchema, config);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new ConfigError(`configuration: ${v.getDotPath(issue) ?? "it"} ${issue.message.trim()}`);
  }
  const { connection, jobs, handlers, lease, sweep, poll, drainTimeout } = checked.output;
  const { batchSize, maxConnections, retention, maxCrashes, timeoutGrace, unknownGrace } = checked.output;
  const middleware = checked.output.middleware as readonly Middleware[];
  const runnables = runnablesOf(jobs, handlers, retention, middleware);
  const webhooks = checked.output.webhooks && webhooksOf(checked.output.webhooks as WebhookConfig);
  const overNetwork = typeof connection === "string";
  if (!overNetwork && checked.output.database)
    throw new ConfigError("configuration: database goes with a connection string: pglite(db) brings its own");
  return {
    connection,
    database: (checked.output.database ?? plainPostgresJs) as TransactionDriver<Queryable>,
    maxConnections,
    runnables,
    schedules: checked.output.schedules,
    queues: { ...(webhooks && { [deliveryQueue]: defaultConcurrency }), ...queuesOf(checked.output.queues, runnables) },
    batchSize,
    leaseMs: overNetwork ? lease : endlessMs,
    sweepMs: sweep,
    pollMs: poll,
    drainTimeoutMs: drainTimeout,
    retentionMs: retention,
    maxCrashes,
    timeoutGraceMs: timeoutGrace,
    unknownGraceMs: unknownGrace,
    onEvent: checked.output.onEvent as Tell | undefined,
    logger: checked.output.logger,
    webhooks,
  };
}

function webhooksOf(config: WebhookConfig): WebhookConfig {
  try {
    checkWebhooks(config);
    return config;
  } catch (error) {
    throw error instanceof InvalidValueError ? new ConfigError(`configuration: ${error.message}`) : error;
  }
}

/** The handlers by their jobs' names. @throws ConfigError naming one that is missing, or that belongs to no job */
export function runnablesOf(
  jobs: Readonly<Record<string, unknown>>,
  handlers: Readonly<Record<string, unknown>>,
  retention: RetentionMs,
  middleware: readonly Middleware[],
): Map<string, Runnable> {
  const runnables = new Map<string, Runnable>();
  for (const [key, definition] of Object.entries(jobs)) {
    if (!isJobDefinition(definition)) continue;
    const { name } = definition;
    if (runnables.get(name)?.definition === definition) continue;
    if (name.startsWith("soniq."))
      throw new ConfigError(
        `configuration: the job name ${JSON.stringify(name)} is ours: choose one that does not begin with soniq.`,
      );
    if (runnables.has(name))
      throw new ConfigError(`configuration: two job definitions are called ${JSON.stringify(name)}: rename one`);
    const handler = runOf((Object.hasOwn(handlers, key) && handlers[key]) || definition.run, definition, key);
    runnables.set(name, {
      definition,
      run: withMiddleware(middleware, handler),
      handler,
      timeoutMs: Math.min(longestTimerMs, milliseconds(definition.timeout ?? defaultTimeoutMs, `job ${name}: timeout`)),
      retentionMs: retentionOf(definition, retention),
    });
  }
  const stranger = Object.keys(handlers).find((key) => !(Object.hasOwn(jobs, key) && isJobDefinition(jobs[key])));
  if (stranger) throw new ConfigError(`configuration: handlers.${stranger} has no job definition of that name in jobs`);
  return runnables;
}

function retentionOf({ name, retention: own = {} }: JobDefinition, general: RetentionMs): RetentionMs {
  const kept = (state: keyof Retention) => {
    const said = own[state];
    return said === undefined ? general[state] : milliseconds(said, `job ${name}: retention.${state}`);
  };
  return { completed: kept("completed"), cancelled: kept("cancelled"), dead: kept("dead") };
}

function runOf(handler: unknown, { name }: JobDefinition, key: string): HandlerFunction<unknown, unknown> {
  if (typeof handler === "function") return handler as HandlerFunction<unknown, unknown>;
  if (typeof handler === "object" && handler !== null && "run" in handler && "job" in handler) {
    const { job, run } = handler as { job: JobDefinition; run: HandlerFunction<unknown, unknown> };
    if (job.name === name) return run;
    throw new ConfigError(`configuration: handlers.${key} is the handler of ${job.name}, not of ${name}`);
  }
  throw new ConfigError(`configuration: handlers.${key} is missing: it runs the job ${name}`);
}

function queuesOf(
  queues: ReadonlyMap<string, { concurrency: number }> | undefined,
  runnables: ReadonlyMap<string, Runnable>,
): Record<string, number> {
  if (queues) {
    if (queues.size === 0) throw new ConfigError("configuration: queues is empty: name one, or leave it out");
    return Object.fromEntries([...queues].map(([queue, { concurrency }]) => [queue, concurrency]));
  }
  const named = [...runnables.values()].map(({ definition }) => definition.queue ?? "default");
  return Object.fromEntries(["default", ...named].map((queue) => [queue, defaultConcurrency]));
}
