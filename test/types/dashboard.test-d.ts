import { drizzle } from "drizzle-orm/node-postgres";
import { drizzle as overPostgresJs } from "drizzle-orm/postgres-js";
import { createDashboard, type Dashboard, type DashboardAction } from "../../src/dashboard.ts";

const db = drizzle("postgres://localhost/x");

// Any Drizzle PostgreSQL database will do, and a token that may be missing is said at its start.
export const dashboard: Dashboard = createDashboard({ db, token: process.env["TOKEN"] });
createDashboard({ db: overPostgresJs(""), authorize: async (request) => request.headers.get("x-user") ?? false });
createDashboard({ db, authorize: (_request, action, target) => action === "read" || target === "mail" });
createDashboard({
  db,
  token: "t",
  link: ({ id, payload }) => (payload ? `/jobs/${id}` : undefined),
  redact: ["a", /b/],
});

// It is what servers call: with a request, and perhaps more.
const response: Promise<Response> = dashboard(new Request("http://localhost/"));
dashboard(new Request("http://localhost/"), { params: {} });
void response;

// @ts-expect-error -- a database is needed
createDashboard({ token: "t" });
// @ts-expect-error -- whom it lets in must be said by a name, or yes or no
createDashboard({ db, authorize: () => ({ user: "ada" }) });
// @ts-expect-error -- there is no such action
export const action: DashboardAction = "job.delete";
