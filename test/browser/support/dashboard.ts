import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, expect } from "vitest";
import { createDashboard } from "../../../src/dashboard/create-dashboard.ts";
import type { DashboardOptions } from "../../../src/dashboard/options.ts";
import { openBrowser } from "./chromium.ts";

export const token = "a-token-for-tests-alone";

/** The browser of this test file; null where there is none. */
export const browser = await openBrowser();
afterAll(() => browser?.close());

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

export interface ServedDashboard {
  /** Without the token: `http://127.0.0.1:…`. */
  readonly origin: string;
  /** The server goes away: it answers no more, and hangs up. */
  stop(): Promise<void>;
}

/** A dashboard on a port of its own, stopped when the test is done. */
export async function serveDashboard(options: DashboardOptions, port = 0): Promise<ServedDashboard> {
  const dashboard = createDashboard({ token, ...options });
  return serveHandler((request) => dashboard(request), port);
}

/** A server that answers so, stopped when the test is done. */
export async function serveHandler(
  fetch: (request: Request) => Response | Promise<Response>,
  port = 0,
): Promise<ServedDashboard> {
  const server = serve({ fetch, port, hostname: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
    });
  endings.push(stop);
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

export interface Visit {
  readonly page: Page;
  /** What the browser complained about: errors, refused loads, dialogs. */
  readonly complaints: readonly string[];
}

/** Opens a page in a fresh browser context, closed when the test is done. */
export async function visit(url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser!.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-GB", ...options });
  endings.push(() => context.close());
  const complaints: string[] = [];
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
  await page.addInitScript(() =>
    window.addEventListener("securitypolicyviolation", (event) =>
      console.error(`Content Security Policy: ${event.violatedDirective} refused ${event.blockedURI}`),
    ),
  );
  await page.goto(url);
  return { page, complaints };
}

/** Opens the dashboard with its token, at a page of it. */
export async function look(
  { origin }: Pick<ServedDashboard, "origin">,
  at = "/overview",
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const visited = await visit(`${origin}/#token=${encodeURIComponent(token)}`, options);
  await visited.page.getByRole("navigation", { name: "Pages" }).waitFor();
  await visited.page.goto(`${origin}/#${at}`);
  return visited;
}

/** A row of a table that has this text. */
export const row = (page: Page, text: string) => page.getByRole("row").filter({ hasText: text });

/** Presses a button, whose name may go on with what it acts on, and confirms. */
export async function press(page: Page, name: string, within: { getByRole: Page["getByRole"] } = page): Promise<void> {
  await within.getByRole("button", { name: new RegExp(`^${name}( |$)`) }).click();
  await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
  await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
}
