// The connection that hears wake-ups: whatever becomes of it, it listens again, and says so.
import type { Sql } from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { openListener } from "../../src/database/listener.ts";
import { testDatabase } from "../support/database.ts";
import { networkTo } from "../support/network.ts";
import { until } from "../support/until.ts";

const { url, sql } = await testDatabase({ migrated: false });

/** A listener of the channel `news`, what it heard so far, and how often it began. */
function listenerTo(through: string) {
  const heard: string[] = [];
  let beginnings = 0;
  const listener = openListener(
    through,
    { news: (text) => heard.push(text), others: () => {} },
    () => (beginnings += 1),
  );
  onTestFinished(() => listener.close());
  return { listener, heard, beginnings: () => beginnings };
}

/** Says something until it is heard: from when on somebody listens, nobody else knows. */
async function hears(heard: readonly string[], text: string): Promise<void> {
  await until(async () => {
    await sql`select pg_notify('news', ${text})`;
    return heard.includes(text);
  });
}

const listening = (on: Sql) =>
  on`select pid from pg_stat_activity where datname = current_database() and query ilike 'listen%'`;

test("it hears what is said on its channels, and nothing twice", async () => {
  const { listener, heard, beginnings } = listenerTo(url);
  await listener.listen();
  await listener.listen();
  await sql`select pg_notify('news', 'one'), pg_notify('elsewhere', 'two'), pg_notify('others', 'three')`;
  await sql`select pg_notify('news', 'four')`;
  await until(async () => heard.includes("four"));
  expect(heard).toEqual(["one", "four"]);
  expect(beginnings()).toBe(1);
});

test("when its backend was terminated, it listens on another one", async () => {
  const { listener, heard, beginnings } = listenerTo(url);
  await listener.listen();
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen%'`;
  await until(async () => (await listening(sql)).length === 0);
  await until(() =>
    listener.listen().then(
      () => true,
      () => false,
    ),
  );
  await until(async () => beginnings() === 2);
  await hears(heard, "again");
  expect(beginnings()).toBe(2);
});

test("a network that swallows everything is found out, and another connection made", async () => {
  const network = await networkTo(url);
  const { listener, heard, beginnings } = listenerTo(network.url);
  await listener.listen();
  network.swallow();
  await expect(listener.listen()).rejects.toMatchObject({ code: "NO_REPLY" });
  await listener.listen();
  expect(beginnings()).toBe(2);
  await hears(heard, "again");
});

test("however often that happens, it holds one connection; closed, it holds none", async () => {
  const network = await networkTo(url);
  const { listener, beginnings } = listenerTo(network.url);
  for (let n = 1; n <= 10; n += 1) {
    await until(() =>
      listener.listen().then(
        () => beginnings() === n,
        () => false,
      ),
    );
    expect(network.connections()).toBe(1);
    network.cut();
    await until(async () => network.connections() === 0);
  }
  await until(() =>
    listener.listen().then(
      () => true,
      () => false,
    ),
  );
  await listener.close();
  await until(async () => network.connections() === 0);
  await expect(listener.listen()).rejects.toMatchObject({ code: "CONNECTION_ENDED" });
  expect(network.connections()).toBe(0);
});
