// Connection strings as libpq, node-postgres, Prisma, poolers and hosts write them.
import { sql as statement } from "drizzle-orm";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { parseConnectionString } from "../../src/database/connection-url.ts";
import { connect } from "../../src/database/connect.ts";
import { findRoute } from "../../src/database/find-route.ts";
import { ConfigError, defineJob, enqueue, type JobContext, postgresJs } from "../../src/index.ts";
import { drizzle } from "drizzle-orm/postgres-js";
import { testDatabase } from "../support/database.ts";
import { startWorker } from "../support/worker.ts";

const { db, url } = await testDatabase();
const withQuery = (query: string) => `${url}?${query}`;

describe("a worker starts and works", () => {
  test.each([
    "channel_binding=prefer",
    "schema=public&connection_limit=5&pool_timeout=10&pgbouncer=true&socket_timeout=3&statement_cache_size=0",
    "keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=1000&gssencmode=disable",
    "supa=base-pooler.x&workaround=supabase-pooler.vercel",
    "prepareThreshold=0&uselibpqcompat=true&client_encoding=auto&load_balance_hosts=random&require_auth=password",
    "connect_timeout=5&application_name=own&options=-c%20search_path%3Dpublic&statement_timeout=10000&target_session_attrs=read-write",
  ])("with %s", async (query) => {
    const job = defineJob({ name: "transactional", payload: v.null() });
    const { settled } = await startWorker({
      connection: withQuery(query),
      database: postgresJs((client) => drizzle({ client })),
      jobs: { job },
      handlers: { job: async (_: null, { transaction }: JobContext) => transaction(async () => {}) },
    });
    const { id } = await enqueue(db, job, null);
    expect(await settled(id)).toMatchObject({ state: "completed" });
  });
});

test("host, port, user, password and database may stand among the parameters", async () => {
  const { hostname, port, username, password, pathname } = new URL(url);
  const parameters = new URLSearchParams({ host: hostname, port, user: username, password, dbname: pathname.slice(1) });
  const { db: engine, close } = connect(`postgres://?${parameters}`, 1);
  const [found] = (await engine.execute(statement`select current_database() as name`)) as { name: string }[];
  await close();
  expect(found?.name).toBe(pathname.slice(1));
});

test("what PostgreSQL knows is left as it is, spaces included", () => {
  const target = parseConnectionString(
    "postgres://u:p@a:1,b:2/db?options=-c%20search_path%3Dx&sslmode=require&channel_binding=require",
  );
  expect(target).toEqual({
    url: "postgres://u:p@a:1,b:2/db?options=-c%20search_path%3Dx&sslmode=require",
    options: {},
  });
  expect(parseConnectionString("postgres://h/db?sslrootcert=system").url).toBe("postgres://h/db?sslmode=verify-full");
});

test.each([
  [
    "schema=jobs",
    "remove the parameter schema from the connection string: set options=-c%20search_path%3Djobs instead",
  ],
  [
    "sslrootcert=/ca.pem",
    "remove the parameter sslrootcert from the connection string: name the file in the environment variable NODE_EXTRA_CA_CERTS",
  ],
  ["sslcert=/c.pem", "remove the parameter sslcert from the connection string: client certificates are not supported"],
])("%s is an error that says what to do", (query, message) => {
  expect(() => parseConnectionString(withQuery(query))).toThrow(ConfigError);
  expect(() => parseConnectionString(withQuery(query))).toThrow(message);
});

test("a parameter that nobody knows is named", async () => {
  await expect(findRoute(withQuery("no_such_parameter=1"))).rejects.toThrow(
    "connection: PostgreSQL does not know the parameter no_such_parameter of the connection string: remove it",
  );
});
