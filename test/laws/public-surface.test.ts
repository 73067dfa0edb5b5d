// What others build on. A change here is a change for them: make it on purpose, and write it into the changelog.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as schema from "../../schema/index.ts";
import * as dashboard from "../../src/dashboard.ts";
import * as nodePostgres from "../../src/database/node-postgres.ts";
import * as pglite from "../../src/database/pglite.ts";
import { version } from "../../src/core/version.ts";
import * as admin from "../../src/admin.ts";
import * as surface from "../../src/index.ts";
import * as metrics from "../../src/metrics.ts";
import * as testing from "../../src/testing.ts";
import * as webhooks from "../../src/webhooks.ts";
import { root } from "./source-files.ts";

const text = (path: string) => readFileSync(join(root, path), "utf8");

/** Every name that a file of `export … from` lists, types included. */
function exportedNames(path: string): string[] {
  const lists = [...text(path).matchAll(/^export (?:type )?\{([^}]*)\} from/gm)].map(([, list]) => list as string);
  const names = lists.flatMap((list) => list.split(",")).map((name) => name.trim().replace(/^type /, ""));
  return names.filter((name) => name !== "").toSorted();
}

const values = [
  "Cancel",
  "ConfigError",
  "Discard",
  "DuplicateJobError",
  "InvalidValueError",
  "MigrationError",
  "NotFoundError",
  "RetryAfter",
  "Snooze",
  "SoniqError",
  "TransactionLostError",
  "cancelJob",
  "createResultListener",
  "createWorker",
  "defineConfig",
  "defineHandler",
  "defineJob",
  "defineSchedule",
  "enqueue",
  "enqueueMany",
  "getJob",
  "getResult",
  "migrate",
  "postgresJs",
  "waitFor",
];

const types = [
  "Activity",
  "AttemptCounts",
  "EventJob",
  "Directive",
  "Duration",
  "EnqueueOptions",
  "Enqueued",
  "ErrorDetails",
  "ErrorRecord",
  "Handler",
  "HandlerFunction",
  "Handlers",
  "Health",
  "HistogramCounts",
  "Job",
  "JobContext",
  "JobDefinition",
  "JobError",
  "JobHandle",
  "JobResult",
  "JobSettings",
  "JobSummary",
  "LogLine",
  "Logger",
  "Middleware",
  "MiddlewareContext",
  "Outcome",
  "PayloadInput",
  "PayloadOutput",
  "PgliteConnection",
  "Queryable",
  "Rescued",
  "ResultInput",
  "ResultListener",
  "ResultOf",
  "Retention",
  "ScheduleDefinition",
  "ScheduleSettings",
  "SettledEvent",
  "TransactionDriver",
  "TransactionOf",
  "TransactionOptions",
  "UniqueSettings",
  "WaitOptions",
  "Worker",
  "WorkerConfig",
  "WorkerEvent",
  "WorkerEventListener",
];

const adminValues = [
  "deleteSchedule",
  "discardJob",
  "exportDeadLetters",
  "listDeadLetters",
  "listJobs",
  "listQueues",
  "listSchedules",
  "listWorkers",
  "pauseQueue",
  "pauseSchedule",
  "previewTicks",
  "purgeDeadLetters",
  "resumeQueue",
  "resumeSchedule",
  "retryDeadLetters",
  "retryJobs",
  "runJobNow",
  "summarizeDeadLetters",
  "triggerSchedule",
];

const adminTypes = [
  "BulkOptions",
  "DeadLetter",
  "DeadLetterFilter",
  "DeadLetterGroup",
  "DeadLetterPage",
  "DeadLetterSummary",
  "JobFilter",
  "JobPage",
  "PageOptions",
  "PayloadMapping",
  "PurgeCount",
  "PurgeProgress",
  "PurgeRefusal",
  "Purged",
  "QueueInfo",
  "Retried",
  "RetryCount",
  "RetryOptions",
  "RetryProgress",
  "RetryRefusal",
  "Schedule",
  "ScheduleTiming",
  "WorkerInfo",
  "WorkerQueue",
];

const webhookValues = [
  "WebhookError",
  "defineEvent",
  "deleteEndpoint",
  "jobCancelled",
  "jobCompleted",
  "jobDead",
  "jobRetried",
  "listDeliveries",
  "listEndpoints",
  "pauseEndpoint",
  "publishEvent",
  "registerEndpoint",
  "resendDelivery",
  "resumeEndpoint",
  "rotateSecret",
  "rotateWebhookKeys",
  "verifyWebhook",
];

const webhookTypes = [
  "Delivery",
  "DeliveryFailure",
  "DeliveryPage",
  "Endpoint",
  "EndpointFilter",
  "EventDefinition",
  "JobEventData",
  "NewEndpoint",
  "PublishedEvent",
  "ReceivedWebhook",
  "WebhookConfig",
  "WebhookRequest",
];

const tables = [
  "soniqAudit",
  "soniqJobs",
  "soniqQueues",
  "soniqSchedules",
  "soniqStats",
  "soniqWebhookEndpoints",
  "soniqWorkers",
];

test("soniq-drizzle exports these functions and classes, and nothing else", () => {
  expect(Object.keys(surface).toSorted()).toEqual(values);
});

test("soniq-drizzle exports these types, and nothing else", () => {
  expect(exportedNames("src/index.ts")).toEqual([...values, ...types].toSorted());
});

test("soniq-drizzle/schema exports the tables, and nothing that drizzle-kit would take for something else", () => {
  expect(Object.keys(schema).toSorted()).toEqual(tables);
  expect(exportedNames("schema/index.ts")).toEqual(tables);
});

test("soniq-drizzle/webhooks exports these functions and types, and nothing else", () => {
  expect(Object.keys(webhooks).toSorted()).toEqual(webhookValues);
  expect(exportedNames("src/webhooks.ts")).toEqual([...webhookValues, ...webhookTypes].toSorted());
});

test("soniq-drizzle/dashboard exports one function, and the types that it needs", () => {
  expect(Object.keys(dashboard)).toEqual(["createDashboard"]);
  const options = ["Authorize", "Dashboard", "DashboardAction", "DashboardOptions", "LinkedJob"];
  expect(exportedNames("src/dashboard.ts")).toEqual([...options, "createDashboard"]);
});

test("soniq-drizzle/admin exports these functions and types, and nothing else", () => {
  expect(Object.keys(admin).toSorted()).toEqual(adminValues);
  expect(exportedNames("src/admin.ts")).toEqual([...adminValues, ...adminTypes].toSorted());
});

test("soniq-drizzle/metrics exports one function and its type", () => {
  expect(Object.keys(metrics)).toEqual(["createMetrics"]);
  expect(exportedNames("src/metrics.ts")).toEqual(["Metrics", "createMetrics"]);
});

test("soniq-drizzle/node-postgres exports one function", () => {
  expect(Object.keys(nodePostgres)).toEqual(["nodePostgres"]);
});

test("soniq-drizzle/pglite exports one function", () => {
  expect(Object.keys(pglite)).toEqual(["pglite"]);
});

test("soniq-drizzle/testing exports these functions and types, and nothing else", () => {
  const functions = ["expectEnqueued", "runJobs", "travel", "withRollback"];
  expect(Object.keys(testing).toSorted()).toEqual(functions);
  expect(exportedNames("src/testing.ts")).toEqual(["EnqueuedJob", "TestConfig", ...functions]);
});

test("the package offers eight modules, its manifest and a command", () => {
  const manifest = JSON.parse(text("package.json")) as Record<string, unknown>;
  expect(manifest["type"]).toBe("module");
  expect(manifest["exports"]).toEqual({
    ".": { types: "./dist/src/index.d.ts", default: "./dist/src/index.js" },
    // The sources, so that the application's own Drizzle infers the tables' types, whatever its major and kind of modules.
    "./schema": {
      import: { types: "./schema/index.ts", default: "./dist/schema/index.js" },
      require: { types: "./dist/commonjs/schema/index.ts", default: "./dist/schema/index.js" },
    },
    "./admin": { types: "./dist/src/admin.d.ts", default: "./dist/src/admin.js" },
    "./metrics": { types: "./dist/src/metrics.d.ts", default: "./dist/src/metrics.js" },
    // The one that imports node-postgres, for those who have it.
    "./node-postgres": {
      types: "./dist/src/database/node-postgres.d.ts",
      default: "./dist/src/database/node-postgres.js",
    },
    // The one that imports PGlite, likewise.
    "./pglite": { types: "./dist/src/database/pglite.d.ts", default: "./dist/src/database/pglite.js" },
    "./testing": { types: "./dist/src/testing.d.ts", default: "./dist/src/testing.js" },
    "./webhooks": { types: "./dist/src/webhooks.d.ts", default: "./dist/src/webhooks.js" },
    "./dashboard": { types: "./dist/src/dashboard.d.ts", default: "./dist/src/dashboard.js" },
    "./package.json": "./package.json",
  });
  expect(manifest["bin"]).toEqual({ "soniq-drizzle": "bin/soniq-drizzle.js" });
});

test("the version in the code is that of the manifest", () => {
  expect(version).toBe((JSON.parse(text("package.json")) as { version: string }).version);
});

test("bundlers may leave out each module that an application does not use, but those of the command line", () => {
  const manifest = JSON.parse(text("package.json")) as Record<string, unknown>;
  expect(manifest["sideEffects"]).toEqual(["./bin/*", "./dist/src/cli/**"]);
});

test("the application brings Drizzle, of either major: a copy of our own would be another one", () => {
  const { dependencies, peerDependencies } = JSON.parse(text("package.json")) as Record<string, Record<string, string>>;
  expect(peerDependencies?.["drizzle-orm"]).toBe("^0.45.0 || ^1.0.0-rc.5");
  expect(Object.keys(dependencies ?? {})).not.toContain("drizzle-orm");
});
