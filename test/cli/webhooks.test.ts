// `soniq-drizzle webhooks`: endpoints and deliveries from the command line.
import { spawnSync } from "node:child_process";
import * as v from "valibot";
import { expect, test } from "vitest";
import { publishEvent, defineEvent, listDeliveries, listEndpoints } from "../../src/webhooks.ts";
import { testDatabase } from "../support/database.ts";
import { soniqArguments } from "../support/programs.ts";

const { db, url, sql } = await testDatabase();
const pinged = defineEvent({ name: "pinged", payload: v.number() });
const nobody = "99999999-9999-4999-8999-999999999999";

function webhooks(args: readonly string[], config = "webhooks.config.ts") {
  const environment = { ...process.env, DATABASE_URL: url, LEASE: "20s", DRAIN_TIMEOUT: "1s" };
  return spawnSync(process.execPath, soniqArguments(["webhooks", ...args], config), {
    encoding: "utf8",
    env: environment,
  });
}

const json = (...args: string[]) => JSON.parse(webhooks([...args, "--json"]).stdout) as Record<string, string>[];

// Ten processes, one after the other.
test(
  "an endpoint is registered, listed, paused, resumed, given another secret, and deleted",
  { timeout: 180_000 },
  async () => {
    const { stdout } = webhooks([
      "register",
      "https://example.com/hooks",
      "--all-tenants",
      "--events",
      "pinged, job.dead,",
      "--description",
      "\u001b[31mred",
    ]);
    const [, id, secret] = /^registered (\S+)\nsecret \(shown only once\): (whsec_\S+)\n$/.exec(stdout) as unknown as [
      string,
      string,
      string,
    ];
    const listed = webhooks(["list"]).stdout;
    const [titles, row] = listed.trimEnd().split("\n");
    expect(titles).toMatch(/^ID +STATE +TENANT +URL +EVENTS +FAILURES +OPEN UNTIL +REASON +DESCRIPTION$/);
    expect(row).toMatch(
      new RegExp(`^${id} +working +\\(all tenants\\) +https://example.com/hooks +pinged, job\\.dead +0 +– +– +red$`),
    );
    expect(listed).not.toContain(secret);

    expect(webhooks(["pause", id, "--reason", "moving house"]).stdout).toBe(`paused ${id}\n`);
    expect(json("list")).toMatchObject([{ id, state: "paused", pausedReason: "moving house" }]);
    expect(webhooks(["resume", id]).stdout).toBe(`resumed ${id}\n`);
    expect(json("list")).toMatchObject([{ id, state: "working", pausedReason: null }]);
    expect(webhooks(["rotate", id, "--overlap", "1h"]).stdout).toMatch(
      /whsec_\S+\nthe old secret also signs for 1h\n$/,
    );
    expect(json("rotate-keys")).toEqual({ endpoints: 1 });

    expect(webhooks(["delete", id])).toMatchObject({ status: 2, stderr: expect.stringContaining("--yes") });
    expect(await listEndpoints(db)).toHaveLength(1);
    expect(webhooks(["delete", id, "--yes"]).stdout).toBe(`deleted ${id}\n`);
    expect(await listEndpoints(db)).toEqual([]);
  },
);

test("deliveries are listed, and sent again", async () => {
  const { id } = json("register", "https://example.com/", "--all-events", "--all-tenants") as unknown as { id: string };
  const [delivery] = (await publishEvent(db, pinged, 1)).deliveries as [number];
  await sql`update soniq_jobs set state = 'completed', finished_at = now(), attempt = 1,
    result = '{"status": 200, "durationMs": 31, "excerpt": "thank\\nyou"}' where id = ${delivery}`;
  const { stdout } = webhooks(["resend", String(delivery)]);
  const again = (await listDeliveries(db, id)).deliveries[0]?.id;
  expect(stdout).toBe(`enqueued as delivery ${again}\n`);
  const lines = webhooks(["deliveries", id]).stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^ID +EVENT +STATE +ATTEMPT +STATUS +MS +ANNOUNCED +NEXT +ANSWER$/);
  expect(lines[1]).toMatch(new RegExp(`^${again} +pinged +queued +0 +– +– `));
  expect(lines[2]).toMatch(new RegExp(`^${delivery} +pinged +completed +1 +200 +31 .* thank you$`));
  expect(json("deliveries", id, "--cursor", String(again))).toMatchObject({
    deliveries: [{ id: delivery }],
    next: null,
  });
});

test("endpoints are registered and listed by tenant", () => {
  const register = (...args: string[]) =>
    (json("register", "https://example.com/", ...args) as unknown as { id: string }).id;
  const acme = register("--tenant", "acme", "--all-events");
  register("--tenant", "globex", "--events", "pinged");
  const listed = json("list", "--tenant", "acme");
  expect(listed).toMatchObject([{ id: acme, tenant: "acme", events: [] }]);
  expect(json("list", "--all-tenants").map(({ tenant }) => tenant)).not.toContain("acme");
});

const everything = ["--all-tenants", "--all-events"];

test.each([
  [
    "an endpoint without a tenant",
    ["register", "https://example.com/", "--all-events"],
    2,
    "give --tenant with the customer whose events the endpoint receives, or --all-tenants",
  ],
  [
    "an endpoint without events",
    ["register", "https://example.com/", "--tenant", "acme"],
    2,
    "give --events with the events that the endpoint receives, or --all-events",
  ],
  [
    "an endpoint of a tenant and of all",
    ["register", "https://example.com/", "--all-events", "--tenant", "acme", "--all-tenants"],
    2,
    "cannot be used with",
  ],
  [
    "an endpoint of a tenant for the events of jobs",
    ["register", "https://example.com/", "--events", "job.dead", "--tenant", "acme"],
    2,
    "covers the jobs of every tenant",
  ],
  ["a receiver inside, where that is allowed,", ["register", "https://127.0.0.1.:1/", ...everything], 0, ""],
  [
    "an address inside that is not allowed",
    ["register", "https://10.0.0.1/", ...everything],
    2,
    "url must be https on port 443",
  ],
  ["an endpoint that is not there", ["pause", nobody], 1, `there is no endpoint "${nobody}"`],
  [
    "a list of no events",
    ["register", "https://example.com/", "--events", " ,"],
    2,
    "name at least one event, or give --all-events",
  ],
  [
    "an event of jobs that there is not",
    ["register", "https://example.com/", "--all-tenants", "--events", "job.lost"],
    2,
    'is "job.lost"',
  ],
  ["a delivery that is none", ["resend", "x"], 2, "give a whole number from 1"],
  ["a delivery that is not there", ["resend", "999999999"], 1, "there is no delivery 999999999"],
  ["a duration that is none", ["rotate", nobody, "--overlap", "soon"], 2, 'overlap is "soon", which is not a duration'],
  ["no command", ["frobnicate"], 2, "unknown command"],
] as const)("%s ends with the right status, and a sentence", (_what, args, status, sentence) => {
  const ended = webhooks(args);
  expect(ended.status).toBe(status);
  expect(ended.stderr).toContain(sentence);
});

test("without keys in the configuration, it says so", () => {
  const ended = webhooks(["register", "https://example.com/", ...everything], "child.config.ts");
  expect(ended).toMatchObject({ status: 2, stderr: expect.stringContaining("configuration: webhooks is missing") });
});
