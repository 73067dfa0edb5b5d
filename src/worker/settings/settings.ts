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
import { parseWebhookConfig, type WebhookSettings } from "../../webhooks/webhook-settings.js";
import type { WorkerConfig } from "./config.js";
import { minConnections } from "./connection-budget.js";
import { connectionSchema, databaseSchema } from "./connection-settings.js";
import { defaults } from "./defaults.js";
import { isLogger, type Logger } from "../events/log-events.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Middleware } from "./middleware.js";
import { resolveQueues, queuesSchema } from "./queue-settings.js";
import { type RetentionMs, type Runnable, buildRunnables } from "./runnables.js";
import { objectSchema, positiveInteger, durationSchema, strictSettings } from "./setting-schemas.js";

/** A parsed configuration: with defaults, and durations in milliseconds. */
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
  /** For jobs whose definition has no retention. */
  readonly retentionMs: RetentionMs;
  readonly maxCrashes: number;
  readonly timeoutGraceMs: number;
  readonly unknownJobGraceMs: number;
  readonly onEvent: WorkerEventListener | undefined;
  readonly logger: Logger | undefined;
  readonly webhooks: WebhookSettings | undefined;
}

/** About a century: on PGlite no other process can take a worker's jobs, and a heartbeat may have to wait for a transaction. */
const pgliteLeaseMs = 3e12;

const retentionSchema = (fallback: Duration) => durationSchema(fallback, 0, Infinity);

const configSchema = strictSettings({
  connection: connectionSchema,
  database: databaseSchema,
  jobs: objectSchema("must be an object with definitions made by defineJob({ … })"),
  handlers: v.optional(objectSchema("must be an object with a handler for each job"), {}),
  schedules: v.optional(
    v.pipe(
      v.array(v.custom<ScheduleDefinition>(isScheduleDefinition, "must be made by defineSchedule({ … })")),
      v.checkItems(
        ({ name }, i, all) => all.findIndex((other) => other.name === name) === i,
        "has the same name as another schedule: rename one",
      ),
    ),
    [],
  ),
  queues: queuesSchema,
  batchSize: v.optional(v.pipe(positiveInteger, v.maxValue(1_000, "must be from 1 to 1000")), defaults.batchSize),
  lease: durationSchema(defaults.lease, 100),
  rescueInterval: durationSchema(defaults.rescueInterval, 10),
  pollInterval: durationSchema(defaults.pollInterval, 10),
  shutdownTimeout: durationSchema(defaults.shutdownTimeout),
  maxConnections: v.optional(
    v.pipe(
      positiveInteger,
      v.minValue(
        minConnections,
        `must be at least ${minConnections}: for claims and settles, the heartbeat, the listener, and a handler's transaction`,
      ),
    ),
  ),
  retention: v.optional(
    strictSettings({
      completed: retentionSchema(defaults.retention.completed),
      cancelled: retentionSchema(defaults.retention.cancelled),
      dead: retentionSchema(defaults.retention.dead),
    }),
    {},
  ),
  maxCrashes: v.optional(positiveInteger, defaults.maxCrashes),
  timeoutGrace: durationSchema(defaults.timeoutGrace),
  unknownJobGrace: durationSchema(defaults.unknownJobGrace),
  onEvent: v.optional(v.function("must be a function")),
  middleware: v.optional(v.array(v.function("must be a function"), "must be an array of functions"), []),
  logger: v.optional(v.custom<Logger>(isLogger, "must have the methods info, warn and error, as a pino logger has")),
  webhooks: v.optional(
    strictSettings({ keys: v.optional(v.any()), allow: v.optional(v.any()), timeout: v.optional(v.any()) }),
  ),
});

/**
 * Parses a configuration.
 *
 * @throws ConfigError naming the invalid setting and the reason
 */
export function parseConfig(config: WorkerConfig): Settings {
  const parsed = v.safeParse(configSchema, config);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new ConfigError(`configuration: ${v.getDotPath(issue) ?? "it"} ${issue.message.trim()}`);
  }
  const { connection, jobs, handlers, lease, rescueInterval, pollInterval, shutdownTimeout } = parsed.output;
  const { batchSize, maxConnections, retention, maxCrashes, timeoutGrace, unknownJobGrace } = parsed.output;
  const middleware = parsed.output.middleware as readonly Middleware[];
  const runnables = buildRunnables(jobs, handlers, retention, middleware);
  const webhooks = parsed.output.webhooks && parseWebhookSettings(parsed.output.webhooks as WebhookConfig);
  const hasConnectionString = typeof connection === "string";
  if (!hasConnectionString && parsed.output.database)
    throw new ConfigError(
      "configuration: database works only with a connection string: remove it, because pglite(db) includes Drizzle",
    );
  return {
    connection,
    database: (parsed.output.database ?? plainPostgresJs) as TransactionDriver<Queryable>,
    maxConnections,
    runnables,
    schedules: parsed.output.schedules,
    queues: {
      ...(webhooks && { [deliveryQueue]: defaults.concurrency }),
      ...resolveQueues(parsed.output.queues, runnables),
    },
    batchSize,
    leaseMs: hasConnectionString ? lease : pgliteLeaseMs,
    rescueIntervalMs: rescueInterval,
    pollIntervalMs: pollInterval,
    shutdownTimeoutMs: shutdownTimeout,
    retentionMs: retention,
    maxCrashes,
    timeoutGraceMs: timeoutGrace,
    unknownJobGraceMs: unknownJobGrace,
    onEvent: parsed.output.onEvent as WorkerEventListener | undefined,
    logger: parsed.output.logger,
    webhooks,
  };
}

function parseWebhookSettings(config: WebhookConfig): WebhookSettings {
  try {
    return parseWebhookConfig(config);
  } catch (error) {
    throw error instanceof InvalidValueError ? new ConfigError(`configuration: ${error.message}`) : error;
  }
}

/** Restricts the settings to some queues, or overrides their concurrency. @throws ConfigError for a queue that is not configured */
export function narrowSettings(settings: Settings, queueNames?: readonly string[], concurrency?: number): Settings {
  const names = queueNames ?? Object.keys(settings.queues);
  const unknownQueue = names.find((queue) => !Object.hasOwn(settings.queues, queue));
  if (unknownQueue !== undefined) {
    throw new ConfigError(
      `queue ${JSON.stringify(unknownQueue)} is not configured: the queues are ${Object.keys(settings.queues).join(", ")}`,
    );
  }
  return {
    ...settings,
    queues: Object.fromEntries(names.map((queue) => [queue, concurrency ?? (settings.queues[queue] as number)])),
  };
}
