// Promise: whatever the library does on the application's own driver rejects when a connection is lost, and ends no process.
// Neither postgres.js 3.4.9 nor node-postgres under Drizzle 0.45 survives that a connection dies inside a transaction.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type Application, applicationDrivers, startApplication } from "../support/applications.ts";
import { testDatabase } from "../support/database.ts";
import { startEmbeddedPostgres } from "../support/embedded-postgres.ts";

const { url, sql } = await testDatabase({ migrated: false });
const running: Application[] = [];
const start = (to: string, driver: (typeof applicationDrivers)[number]) => {
  const application = startApplication(to, driver);
  running.push(application);
  return application;
};
afterEach(() => Promise.all(running.splice(0).map((application) => application.stop())));

const rejections = ({ calls }: Application) => [...calls.values()].reduce((sum, { rejected }) => sum + rejected, 0);

test.for(applicationDrivers)(
  "an application on %s lives while its backends are terminated again and again, and works afterwards",
  { timeout: 180_000 },
  async (driver) => {
    const application = start(url, driver);
    await application.works();
    let killed = 0;
    for (let round = 0; round < 30 && !application.ended(); round += 1) {
      const busy = round % 2 === 0;
      const backends = await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = ${application.name} and datname = current_database()
          ${busy ? sql`and state <> 'idle'` : sql``}`;
      killed += backends.length;
      await sleep(30 + Math.random() * 100);
    }
    expect(application.ended()).toBeUndefined();
    expect(killed).toBeGreaterThan(10);
    expect(rejections(application)).toBeGreaterThan(0);
    await application.works();
  },
);

test("applications on both drivers live through orderly restarts of PostgreSQL", { timeout: 180_000 }, async () => {
  const postgres = await startEmbeddedPostgres({ fsync: "off" });
  try {
    const applications = applicationDrivers.map((driver) => start(postgres.url, driver));
    await Promise.all(applications.map((application) => application.works()));
    for (let round = 0; round < 3; round += 1) {
      await postgres.halt();
      await postgres.resume();
      await Promise.all(applications.map((application) => application.works()));
    }
    expect(applications.map((application) => application.ended())).toEqual([undefined, undefined]);
  } finally {
    await Promise.all(running.splice(0).map((application) => application.stop()));
    await postgres.stop();
  }
});
