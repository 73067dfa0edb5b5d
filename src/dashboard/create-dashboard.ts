import { resolvePrimary } from "../core/builder.js";
import { Hono } from "hono";
import { describeValue, checkObject } from "../core/errors.js";
import { Api } from "./api.js";
import { addAuditRoutes } from "./api/audit.js";
import { addBulkRoutes } from "./api/bulk.js";
import { addDeadLetterRoutes } from "./api/dead-letters.js";
import { addEndpointRoutes } from "./api/endpoints.js";
import { addJobRoutes } from "./api/jobs.js";
import { addLiveRoute } from "./api/live.js";
import { addQueueRoutes } from "./api/queues.js";
import { addScheduleRoutes } from "./api/schedules.js";
import { addSessionRoute } from "./api/session.js";
import { addStatsRoute } from "./api/stats.js";
import { addWorkerRoute } from "./api/workers.js";
import { serveAssets } from "./assets.js";
import { parseOptions, type DashboardOptions } from "./options.js";
import { toProblem, reportFailure } from "./problem.js";
import { Refusal } from "./refusal.js";
import { securityHeaders } from "./security-headers.js";

/**
 * Handles the requests to a dashboard, in any server that uses the Fetch API's `Request` and `Response`.
 *
 * @param from the connection, as `@hono/node-server` passes it; optional with other servers
 */
export type Dashboard = (request: Request, from?: unknown) => Promise<Response>;

/**
 * Creates a dashboard: a page that shows queues, jobs, dead letters, schedules, workers and webhooks live. With `write`, it can
 * change them, and records each change with its user in the audit log.
 *
 * @throws ConfigError for invalid options, or if neither `token` nor `authorize` is set
 * @throws InvalidValueError for an invalid host
 */
export function createDashboard(options: DashboardOptions): Dashboard {
  checkObject(options, "options", "give an object with `db`, and `token` or `authorize`");
  resolvePrimary(options.db);
  const settings = parseOptions(options);
  const api = new Api(settings);
  for (const addRoutes of routeAdders) addRoutes(api);
  const root = new Hono({ strict: false });
  root.use(securityHeaders, async (c, next) => {
    if (!settings.isAllowedHost(c.req.raw))
      throw new Refusal(421, "this host is not allowed: add it to the dashboard's `hosts`, or to --allow-host");
    await next().catch(rethrowAsError);
  });
  const app = root.basePath(settings.base || "/");
  serveAssets(app, settings.base);
  app.route("/api", api.routes);
  app.notFound((c) => c.json({ error: "not found: check the path" }, 404));
  app.onError((error, c) => {
    const { status, error: message, headers } = toProblem(error);
    if (status >= 500 && !c.req.raw.signal.aborted) reportFailure(error);
    return c.json({ error: message }, status, headers);
  });
  return async (request, from) => app.fetch(request, from);
}

/** Turns any thrown value into an error: Hono's error handler accepts only errors, but `authorize` may throw anything. */
function rethrowAsError(thrown: unknown): never {
  throw new Error(`the thrown value is not an error: ${describeValue(thrown)}`);
}

const routeAdders: readonly ((api: Api) => void)[] = [
  addSessionRoute,
  addStatsRoute,
  addQueueRoutes,
  addJobRoutes,
  addDeadLetterRoutes,
  addBulkRoutes,
  addScheduleRoutes,
  addWorkerRoute,
  addEndpointRoutes,
  addAuditRoutes,
  addLiveRoute,
];
