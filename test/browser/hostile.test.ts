// What strangers put into the database, or onto other pages, does nothing.
import { request } from "node:http";
import type { Sql } from "postgres";
import { describe, expect, test } from "vitest";
import { createDashboard } from "../../src/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { browser, look, serveDashboard, serveHandler, token, visit } from "./support/dashboard.ts";

const { db, sql } = await testDatabase();

/** Runs if anything takes it for HTML, a script or a link. */
const attack = `"><img src=x onerror="window.__xss=1"><script>window.__xss=1</script><svg onload=window.__xss=1>'\${window.__xss=1}{{constructor.constructor('window.__xss=1')()}}`;
const link = "javascript:window.__xss=1";

describe.runIf(browser)("an attack", () => {
  test("in any field of the database runs nowhere", async () => {
    const { job, endpoint } = await poison(sql);
    const { page, complaints } = await look(
      await serveDashboard({ db, write: true, reveal: true, link: () => link }),
      "/overview",
    );
    const pages = [
      "/overview",
      "/queues",
      "/jobs",
      `/jobs/${job}`,
      "/dead-letters",
      "/schedules",
      "/workers",
      "/webhooks",
      `/webhooks/${endpoint}`,
      "/audit",
    ];
    for (const at of pages) {
      await page.goto(page.url().replace(/#.*/, `#${at}`));
      await page.getByRole("main").getByText("window.__xss=1").filter({ visible: true }).first().waitFor();
      for (const details of await page.locator("details:not([open]) summary").all()) await details.click();
      expect(await page.locator("main img, main script, main [onload]").count()).toBe(0);
      expect(await page.locator(`a[href^="javascript:" i]`).count()).toBe(0);
    }
    const address = encodeURIComponent(attack);
    for (const at of [
      `/jobs?name=${address}&tag=${address}`,
      `/dead-letters?name=${address}`,
      `/jobs/${address}`,
      `/${address}`,
    ]) {
      await page.goto(page.url().replace(/#.*/, `#${at}`));
      await page.getByRole("main").locator("table, .empty, .failed").first().waitFor();
    }
    await page.keyboard.press("/");
    await page.keyboard.insertText(attack);
    await page.getByRole("option").first().waitFor();
    expect(await page.evaluate(() => "__xss" in window)).toBe(false);
    expect(complaints).toEqual([]);
  });

  test.for([link, ` ${link}`, "java\nscript:window.__xss=1", "data:text/html,<script>opener.__xss=1</script>"])(
    "by the link %j is no link, even if the server gives it",
    async (bad) => {
      const [job] = await sql<
        { id: number }[]
      >`insert into soniq_jobs (name, payload) values ('linked', '1') returning id::int`;
      const dashboard = createDashboard({ db, token });
      const corrupted = await serveHandler(async (asked) => {
        const answer = await dashboard(asked);
        if (!asked.url.endsWith(`/api/jobs/${job?.id}`)) return answer;
        return Response.json({ ...((await answer.json()) as object), link: bad });
      });
      const { page } = await look(corrupted, `/jobs/${job?.id}`);
      await page.getByRole("region", { name: "Payload" }).waitFor();
      expect(await page.getByRole("link", { name: "Open in the application" }).count()).toBe(0);
    },
  );

  test("by a page of another origin reads nothing and changes nothing", async () => {
    await sql`insert into soniq_jobs (name, queue, payload) values ('work', 'victim', '1')`;
    const { origin } = await serveDashboard({ db, write: true });
    const other = await serveHandler(
      () => new Response("<!doctype html><title>elsewhere</title>", { headers: { "content-type": "text/html" } }),
    );
    const { page } = await visit(other.origin);
    const attempts = await page.evaluate(
      async ({ victim, bearer }) => {
        const tries: Readonly<Record<string, RequestInit>> = {
          read: { headers: { authorization: `Bearer ${bearer}` } },
          write: {
            method: "POST",
            headers: { authorization: `Bearer ${bearer}`, "x-soniq": "1", "content-type": "application/json" },
          },
          form: { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body: "{}" },
        };
        const outcomes: Record<string, string> = {};
        for (const [name, init] of Object.entries(tries)) {
          const path = init.method === "POST" ? "api/queues/victim/pause" : "api/jobs";
          outcomes[name] = await fetch(`${victim}/${path}`, init).then(
            (response) => (response.type === "opaque" ? "opaque" : `answered ${response.status}`),
            () => "refused",
          );
        }
        return outcomes;
      },
      { victim: origin, bearer: token },
    );
    expect(attempts).toEqual({ read: "refused", write: "refused", form: "refused" });
    expect(await sql`select from soniq_queues where name = 'victim'`).toHaveLength(0);

    const framed = await visit(other.origin);
    await framed.page.evaluate((victim) => {
      const frame = document.createElement("iframe");
      frame.src = victim;
      document.body.append(frame);
    }, origin);
    await expect.poll(() => framed.complaints.join()).toContain("frame-ancestors");
  });

  test("by a name that leads here is refused", async () => {
    const { origin } = await serveDashboard({ db });
    const { hostname, port } = new URL(origin);
    const status = (path: string) =>
      new Promise<number | undefined>((resolve) => {
        const headers = { host: `evil.example:${port}`, authorization: `Bearer ${token}` };
        request({ hostname, port, path, headers }, (answer) => resolve(answer.resume().statusCode)).end();
      });
    expect(await Promise.all(["/", "/app.js", "/api/jobs", "/api/live"].map(status))).toEqual([421, 421, 421, 421]);
  });

  test("of a payload of a megabyte leaves the page usable", async () => {
    const [job] = await sql<{ id: number }[]>`insert into soniq_jobs (name, queue, payload) select 'large', 'large',
      jsonb_build_object('text', repeat('x', 400000), 'list', jsonb_agg(n), 'deep', jsonb_build_object('rows', jsonb_agg(jsonb_build_object('n', n, 'name', 'row ' || n))))
      from generate_series(1, 12000) as n returning id::int`;
    const { page } = await look(await serveDashboard({ db }), `/jobs/${job?.id}`);
    await page.getByRole("button", { name: /show all 400 kB/ }).waitFor();
    await page.getByRole("button", { name: /list/ }).click();
    await page.getByText("11900 more").waitFor();
    expect(await page.locator("main *").count()).toBeLessThan(1_000);
    await page.keyboard.press("g");
    await page.keyboard.press("q");
    await page.getByRole("heading", { name: "Queues" }).waitFor();
  });
});

/** The attack, in whatever field a stranger may reach. */
async function poison(on: Sql): Promise<{ readonly job: number; readonly endpoint: string }> {
  const error = {
    name: attack,
    message: attack,
    stack: attack,
    cause: attack,
    attempt: 1,
    worker: attack,
    at: new Date().toISOString(),
  };
  const line = { at: new Date().toISOString(), attempt: 1, message: attack, fields: { [attack]: attack } };
  const [job] = await on<{ id: number }[]>`
    insert into soniq_jobs (name, queue, state, payload, tags, unique_key, unique_held, reason, meta, progress, result, logs, errors, claims, attempt, finished_at)
    values (${attack}, ${attack}, 'dead', ${on.json({ [attack]: [attack, { password: attack }] })}, ${on.json([attack])}, ${attack}, false, ${attack},
      ${on.json({ [attack]: attack })}, ${on.json({ [attack]: attack })}, ${on.json([attack])}, ${on.json([line])}, ${on.json([error])}, 1, 1, now()) returning id::int`;
  await on`insert into soniq_jobs (name, queue, payload) values (${attack}, ${attack}, '1')`;
  await on`insert into soniq_stats (minute, queue, name, measure, count) values (date_trunc('minute', now()), ${attack}, ${attack}, 'completed', 9)`;
  await on`insert into soniq_schedules (name, cron, time_zone, job_name, next_run_at) values (${attack}, '0 2 * * *', 'UTC', ${attack}, now() + interval '1 hour')`;
  await on`insert into soniq_workers (host, version, queues, lease_expires_at) values (${attack}, ${attack}, ${on.json({ [attack]: 3 })}, now() + interval '1 hour')`;
  const [endpoint] = await on<
    { id: string }[]
  >`insert into soniq_webhook_endpoints (url, description, events, paused_at, paused_reason)
    values (${link + attack}, ${attack}, ${on.json([attack])}, now(), ${attack}) returning id`;
  await on`insert into soniq_jobs (name, queue, state, payload, errors, reason, claims, attempt, finished_at)
    values ('soniq.webhook', 'soniq.webhooks', 'dead', ${on.json({ endpoint: endpoint?.id ?? "", message: attack, event: attack, data: attack })},
      ${on.json([{ ...error, details: { status: 500 } }])}, ${attack}, 1, 1, now())`;
  await on`insert into soniq_audit (actor, action, target, outcome) values (${attack}, ${attack}, ${attack}, ${attack}), (${attack}, 'job.retry', ${link}, ${attack})`;
  return { job: job?.id ?? 0, endpoint: endpoint?.id ?? "" };
}
