// A worker in a process of its own, until it has run one job.
import { drizzle } from "drizzle-orm/postgres-js";
import { createWorker, defineConfig, defineSchedule, postgresJs } from "soniq-drizzle";
import * as jobs from "./jobs.js";

async function main(): Promise<void> {
  let tell: (name: string) => void;
  const ended = new Promise<string>((resolve) => (tell = resolve));
  const config = defineConfig({
    connection: process.env["DATABASE_URL"],
    database: postgresJs((client) => drizzle({ client })),
    jobs,
    handlers: { sendInvoice: ({ orderId }, job) => job.transaction(async () => `invoice ${orderId}`) },
    schedules: [defineSchedule({ name: "yearly", cron: "@yearly", job: jobs.sendInvoice, payload: { orderId: 2 } })],
    onEvent: (event) => {
      if (event.type === "completed") tell(event.job.name);
    },
  });
  const worker = createWorker(config);
  await worker.start();
  console.log(`${await ended} is completed`);
  await worker.stop();
}

void main();
