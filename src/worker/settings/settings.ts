import * as v from "valibot";
import type { Duration } from "../../core/duration.js";
import { ConfigError, InvalidValueError } from "../../core/errors.js";
import type { Queryable } from "../../core/queryable.js";
import type { PgliteConnection } from "../../database/pglite-connection.js";
import { plainPostgresJs } from "../../database/postgres-js.js";
import type { TransactionDriver } from "../../database/transaction-slot.js";
import { isScheduleDefinition, type ScheduleDefinition } from "../../schedules/define-schedule.js";
import { deliveryQueue } from "../../webhooks/delivery.js";
import type { WebhookConfig } from "../../webhooks/webhook-config.js";
import { parseWebhooks, type WebhookSettings } from "../../webhooks/webhook-settings.js";
import type { WorkerConfig } from "./config.js";
import { minConnections } from "./connection-budget.js";
import { connectionSchema, databaseSchema } from "./connection-settings.js";
import { defaults } from "./defaults.js";
import { isLogger, type Logger } from "../events/event-log.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Middleware } from "./middleware.js";
import { queuesOf, queuesSchema } from "./queue-settings.js";
import { type RetentionMs, type Runnable, runnablesOf } from "./runnables.js";
import { anyObject, count, duration, noOthersThan } from "./setting-schemas.js";

/** A configuration that was read: defaults filled in, durations in milliseconds. */
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
  readonly rescueIntervalMs: number;
  readonly pollIntervalMs: number;
  readonly shutdownTimeoutMs: number;
  /** Of the jobs whose definition says nothing else. */
  readonly retentionMs: RetentionMs;
  readonly maxCrashes: number;
  readonly timeoutGraceMs: number;
  readonly unknownJobGraceMs: number;
  readonly onEvent: WorkerEventListener | undefined;
  readonly logger: Logger | undefined;
  readonly webhooks: WebhookSettings | undefined;
}

/** About a century: with PGlite no other process is there to take a worker's jobs, and a beat may have to wait. */
const endlessMs = 3e12;

const keptFor = (fallback: Duration) => duration(fallback, 0, Infinity);

const configSchema = noOthersThan({
  connection: connectionSchema,
  database: databaseSchema,
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
  queues: queuesSchema,
  batchSize: v.optional(v.pipe(count, v.maxValue(1_000, "must be from 1 to 1000")), defaults.batchSize),
  lease: duration(defaults.lease, 100),
  rescueInterval: duration(defaults.rescueInterval, 10),
  pollInterval: duration(defaults.pollInterval, 10),
  shutdownTimeout: duration(defaults.shutdownTimeout),
  maxConnections: v.optional(
    v.pipe(
      count,
      v.minValue(
        minConnections,
        `must be at least ${minConnections}: for claims and settles, the heartbeat, the listener, and a handler's transaction`,
      ),
    ),
  ),
  retention: v.optional(
    noOthersThan({
      completed: keptFor(defaults.retention.completed),
      cancelled: keptFor(defaults.retention.cancelled),
      dead: keptFor(defaults.retention.dead),
    }),
    {},
  ),
  maxCrashes: v.optional(count, defaults.maxCrashes),
  timeoutGrace: duration(defaults.timeoutGrace),
  unknownJobGrace: duration(defaults.unknownJobGrace),
  onEvent: v.optional(v.function("must be a function")),
  middleware: v.optional(v.array(v.function("must be a function"), "must be a list of functions"), []),
  logger: v.optional(v.custom<Logger>(isLogger, "must have info, warn and error, as a pino logger has")),
  webhooks: v.optional(
    noOthersThan({ keys: v.optional(v.any()), allow: v.optional(v.any()), timeout: v.optional(v.any()) }),
  ),
});

/**
 * Reads a configuration.
 *
 * @throws ConfigError naming the setting that cannot work, and why
 */
export function parseConfig(config: WorkerConfig): Settings {
  const checked = v.safeParse(configSchema, config);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new ConfigError(`configuration: ${v.getDotPath(issue) ?? "it"} ${issue.message.trim()}`);
  }
  const { connection, jobs, handlers, lease, rescueInterval, pollInterval, shutdownTimeout } = checked.output;
  const { batchSize, maxConnections, retention, maxCrashes, timeoutGrace, unknownJobGrace } = checked.output;
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
    queues: {
      ...(webhooks && { [deliveryQueue]: defaults.concurrency }),
      ...queuesOf(checked.output.queues, runnables),
    },
    batchSize,
    leaseMs: overNetwork ? lease : endlessMs,
    rescueIntervalMs: rescueInterval,
    pollIntervalMs: pollInterval,
    shutdownTimeoutMs: shutdownTimeout,
    retentionMs: retention,
    maxCrashes,
    timeoutGraceMs: timeoutGrace,
    unknownJobGraceMs: unknownJobGrace,
    onEvent: checked.output.onEvent as WorkerEventListener | undefined,
    logger: checked.output.logger,
    webhooks,
  };
}

function webhooksOf(config: WebhookConfig): WebhookSettings {
  try {
    return parseWebhooks(config);
  } catch (error) {
    throw error instanceof InvalidValueError ? new ConfigError(`configuration: ${error.message}`) : error;
  }
}

/** Narrows the settings to some queues, or to another concurrency. @throws ConfigError for a queue that is not configured */
export function narrow(settings: Settings, only?: readonly string[], concurrency?: number): Settings {
  const names = only ?? Object.keys(settings.queues);
  const stranger = names.find((queue) => !Object.hasOwn(settings.queues, queue));
  if (stranger !== undefined) {
    throw new ConfigError(
      `queue ${JSON.stringify(stranger)} is not configured: there are ${Object.keys(settings.queues).join(", ")}`,
    );
  }
  return {
    ...settings,
    queues: Object.fromEntries(names.map((queue) => [queue, concurrency ?? (settings.queues[queue] as number)])),
  };
}
