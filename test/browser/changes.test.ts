// What is changed through the page is changed in the database, after a question, and written down.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { cancelJob, defineJob, defineSchedule, enqueue, getJob } from "../../src/index.ts";
import { publishEvent, defineEvent, registerEndpoint } from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { startWorker } from "../support/worker.ts";
import { browser, look, press, row, serveDashboard } from "./support/dashboard.ts";

const { db, url, sql } = await testDatabase();
const work = defineJob({ name: "work", payload: v.number() });

const open = async (at: string, write = true) => (await look(await serveDashboard({ db, write }), at)).page;
const state = async (id: number) => (await getJob(db, id))?.state;
const deadCount = async (queue: string) =>
  (await sql<{ n: number }[]>`select count(*)::int as n from soniq_jobs where state = 'dead' and queue = ${queue}`)[0]
    ?.n;
const noted = (action: string, target: string) =>
  sql`select outcome from soniq_audit where action = ${action} and target = ${target}`.then((rows) => rows.length);

describe.runIf(browser)("the page", () => {
  test("pauses a queue and resumes it", async () => {
    await enqueue(db, work, 1, { queue: "letters" });
    const page = await open("/queues");
    const letters = row(page, "letters");
    await press(page, "Pause", letters);
    await letters.getByText("paused").waitFor();
    expect(await sql`select from soniq_queues where name = 'letters' and paused_at is not null`).toHaveLength(1);
    expect(await noted("queue.pause", "letters")).toBe(1);

    await press(page, "Resume", letters);
    await expect.poll(() => letters.getByText("paused").count()).toBe(0);
    expect(await sql`select from soniq_queues where name = 'letters' and paused_at is not null`).toHaveLength(0);
    expect(await noted("queue.resume", "letters")).toBe(1);
  });

  test("changes nothing before the question is answered", async () => {
    await enqueue(db, work, 1, { queue: "quiet" });
    const page = await open("/queues");
    await row(page, "quiet").getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep as it is" }).click();
    await row(page, "quiet").getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog", { name: "Pause the queue quiet?" }).waitFor();
    await page.keyboard.press("Escape");
    await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
    expect(await sql`select from soniq_queues where name = 'quiet'`).toHaveLength(0);
  });

  test("retries a dead job, which then runs", async () => {
    const [id = 0] = await died(sql, [{ payload: 7, queue: "again" }]);
    const page = await open(`/jobs/${id}`);
    await press(page, "Retry");
    const ran: number[] = [];
    const handlers = { work: async (n: number) => void ran.push(n) };
    const { settled } = await startWorker({
      connection: url,
      jobs: { work },
      handlers,
      queues: { again: { concurrency: 1 } },
    });
    await settled(id, "completed");
    await page.getByText("completed").first().waitFor();
    expect(ran).toEqual([7]);
    expect(await noted("job.retry", String(id))).toBe(1);
  });

  test("cancels, discards, and runs a job before its time", async () => {
    const later = { delay: "1h", queue: "nobody's" } as const;
    const ids = [
      await enqueue(db, work, 1, later),
      await enqueue(db, work, 2, later),
      await enqueue(db, work, 3, later),
    ].map(({ id }) => id);
    const [first = 0, second = 0, third = 0] = ids;
    const page = await open(`/jobs/${first}`);
    await press(page, "Cancel");
    await page.getByText("cancelled").first().waitFor();
    expect(await state(first)).toBe("cancelled");

    await page.goto(page.url().replace(/#.*/, `#/jobs/${second}`));
    await press(page, "Discard");
    await expect.poll(() => state(second)).toBe("dead");

    await page.goto(page.url().replace(/#.*/, `#/jobs/${third}`));
    await press(page, "Run now");
    await expect.poll(async () => ((await getJob(db, third))?.runAt?.getTime() ?? Infinity) <= Date.now()).toBe(true);
  });

  test("shows why something is refused, and leaves it as it is", async () => {
    const { id } = await enqueue(db, work, 1, { delay: "1h", queue: "nobody's" });
    const page = await open(`/jobs/${id}`);
    await page.getByRole("button", { name: "Discard" }).waitFor();
    const { origin } = new URL(page.url());
    await page.route(`${origin}/api/jobs/${id}`, (route) => route.abort()); // it hears of no change
    await page.getByRole("button", { name: "Discard" }).click();
    await cancelJob(db, id);
    await page.getByRole("dialog").getByRole("button", { name: "Discard" }).click();
    await page.getByRole("dialog").getByRole("alert").getByText("or it has finished").waitFor();
    expect(await state(id)).toBe("cancelled");
  });

  test("retries those dead letters that a filter finds, and no others; a purge asks for its word", async () => {
    await died(sql, [
      ...Array.from({ length: 30 }, () => ({ queue: "bulk", error: "TimeoutError" })),
      ...Array.from({ length: 4 }, () => ({ queue: "bulk", error: "RangeError" })),
    ]);
    const page = await open("/dead-letters?queue=bulk");
    await page.getByText("34 dead letters").waitFor();
    const groups = page.getByRole("table", { name: "Dead letters by cause" });
    await groups.getByRole("row").filter({ hasText: "TimeoutError" }).getByRole("link", { name: "work" }).click();
    await page.getByRole("button", { name: "Retry 30" }).click();
    const dialog = page.getByRole("dialog", { name: "Retry 30 dead letters?" });
    expect(await dialog.getByRole("textbox").count()).toBe(0);
    await dialog.getByRole("button", { name: "Retry" }).click();
    await dialog.getByText("30 retried. All done.").waitFor();
    expect(await deadCount("bulk")).toBe(4);
    expect(await noted("dead-letters.retry", "")).toBe(1);
    await dialog.getByRole("button", { name: "Close" }).click();

    await page.goto(page.url().replace(/#.*/, "#/dead-letters?queue=bulk"));
    await page.getByRole("button", { name: "Purge 4" }).click();
    const purge = page.getByRole("dialog").getByRole("button", { name: "Purge" });
    expect(await purge.isDisabled()).toBe(true);
    await page.getByRole("dialog").getByRole("textbox").fill("purge");
    await purge.click();
    await page.getByText("4 purged. All done.").waitFor();
    expect(await deadCount("bulk")).toBe(0);
  });

  test("asks for the word of a retry of more than a hundred, too", async () => {
    await died(
      sql,
      Array.from({ length: 101 }, () => ({ queue: "many" })),
    );
    const page = await open("/dead-letters?queue=many");
    await page.getByRole("button", { name: "Retry 101" }).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Retry" });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole("textbox").fill("retry");
    await confirm.click();
    await dialog.getByText("101 retried. All done.").waitFor();
  });

  test("triggers a schedule, pauses and resumes it", async () => {
    const monthly = defineSchedule({ name: "monthly", cron: "0 4 1 * *", job: work, payload: 1 });
    await startWorker({ connection: url, jobs: { work }, handlers: { work: async () => {} }, schedules: [monthly] });
    const page = await open("/schedules");
    await press(page, "Trigger", row(page, "monthly"));
    await row(page, "monthly")
      .getByRole("link", { name: /^#\d+$/ })
      .waitFor();
    await press(page, "Pause", row(page, "monthly"));
    await row(page, "monthly").getByText("paused").waitFor();
    await press(page, "Resume", row(page, "monthly"));
    await row(page, "monthly").getByRole("button", { name: "Pause" }).waitFor();
    expect(await noted("schedule.trigger", "monthly")).toBe(1);
  });

  test("pauses an endpoint, and sends an event once more", async () => {
    const keys = [Buffer.alloc(32, 7).toString("base64")];
    const { id } = await registerEndpoint(
      db,
      { keys },
      { allTenants: true, events: "all", url: "https://receiver.example/hook" },
    );
    await publishEvent(db, defineEvent({ name: "order.placed", payload: v.number() }), 1);
    const page = await open(`/webhooks/${id}`);
    await press(page, "Resend", row(page, "order.placed"));
    await expect.poll(() => row(page, "order.placed").count()).toBe(2);
    await press(page, "Pause", page.getByRole("main"));
    await page.getByText("paused").first().waitFor();
    expect(await noted("endpoint.pause", id)).toBe(1);
  });

  test("has no buttons where nothing may be changed", async () => {
    const [id] = await died(sql, [{ queue: "read-only" }]);
    await enqueue(db, work, 1, { queue: "read-only" });
    const page = await open("/queues", false);
    const changes = page
      .getByRole("main")
      .getByRole("button", { name: /Pause|Resume|Retry|Retry|Purge|Trigger|Resend/ });
    await page.getByText("read-only", { exact: true }).first().waitFor();
    for (const at of ["/queues", `/jobs/${id}`, "/dead-letters", "/schedules", "/webhooks"]) {
      await page.goto(page.url().replace(/#.*/, `#${at}`));
      await page.getByRole("main").locator("table, .timeline, .empty").first().waitFor();
      expect(await changes.count()).toBe(0);
    }
  });
});
