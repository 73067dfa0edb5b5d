// Every column of the jobs has its place in src/jobs/row/job-columns.ts, and what is derived from it is what is done with it.
import { getTableColumns } from "drizzle-orm";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { soniqJobs } from "../../schema/jobs.ts";
import { jobColumns } from "../../src/jobs/row/job-columns.ts";
import { selectJobs, selectSummaries } from "../../src/jobs/row/job-row.ts";
import { recordStatements } from "./recorded-statements.ts";
import { root, sourceFiles } from "./source-files.ts";

const columns = Object.keys(getTableColumns(soniqJobs)) as (keyof typeof jobColumns)[];

test("every column has a place", () => {
  expect(Object.keys(jobColumns).toSorted()).toEqual(columns.toSorted());
});

test("lists and single jobs tell the columns that are said to be read there", async () => {
  const selected = async (select: typeof selectJobs | typeof selectSummaries) => {
    const [statement = ""] = await recordStatements((db) => select(db));
    return columns.filter((name) => statement.includes(`"${soniqJobs[name].name}"`)).toSorted();
  };
  const readBy = (...reads: string[]) => columns.filter((name) => reads.includes(jobColumns[name].read)).toSorted();
  expect(await selected(selectSummaries as typeof selectJobs)).toEqual(readBy("summary"));
  expect(await selected(selectJobs)).toEqual(readBy("summary", "job"));
});

test("no other file inserts jobs", () => {
  const inserting = sourceFiles().filter(({ code }) => /insert into \$\{soniqJobs\}|\.insert\(soniqJobs\)/.test(code));
  expect(inserting.map(({ path }) => path)).toEqual(["src/jobs/row/job-columns.ts"]);
});

test("each statement that inserts jobs writes every column that an enqueue has a value for", () => {
  const papers = [
    "jobs/enqueue/insert",
    "jobs/enqueue/insert-keyed",
    "jobs/enqueue/insert-many",
    "schedules/fire-ticks",
    "webhooks/publish-event",
  ];
  for (const paper of papers) {
    const text = readFileSync(join(root, "test/laws/statements", `${paper}.sql`), "utf8");
    const lists = [...text.matchAll(/"soniq_jobs" \(([^)]*)\)/g)].map(([, list = ""]) =>
      [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name),
    );
    expect(lists.length).toBeGreaterThan(0);
    for (const list of lists) {
      const isKeyed = list.includes("unique_key");
      const written = columns.filter((name) => jobColumns[name].enqueue && (isKeyed || !jobColumns[name].keyed));
      expect(list.toSorted()).toEqual(written.map((name) => soniqJobs[name].name).toSorted());
    }
  }
});

test("the role that enqueues may read and write the columns that a conflict changes", () => {
  const roles = readFileSync(join(root, "examples/deploy/roles.sql"), "utf8").replaceAll(/^-- /gm, "");
  const granted = (right: "select" | "update") =>
    [...roles.matchAll(new RegExp(`${right} \\(([^)]*)\\)(?=[^;]* on soniq_jobs to soniq_enqueue)`, "g"))].flatMap(
      ([, list = ""]) => list.split(", "),
    );
  const changed = columns.filter((name) => jobColumns[name].conflict).map((name) => soniqJobs[name].name);
  expect(granted("select")).toEqual(expect.arrayContaining(changed));
  expect(granted("update")).toEqual(expect.arrayContaining(changed));
});
