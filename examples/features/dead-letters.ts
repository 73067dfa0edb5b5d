// Dead letters: why jobs died, how to retry them once the cause is fixed, and how to purge them.
// DATABASE_URL=postgres://… npx tsx examples/features/dead-letters.ts
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createWorker, defineConfig, defineJob, enqueue, enqueueMany, migrate } from "soniq-drizzle";
import {
  listDeadLetters,
  purgeDeadLetters,
  retryJobs,
  retryDeadLetters,
  summarizeDeadLetters,
} from "soniq-drizzle/admin";
import * as v from "valibot";

const connection = process.env.DATABASE_URL;
const client = postgres(connection ?? "", { max: 1, onnotice: () => {} });
const db = drizzle({ client });
await migrate(db);

let mailServer: "down" | "up" = "down";
const mail = defineJob({
  name: "mail",
  queue: "mails",
  payload: v.strictObject({ to: v.string() }),
  unique: { by: ["to"] },
  maxAttempts: 1,
  run: ({ to }) => {
    if (mailServer === "down") throw new Error("the mail server is down");
    console.log(`  a mail to ${to}`);
  },
});
const config = defineConfig({ connection, jobs: { mail }, handlers: {}, queues: { mails: { concurrency: 1 } } });
const work = () => createWorker(config).drain({ wait: "0s" });

console.log("while the mail server is down:");
await enqueueMany(db, mail, [{ to: "ada" }, { to: "bob" }, { to: "cleo" }]);
// A job with the payload of an earlier version of the code.
await client`insert into soniq_jobs (name, queue, payload) values ('mail', 'mails', '{"address": "dan"}')`;
await work();
const { groups } = await summarizeDeadLetters(db, { queue: "mails" });
for (const { count, name, reason, error } of groups) console.log(`  ${count} × ${name}: ${reason} (${error})`);

console.log("after the mail server is up again:");
mailServer = "up";
const { deadLetters } = await listDeadLetters(db, { queue: "mails", reason: "mail server is down" });
const ada = deadLetters.at(-1);
await retryJobs(db, ada?.id ?? 0);
await work();

console.log("another job has taken bob's unique key, and none has taken cleo's:");
await enqueue(db, mail, { to: "bob" });
await retryDeadLetters(
  db,
  { queue: "mails", reason: "mail server is down" },
  {
    onProgress: ({ batch }) => {
      for (const { reason } of batch.refused) console.log(`  refused: ${reason}`);
    },
  },
);
await work();

console.log("with a mapping to the current payload:");
const mapping = { job: mail, payload: ({ address }: { address: string }) => ({ to: address }) };
await retryDeadLetters(db, { reason: "invalid payload" }, { mapping });
await work();

const { purged } = await purgeDeadLetters(db, { queue: "mails" });
console.log(`purged: ${purged}`);
await client.end();
