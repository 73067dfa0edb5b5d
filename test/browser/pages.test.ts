// Each page shows what is in the database, and nothing is refused by the browser.
import type { BrowserContextOptions } from "playwright-core";
import { eq } from "drizzle-orm";
import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import { defineJob, defineSchedule, enqueue } from "../../src/index.ts";
import { pauseQueue } from "../../src/admin.ts";
import { publishEvent, defineEvent, registerEndpoint } from "../../src/webhooks.ts";
import { soniqJobs } from "../../schema/jobs.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { startWorker } from "../support/worker.ts";
import { browser, look, row, serveDashboard, type Visit, visit } from "./support/dashboard.ts";

const { db, url, sql } = await testDatabase();
const keys = [Buffer.alloc(32, 7).toString("base64")];

const order = v.object({ orderId: v.number() });
const sendInvoice = defineJob({
  name: "send-invoice",
  payload: order,
  result: v.object({ messageId: v.string() }),
  queue: "billing",
});
const breakDown = defineJob({ name: "break-down", payload: order, maxAttempts: 1, queue: "billing" });
const report = defineJob({ name: "report", payload: v.null() });
const config = {
  connection: url,
  jobs: { sendInvoice, breakDown, report },
  handlers: {
    sendInvoice: async ({ orderId }: { orderId: number }, { log }: { log(message: string, fields: object): void }) => {
      log("mailing", { orderId });
      return { messageId: `m-${orderId}` };
    },
    breakDown: async () => {
      throw new RangeError("the printer is on fire");
    },
    report: async () => {},
  },
  schedules: [
    defineSchedule({ name: "nightly", cron: "30 2 * * *", timeZone: "Europe/Berlin", job: report, payload: null }),
  ],
};

const visits: Visit[] = [];
async function open(at: string, options?: BrowserContextOptions): Promise<Visit["page"]> {
  const dashboard = await serveDashboard({ db, write: true, link: ({ id }) => `https://shop.example/jobs/${id}` });
  const visited = await look(dashboard, at, options);
  visits.push(visited);
  return visited.page;
}

afterEach(() => {
  const complaints = visits.splice(0).flatMap((visited) => visited.complaints);
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
});

describe.runIf(browser)("the page", () => {
  test("asks for a token without one, and takes one that is pasted", async () => {
    const { origin } = await serveDashboard({ db });
    const { page } = await visit(origin);
    await page.getByRole("heading", { name: "Open the dashboard" }).waitFor();
    await page.getByLabel("Token, or the link").fill(`${origin}/#token=a-token-for-tests-alone`);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(page.url()).not.toContain("token");
  });

  test("opens where the browser has no language", async () => {
    const page = await open("/overview", { locale: "en-US@posix" });
    await page.getByText("live", { exact: true }).waitFor();
    expect(await page.evaluate("navigator.language")).toBe("en");
  });

  test("works below a path", async () => {
    const { origin } = await serveDashboard({ db, basePath: "/admin/jobs" });
    const { page, complaints } = await visit(`${origin}/admin/jobs/#token=a-token-for-tests-alone`);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByText("live", { exact: true }).waitFor();
    expect(page.url()).toBe(`${origin}/admin/jobs/#/`); // the token is in no history
    expect(complaints).toEqual([]);
  });

  test("shows a job's story: payload, result, log, attempts, and a link of the application's", async () => {
    const { settled } = await startWorker(config);
    const { id } = await enqueue(db, sendInvoice, { orderId: 17 }, { tags: ["vip"] });
    await settled(id, "completed");
    const page = await open(`/jobs/${id}`);
    await page.getByRole("heading", { name: `send-invoice #${id}` }).waitFor();
    for (const text of ["m-17", "mailing", "attempt 1", "vip"]) await page.getByText(text).first().waitFor();
    await page.getByRole("region", { name: "Payload" }).getByText("17", { exact: true }).waitFor();
    const link = page.getByRole("link", { name: "Open in the application" });
    expect(await link.getAttribute("href")).toBe(`https://shop.example/jobs/${id}`);
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer");
  });

  test("shows why a job died, with its stack, and groups dead letters by what they died of", async () => {
    const { settled } = await startWorker(config);
    const { id } = await enqueue(db, breakDown, { orderId: 1 });
    await settled(id, "dead");
    const page = await open(`/jobs/${id}`);
    await page.getByText("RangeError: the printer is on fire").first().waitFor();
    await page.locator("pre", { hasText: "pages.test.ts" }).waitFor();

    await page.getByRole("link", { name: /^Dead letters/ }).click();
    await row(page, "out of attempts")
      .filter({ hasText: "RangeError" })
      .getByRole("link", { name: "break-down" })
      .click();
    await row(page, `#${id}`).waitFor();
    await expect.poll(() => page.getByLabel("Last error").inputValue()).toBe("RangeError");
  });

  test("finds jobs by what the address says, also in payloads, and says how far it looked", async () => {
    const { id } = await enqueue(db, sendInvoice, { orderId: 4242 }, { queue: "search" });
    await enqueue(db, sendInvoice, { orderId: 4243 }, { queue: "search" });
    const page = await open("/jobs?queue=search&field=orderId&value=4242");
    await row(page, `#${id}`).waitFor();
    expect(await page.getByRole("row").count()).toBe(2); // the titles, and it
    expect(await page.getByLabel("is").inputValue()).toBe("4242");

    await page.getByLabel("is").fill("4243");
    await page.getByLabel("is").press("Enter");
    await expect.poll(() => page.url()).toContain("value=4243");
    await row(page, `#${id + 1}`).waitFor();
    await page.getByRole("link", { name: "dead", exact: true }).click();
    await page.getByText("No jobs match the filter").waitFor();
    expect(page.url()).toContain("state=dead");
  });

  test("goes to older jobs and back", async () => {
    await sql`insert into soniq_jobs (name, queue, payload) select 'many', 'many', to_jsonb(n) from generate_series(1, 60) as n`;
    const page = await open("/jobs?queue=many");
    await page.getByRole("link", { name: "Older" }).click();
    await expect.poll(() => page.getByRole("row").count()).toBe(11);
    await page.getByRole("link", { name: "Newest" }).click();
    await expect.poll(() => page.getByRole("row").count()).toBe(51);
  });

  test("shows queues, their depths and pauses", async () => {
    await pauseQueue(db, "held");
    await sql`insert into soniq_jobs (name, queue, payload) select 'wait', 'held', '1' from generate_series(1, 7)`;
    const page = await open("/queues");
    const held = row(page, "held");
    await held.getByText("paused").waitFor();
    await held.getByRole("link", { name: "7", exact: true }).click();
    await expect.poll(() => page.getByRole("row").count()).toBe(8);
  });

  test("shows schedules, in words, and when they are next", async () => {
    await startWorker(config);
    const page = await open("/schedules");
    const nightly = row(page, "nightly");
    await nightly.getByText("daily at 02:30").waitFor();
    await nightly.getByText("Europe/Berlin").waitFor();
    await expect.poll(() => nightly.locator("time").count()).toBe(2);
  });

  test("shows workers and their slots", async () => {
    const { worker } = await startWorker({ ...config, queues: { billing: { concurrency: 5 } } });
    const page = await open("/workers");
    const live = row(page, `:${process.pid}`).filter({ hasText: "live" });
    await live.getByText("0 of 5").waitFor();
    await worker.stop();
    await expect.poll(() => live.count()).toBe(0);
    await row(page, `:${process.pid}`).first().getByText("ended").waitFor();
  });

  test("shows webhooks, and what was sent to each", async () => {
    const orderPlaced = defineEvent({ name: "order.placed", payload: order });
    const { id } = await registerEndpoint(
      db,
      { keys },
      { allTenants: true, url: "https://receiver.example/hook", description: "Warehouse", events: ["order.placed"] },
    );
    await publishEvent(db, orderPlaced, { orderId: 1 });
    const page = await open("/webhooks");
    await row(page, "Warehouse").getByText("working").waitFor();
    await page.getByRole("link", { name: "https://receiver.example/hook" }).click();
    await row(page, "order.placed").getByText("queued").waitFor();
    expect(page.url()).toContain(id);
  });

  test("shows whose events an endpoint gets, and the endpoints of one tenant", async () => {
    const register = (tenant: string) =>
      registerEndpoint(db, { keys }, { tenant, url: `https://${tenant}.example/hook`, events: "all" });
    for (const tenant of ["acme", "globex"]) await register(tenant);
    const page = await open("/webhooks");
    await row(page, "globex.example").waitFor();
    await page.getByRole("textbox", { name: "Tenant" }).fill("acme");
    await page.getByRole("textbox", { name: "Tenant" }).press("Enter");
    await expect.poll(() => row(page, "globex.example").count()).toBe(0);
    await row(page, "acme.example").waitFor();
    await page.getByRole("combobox", { name: "Receives events of" }).selectOption("all tenants");
    await expect.poll(() => row(page, "acme.example").count()).toBe(0);
    await page.getByRole("link", { name: "All endpoints" }).click();
    await row(page, "globex.example").waitFor();
  });

  test("shows what was done, and by whom", async () => {
    await sql`insert into soniq_audit (actor, action, target, outcome) values ('mira@example.com', 'queue.pause', 'billing', 'paused')`;
    const page = await open("/audit");
    const entry = row(page, "mira@example.com");
    await expect.poll(() => entry.textContent()).toMatch(/queue\.pause.*billing.*paused/);
  });

  test("shows the overview: what ran, what waits, who works", async () => {
    await sql`insert into soniq_stats (minute, queue, name, measure, count) values (date_trunc('minute', now()), 'billing', 'send-letter', 'completed', 120)`;
    await died(sql, [{}]);
    const page = await open("/overview");
    await row(page, "send-letter").getByText("120").waitFor();
    await page.getByRole("link", { name: /^Dead letters \d+ to review$/ }).waitFor();
    expect(await page.locator("canvas").count()).toBe(4);
    await page.getByRole("link", { name: "24h" }).click();
    await row(page, "send-letter").getByText("120").waitFor();
    expect(page.url()).toContain("range=24h");
  });

  test("takes no queue that is paused for the one that waits longest", async () => {
    await db.delete(soniqJobs).where(eq(soniqJobs.state, "queued"));
    await sql`insert into soniq_jobs (name, payload, queue, run_at) values ('old', '1', 'on hold', now() - interval '3 hours'), ('new', '1', 'letters', now() - interval '10 minutes')`;
    await pauseQueue(db, "on hold");
    const page = await open("/overview");
    const tile = page.getByRole("link", { name: "Longest wait" });
    await expect.poll(() => tile.textContent()).toMatch(/10 min.*in letters, \d paused/);
  });

  test("says that there is nothing, and what to do", async () => {
    await db.delete(soniqJobs).where(eq(soniqJobs.state, "queued"));
    const page = await open("/jobs?name=nobody");
    await page.getByText("No jobs match the filter").waitFor();
    await page.goto(page.url().replace(/#.*/, "#/nowhere"));
    await page.getByText("Page not found").waitFor();
    await page.goto(page.url().replace(/#.*/, "#/jobs/999999999"));
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("there is no job #999999999");
  });
});
