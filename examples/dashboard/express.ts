// The dashboard within an Express application, for whoever is logged in there. Run it from the repository's root:
//   npm run build && DATABASE_URL=… npx tsx examples/dashboard/express.ts
import { getRequestListener } from "@hono/node-server";
import { drizzle } from "drizzle-orm/postgres-js";
import express from "express";
import { createDashboard } from "soniq-drizzle/dashboard";
import { sessionCookie, userOf } from "./login.js";

const dashboard = getRequestListener(
  createDashboard({
    db: drizzle(process.env["DATABASE_URL"] ?? ""),
    basePath: "/admin/jobs",
    // Everybody who is logged in may look, and ada may change things; the audit log has their names.
    authorize: (request, action) => {
      const user = userOf(request);
      return user !== undefined && (action === "read" || user === "ada") ? user : false;
    },
    write: true,
  }),
);

const app = express();
// With `all`, not `use`, which would take the path off; and before `express.json()`, which would read the bodies.
app.all(["/admin/jobs", "/admin/jobs/*path"], (request, response) => void dashboard(request, response));
app.get("/login/:user", (request, response) => {
  response.setHeader("set-cookie", `${sessionCookie(request.params.user)}; Path=/; HttpOnly; SameSite=Lax`);
  response.redirect("/admin/jobs");
});

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  const address = server.address() as { port: number };
  console.log(`http://127.0.0.1:${address.port}/login/ada`);
});
