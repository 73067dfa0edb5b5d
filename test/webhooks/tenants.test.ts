// Endpoints of customers: an event of one tenant reaches no other.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import {
  publishEvent,
  defineEvent,
  jobDead,
  listDeliveries,
  listEndpoints,
  type NewEndpoint,
  registerEndpoint,
} from "../../src/webhooks.ts";
import { publishingSettles, hasJobSubscribers } from "../../src/webhooks/publishing-settles.ts";
import { testDatabase } from "../support/database.ts";

const { db, sql } = await testDatabase();
const config = { keys: [Buffer.alloc(32, 1).toString("base64")] };
const paid = defineEvent({ name: "invoice.paid", payload: v.object({ amount: v.number() }) });
const url = "https://example.com/hooks";
const register = async (whose: { tenant: string } | { allTenants: true }, events: NewEndpoint["events"] = [paid]) =>
  (await registerEndpoint(db, config, { url, events, ...whose })).id;

beforeEach(() => sql`truncate soniq_jobs, soniq_webhook_endpoints`);

/** The endpoints that an event reaches. */
async function reached(options?: { tenant?: string }): Promise<string[]> {
  const { deliveries } = await publishEvent(db, paid, { amount: 5 }, options);
  const rows = await sql<{ endpoint: string }[]>`
    select payload ->> 'endpoint' as endpoint from soniq_jobs where id = any (${deliveries})`;
  return rows.map(({ endpoint }) => endpoint);
}

describe("an event that is published", () => {
  test("for a tenant reaches that tenant's endpoints and those for all tenants, and no other", async () => {
    const acme = await register({ tenant: "acme" });
    const acmeAll = await register({ tenant: "acme" }, "all");
    const own = await register({ allTenants: true });
    for (const other of ["globex", "ACME", "acme ", "all", "null"]) await register({ tenant: other }, "all");
    expect(new Set(await reached({ tenant: "acme" }))).toEqual(new Set([acme, acmeAll, own]));
  });

  test("without a tenant reaches the endpoints for all tenants alone", async () => {
    await register({ tenant: "acme" }, "all");
    const own = await register({ allTenants: true }, "all");
    expect(await reached()).toEqual([own]);
    expect(await reached({})).toEqual([own]);
  });

  test.each([7, null, "", {}, "a".repeat(201)])("for the tenant %j is refused before any SQL", async (tenant) => {
    const published = publishEvent({} as never, paid, { amount: 5 }, { tenant: tenant as string });
    await expect(published).rejects.toThrow(/^tenant /);
  });

  test("in a transaction reaches its tenant if that commits", async () => {
    const acme = await register({ tenant: "acme" });
    await db.transaction((tx) => publishEvent(tx, paid, { amount: 1 }, { tenant: "acme" }));
    await db
      .transaction(async (tx) => {
        await publishEvent(tx, paid, { amount: 2 }, { tenant: "acme" });
        throw new Error("declined");
      })
      .catch(() => {});
    expect((await listDeliveries(db, acme)).deliveries).toHaveLength(1);
  });
});

describe("an endpoint is not registered", () => {
  test.each<[string, object, RegExp]>([
    ["without saying whose events it gets", { events: [paid] }, /^tenant is missing: give either the tenant/],
    ["for a tenant and for all", { events: [paid], tenant: "acme", allTenants: true }, /^tenant is given together/],
    ["with allTenants: false", { events: [paid], allTenants: false }, /^tenant is missing/],
    ["for an empty tenant", { events: [paid], tenant: "" }, /^tenant is empty/],
    ["for a tenant that is a number", { events: [paid], tenant: 7 }, /^tenant is 7: give a text/],
    ["without saying which events it gets", { tenant: "acme" }, /^events is undefined: give the events/],
    ["for no events", { events: [], tenant: "acme" }, /^events is an Array: give the events/],
    [
      "of a tenant for the events of jobs",
      { events: [paid, jobDead], tenant: "acme" },
      /^events\[1\] is job\.dead, which/,
    ],
    [
      "of a tenant for the events of jobs by a look-alike",
      { events: [{ name: "job.dead" }], tenant: "acme" },
      /^events\[0\]/,
    ],
  ])("%s", async (_how, endpoint, problem) => {
    await expect(registerEndpoint({} as never, config, { url, ...endpoint } as NewEndpoint)).rejects.toThrow(problem);
  });
});

test("endpoints are listed by tenant, by being for all tenants, or all of them", async () => {
  const [acme, globex, own] = [
    await register({ tenant: "acme" }),
    await register({ tenant: "globex" }),
    await register({ allTenants: true }),
  ];
  const ids = async (...filter: Parameters<typeof listEndpoints> extends [unknown, ...infer Rest] ? Rest : never) =>
    (await listEndpoints(db, ...filter)).map(({ id }) => id);
  expect(await ids()).toEqual([acme, globex, own]);
  expect(await ids({ tenant: "acme" })).toEqual([acme]);
  expect(await ids({ tenant: "nobody" })).toEqual([]);
  expect(await ids({ allTenants: true })).toEqual([own]);
  expect((await listEndpoints(db)).map(({ tenant }) => tenant)).toEqual(["acme", "globex", null]);
  await expect(listEndpoints(db, { tenant: "" })).rejects.toThrow("tenant is empty");
});

test("the events of jobs reach no tenant's endpoint, even where the table says otherwise", async () => {
  const acme = await register({ tenant: "acme" });
  await sql`update soniq_webhook_endpoints set events = '["job.dead", "job.completed"]' where id = ${acme}`;
  expect(await hasJobSubscribers(db)).toBe(false);
  const own = await register({ allTenants: true }, [jobDead]);
  expect(await hasJobSubscribers(db)).toBe(true);
  const worker = "11111111-1111-4111-8111-111111111111";
  const [job] = await sql<{ id: number }[]>`
    insert into soniq_jobs (name, payload, state, worker_id, last_worker_id, claim_token, claims, attempt)
    values ('import', '{}', 'active', ${worker}, ${worker}, 1, 1, 1) returning id::float8`;
  const outcome = { kind: "dead", reason: "out of attempts" } as const;
  await publishingSettles.settle(db, worker, [{ id: job?.id as number, claimToken: 1, outcome }]);
  const told = await sql`select payload ->> 'endpoint' as endpoint from soniq_jobs where name = 'soniq.webhook'`;
  expect(told).toEqual([{ endpoint: own }]);
});
