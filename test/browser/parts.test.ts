// The parts of the page that need no browser.
import { describe, expect, test } from "vitest";
import { formatCount, formatRate, formatRelativeTime, formatDuration } from "../../src/dashboard/app/format.ts";
import { describeTiming } from "../../src/dashboard/app/timing.ts";
import { href, parseRoute } from "../../src/dashboard/app/route.ts";
import { mergeLists } from "../../src/dashboard/app/stable-list.ts";
import { readLines, readServerEvents } from "../../src/dashboard/app/streams.ts";
import { parseToken } from "../../src/dashboard/app/token.ts";
import type { JobListView, JobRow } from "../../src/dashboard/wire.ts";

/** A stream whose chunks are of so many bytes. */
function streamOf(text: string, bytes: number): ReadableStream<Uint8Array> {
  const all = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < all.length; at += bytes) controller.enqueue(all.slice(at, at + bytes));
      controller.close();
    },
  });
}

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("streams", () => {
  test.for([1, 2, 3, 7, 1000])(
    "lines are whole, though chunks of %i bytes cut them and their characters",
    async (bytes) => {
      expect(await gathered(readLines(streamOf("ein\r\nzwölf ☃\n\nende", bytes)))).toEqual([
        "ein",
        "zwölf ☃",
        "",
        "ende",
      ]);
    },
  );

  test("events have their name and all of their data; comments and what is cut off are none", async () => {
    const text = ': hello\n\nevent: overview\ndata: {"a":\ndata: 1}\n\ndata:plain\n\nevent: overview\ndata: cut';
    expect(await gathered(readServerEvents(streamOf(text, 5)))).toEqual([
      { event: "overview", data: '{"a":\n1}' },
      { event: "message", data: "plain" },
    ]);
  });

  test("a reader that leaves ends the stream", async () => {
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("again\n")),
      cancel: () => void (isCancelled = true),
    });
    for await (const line of readLines(endless)) if (line === "again") break;
    expect(isCancelled).toBe(true);
  });
});

describe("texts for people", () => {
  test.for([
    [0, "0 ms"],
    [0.4, "<1 ms"],
    [340, "340 ms"],
    [999.7, "1.0 s"],
    [1_240, "1.2 s"],
    [12_000, "12 s"],
    [59_700, "59 s"],
    [185_000, "3 min 5 s"],
    [7_440_000, "2 h 4 min"],
    [187_200_000, "2 d 4 h"],
  ] as const)("a span of %i ms is %s", ([ms, text]) => expect(formatDuration(ms)).toBe(text));

  test.for([
    [400, "now"],
    [-400, "now"],
    [12_300, "12 s ago"],
    [-180_000, "in 3 min"],
    [90_000_000, "25 h ago"],
    [-260_000_000, "in 3 d"],
  ] as const)("what was %i ms ago is %s", ([ms, text]) => {
    const now = Date.parse("2026-05-03T10:12:00Z");
    expect(formatRelativeTime(new Date(now - ms).toISOString(), now)).toBe(text);
  });

  test("counts go as far as they are counted, rates have the digits that say something", () => {
    expect([formatCount(9_999), formatCount(10_000)]).toEqual(["9,999", "10,000+"]);
    expect([0, 0.004, 0.042, 3.21, 123.4, 12_345].map(formatRate)).toEqual([
      "0",
      "<0.01",
      "0.04",
      "3.2",
      "123",
      "12,345",
    ]);
  });
});

test.for([
  ["* * * * *", "every minute"],
  ["*/5 * * * *", "every 5 minutes"],
  ["7 * * * *", "every hour at :07"],
  ["0 */6 * * *", "every 6 hours at :00"],
  ["30 2 * * *", "daily at 02:30"],
  ["0 9 * * 1-5", "on weekdays at 09:00"],
  ["0 9 * * 1", "Mondays at 09:00"],
  ["0 4 1 * *", "on day 1 of each month at 04:00"],
  ["every 300 s", "every 5 min"],
  ["0 9 * * 9", null],
  ["0 9 1 1 *", null],
  ["0,30 9 * * *", null],
  ["0 0 2 * * *", null],
] as const)("the timing %s is %s", ([timing, words]) => expect(describeTiming(timing)).toBe(words));

describe("addresses", () => {
  test("a filter is in the address, and back, whatever is in it", () => {
    const query = { state: "dead", name: "send & <mail> ?#%", field: "order.id", value: "ä" };
    expect(parseRoute(href("jobs", query))).toEqual({ page: "jobs", id: null, query });
  });

  test("what is empty is left out", () => expect(href("jobs", { state: "", cursor: null })).toBe("#/jobs"));

  test.for([
    ["", "overview", null],
    ["#/", "overview", null],
    ["#/jobs/17", "jobs", "17"],
    ["#/webhooks/a%2Fb", "webhooks", "a/b"],
    ["#/jobs/%E0%A4%A", "jobs", "%E0%A4%A"],
  ] as const)("%s is the page %s", ([hash, page, id]) => expect(parseRoute(hash)).toMatchObject({ page, id }));

  test("a link has the token behind its hash", () => {
    expect(parseToken("http://localhost:4680/#token=a%20b")).toBe("a b");
    expect(parseToken("http://localhost:4680/#token=%")).toBe("%");
    expect(parseToken("#/jobs?name=token=1")).toBeNull();
  });
});

describe("a list of jobs that stays where it is", () => {
  const list = (jobs: readonly (readonly [id: number, state: JobRow["state"]])[], complete = true): JobListView => ({
    jobs: jobs.map(([id, state]) => ({ id, state }) as JobRow),
    next: null,
    scannedJobs: jobs.length,
    backTo: null,
    complete,
  });

  test("keeps its rows, each as it is now, and counts the newer ones", () => {
    const settled = mergeLists(
      list([
        [2, "queued"],
        [1, "queued"],
      ]),
      list([
        [3, "queued"],
        [2, "active"],
        [1, "completed"],
      ]),
    );
    expect(settled.list?.jobs.map(({ id, state }) => [id, state])).toEqual([
      [2, "active"],
      [1, "completed"],
    ]);
    expect(settled.newCount).toBe(1);
    expect([...settled.unmatchedIds]).toEqual([]);
  });

  test("says which rows are no longer what was looked for; one below the page may be", () => {
    const first = list(
      [
        [3, "queued"],
        [2, "queued"],
        [1, "queued"],
      ],
      false,
    );
    const settled = mergeLists(
      first,
      list(
        [
          [5, "queued"],
          [4, "queued"],
          [2, "queued"],
        ],
        false,
      ),
    );
    expect([...settled.unmatchedIds]).toEqual([3]);
  });

  test("shows what comes where nothing was", () => {
    expect(mergeLists(list([]), list([[1, "queued"]]))).toMatchObject({ newCount: 0, list: { jobs: [{ id: 1 }] } });
  });
});

test("a token that is typed into the address without being encoded is taken as it stands", () => {
  expect(parseToken("http://host/#token=%")).toBe("%");
  expect(parseToken("http://host/#token=a%20b")).toBe("a b");
});
