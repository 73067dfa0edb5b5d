import { expect, test } from "vitest";
import { testDatabase } from "../../support/database.ts";
import { runExample } from "../../support/example.ts";

const { url } = await testDatabase({ migrated: false });

test("the example of webhooks tells its story", async () => {
  expect(await runExample("features/webhooks.ts", url)).toEqual([
    "not published: the card was declined",
    "received: order 1 is paid",
    "delivered: 200 thanks",
    "received: order 1 is paid (a duplicate)",
    "received: order 3 is paid",
    "received: order 4 is paid",
    "refused: signature",
    "queued again after: the receiver answered 401: who are you?",
    "the endpoint: paused, because the receiver answered 410 Gone",
    "its delivery: parked",
    "its delivery: dead",
  ]);
});
