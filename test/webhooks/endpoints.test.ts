// Those who get webhooks: registered, listed, deleted; and their secrets, which nobody sees.
import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import {
  publishEvent,
  defineEvent,
  deleteEndpoint,
  jobDead,
  listDeliveries,
  listEndpoints,
  type NewEndpoint,
  pauseEndpoint,
  registerEndpoint,
  resumeEndpoint,
  rotateSecret,
  rotateWebhookKeys,
} from "../../src/webhooks.ts";
import { NotFoundError } from "../../src/index.ts";
import { admitDelivery } from "../../src/webhooks/breaker.ts";
import { Keyring } from "../../src/webhooks/keyring.ts";
import { testDatabase } from "../support/database.ts";
import { someoneWaits, transactionWith } from "../support/locks.ts";

const { db, sql } = await testDatabase();
const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const config = { keys: [key(1)] };
const url = "https://example.com/hooks";
const pinged = defineEvent({ name: "pinged", payload: v.number() });
const nobody = "99999999-9999-4999-8999-999999999999";

beforeEach(() => sql`truncate soniq_jobs, soniq_webhook_endpoints`);

test("an endpoint is registered, and listed without its secret and its headers", async () => {
  const { id, secret } = await registerEndpoint(db, config, {
    allTenants: true,
    url,
    events: [pinged, "order.paid"],
    description: "the warehouse",
    headers: { authorization: "Bearer 7" },
  });
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const listed = await listEndpoints(db);
  expect(listed).toEqual([
    {
      id,
      url,
      description: "the warehouse",
      tenant: null,
      events: ["pinged", "order.paid"],
      state: "working",
      pausedReason: null,
      failures: 0,
      openUntil: null,
      createdAt: expect.any(Date),
    },
  ]);
  const stored = await sql`select * from soniq_webhook_endpoints`;
  expect(JSON.stringify([listed, stored])).not.toContain(secret.slice(6, 20));
  expect(JSON.stringify(listed)).not.toContain("Bearer");
});

test("a secret that was copied to another endpoint opens nothing", async () => {
  const [one, two] = [
    await registerEndpoint(db, config, { allTenants: true, events: "all", url }),
    await registerEndpoint(db, config, { allTenants: true, events: "all", url }),
  ];
  await sql`update soniq_webhook_endpoints set secrets = (select secrets from soniq_webhook_endpoints where id = ${one.id}) where id = ${two.id}`;
  const [sealed] = (await admitDelivery(db, two.id))?.secrets ?? [];
  expect(() => new Keyring(config.keys).open(sealed as never, two.id)).toThrow("cannot be decrypted");
});

describe("is refused before any SQL", () => {
  const refused = (more: object, keys = config.keys) =>
    registerEndpoint(db, { keys }, { allTenants: true, events: "all", url, ...more } as NewEndpoint).catch(String);

  test.each(["http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://me:pw@example.com/", "nonsense"])(
    "the URL %s",
    async (address) => expect(await refused({ url: address })).toMatch(/^InvalidValueError: url /),
  );

  test.each([
    ["webhook-id", "1"],
    ["Webhook-Signature", "v1,forged"],
    ["Host", "inside"],
    ["content-length", "0"],
    ["content-type", "text/plain"],
    ["transfer-encoding", "chunked"],
    ["x-lines", "a\r\nx-forged: b"],
    ["x forged", "a"],
    ["x-nul", "a\0"],
  ])("the header %s", async (name, value) => {
    expect(await refused({ headers: { [name]: value } })).toMatch(/^InvalidValueError: headers\./);
  });

  test("an event of jobs by its name, which a customer may have typed", async () => {
    expect(await refused({ events: [pinged, "job.dead"] })).toMatch(/^InvalidValueError: events\[1\] is "job\.dead"/);
    await registerEndpoint(db, config, { allTenants: true, url, events: [jobDead] });
    expect(await listEndpoints(db)).toMatchObject([{ events: ["job.dead"] }]);
  });

  test("without a key", async () => expect(await refused({}, [])).toMatch("webhooks.keys is empty"));
});

describe("an endpoint that does not exist is named by", () => {
  const asked: Record<string, (id: string) => Promise<unknown>> = {
    pausing: (id) => pauseEndpoint(db, id),
    resuming: (id) => resumeEndpoint(db, id),
    deleting: (id) => deleteEndpoint(db, id),
    "rotating its secret": (id) => rotateSecret(db, config, id),
  };

  test.each(Object.keys(asked))("%s it", async (name) => {
    for (const id of [nobody, "nonsense"])
      await expect(asked[name]?.(id)).rejects.toThrow(
        new NotFoundError(`there is no endpoint "${id}": listEndpoints lists the existing ones`),
      );
  });

  test("listing its deliveries, if it can be none", async () => {
    await expect(listDeliveries(db, "nonsense")).rejects.toThrow('there is no endpoint "nonsense"');
  });
});

test("an endpoint that is deleted gets nothing more, and what waited for it is cancelled", async () => {
  const [gone, kept] = [
    await registerEndpoint(db, config, { allTenants: true, events: "all", url }),
    await registerEndpoint(db, config, { allTenants: true, events: "all", url }),
  ];
  for (let n = 0; n < 3; n += 1) await publishEvent(db, pinged, n);
  await sql`update soniq_jobs set run_at = 'infinity' where id = (select min(id) from soniq_jobs)`;
  await deleteEndpoint(db, gone.id);
  expect((await listEndpoints(db)).map(({ id }) => id)).toEqual([kept.id]);
  const { deliveries } = await listDeliveries(db, gone.id);
  expect(deliveries).toHaveLength(3);
  for (const one of deliveries) expect(one).toMatchObject({ state: "cancelled", reason: "its endpoint was deleted" });
  expect((await publishEvent(db, pinged, 3)).deliveries).toHaveLength(1);
});

test("all secrets can be encrypted with a new key, after which the old one is not needed", async () => {
  const made = [];
  for (let n = 0; n < 3; n += 1)
    made.push(await registerEndpoint(db, config, { allTenants: true, events: "all", url }));
  const [first] = made as [(typeof made)[0]];
  const { secret } = await rotateSecret(db, config, first.id);
  expect(await rotateWebhookKeys(db, { keys: [key(2), key(1)] })).toBe(3);
  const keyring = new Keyring([key(2)]);
  const opened = async (id: string) => (await admitDelivery(db, id))?.secrets.map((sealed) => keyring.open(sealed, id));
  expect(await opened(first.id)).toEqual([secret, first.secret]);
  for (const { id, secret: own } of made.slice(1)) expect(await opened(id)).toEqual([own]);
  // The old secret's end stays.
  expect(await sql`select from soniq_webhook_endpoints where secrets #>> '{1,expiresAt}' is not null`).toHaveLength(1);
  await expect(rotateWebhookKeys(db, { keys: [key(3)] })).rejects.toThrow("not in webhooks.keys");
});

test("a secret that no key opens keeps none of the others from being encrypted anew, unless it has been rotated out", async () => {
  const [lost, ended, kept] = [
    await registerEndpoint(db, { keys: [key(9)] }, { allTenants: true, events: "all", url }),
    await registerEndpoint(db, { keys: [key(9)] }, { allTenants: true, events: "all", url }),
    await registerEndpoint(db, config, { allTenants: true, events: "all", url }),
  ];
  const { secret } = await rotateSecret(db, config, lost.id);
  const { secret: next } = await rotateSecret(db, config, ended.id, { overlap: 0 });
  const failure = await rotateWebhookKeys(db, { keys: [key(2), key(1)] }).catch(String);
  expect(failure).toMatch(
    /^SoniqError: 1 secrets could not be decrypted and are unchanged, all others are re-encrypted: the secret of/,
  );
  expect(failure).toContain(lost.id);
  const keyring = new Keyring([key(2)]);
  for (const [id, opened] of [
    [lost.id, secret],
    [ended.id, next],
    [kept.id, kept.secret],
  ] as const)
    expect(keyring.openAny((await admitDelivery(db, id))?.secrets ?? [], id)).toEqual([opened]);
});

test("a secret that is rotated while all are encrypted with a new key is encrypted with it, too", async () => {
  const { id } = await registerEndpoint(db, config, { allTenants: true, events: "all", url });
  const rotated = [new Keyring([key(1)]).seal("whsec_bmV3", id)];
  // Read before that commits, and written after it.
  const commit = await transactionWith(
    sql,
    `update soniq_webhook_endpoints set secrets = '${JSON.stringify(rotated)}' where id = '${id}'`,
  );
  const resealing = rotateWebhookKeys(db, { keys: [key(2), key(1)] });
  await someoneWaits(sql);
  await commit();
  expect(await resealing).toBe(1);
  expect(new Keyring([key(2)]).openAny((await admitDelivery(db, id))?.secrets ?? [], id)).toEqual(["whsec_bmV3"]);
});
