// The dashboard mounted in a Hono application, protected by a token. Run it from the repository's root, and open the link:
//   npm run build && DATABASE_URL=… npx tsx examples/dashboard/hono.ts
import { randomBytes } from "node:crypto";
import { serve } from "@hono/node-server";
import { drizzle } from "drizzle-orm/postgres-js";
import { Hono } from "hono";
import { createDashboard } from "soniq-drizzle/dashboard";

const token = process.env["SONIQ_DASHBOARD_TOKEN"] ?? randomBytes(24).toString("base64url");
const dashboard = createDashboard({
  db: drizzle(process.env["DATABASE_URL"] ?? ""),
  basePath: "/admin/jobs",
  token,
  write: true,
});

const app = new Hono();
app.get("/", (c) => c.text("the shop\n"));
// `c.env` contains the connection: the dashboard counts wrong tokens per client address.
app.all("/admin/jobs/*", (c) => dashboard(c.req.raw, c.env));

const port = Number(process.env["PORT"] ?? 3000);
serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, (address) => {
  console.log(`http://127.0.0.1:${address.port}/admin/jobs/#token=${token}`);
});
