import type { Duration } from "../../core/duration.js";
import type { Queryable } from "../../core/queryable.js";
import type { PgliteConnection } from "../../database/pglite-connection.js";
import type { TransactionDriver } from "../../database/transaction-slot.js";
import type { JobDefinition, PayloadOutput, ResultInput } from "../../jobs/definition/define-job.js";
import type { Handler } from "../../jobs/definition/define-job.js";
import type { HandlerFunction } from "../../jobs/definition/job-context.js";
import type { Logger } from "../events/event-log.js";
import type { WorkerEventListener } from "../events/events.js";
import type { Middleware } from "./middleware.js";
import type { ScheduleDefinition } from "../../schedules/define-schedule.js";
import type { Retention } from "../../jobs/definition/define-job.js";
import type { WebhookConfig } from "../../webhooks/webhook-config.js";

/** The names under which a module exports job definitions; its other exports do not matter. */
type JobKeys<Jobs> = { [K in keyof Jobs]: Jobs[K] extends JobDefinition ? K : never }[keyof Jobs];
type KeysWithRun<Jobs> = {
  [K in keyof Jobs]: Jobs[K] extends { readonly run: HandlerFunction<never, unknown, never> } ? K : never;
}[keyof Jobs];
type Definition<Jobs, K extends keyof Jobs> = Extract<Jobs[K], JobDefinition>;
type HandlerOf<J extends JobDefinition, Tx> = HandlerFunction<PayloadOutput<J>, ResultInput<J>, Tx> | Handler<J, Tx>;

/** A handler for each job definition of a module; one that brings its own `run` may do without. */
export type Handlers<Jobs, Tx = Queryable> = {
  readonly [K in Exclude<JobKeys<Jobs>, KeysWithRun<Jobs>>]: HandlerOf<Definition<Jobs, K>, Tx>;
} & { readonly [K in KeysWithRun<Jobs>]?: HandlerOf<Definition<Jobs, K>, Tx> };

/** What a worker works on, and how. */
export interface WorkerConfig {
  /**
   * PostgreSQL's connection string: workers open connections of their own with it. Or `pglite(db)` of `soniq-drizzle/pglite`:
   * they share that PGlite with the application.
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
  /** What is enqueued at certain times: definitions made by `defineSchedule`. */
  readonly schedules?: readonly ScheduleDefinition[];
  /** The queues to work, each with how many of its jobs may run at once. Default: those of the definitions, 10 each. */
  readonly queues?: Readonly<Record<string, { readonly concurrency: number }>>;
  /**
   * How many jobs one statement may claim or settle while there is a backlog, from 1 to 1000. Default 1000. Fewer are claimed
   * where they take longer: none waits in a worker for much more than 0.1 s. With 1, none waits there at all, and each job is
   * claimed and settled by itself, which costs many times as much.
   */
  readonly batchSize?: number;
  /** How long a worker may be silent before its jobs are taken from it. Default `"20s"`. On PGlite there is no such time. */
  readonly lease?: Duration;
  /** How often to look for the workers that were silent too long. Default `"5s"`. */
  readonly rescueInterval?: Duration;
  /** How often to look for due jobs when nothing wakes the worker up. Default `"1s"`. */
  readonly pollInterval?: Duration;
  /**
   * How long running jobs may take to finish at shutdown, before they are given back. Default `"20s"`: shorter than the 30 s
   * after which Kubernetes kills; Docker kills after 10 s.
   */
  readonly shutdownTimeout?: Duration;
  /** How many connections to PostgreSQL the worker may open, from 4. Default: 6, and one more for each transaction of a handler. */
  readonly maxConnections?: number;
  /** A definition's own comes before it. Names that this configuration does not know are pruned by it, too. */
  readonly retention?: Retention;
  /**
   * How many workers may crash with a job in hand, or connections break under its transaction, before it is a dead letter.
   * An attempt that ends in order makes up for those before. Default 5.
   */
  readonly maxCrashes?: number;
  /**
   * Told of each job that starts, logs or ends, and of what goes wrong with the worker. It holds up the worker for as long as it
   * takes, so it should not; what it throws is printed, and changes nothing.
   */
  readonly onEvent?: WorkerEventListener;
  /** What stands around each handler, the first one outermost. */
  readonly middleware?: readonly Middleware[];
  /** Writes down what the worker tells, such as a pino logger. `soniq-drizzle work` prints to it instead. */
  readonly logger?: Logger;
  /**
   * How long a job of an unknown name is given back, for a newer worker to come, before it is a dead letter. Default `"10m"`.
   * The same holds for one whose payload the validator refuses, while a worker of other code works its queue.
   */
  readonly unknownJobGrace?: Duration;
  /**
   * How long a handler may take to end once its `signal` was aborted, as by its timeout, before the worker goes on without
   * it. Default `"5s"`.
   */
  readonly timeoutGrace?: Duration;
  /** Has the worker deliver webhooks, from the queue `webhooks`. Default: it does not. */
  readonly webhooks?: WebhookConfig;
}

/**
 * Types the configuration that `soniq.config.ts` exports as its default: a missing handler, or one that takes or returns
 * something else than its definition says, does not compile.
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
