// The page keeps up with the database, says when it cannot, and goes where the keys say.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue, enqueueMany } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { died } from "../support/dead-letters.ts";
import { startWorker } from "../support/worker.ts";
import { browser, look, row, serveDashboard } from "./support/dashboard.ts";

const { db, url, sql } = await testDatabase();
const work = defineJob({ name: "work", payload: v.number() });

describe.runIf(browser)("the page", () => {
  test("shows new numbers without being loaded again", async () => {
    const { page } = await look(await serveDashboard({ db }), "/overview");
    await page.getByText("Due").first().waitFor();
    await page.evaluate(() => Object.assign(window, { isStillTheSame: true }));
    await enqueueMany(
      db,
      work,
      Array.from({ length: 37 }, (_, n) => n),
      () => ({ queue: "fresh" }),
    );
    await row(page, "fresh").getByText("37").waitFor();
    await page.getByRole("link", { name: /^Due 37/ }).waitFor();
    await died(sql, [{}, {}, {}]);
    await page.getByRole("link", { name: "Dead letters 3", exact: true }).waitFor();
    expect(await page.evaluate(() => "isStillTheSame" in window)).toBe(true);
  });

  test("shows a job's story as it goes on", async () => {
    const { id } = await enqueue(db, work, 1, { queue: "story" });
    const { page } = await look(await serveDashboard({ db }), `/jobs/${id}`);
    await page.getByRole("main").getByText("queued").first().waitFor();
    await startWorker({
      connection: url,
      jobs: { work },
      handlers: { work: async () => {} },
      queues: { story: { concurrency: 1 } },
    });
    await expect.poll(() => page.getByRole("listitem").filter({ hasText: "completed" }).count()).toBe(1);
  });

  test("leaves a list's rows where they are, and says how many are new", async () => {
    await enqueueMany(db, work, [1, 2], () => ({ queue: "steady" }));
    const { page } = await look(await serveDashboard({ db }), "/jobs?queue=steady&state=queued");
    await expect.poll(() => page.getByRole("row").count()).toBe(3);
    await enqueueMany(db, work, [3, 4, 5], () => ({ queue: "steady" }));
    const more = page.getByRole("button", { name: "Show 3 new" });
    await more.waitFor();
    expect(await page.getByRole("row").count()).toBe(3);
    await more.click();
    await expect.poll(() => page.getByRole("row").count()).toBe(6);
  });

  test("says that the connection is lost, and goes on by itself when the server is back", async () => {
    const first = await serveDashboard({ db });
    const { page } = await look(first, "/queues");
    await page.getByText("live", { exact: true }).waitFor();
    await first.stop();
    await page.getByText("Connection lost, reconnecting.").waitFor();
    await serveDashboard({ db }, Number(new URL(first.origin).port));
    await page.getByText("live", { exact: true }).waitFor();
    await expect.poll(() => page.getByText("Connection lost").count()).toBe(0);
  });

  test("asks again for a token once it is refused", async () => {
    const first = await serveDashboard({ db });
    const { page } = await look(first, "/queues");
    await first.stop();
    await serveDashboard({ db, token: "another-token-than-before" }, Number(new URL(first.origin).port));
    await expect.poll(() => page.getByRole("heading", { level: 1 }).textContent()).toBe("Open the dashboard");
  });

  test("goes where the keys say", async () => {
    const [id] = await died(sql, [{ queue: "keys" }]);
    const { page } = await look(await serveDashboard({ db }), "/overview");
    const heading = (name: string) => page.getByRole("heading", { level: 1, name });
    await heading("Overview").waitFor();
    for (const [key, title] of [
      ["j", "Jobs"],
      ["w", "Workers"],
      ["d", "Dead letters"],
      ["o", "Overview"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await heading(title).waitFor();
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await page.keyboard.press("Escape");

    const search = page.getByRole("combobox", { name: /^Go to/ });
    await page.keyboard.press("/");
    await search.waitFor();
    await page.keyboard.type(String(id));
    await page.getByRole("option", { name: `#${id}` }).waitFor();
    await page.keyboard.press("Enter");
    await heading(`work #${id}`).waitFor();
    expect(await page.getByRole("dialog").count()).toBe(0);

    await page.keyboard.press("/");
    await search.waitFor();
    await page.keyboard.type("que");
    const options = page.getByRole("option");
    await expect.poll(() => options.first().getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => options.nth(1).getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await heading("Queues").waitFor();
  });

  test("walks rows by keys, and leaves keys alone that are typed", async () => {
    await died(sql, [{ queue: "rows" }, { queue: "rows" }]);
    const { page } = await look(await serveDashboard({ db }), "/jobs?queue=rows");
    await expect.poll(() => page.getByRole("row").count()).toBe(3);
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("href"));
    await page.keyboard.press("j");
    const first = await focused();
    await page.keyboard.press("j");
    expect(await focused()).not.toBe(first);
    await page.keyboard.press("k");
    expect(await focused()).toBe(first);
    await page.getByLabel("Tag").focus();
    await page.keyboard.type("g o ?");
    expect(await page.getByLabel("Tag").inputValue()).toBe("g o ?");
    expect(await page.getByRole("dialog").count()).toBe(0);
  });

  test("is light or dark as the reader likes, and remembers", async () => {
    const { page } = await look(await serveDashboard({ db }), "/queues", { colorScheme: "light" });
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await background();
    await page.getByRole("button", { name: "Use the dark theme" }).click();
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole("button", { name: "Use the light theme" }).waitFor();
    expect(await background()).toBe(dark);
  });

  test("fits a phone: nothing but tables' insides is wider", async () => {
    const { page } = await look(await serveDashboard({ db }), "/overview", { viewport: { width: 360, height: 740 } });
    for (const at of [
      "/overview",
      "/queues",
      "/jobs",
      "/dead-letters",
      "/schedules",
      "/workers",
      "/webhooks",
      "/audit",
    ]) {
      await page.goto(page.url().replace(/#.*/, `#${at}`));
      await page.getByRole("main").locator("table, .empty").first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    }
  });
});
