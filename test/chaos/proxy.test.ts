import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { proxyTo } from "./proxy.ts";

const { url } = await testDatabase({ migrated: false });

test.each(["request", "reply"] as const)(
  "a prepared statement, whose text is sent once, is cut in its %s",
  async (side) => {
    const proxy = await proxyTo(url);
    const sql = postgres(proxy.url, { max: 1, fetch_types: false, onnotice() {} });
    onTestFinished(async () => {
      await sql.end({ timeout: 1 });
      proxy.close();
    });
    const select = () => sql`select 1 as one`;
    const other = () => sql`select 2 as two`;
    await select();
    await other();
    const cut = proxy.cut({ text: /as one/, side, bytes: 1, withRows: side === "reply" }, 30_000);
    await other();
    await expect(select()).rejects.toThrow(/CONNECTION_CLOSED|ECONNRESET/);
    expect(await cut).toBe(true);
    expect(await select()).toEqual([{ one: 1 }]);
  },
);
