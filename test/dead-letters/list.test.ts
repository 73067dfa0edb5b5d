// Finding dead letters: by what they are, a page at a time, counted, and all of them.
import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/index.ts";
import {
  type DeadLetter,
  type DeadLetterFilter,
  exportDeadLetters,
  listDeadLetters,
  summarizeDeadLetters,
} from "../../src/admin.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { recordedDatabase } from "../support/recorded-database.ts";

const { db, sql, url } = await testDatabase();
const recorded = recordedDatabase(url);

const ids = await died(sql, [
  { name: "mail", reason: "out of attempts: no route to Host", error: "TimeoutError", minutesAgo: 600 },
  { name: "mail", reason: "out of attempts: 100%_full", error: "RangeError", tags: ["import"], minutesAgo: 60 },
  { name: "report", queue: "slow", reason: "invalid payload: it", error: "InvalidValueError", minutesAgo: 30 },
  {
    name: "report",
    queue: "slow",
    reason: "unknown job name",
    payload: 'a "text"',
    tags: ["a", "import"],
    minutesAgo: 5,
  },
]);
await sql`insert into soniq_jobs (name, payload) values ('mail', '{}')`;

const found = async (filter: DeadLetterFilter) => {
  const { deadLetters } = await listDeadLetters(db, filter);
  return deadLetters.map(({ id }) => ids.indexOf(id)).toSorted();
};

test("a dead letter is read with all that helps to see why it died", async () => {
  const { deadLetters } = await listDeadLetters(db);
  const [row] = await sql`select created_at, finished_at from soniq_jobs where id = ${ids[3] as number}`;
  expect(deadLetters[0]).toEqual({
    id: ids[3],
    name: "report",
    queue: "slow",
    priority: 5,
    payload: 'a "text"',
    reason: "unknown job name",
    errors: [{ name: "Error", message: "no", attempt: 10 }],
    attempt: 10,
    maxAttempts: 10,
    crashes: 3,
    manualRetries: 0,
    uniqueKey: null,
    tags: ["a", "import"],
    meta: {},
    createdAt: row?.["created_at"],
    finishedAt: row?.["finished_at"],
  } satisfies Record<keyof DeadLetter, unknown>);
});

describe("a filter finds", () => {
  const now = Date.now();
  test.each<[what: string, filter: DeadLetterFilter, expected: number[]]>([
    ["all, if it is empty", {}, [0, 1, 2, 3]],
    ["ids", { ids: [ids[1] as number, ids[2] as number, -1] }, [1, 2]],
    ["no ids", { ids: [] }, []],
    ["a name", { name: "mail" }, [0, 1]],
    ["a queue", { queue: "slow" }, [2, 3]],
    ["a part of the reason, in any case", { reason: "ROUTE to host" }, [0]],
    ["a part of the reason, letter by letter", { reason: "%_" }, [1]],
    ["the last error's name", { error: "TimeoutError" }, [0]],
    ["a tag", { tag: "import" }, [1, 3]],
    ["what died within a time", { since: "45m" }, [2, 3]],
    ["what died longer ago", { before: "45m" }, [0, 1]],
    ["what died since a date", { since: new Date(now - 90 * 60_000) }, [1, 2, 3]],
    ["what died between two", { since: "2h", before: new Date(now - 20 * 60_000) }, [1, 2]],
    ["what fits all that it says", { name: "report", tag: "import" }, [3]],
    ["nothing, if nothing fits all", { name: "mail", queue: "slow" }, []],
  ])("%s", async (_, filter, expected) => {
    expect(await found(filter)).toEqual(expected);
  });

  test.each<[filter: unknown, said: string]>([
    [{ nmae: "mail" }, "filter.nmae is not a condition: the conditions are ids, name, queue"],
    [{ name: undefined }, "filter.name is undefined: leave it out to mean all"],
    [{ since: "3000000d" }, 'filter.since is "3000000d", which is too long: give no more than 6,000 years'],
    [{ since: "yesterday" }, 'filter.since is "yesterday", which is not a duration'],
    [{ before: new Date("x") }, "filter.before is"],
  ])("nothing that it does not say: %s is an error before any SQL", async (filter, said) => {
    for (const ask of [listDeadLetters, summarizeDeadLetters]) {
      const asking = ask(recorded.db, filter as DeadLetterFilter);
      await expect(asking).rejects.toThrow(InvalidValueError);
      await expect(asking).rejects.toThrow(said);
    }
    expect(recorded.sent).toEqual([]);
  });
});

test("a time may be any that JavaScript has", async () => {
  const [first, last] = [new Date(-8.64e15), new Date(8.64e15)];
  expect((await listDeadLetters(db, { since: first, before: last })).deadLetters.length).toBeGreaterThan(0);
  expect((await listDeadLetters(db, { since: last })).deadLetters).toEqual([]);
});

describe("a page", () => {
  const many = async (from: string | undefined, limit: number) => {
    const { deadLetters, next } = await listDeadLetters(db, { name: "page" }, { cursor: from, limit });
    return { ids: deadLetters.map(({ id }) => id), next };
  };

  test("goes on where the one before ended, also among those that died in the same microsecond", async () => {
    const all = await died(
      sql,
      Array.from({ length: 25 }, () => ({ name: "page" })),
    );
    await sql`update soniq_jobs set finished_at = '2030-01-01 00:00:00.123456Z' where name = 'page' and id > ${all[10] as number}`;
    const seen: number[] = [];
    let next: string | undefined;
    do {
      const page = await many(next, 7);
      seen.push(...page.ids);
      next = page.next;
      // What dies meanwhile is newer, and shifts nothing.
      await sql`update soniq_jobs set finished_at = '2031-01-01Z' where id = ${seen[0] as number}`;
    } while (next);
    expect(seen).toEqual(all.toReversed());
  });

  test("that is full and the last one says that there is no other", async () => {
    await sql`delete from soniq_jobs where name = 'page'`;
    await died(
      sql,
      Array.from({ length: 3 }, () => ({ name: "page" })),
    );
    expect((await many(undefined, 3)).next).toBeUndefined();
    expect((await many(undefined, 2)).next).toBeDefined();
  });

  test.each([0, 1_001, 1.5, Number.NaN])("has no %s jobs", async (limit) => {
    await expect(listDeadLetters(db, {}, { limit })).rejects.toThrow("give a whole number from 1 to 1000");
  });

  test.each([
    "",
    "7",
    "2030-01-01~7",
    "2030-01-01 00:00:00.123456+00~7; --",
    "2030-02-30 00:00:00.123456+00~7",
    "999999-01-01 25:00:00.123456+00~7",
  ])("does not begin at %j", async (cursor) => {
    await expect(listDeadLetters(db, {}, { cursor })).rejects.toThrow("cursor is");
  });
});

test("dead letters are counted by job, by the reason without its details, and by error", async () => {
  const { count, groups } = await summarizeDeadLetters(db, { since: "20h", before: "1m" });
  expect(count).toBe(4);
  expect(
    groups.map(({ oldest, newest, ...group }) => ({ ...group, sameTime: oldest.getTime() === newest.getTime() })),
  ).toEqual([
    { name: "mail", reason: "out of attempts", error: "RangeError", count: 1, sameTime: true },
    { name: "mail", reason: "out of attempts", error: "TimeoutError", count: 1, sameTime: true },
    { name: "report", reason: "invalid payload", error: "InvalidValueError", count: 1, sameTime: true },
    { name: "report", reason: "unknown job name", error: "Error", count: 1, sameTime: true },
  ]);
  await died(
    sql,
    Array.from({ length: 12_000 }, () => ({ name: "counted" })),
  );
  expect(await summarizeDeadLetters(db, { name: "counted" })).toMatchObject({
    count: 10_000,
    groups: [{ count: 10_000 }],
  });
});

test("all are exported, newest first, however many pages that takes", async () => {
  const all = await died(
    sql,
    Array.from({ length: 250 }, (_, n) => ({ name: "exported", payload: n })),
  );
  const seen: unknown[] = [];
  for await (const { id, payload } of exportDeadLetters(db, { name: "exported" })) seen.push([id, payload]);
  expect(seen).toEqual(all.map((id, n) => [id, n]).toReversed());
});

test.each(["constructor", "hasOwnProperty", "toString", "__proto__", "nonsense"])(
  "a filter by %s, which is none, is refused",
  async (key) => {
    const filter = JSON.parse(`{"${key}": "x"}`) as DeadLetterFilter;
    await expect(listDeadLetters(db, filter)).rejects.toThrow(`filter.${key} is not a condition`);
  },
);
