import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });

test("a worker tells what it does, and a job keeps what it logs", async () => {
  expect(await runExample("features/events.ts", url)).toEqual([
    "enqueued: import-file of orders.csv",
    "event: started",
    "middleware: attempt 1 begins",
    "event: logged",
    'middleware: it threw "the file is locked"',
    "event: retried",
    "event: started",
    "middleware: attempt 2 begins",
    "event: logged",
    "event: logged",
    "event: completed",
    "stored with the job:",
    '  attempt 1: reading orders.csv {"request":"r-42"}',
    '  attempt 2: reading orders.csv {"request":"r-42"}',
    '  attempt 2: imported {"rows":302}',
  ]);
});
