// What metrics are made of, and what a worker tells of itself in numbers.
import { drizzle } from "drizzle-orm/postgres-js";
import type { Activity, Worker } from "../../src/index.ts";
import { createMetrics } from "../../src/metrics.ts";
import { equal } from "./equal.ts";

declare const worker: Worker;
const db = drizzle("");

createMetrics({ worker });
createMetrics({ db });
const { handler } = createMetrics({ worker, db });
equal<typeof handler, () => Promise<Response>>(true);
// @ts-expect-error -- a worker's configuration is no worker
createMetrics({ worker: { connection: "" } });
// @ts-expect-error -- nor is a driver's client a database
createMetrics({ db: db.$client });

equal<ReturnType<Worker["activity"]>, Activity>(true);
const [series] = worker.activity().attempts;
series?.ended.completed.toFixed();
series?.ended.fenced.toFixed();
// @ts-expect-error -- there is no such ending
console.log(series?.ended.failed);
