// Times leave PostgreSQL as numbers, or as texts of a fixed format: a session's own text depends on its DateStyle and TimeZone.
import { getTableColumns, is, Table } from "drizzle-orm";
import { PgTimestamp } from "drizzle-orm/pg-core";
import { expect, test } from "vitest";
import * as schema from "../../schema/index.ts";
import { sourceFiles } from "./source-files.ts";

const code = sourceFiles().filter(({ room }) => room.startsWith("src/"));

/** The properties of all tables that are times, such as `finishedAt`, and the columns, such as `finished_at`. */
const times = Object.values(schema).flatMap((table) =>
  is(table, Table) ? Object.entries(getTableColumns(table)).filter(([, column]) => is(column, PgTimestamp)) : [],
);
const properties = [...new Set(times.map(([property]) => property))].join("|");
const names = [...new Set(times.map(([, { name }]) => name))].join("|");

const violations = (pattern: RegExp) =>
  code.flatMap(({ path, code: text }) => [...text.matchAll(pattern)].map(([found]) => `${path}: ${found.trim()}`));

test("no time is cast to a text", () => {
  const time = String.raw`(?:(?<!epoch from )(?:now|clock_timestamp)\(\)|interval '[^']*'|\.(?:${properties})\}|\b(?:${names}))`;
  expect(violations(new RegExp(String.raw`${time}[\s)}]*::(?:text|varchar)`, "g"))).toEqual([]);
});

test("no column of times is selected as the driver reads it", () => {
  const selects = new RegExp(String.raw`(?:select|selectDistinct|returning)\(\{[^]*?\}\)`, "g");
  const bare = new RegExp(String.raw`\w+: (?:\w+\.)?(?:${properties})\b(?=\s*[,}])`, "g");
  const found = code.flatMap(({ path, code: text }) =>
    [...text.matchAll(selects)].flatMap(([select]) =>
      [...select.matchAll(bare)].map(([column]) => `${path}: ${column}`),
    ),
  );
  // Steps of a statement: PostgreSQL alone reads these.
  expect(found).toEqual([
    "src/audit/prune-audit.ts: at: soniqAudit.at",
    "src/dead-letters/summarize.ts: finishedAt: soniqJobs.finishedAt",
    "src/jobs/control/discard-job.ts: finishedAt: soniqJobs.finishedAt",
    "src/jobs/control/run-now.ts: finishedAt: soniqJobs.finishedAt",
    "src/jobs/upkeep/prune.ts: finishedAt: soniqJobs.finishedAt",
    "src/stats/prune-stats.ts: minute: soniqStats.minute",
    "src/stats/prune-stats.ts: minute: deleted.minute",
  ]);
});

test("a text of a time is of UTC", () => {
  expect(violations(/to_char\((?![^`]*at time zone 'UTC')/g)).toEqual([]);
});
