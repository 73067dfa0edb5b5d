// Whose database it is can be said in a log: the password never is.
import { sql } from "drizzle-orm";
import { describe, expect, onTestFinished, test } from "vitest";
import { connect, describeUrl } from "../../src/database/connect.ts";
import { testDatabase } from "../support/database.ts";

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
