// The disk that PostgreSQL writes to is full for a while. Needs root and a mount, for a small disk of its own.
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { createWorker, defineJob, enqueue, type WorkerEvent } from "../../../src/index.ts";
import { findErrorCode } from "../../../src/core/errors.ts";
import { startEmbeddedPostgres } from "../../support/embedded-postgres.ts";
import { type Findings, leftovers, scratchDatabase, type Surroundings, within } from "./scenario.ts";

const diskMegabytes = 400;
const longestUntilSettledSeconds = 30;
const producers = 4;

/** A small disk in memory. @returns undefined where that may not be had */
function smallDisk(): { path: string; fill(): void; empty(): void; unmount(): void } | undefined {
  const path = mkdtempSync(join(tmpdir(), "soniq-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskMegabytes}m,mode=0711`, "tmpfs", path], { stdio: "pipe" });
  } catch {
    rmdirSync(path);
    return undefined;
  }
  const filling = join(path, "filling");
  return {
    path,
    fill() {
      const file = openSync(filling, "a");
      try {
        for (let piece = 1024 * 1024; piece >= 512;) {
          try {
            writeSync(file, Buffer.alloc(piece));
          } catch {
            piece /= 2;
          }
        }
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(filling),
    unmount() {
      execFileSync("umount", [path]);
      rmdirSync(path);
    },
  };
}

/** It starts a server of its own, on the small disk. */
export async function diskfull({ seconds = 20 }: Surroundings & { seconds?: number }): Promise<Findings> {
  const disk = smallDisk();
  if (!disk) {
    console.warn("diskfull: skipped, since no file system could be mounted: it needs root");
    return { figures: { skipped: 1 }, violations: [] };
  }
  const server = await startEmbeddedPostgres({ max_wal_size: "64MB", min_wal_size: "32MB" }, disk.path);
  const { url, sql, db, drop } = await scratchDatabase(server.url);
  const figures = {
    accepted: 0,
    refused: 0,
    refusedForSpace: 0,
    rerun: 0,
    troubles: 0,
    serverDied: 0,
    untilSettledMs: 0,
  };
  const violations: string[] = [];
  const accepted = new Set<number>();
  const runs = new Map<number, number>();
  const told = new Set<number>();
  const write = defineJob({
    name: "write",
    payload: v.object({ n: v.number(), filling: v.string() }),
    result: v.string(),
    run: async ({ filling }, { id, signal }) => {
      runs.set(id, (runs.get(id) ?? 0) + 1);
      await sleep(5, undefined, { signal });
      return filling;
    },
  });
  const onEvent = (event: WorkerEvent) => {
    if (event.type === "error") figures.troubles += 1;
    if (event.type === "completed") told.add(event.job.id);
  };
  const worker = createWorker(
    { connection: url, jobs: { write }, handlers: {}, lease: "5s", rescueInterval: "1s", maxCrashes: 1_000 },
    { onEvent },
  );

  let producing = true;
  const producer = async (first: number) => {
    for (let n = first; producing; n += producers) {
      // Long, and not to be compressed.
      const filling = Array.from({ length: 1_000 }, () => Math.random().toString(36)).join("");
      try {
        accepted.add((await enqueue(db, write, { n, filling })).id);
      } catch (error) {
        figures.refused += 1;
        if (findErrorCode(error) === "53100") figures.refusedForSpace += 1;
        await sleep(200);
      }
    }
  };
  try {
    await worker.start();
    const producings = Array.from({ length: producers }, (_, first) => producer(first));
    if (!(await within(30, async () => told.size > 100))) violations.push("the worker did not begin to work");
    disk.fill();
    await sleep(seconds * 1_000);
    const [before, refused] = [told.size, figures.refused];
    if (refused === 0) violations.push("the disk was not full: no enqueue was refused");
    disk.empty();
    const isUp = () =>
      sql`select 1`.then(
        () => true,
        () => false,
      );
    if (!(await within(10, isUp))) {
      // PostgreSQL gives up when it finds no room to recover in: somebody starts it again.
      figures.serverDied = 1;
      await server.halt();
      await server.resume();
    }
    const freeAt = performance.now();
    if (!(await within(60, async () => told.size > before)))
      violations.push("no job was settled a minute after there was room again");
    figures.untilSettledMs = Math.round(performance.now() - freeAt);
    if (figures.untilSettledMs > longestUntilSettledSeconds * 1_000)
      violations.push(
        `the first settle came ${figures.untilSettledMs} ms after there was room again, the limit is ${longestUntilSettledSeconds} s`,
      );
    producing = false;
    await Promise.all(producings);
    await within(60, async () => (await sql`select from soniq_jobs where state <> 'completed' limit 1`).length === 0);
    violations.push(...(await leftovers(sql)));
    const rows = new Map(
      (await sql<{ id: number; state: string }[]>`select id::int, state from soniq_jobs`).map(({ id, state }) => [
        id,
        state,
      ]),
    );
    const lost = [...accepted].filter((id) => !rows.has(id));
    if (lost.length > 0) violations.push(`${lost.length} jobs that were enqueued are not there`);
    const forgotten = [...told].filter((id) => rows.get(id) !== "completed");
    if (forgotten.length > 0) violations.push(`${forgotten.length} jobs that were settled are not completed`);
    figures.accepted = accepted.size;
    figures.rerun = [...runs.values()].filter((times) => times > 1).length;
    return { figures, violations };
  } finally {
    producing = false;
    await worker.stop({ timeout: 0 });
    await drop().catch(() => {});
    await server.stop();
    disk.unmount();
  }
}
