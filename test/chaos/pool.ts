import { Pool } from "pg";

/** Connections of the harness's own, straight to PostgreSQL. Its restarts break them: their statements fail, and no process. */
export function openPool(url: string, connections: number, applicationName: string): Pool {
  const pool = new Pool({ connectionString: url, max: connections, application_name: applicationName });
  pool.on("error", () => {});
  // One that is in use tells it itself.
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}
