// Whose database it is can be said in a log: the password never is.
import { randomBytes } from "node:crypto";
import { type SQL, sql } from "drizzle-orm";
import { describe, expect, onTestFinished, test } from "vitest";
import { connect, describeUrl } from "../../src/database/connect.ts";
import { driverSettings, openClient } from "../../src/database/client.ts";
import type { Queryable } from "../../src/core/queryable.ts";
import { testDatabase } from "../support/database.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";

describe("a connection string is shown without its password:", () => {
  test.each([
    ["postgres://app:secret@db.example.com:5433/shop", "postgres://app@db.example.com:5433/shop"],
    ["postgresql://app@db.example.com/shop", "postgresql://app@db.example.com/shop"],
    ["postgres://db.example.com", "postgres://db.example.com"],
    ["postgres://:secret@db.example.com/shop", "postgres://db.example.com/shop"],
    ["postgres://app:se%40cret%2F@db.example.com/shop", "postgres://app@db.example.com/shop"],
    ["postgres://app:se@cret@db.example.com/shop", "postgres://app@db.example.com/shop"],
    ["postgres://app:se:cret@db.example.com/shop", "postgres://app@db.example.com/shop"],
    ["postgres://app:se cret@db.example.com/shop", "postgres://app@db.example.com/shop"],
    ["postgres://app:secret@db.example.com/shop?password=secret&sslkey=secret", "postgres://app@db.example.com/shop"],
    ["postgres://app:secret@db.example.com/shop#secret", "postgres://app@db.example.com/shop"],
    ["postgres://app:secret@one,two/shop", "postgres://app@one,two/shop"],
    ["postgres://app:secret@one:1,two:2/shop", "an unreadable connection string"],
    ["postgres://app:se/cret@db.example.com/shop", "an unreadable connection string"],
    ["postgres://app:12/secret@db.example.com/shop", "an unreadable connection string"],
    ["postgres://app:12?secret@db.example.com/shop", "an unreadable connection string"],
    ["postgres://app:12#secret@db.example.com/shop", "an unreadable connection string"],
    ["host=db.example.com password=secret", "an unreadable connection string"],
    ["", "an unreadable connection string"],
  ])("%s", (url, shown) => {
    expect(describeUrl(url)).toBe(shown);
    expect(shown).not.toContain("secret");
  });
});

test("the engine reads what is committed, whatever the database's default", async () => {
  const { url, sql: others } = await testDatabase({ migrated: false });
  await others.unsafe(
    `alter database ${new URL(url).pathname.slice(1)} set default_transaction_isolation to serializable`,
  );
  const { db, close } = connect(url, 1);
  onTestFinished(close);
  expect(await db.execute(sql`show transaction_isolation`)).toEqual([{ transaction_isolation: "read committed" }]);
});

const { url, sql: others } = await testDatabase({ migrated: false });
const one = sql`select 1 as one`;
/** Drizzle sends a statement once somebody waits for it. */
const sent = async (db: Queryable, statement: SQL): Promise<unknown> => db.execute(statement);

test("a statement that is sent again as soon as its connection was reset is answered", async () => {
  const network = await networkTo(url);
  const { db, close } = connect(network.url, 4, { replyTimeoutMs: 5_000 });
  onTestFinished(close);
  const execute = (statement: SQL) => sent(db, statement);
  const again = async (): Promise<unknown> => execute(one).catch(again);
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(Array.from({ length: 8 }, again));
    let [lost, unanswered] = [0, 0];
    const asked = Array.from({ length: 8 }, () =>
      execute(sql.raw(`select pg_sleep(3) as round_${round}`)).catch(() => {
        lost += 1;
        return execute(one).catch((error: { cause?: { code?: string } }) => {
          if (error.cause?.code === "NO_REPLY") unanswered += 1;
          return again();
        });
      }),
    );
    await until(async () => {
      const busy =
        await others`select from pg_stat_activity where state = 'active' and query like ${`%as round_${round}`}`;
      return busy.length === 4;
    });
    network.reset();
    await Promise.all(asked);
    expect(lost).toBeGreaterThan(0);
    expect(unanswered).toBe(0);
  }
});

test("a statement after one that broke with its connection fails at once where PostgreSQL refuses a new one", async () => {
  const role = `soniq_refused_${randomBytes(4).toString("hex")}`;
  await others.unsafe(`create role ${role} login password 'refused'`);
  const as = new URL(url);
  as.username = role;
  as.password = "refused";
  const { db, close } = connect(as.href, 1, { replyTimeoutMs: 3_000 });
  onTestFinished(async () => {
    await close();
    await others.unsafe(`drop role ${role}`);
  });
  await db.execute(one);
  const broken = sent(db, sql`select pg_sleep(9)`);
  broken.catch(() => {});
  await until(
    async () => (await others`select from pg_stat_activity where usename = ${role} and state = 'active'`).length === 1,
  );
  await others.unsafe(`alter role ${role} connection limit 0`);
  await others`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`;
  await expect(broken).rejects.toThrow("Failed query");
  await expect(sent(db, one)).rejects.toMatchObject({ cause: { code: "53300" } });
  await others.unsafe(`alter role ${role} connection limit -1`);
  expect(await sent(db, one)).toEqual([{ one: 1 }]);
});

describe("connections that are made anew", () => {
  const pid = async (db: Queryable) =>
    ((await db.execute(sql`select pg_backend_pid() as pid`)) as unknown as [{ pid: number }])[0].pid;

  test("leave what is under way on the old ones time to end", async () => {
    const { db, renew, close } = connect(url, 1);
    onTestFinished(close);
    await db.execute(sql`select pg_sleep(1)`);
    const before = await pid(db);
    const underWay = sent(db, sql`select pg_sleep(1), pg_backend_pid() as pid`);
    // A query of the driver's is sent a turn later.
    await new Promise(setImmediate);
    renew();
    expect(await pid(db)).not.toBe(before);
    expect(await underWay).toMatchObject([{ pid: before }]);
  });

  test("give up what has not been answered for 5 s", async () => {
    const network = await networkTo(url);
    const { db, renew, close } = connect(network.url, 1, { replyTimeoutMs: 60_000 });
    onTestFinished(close);
    await db.execute(sql`select pg_sleep(1)`);
    network.swallow();
    const unanswered = sent(db, one);
    unanswered.catch(() => {});
    await new Promise(setImmediate);
    renew();
    await expect(unanswered).rejects.toMatchObject({ cause: { code: "NO_REPLY" } });
    expect(await db.execute(one)).toEqual([{ one: 1 }]);
  });
});

test("a reply that came while the process was busy for longer than its patience is read", async () => {
  const { db, close } = connect(url, 1, { replyTimeoutMs: 1_500 });
  onTestFinished(close);
  await db.execute(one);
  const asked = sent(db, one);
  // It is written, and then nothing is read for a while.
  await new Promise((written) => setImmediate(() => setImmediate(written)));
  for (const end = performance.now() + 2_000; performance.now() < end;);
  expect(await asked).toEqual([{ one: 1 }]);
});

test("neither the environment nor the driver decides how long connections last", () => {
  process.env["PGMAX_LIFETIME"] = process.env["PGIDLE_TIMEOUT"] = "1";
  onTestFinished(() => {
    delete process.env["PGMAX_LIFETIME"];
    delete process.env["PGIDLE_TIMEOUT"];
  });
  const input = { url, connections: 1, route: "direct", use: "statements", replyTimeoutMs: 1_000 } as const;
  const client = openClient({ ...input, onBroken: () => {} });
  expect(client.sql.options).toMatchObject(driverSettings);
});
