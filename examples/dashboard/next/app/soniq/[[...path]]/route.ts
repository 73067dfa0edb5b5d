// The dashboard within a Next.js application, at /soniq: this file as app/soniq/[[...path]]/route.ts.
import { drizzle } from "drizzle-orm/postgres-js";
import { createDashboard } from "soniq-drizzle/dashboard";
import { userOf } from "../../../../login.js";

const dashboard = createDashboard({
  db: drizzle(process.env["DATABASE_URL"] ?? ""),
  basePath: "/soniq",
  // Everybody who is logged in may look, and ada may change things; the audit log has their names.
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
