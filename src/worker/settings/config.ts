import type { Duration } from "../../core/duration.js";
import type { Queryable } from "../../core/queryable.js";
import type { PgliteConnection } from "../../database/pglite-connection.js";
import type { TransactionDriver } from "../../database/transaction-slot.js";
import type { JobDefinition, PayloadOutput, ResultInput } from "../../jobs/definition/define-job.js";
import type { Handler } from "../../jobs/definition/define-job.js";
import type { HandlerFunction } from "../../jobs/definition/job-context.js";
import type { Logger } from "../events/log-events.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Middleware } from "./middleware.js";
import type { ScheduleDefinition } from "../../schedules/define-schedule.js";
import type { Retention } from "../../jobs/definition/define-job.js";
import type { WebhookConfig } from "../../webhooks/webhook-config.js";

/** The names under which a module exports job definitions. Its other exports are ignored. */
type JobKeys<Jobs> = { [K in keyof Jobs]: Jobs[K] extends JobDefinition ? K : never }[keyof Jobs];
type KeysWithRun<Jobs> = {
  [K in keyof Jobs]: Jobs[K] extends { readonly run: HandlerFunction<never, unknown, never> } ? K : never;
}[keyof Jobs];
type Definition<Jobs, K extends keyof Jobs> = Extract<Jobs[K], JobDefinition>;
type HandlerOf<J extends JobDefinition, Tx> = HandlerFunction<PayloadOutput<J>, ResultInput<J>, Tx> | Handler<J, Tx>;

/** A handler for each job definition of a module. The handler is optional for a definition with a `run` function. */
export type Handlers<Jobs, Tx = Queryable> = {
  readonly [K in Exclude<JobKeys<Jobs>, KeysWithRun<Jobs>>]: HandlerOf<Definition<Jobs, K>, Tx>;
} & { readonly [K in KeysWithRun<Jobs>]?: HandlerOf<Definition<Jobs, K>, Tx> };

/** The configuration of a worker: its connection, jobs, handlers and limits. */
export interface WorkerConfig {
  /**
   * PostgreSQL's connection string, with which the worker opens its connections. Or `pglite(db)` of `soniq-drizzle/pglite`: the worker
   * then shares that PGlite with the application.
   */
  // oxlint-disable-next-line no-explicit-any -- typed by defineConfig
  readonly connection: string | undefined | PgliteConnection<any>;
  /**
   * How the application opens Drizzle, for `job.transaction`: `postgresJs((client) => drizzle({ client, schema }))`, or
   * `nodePostgres` of `soniq-drizzle/node-postgres`. Default: Drizzle on postgres.js, without the application's schema.
   */
  // oxlint-disable-next-line no-explicit-any -- typed by defineConfig
  readonly database?: TransactionDriver<any>;
  /** The module that exports the job definitions, as in `import * as jobs from "./jobs.js"`. */
  readonly jobs: Readonly<Record<string, unknown>>;
  /** The handlers, under the names of the definitions' exports. */
  readonly handlers: Readonly<Record<string, unknown>>;
  /** The schedules: definitions made by `defineSchedule`. */
  readonly schedules?: readonly ScheduleDefinition[];
  /** The queues to work, each with the number of its jobs that may run at once. Default: those of the definitions, 10 each. */
  readonly queues?: Readonly<Record<string, { readonly concurrency: number }>>;
  /**
   * The maximum number of jobs that one statement claims or settles while there is a backlog, from 1 to 1000. Default 1000. The worker
   * claims fewer slow jobs at once, so that no job waits in it for much more than 0.1 s. With 1, no job waits in the worker, but each
   * job has its own statement, which settles it and claims the next one. That costs many times as much.
   */
  readonly batchSize?: number;
  /** How long a worker may send no heartbeat before its jobs are taken from it. Default `"20s"`. Not used on PGlite. */
  readonly lease?: Duration;
  /** How often to check for workers whose lease has expired. Default `"5s"`. */
  readonly rescueInterval?: Duration;
  /** How often to poll for due jobs when no wake-up arrives. Default `"1s"`. */
  readonly pollInterval?: Duration;
  /**
   * How long running jobs may take to finish at shutdown before they are released. Default `"20s"`: shorter than the 30 s after
   * which Kubernetes kills a process. Docker kills after 10 s.
   */
  readonly shutdownTimeout?: Duration;
  /** The maximum number of connections to PostgreSQL, at least 4. Default: 6, and one more for each transaction of a handler. */
  readonly maxConnections?: number;
  /**
   * How long to keep finished jobs. A definition's `retention` takes precedence. Jobs whose names this configuration does not define
   * are pruned by this setting, too.
   */
  readonly retention?: Retention;
  /**
   * How many workers may crash while they run a job, or connections break under its transaction, before the job becomes a dead letter.
   * An attempt that ends normally resets the count. Default 5.
   */
  readonly maxCrashes?: number;
  /**
   * Receives each event of the worker: jobs that start, log or end, and errors of the worker. It is called synchronously and delays
   * the worker, so keep it fast. An error that it throws is printed and has no other effect.
   */
  readonly onEvent?: WorkerEventListener;
  /** The middleware around each handler, the first one outermost. */
  readonly middleware?: readonly Middleware[];
  /** Receives the worker's log lines, such as a pino logger. `soniq-drizzle work` logs to it instead of printing. */
  readonly logger?: Logger;
  /**
   * How long a job with an unknown name is released for a newer worker before it becomes a dead letter. Default `"10m"`. The same
   * applies to a job whose payload the validator refuses while a worker with different code works its queue.
   */
  readonly unknownJobGrace?: Duration;
  /**
   * How long a handler may take to end after its `signal` was aborted, for example by its timeout, before the worker stops waiting for
   * it. Default `"5s"`.
   */
  readonly timeoutGrace?: Duration;
  /** Makes the worker deliver webhooks, from the queue `webhooks`. Default: it does not. */
  readonly webhooks?: WebhookConfig;
}

/**
 * Types the configuration that `soniq.config.ts` exports as its default. A missing handler does not compile, nor does a handler whose
 * payload or result type differs from its definition.
 */
export function defineConfig<const Jobs extends object, Tx = Queryable>(
  config: Omit<WorkerConfig, "connection" | "database" | "jobs" | "handlers"> & {
    readonly connection: string | undefined | PgliteConnection<Tx>;
    readonly database?: TransactionDriver<Tx>;
    readonly jobs: Jobs;
    readonly handlers: Handlers<Jobs, Tx>;
  },
): WorkerConfig {
  return config as unknown as WorkerConfig;
}
