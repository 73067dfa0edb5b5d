// A configuration that cannot work says which setting is wrong, and what it should be.
import { expect, test } from "vitest";
import { createWorker } from "../../src/index.ts";

const connection = "postgres://127.0.0.1:1/nowhere";

test.each<[settings: object, said: string]>([
  [{ leese: "20s" }, "configuration: leese is no setting; there are connection, database, jobs, "],
  [{ retention: { done: "1d" } }, "configuration: retention.done is no setting; there are completed, cancelled, dead"],
  [{ retention: "1d" }, "configuration: retention must be an object with completed, cancelled, dead"],
  [{ queues: { mail: { concurency: 5 } } }, "configuration: queues.mail.concurrency is missing"],
  [
    { queues: { mail: { concurrency: 5, lifo: true } } },
    "configuration: queues.mail.lifo is no setting; there are concurrency",
  ],
  [{ queues: { mail: 5 } }, "configuration: queues.mail must be an object with concurrency"],
  [{ queues: { mail: { concurrency: "5" } } }, "configuration: queues.mail.concurrency must be a whole number from 1"],
  [{ maxCrashes: 0.5 }, "configuration: maxCrashes must be a whole number from 1"],
  [{ queues: 5 }, "configuration: queues must be an object such as { mail: { concurrency: 5 } }"],
  [{ jobs: undefined }, "configuration: jobs must be an object with definitions made by defineJob"],
  [{ handlers: 5 }, "configuration: handlers must be an object with a handler for each of jobs"],
])("%j", (settings, said) => {
  expect(() => createWorker({ connection, jobs: {}, ...settings } as never)).toThrow(said);
});
