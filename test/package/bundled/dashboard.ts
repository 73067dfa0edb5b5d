// What a browser gets of the dashboard: its page, the script of the page, and an answer of the API.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createDashboard } from "soniq-drizzle/dashboard";

async function main(): Promise<void> {
  const db = drizzle({ client: postgres(process.env["DATABASE_URL"] ?? "") });
  const token = "a-token-of-the-tests";
  const dashboard = createDashboard({ db, token, basePath: "/jobs" });
  const get = (path: string) =>
    dashboard(new Request(`http://localhost/jobs${path}`, { headers: { authorization: `Bearer ${token}` } }));
  for (const path of ["/", "/app.js", "/app.css", "/api/session"]) {
    const response = await get(path);
    console.log(path, response.status, response.headers.get("content-type"));
  }
  await db.$client.end();
}

void main();
