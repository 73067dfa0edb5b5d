// A handler that computes for longer than the lease, so that its process can neither beat nor listen.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { enqueue } from "../../src/index.ts";
import { block, hold } from "../support/child.config.ts";
import { openLedger, startChild } from "../support/child.ts";
import { testDatabase } from "../support/database.ts";
import { jobRow } from "../support/job-row.ts";
import { until } from "../support/until.ts";
import { startWorker } from "../support/worker.ts";

const { db, url, sql } = await testDatabase();
const ledger = await openLedger(sql);
const home = mkdtempSync(join(tmpdir(), "soniq-blocked-"));
afterAll(() => rmSync(home, { recursive: true }));

test("the job runs again elsewhere and is settled once, there; the process is told, and works on in a new session", async () => {
  const unblock = join(home, "unblock");
  const child = startChild(url, { lease: "1s" });
  const { id } = await enqueue(db, block, { n: 1, until: unblock });
  await ledger.noted(1, "started");
  const blocked = (await jobRow(db, id))?.workerId as string;

  const peer = await startWorker({
    connection: url,
    jobs: { block },
    handlers: { block: () => {} },
    rescueInterval: "50ms",
    pollInterval: "50ms",
  });
  await peer.settled(id, "completed");
  const settled = await jobRow(db, id);
  expect(settled).toMatchObject({ claims: 2, attempt: 1, crashes: 1, errors: [] });
  await peer.worker.stop();

  writeFileSync(unblock, "");
  await child.said('"state":"fenced"');
  await child.said("silent for longer than its lease");
  expect(await jobRow(db, id)).toEqual(settled);

  const { id: next } = await enqueue(db, hold, { n: 2 });
  await ledger.letGo(2);
  const { lastWorkerId } = await until(async () => {
    const row = await jobRow(db, next);
    return row?.state === "completed" && row;
  });
  expect(lastWorkerId).not.toBe(blocked);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
});
