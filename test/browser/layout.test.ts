// Nothing is wider than its screen, and all can be reached without a mouse.
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { fillShop } from "./support/busy-shop.ts";
import { browser, look, serveDashboard } from "./support/dashboard.ts";

const { db, sql } = await testDatabase();
await fillShop(sql);
const endpoint = "0191a1aa-0000-4000-8000-0000000000ff";
await sql`insert into soniq_webhook_endpoints (id, url, events, failures, open_until)
  values (${endpoint}, ${`https://receiver.example/${"long-path/".repeat(12)}`}, '[]', 9, now() + interval '9 minutes')`;
const html = `<!doctype html><html><head><title>502 Bad Gateway</title></head><body>${"<p>the upstream is away</p>".repeat(20)}</body></html>`;
await sql`insert into soniq_jobs (queue, name, state, payload, attempt, claims, run_at, errors)
  select 'soniq.webhooks', 'soniq.webhook', 'queued', ${sql.json({ endpoint, event: "warehouse.shipment.dispatched", id: "msg_0191a1aa-0000-4000-8000-0000000000ff" })}, 3, 3, now() + interval '4 hours 26 minutes',
    ${sql.json([{ attempt: 3, at: new Date().toISOString(), name: "DeliveryError", message: `answered 502: ${html}`, details: { status: 502 } }])} from generate_series(1, 3)`;
const [story] = await sql<
  { id: number }[]
>`select id::int from soniq_jobs where errors <> '[]' and logs <> '[]' order by id desc limit 1`;

const pages: readonly string[] = [
  "/overview",
  "/queues",
  "/jobs?field=orderId&value=1&since=2026-01-01T00:00:00.000Z",
  `/jobs/${story?.id}`,
  "/dead-letters",
  "/schedules",
  "/workers",
  "/webhooks",
  `/webhooks/${endpoint}`,
  "/audit",
];

const isLoaded = (page: Page) =>
  page.waitForFunction(
    () => !document.querySelector(".skeleton") && document.querySelector(".table, .timeline, .empty"),
  );

/** What is cut off, or makes the page scroll sideways. */
const tooWide = (page: Page) =>
  page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("main, .fields, .table-frame, .card")]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
      .map((element) => `${element.tagName} ${element.className}: ${element.scrollWidth} > ${element.clientWidth}`),
  );

describe.runIf(browser)("the page", () => {
  test.for([390, 1024])("is not wider than %i px", { timeout: 120_000 }, async (width) => {
    const dashboard = await serveDashboard({ db, write: true });
    const { page } = await look(dashboard, "/overview", { viewport: { width, height: 800 } });
    const found: string[] = [];
    for (const at of pages) {
      await page.goto(`${dashboard.origin}/#${at}`);
      await isLoaded(page);
      found.push(...(await tooWide(page)).map((what) => `${at} ${what}`));
    }
    expect(found).toEqual([]);
  });

  test("shows two lines of a long answer", async () => {
    const { page } = await look(await serveDashboard({ db }), `/webhooks/${endpoint}`);
    const answer = page.locator(".excerpt").first();
    await answer.waitFor();
    expect((await answer.boundingBox())?.height).toBeLessThan(50);
    expect(await answer.getAttribute("title")).toContain("502 Bad Gateway");
  });

  test("moves the focus to the heading of the page that was opened, and to the content from the first link", async () => {
    const { page } = await look(await serveDashboard({ db }), "/overview");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await page.getByRole("link", { name: "Queues", exact: true }).click();
    await expect.poll(focused).toBe("Queues");
    await page.keyboard.press("g");
    await page.keyboard.press("w");
    await expect.poll(focused).toBe("Workers");
    await page.reload();
    await isLoaded(page);
    await page.keyboard.press("Tab");
    await expect.poll(focused).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("Workers");
  });

  test("leaves the focus where it is while a filter changes", async () => {
    const { page } = await look(await serveDashboard({ db }), "/jobs");
    await page.getByRole("textbox", { name: "Name" }).fill("send-invoice");
    await page.getByRole("link", { name: "completed", exact: true }).click();
    await expect.poll(() => page.url()).toContain("completed");
    await isLoaded(page);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("completed");
  });

  test("gives the keyboard all that scrolls, and each landmark its own name", async () => {
    const dashboard = await serveDashboard({ db, write: true });
    const { page } = await look(dashboard, `/jobs/${story?.id}`);
    for (const name of ["Log lines", /^Stack of attempt/, "Payload as JSON"])
      expect(await page.getByRole("group", { name }).first().getAttribute("tabindex")).toBe("0");
    await page.goto(`${dashboard.origin}/#/jobs?state=completed`);
    await page.getByRole("link", { name: "Older" }).waitFor();
    await page.getByRole("navigation", { name: "Older and newer entries" }).waitFor();
    await page.getByRole("banner").getByRole("link", { name: "soniq" }).waitFor();
  });

  test("names each button by what it acts on", async () => {
    const dashboard = await serveDashboard({ db, write: true });
    const { page } = await look(dashboard, "/queues");
    for (const at of ["/queues", "/schedules", "/webhooks", `/webhooks/${endpoint}`]) {
      await page.goto(`${dashboard.origin}/#${at}`);
      await isLoaded(page);
      const names = await page
        .locator("td .button")
        .evaluateAll((buttons) => buttons.map((button) => button.ariaLabel ?? ""));
      expect(names.length).toBeGreaterThan(1);
      expect([...new Set(names)]).toEqual(names);
    }
  });

  test("keeps a name in another direction apart from its id", async () => {
    const [rtl] = await sql<
      { id: number }[]
    >`insert into soniq_jobs (name, payload) values ('إرسال-الفاتورة', '1') returning id::int`;
    const { page } = await look(await serveDashboard({ db }), `/jobs/${rtl?.id}`);
    const heading = page.getByRole("heading", { level: 1 });
    await heading.locator("bdi").waitFor();
    const [name, whole] = [await heading.locator("bdi").boundingBox(), await heading.boundingBox()];
    expect(name?.x).toBe(whole?.x); // the name comes first
  });

  test("prints what is known, without what can be pressed", async () => {
    const { page } = await look(await serveDashboard({ db, write: true }), `/jobs/${story?.id}`);
    await page.getByRole("group", { name: "Log lines" }).waitFor();
    await page.emulateMedia({ media: "print" });
    expect(await page.locator(".sidebar, .button").filter({ visible: true }).count()).toBe(0);
    expect(await page.getByRole("heading", { level: 1 }).isVisible()).toBe(true);
  });
});
