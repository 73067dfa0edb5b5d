import { beforeEach, expect, test } from "vitest";
import { listAudit } from "../../src/audit/list-audit.ts";
import { pruneAudit } from "../../src/audit/prune-audit.ts";
import { concludeAudit, recordAudit } from "../../src/audit/record-audit.ts";
import { testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const deed = { actor: "ada", action: "queue.pause", target: "mail", detail: {}, outcome: "done" };
const targets = async () => (await listAudit(db)).entries.map(({ target }) => target);

beforeEach(async () => {
  await sql`truncate soniq_audit`;
  for (const target of ["older", "old", "new"]) await recordAudit(db, { ...deed, target });
  await sql`update soniq_audit set at = now() - interval '91 days' where target = 'older'`;
  await sql`update soniq_audit set at = now() - interval '89 days' where target = 'old'`;
});

test("what is older than ninety days is deleted, and nothing else", async () => {
  expect(await pruneAudit(db)).toBe(1);
  expect(await pruneAudit(db)).toBe(0);
  expect(await targets()).toEqual(["new", "old"]);
});

test("workers do so", async () => {
  await startWorker({ connection: url, jobs: {}, handlers: {} });
  await until(async () => !(await targets()).includes("older"));
  expect(await targets()).toEqual(["new", "old"]);
});

test("an entry can hold whatever was said, and shows no secret of it", async () => {
  const said = { actor: "a\0", target: "t".repeat(5_000), detail: { reason: "\0\ud800" }, outcome: "password=hunter2" };
  const id = await recordAudit(db, { ...deed, ...said });
  await concludeAudit(db, id, "postgres://app:hunter2@db is away");
  const [entry] = (await listAudit(db)).entries;
  expect(entry).toMatchObject({ actor: "a\u{fffd}", outcome: "postgres://app:***@db is away" });
  expect(entry?.target).toHaveLength(1_000);
});
