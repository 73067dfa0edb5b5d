// The dashboard mounted in a Next.js application at /soniq. Save this file as app/soniq/[[...path]]/route.ts.
import { drizzle } from "drizzle-orm/postgres-js";
import { createDashboard } from "soniq-drizzle/dashboard";
import { userOf } from "../../../../login.js";

const dashboard = createDashboard({
  db: drizzle(process.env["DATABASE_URL"] ?? ""),
  basePath: "/soniq",
  // Every logged-in user may read; only ada may make changes. The audit log stores the returned name.
  authorize: (request, action) => {
    const user = userOf(request);
    return user !== undefined && (action === "read" || user === "ada") ? user : false;
  },
  write: true,
  hosts: [process.env["APP_HOST"] ?? "localhost"],
});

export const dynamic = "force-dynamic";

export function GET(request: Request): Promise<Response> {
  return dashboard(request);
}

export function POST(request: Request): Promise<Response> {
  return dashboard(request);
}
