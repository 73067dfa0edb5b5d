// Pictures of every page, to be looked at: `npm run screenshots` writes them to test/browser/screenshots/.
import { copyFileSync, mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { fillShop, workOn } from "./support/busy-shop.ts";
import { browser, look, serveDashboard } from "./support/dashboard.ts";

const folder = fileURLToPath(new URL("screenshots", import.meta.url));
const docs = fileURLToPath(new URL("../../docs", import.meta.url));
const sizes = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } } as const;

test.runIf(browser && process.env["SONIQ_SCREENSHOTS"])(
  "every page has its picture",
  { timeout: 300_000 },
  async () => {
    const { db, sql } = await testDatabase();
    await fillShop(sql);
    const [story] = await sql<
      { id: number }[]
    >`select id::int from soniq_jobs where payload ->> 'note' is null and payload ? 'note'`;
    const pages: Readonly<Record<string, string>> = {
      overview: "/overview",
      queues: "/queues",
      jobs: "/jobs",
      search: "/jobs?field=orderId&value=90007",
      job: `/jobs/${story?.id}`,
      "dead-letters": "/dead-letters",
      "dead-group": "/dead-letters?name=send-invoice&reason=out of attempts&error=TimeoutError",
      schedules: "/schedules",
      workers: "/workers",
      webhooks: "/webhooks",
      deliveries: "/webhooks/0191a1aa-0000-4000-8000-00000000000a",
      audit: "/audit",
    };
    let isOver = false;
    const ticking = (async () => {
      while (!isOver) {
        await workOn(sql);
        await sleep(1_000);
      }
    })();
    mkdirSync(folder, { recursive: true });
    const dashboard = await serveDashboard({
      db,
      write: true,
      reveal: true,
      link: ({ id }) => `https://shop.example/jobs/${id}`,
    });
    for (const [size, viewport] of Object.entries(sizes))
      for (const colorScheme of ["light", "dark"] as const) {
        const { page, complaints } = await look(dashboard, "/overview", { viewport, colorScheme });
        for (const [name, at] of Object.entries(pages)) {
          await page.goto(`${dashboard.origin}/#${at}`);
          await page.waitForFunction(
            () => !document.querySelector(".skeleton") && document.querySelector(".table, .timeline, .empty"),
          );
          if (name === "overview") await page.waitForTimeout(size === "wide" ? 24_000 : 4_000);
          await page.waitForTimeout(300);
          await page.screenshot({ path: `${folder}/${name}-${colorScheme}-${size}.png`, fullPage: size === "narrow" });
        }
        expect(complaints).toEqual([]);
      }
    // The two that docs/guide/dashboard.md shows.
    mkdirSync(docs, { recursive: true });
    copyFileSync(`${folder}/overview-light-wide.png`, `${docs}/dashboard-overview.png`);
    copyFileSync(`${folder}/job-dark-wide.png`, `${docs}/dashboard-job.png`);
    isOver = true;
    await ticking;
  },
);
