// What readers do beyond one tab: open a job in another one, and copy a payload.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineJob, enqueue } from "../../src/index.ts";
import { testDatabase } from "../support/database.ts";
import { remoteHost } from "./support/chromium.ts";
import { browser, look, row, serveDashboard, token, visit } from "./support/dashboard.ts";

const { db } = await testDatabase();
const work = defineJob({ name: "work", payload: v.any() });

describe.runIf(browser)("a job's link", () => {
  test("that is opened in a new tab shows the job, without the token in its address", async () => {
    const { id } = await enqueue(db, work, 1);
    const { page } = await look(await serveDashboard({ db }), "/jobs");
    const opened = page.context().waitForEvent("page");
    await row(page, `#${id}`)
      .getByRole("link", { name: "work" })
      .click({ modifiers: ["ControlOrMeta"] });
    const tab = await opened;
    await tab.getByRole("heading", { name: `work #${id}` }).waitFor();
    await tab.getByText("live", { exact: true }).waitFor();
    expect(tab.url()).toBe(page.url().replace(/#.*/, `#/jobs/${id}`));
  });

  test("asks for the token in another browser, and goes to the job with it", async () => {
    const { id } = await enqueue(db, work, 1);
    const dashboard = await serveDashboard({ db });
    await look(dashboard, "/jobs");
    const { page: elsewhere } = await visit(`${dashboard.origin}/#/jobs/${id}`);
    await elsewhere.getByRole("heading", { name: "Open the dashboard" }).waitFor();
    await elsewhere.getByLabel("Token, or the link").fill(token);
    await elsewhere.getByRole("button", { name: "Open" }).click();
    await elsewhere.getByRole("heading", { name: `work #${id}` }).waitFor();
    expect(elsewhere.url()).toBe(`${dashboard.origin}/#/jobs/${id}`);
  });

  test("that asks for a token goes on once another tab is signed in; tabs with a refused token do not help", async () => {
    const { id } = await enqueue(db, work, 1);
    const dashboard = await serveDashboard({ db });
    const { page: waiting } = await visit(`${dashboard.origin}/#/jobs/${id}`);
    const heading = waiting.getByRole("heading", { name: "Open the dashboard" });
    await heading.waitFor();
    const wrong = await waiting.context().newPage();
    await wrong.goto(`${dashboard.origin}/#token=wrong`);
    await wrong.getByRole("heading", { name: "Open the dashboard" }).waitFor();
    expect(await heading.count()).toBe(1);
    const right = await waiting.context().newPage();
    await right.goto(`${dashboard.origin}/#token=${token}`);
    await right.getByRole("heading", { name: "Overview" }).waitFor();
    await waiting.getByRole("heading", { name: `work #${id}` }).waitFor();
    await wrong.getByRole("heading", { name: "Overview" }).waitFor();
  });

  test("is not answered by another dashboard of the same origin", async () => {
    const dashboard = await serveDashboard({ db });
    const { page } = await look(dashboard, "/jobs");
    const other = await page.context().newPage();
    await other.goto(`${dashboard.origin}/favicon.ico`);
    const answered = await other.evaluate(
      () =>
        new Promise<string[]>((resolve) => {
          const heard: string[] = [];
          for (const path of ["/elsewhere/", "/"]) {
            const channel = new BroadcastChannel(`soniq-token ${path}`);
            channel.addEventListener("message", () => {
              heard.push(path);
              if (path === "/") resolve(heard);
            });
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel has none
            channel.postMessage({ needed: true });
          }
        }),
    );
    expect(answered).toEqual(["/"]);
  });
});

describe.runIf(browser)("a payload", () => {
  test("is copied over plain HTTP on the name of another machine, too", async () => {
    const { id } = await enqueue(db, work, { orderId: 17 });
    const { origin } = await serveDashboard({ db, hosts: [remoteHost] });
    const { page } = await look({ origin: origin.replace("127.0.0.1", remoteHost) }, `/jobs/${id}`);
    expect(await page.evaluate("isSecureContext || 'clipboard' in navigator")).toBe(false);
    const copy = page.getByRole("button", { name: "Copy payload" });
    await copy.click();
    await page.getByText("Payload copied").waitFor();
    expect(await copy.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.keyboard.press("/");
    await page.keyboard.press("ControlOrMeta+V");
    await expect.poll(() => page.getByRole("combobox").inputValue()).toContain('"orderId": 17');
  });

  test("shows which of its values are texts", async () => {
    const { id } = await enqueue(db, work, { text: "42", number: 42, empty: "", yes: "true", long: "x".repeat(500) });
    const { page } = await look(await serveDashboard({ db }), `/jobs/${id}`);
    const payload = page.getByRole("region", { name: "Payload", exact: true });
    const shown = () => payload.locator(".json-line").allTextContents();
    await expect.poll(shown).toEqual(expect.arrayContaining(['text"42"', "number42", 'empty""', 'yes"true"']));
    await payload.getByRole("button", { name: "show all" }).click();
    await expect.poll(shown).toContain(`long"${"x".repeat(500)}"`);
  });
});
