import { resolvePrimary } from "../core/builder.js";
import { Hono } from "hono";
import { describeValue, checkObject } from "../core/errors.js";
import { Api } from "./api.js";
import { auditRoutes } from "./api/audit.js";
import { bulkRoutes } from "./api/bulk.js";
import { deadLetterRoutes } from "./api/dead-letters.js";
import { endpointRoutes } from "./api/endpoints.js";
import { jobRoutes } from "./api/jobs.js";
import { liveRoutes } from "./api/live.js";
import { queueRoutes } from "./api/queues.js";
import { scheduleRoutes } from "./api/schedules.js";
import { sessionRoutes } from "./api/session.js";
import { statsRoutes } from "./api/stats.js";
import { workerRoutes } from "./api/workers.js";
import { serveAssets } from "./assets.js";
import { parseOptions, type DashboardOptions } from "./options.js";
import { problemOf, reportFailure } from "./problem.js";
import { Refusal } from "./refusal.js";
import { securityHeaders } from "./security-headers.js";

/**
 * Answers the requests of a dashboard: for any server that speaks `Request` and `Response`.
 *
 * @param from what `@hono/node-server` says of the connection; others may leave it out
 */
export type Dashboard = (request: Request, from?: unknown) => Promise<Response>;

/**
 * Makes a dashboard: a page that shows queues, jobs, dead letters, schedules, workers and webhooks as they are, and with
 * `write` changes them, writing down who did.
 *
 * @throws ConfigError for options that cannot work, or where everybody would be let in
 * @throws InvalidValueError for a host that is none
 */
export function createDashboard(options: DashboardOptions): Dashboard {
  checkObject(options, "options", "give an object with `db`, and `token` or `authorize`");
  resolvePrimary(options.db);
  const settings = parseOptions(options);
  const api = new Api(settings);
  for (const add of resources) add(api);
  const everything = new Hono({ strict: false });
  everything.use(securityHeaders, async (c, next) => {
    if (!settings.isAllowedHost(c.req.raw))
      throw new Refusal(421, "this host is not known here: name it in the dashboard's `hosts`, or with --allow-host");
    await next().catch(asError);
  });
  const app = everything.basePath(settings.base || "/");
  serveAssets(app, settings.base);
  app.route("/api", api.routes);
  app.notFound((c) => c.json({ error: "there is nothing of this name" }, 404));
  app.onError((error, c) => {
    const { status, error: sentence, headers } = problemOf(error);
    if (status >= 500 && !c.req.raw.signal.aborted) reportFailure(error);
    return c.json({ error: sentence }, status, headers);
  });
  return async (request, from) => app.fetch(request, from);
}

/** Hono answers for errors alone; what `authorize` throws may be anything. */
function asError(thrown: unknown): never {
  throw new Error(`what was thrown is no error: ${describeValue(thrown)}`);
}

const resources: readonly ((api: Api) => void)[] = [
  sessionRoutes,
  statsRoutes,
  queueRoutes,
  jobRoutes,
  deadLetterRoutes,
  bulkRoutes,
  scheduleRoutes,
  workerRoutes,
  endpointRoutes,
  auditRoutes,
  liveRoutes,
];
