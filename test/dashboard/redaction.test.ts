// A value that is not shown in one place is shown nowhere else.
import { beforeEach, describe, expect, test } from "vitest";
import type {
  DeadLetterListView,
  DeliveryListView,
  EndpointView,
  JobListView,
  JobView,
} from "../../src/dashboard/wire.ts";
import { defineEvent, publishEvent, registerEndpoint } from "../../src/webhooks.ts";
import { createRedactor } from "../../src/dashboard/redact.ts";
import * as v from "valibot";
import { askedDashboard } from "../support/dashboard.ts";
import { testDatabase } from "../support/database.ts";
import { webhooks } from "../support/receiver.ts";

const { db, sql } = await testDatabase();
const { get } = askedDashboard({ db, redact: ["iban"] });

beforeEach(() => sql`truncate soniq_jobs`);

/** Hides what is secret in a value, and then what is known from there. */
function shown(value: unknown): unknown {
  const redact = createRedactor([]).createRedaction();
  return redact.mask(redact.hide(value, "payload"));
}

test("a redacted value is masked in every text of the job, and of the lists that show it", async () => {
  const iban = "de89 SECRET_3";
  const said = `no account ${iban.toUpperCase()} at the bank`;
  const error = {
    attempt: 1,
    at: "2026-01-01T00:00:00Z",
    name: "E",
    message: said,
    stack: `E: ${said}\n at f`,
    cause: said,
  };
  await sql`insert into soniq_jobs (name, payload, state, reason, unique_key, unique_held, tags, result, progress, meta, logs, errors, finished_at)
    values ('pay', ${sql.json({ iban, note: said, amount: 12 })}, 'dead', ${said}, ${`pay:${iban}`}, false, ${sql.json([iban])},
      ${sql.json({ said })}, ${sql.json([said])}, ${sql.json({ [iban]: 1 })},
      ${sql.json([{ at: "2026-01-01T00:00:00Z", attempt: 1, message: said, fields: { said } }])}, ${sql.json([error])}, now())`;
  const { body: list } = await get<JobListView>("jobs");
  const id = list.jobs[0]?.id;
  const { body: job } = await get<JobView>(`jobs/${id}`);
  const { body: dead } = await get<DeadLetterListView>("dead-letters");
  for (const body of [list, dead, ...Object.entries(job)]) expect(JSON.stringify(body)).not.toMatch(/SECRET_3/i);
  expect(list.jobs[0]).toMatchObject({ reason: "no account ••• at the bank", tags: ["•••"] });
  expect(job).toMatchObject({ payload: { iban: "•••", amount: 12 }, uniqueKey: "pay:•••" });
  const { body: revealed } = await askedDashboard({ db, redact: ["iban"], reveal: true }).get<JobView>(
    `jobs/${id}?reveal=1`,
  );
  expect(revealed).toMatchObject({ reason: said, tags: [iban], payload: { iban, note: said } });
});

test("of a job whose payload is too long to be looked through, a list shows no text", async () => {
  await sql`insert into soniq_jobs (name, payload, state, reason, unique_held, tags, finished_at)
    values ('pay', ${sql.json({ iban: "SECRET_3", long: "x".repeat(70_000) })}, 'dead', 'no SECRET_3', false, '["SECRET_3"]', now())`;
  expect((await get<JobListView>("jobs")).body.jobs[0]).toMatchObject({ reason: "•••", tags: ["•••"], name: "pay" });
});

test("what a receiver repeats of an event is masked in the log of its deliveries", async () => {
  const { id } = await registerEndpoint(db, webhooks, { allTenants: true, events: "all", url: "https://example.com/" });
  await publishEvent(db, defineEvent({ name: "paid", payload: v.any() }), { iban: "SECRET_3" });
  await sql`update soniq_jobs set state = 'dead', unique_held = false, finished_at = now(), reason = 'it said SECRET_3',
    errors = '[{"attempt": 1, "at": "2026-01-01T00:00:00Z", "message": "it said SECRET_3"}]'`;
  const { body } = await get<DeliveryListView>(`endpoints/${id}/deliveries`);
  expect(body.deliveries[0]).toMatchObject({ reason: "it said •••", failures: [{ message: "it said •••" }] });
});

test("a token in the path of an endpoint's URL is not shown, nor one behind a name that says nothing", async () => {
  await sql`delete from soniq_webhook_endpoints`;
  await registerEndpoint(db, webhooks, {
    allTenants: true,
    events: "all",
    url: "https://hooks.example.com/services/a1B2c3D4e5F6g7H8i9?for=acme&x=a1B2c3D4e5F6g7H8i9",
  });
  const [endpoint] = (await get<EndpointView[]>("endpoints")).body;
  expect(endpoint?.url).toBe("https://hooks.example.com/services/***?for=acme&x=***");
});

describe("a secret is found", () => {
  test.each([
    ["as a pair in a list", [["authorization", "Digest hunter2"]], [["authorization", "•••"]]],
    [
      "in the raw headers of Node",
      { rawHeaders: ["Host", "h", "X-Api-Key", "hunter2"] },
      { rawHeaders: ["Host", "h", "X-Api-Key", "•••"] },
    ],
    ["as a named value", [{ name: "password", value: "hunter2" }], [{ name: "password", value: "•••" }]],
    [
      "in a connection string",
      { allTenants: true, events: "all", url: "postgres://u:hunter2@h/db" },
      { allTenants: true, events: "all", url: "postgres://u:***@h/db" },
    ],
    ["in JSON within a text", { body: '{"password":"hunter2","n":1}' }, { body: '{"password":"•••","n":1}' }],
    ["in JSON within JSON", ['{"body":"{\\"otp\\":123456}"}'], ['{"body":"{\\"otp\\":\\"•••\\"}"}']],
    [
      "elsewhere, once it was found in a text",
      { allTenants: true, events: "all", url: "postgres://u:hunter2@h", said: "not hunter2" },
      { allTenants: true, events: "all", url: "postgres://u:***@h", said: "not •••" },
    ],
    [
      "in an address, percent-encoded",
      { secret: "hunter 2!", url: "/?q=hunter%202!" },
      { secret: "•••", url: "/?q=•••" },
    ],
    [
      "where a text was cut in it",
      { token: "a".repeat(40), said: `it was ${"a".repeat(35)}` },
      { token: "•••", said: "it was •••" },
    ],
    [
      "as a number",
      { pin: 73_519, said: "73519 and 735190", again: 73_519 },
      { pin: "•••", said: "••• and 735190", again: "•••" },
    ],
  ])("%s", (_where, value, masked) => expect(shown(value)).toEqual(masked));

  test.each([
    ["short values", { secrets: ["1", "a", "yes"], said: "1 a yes" }, { secrets: "•••", said: "1 a yes" }],
    ["ordinary words", { token: "true", said: "true or null" }, { token: "•••", said: "true or null" }],
    ["parts of words", { pin: "port", said: "ports and port" }, { pin: "•••", said: "ports and •••" }],
    ["JSON without secrets", { body: '{ "n": 1.0 }' }, { body: '{ "n": 1.0 }' }],
  ])("and nothing else is hidden with it: %s", (_what, value, masked) => expect(shown(value)).toEqual(masked));

  test("where there are too many, all texts are hidden", () => {
    const value = { tokens: Array.from({ length: 2_000 }, (_, i) => `value-${i}`), said: "value-1999" };
    expect(shown(value)).toEqual({ tokens: "•••", said: "•••" });
  });
});

test("a payload that is nested very deeply can be revealed", async () => {
  const payload = `${"[".repeat(6_000)}${"]".repeat(6_000)}`;
  const [row] =
    await sql`insert into soniq_jobs (name, payload) values ('deep', ${payload}::text::jsonb) returning id::int`;
  const { status } = await askedDashboard({ db, reveal: true }).get(`jobs/${row?.["id"]}?reveal=1`);
  expect(status).toBe(200);
});
