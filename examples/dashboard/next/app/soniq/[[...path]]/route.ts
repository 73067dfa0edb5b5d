// The dashboard within a Next.js application, at /soniq: this file as app/soniq/[[...path]]/route.ts.
import { drizzle } from "drizzle-orm/postgres-js";
import { createDashboard } from "soniq-drizzle/dashboard";
import { userOf } from "../../../../login.js";

const dashboard = createDashboard({
  db: drizzle(process.env["DATABASE_URL"] ?? ""),
  basePath: "/soniq",
  authorize: (request) => userOf(request) ?? false,
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
