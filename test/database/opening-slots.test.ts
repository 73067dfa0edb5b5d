import { connect, createServer, type AddressInfo } from "node:net";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { afterAll, expect, test } from "vitest";
import { postgresJs } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";

const { url } = await testDatabase({ migrated: false });

/** PostgreSQL, but the backend of the first connection is ended by an administrator as it gets its first statement. */
async function endedAtFirstStatement(): Promise<string> {
  const { hostname, port } = new URL(url);
  let armed = true;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let ended = false;
    client.on("data", (chunk) => {
      // A message of the extended protocol: the statement's parse.
      if (armed && chunk[0] === "P".charCodeAt(0)) {
        armed = false;
        ended = true;
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (ended) client.end(fatal);
      else client.write(chunk);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => {});
      socket.on("close", () => [client, upstream].forEach((one) => one.destroy()));
    }
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  afterAll(() => void server.close());
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return through.href;
}

const fields = Buffer.from("SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0");
const head = Buffer.from([..."E\0\0\0\0"].map((letter) => letter.charCodeAt(0)));
head.writeInt32BE(fields.length + 4, 1);
const fatal = Buffer.concat([head, fields]);

test("a connection that is ended as it is opened fails its transaction, and not the process", async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note);
  const slot = postgresJs((client) => drizzle({ client })).openSlot(await endedAtFirstStatement(), 1_000);
  await expect(slot.db.transaction((tx) => tx.execute(sql`select 1`))).rejects.toThrow(
    /terminating connection|CONNECTION_CLOSED/,
  );
  // What nobody handles is told after the turn in which it failed.
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  slot.destroy();
  expect(unhandled).toEqual([]);
});
