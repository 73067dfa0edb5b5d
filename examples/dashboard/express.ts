// The dashboard mounted in an Express application, for its logged-in users. Run it from the repository's root:
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
    // Every logged-in user may read; only ada may make changes. The audit log stores the returned name.
    authorize: (request, action) => {
      const user = userOf(request);
      return user !== undefined && (action === "read" || user === "ada") ? user : false;
    },
    write: true,
  }),
);

const app = express();
// `use` would strip the path from the URL. Mount it before `express.json()`, which would consume the bodies.
app.all(["/admin/jobs", "/admin/jobs/*path"], (request, response) => void dashboard(request, response));
app.get("/login/:user", (request, response) => {
  response.setHeader("set-cookie", `${sessionCookie(request.params.user)}; Path=/; HttpOnly; SameSite=Lax`);
  response.redirect("/admin/jobs");
});

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  const address = server.address() as { port: number };
  console.log(`http://127.0.0.1:${address.port}/login/ada`);
});
