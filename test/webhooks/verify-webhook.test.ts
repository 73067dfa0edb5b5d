// What a receiver believes.
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { defineEvent, verifyWebhook, WebhookError } from "../../src/webhooks.ts";
import { generateSecret, buildSignatureHeaders } from "../../src/webhooks/signature.ts";
import { receivedOf } from "../support/receiver.ts";

const [secret, other] = [generateSecret(), generateSecret()];
const orderPaid = defineEvent({ name: "order.paid", payload: v.object({ orderId: v.number() }) });

interface Sent {
  readonly at?: Date;
  readonly body?: string;
  readonly secrets?: string[];
  readonly data?: unknown;
  readonly type?: string;
}

/** A webhook on its way. */
function sent({ at = new Date(), secrets = [secret], data = { orderId: 1 }, type = "order.paid", body }: Sent = {}) {
  const text = body ?? JSON.stringify({ type, timestamp: "2026-01-02T03:04:05.678Z", data });
  return receivedOf(buildSignatureHeaders({ id: "msg_1", at, body: text }, secrets), text);
}

const problem = (request: Parameters<typeof verifyWebhook>[0], secrets: string | string[] = secret) =>
  verifyWebhook(request, secrets, [orderPaid]).then(
    () => undefined,
    (error: unknown) => (error instanceof WebhookError ? error.problem : error),
  );

const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);

test("a webhook that was signed with the secret is parsed", async () => {
  expect(await verifyWebhook(sent(), secret, [orderPaid])).toEqual({
    id: "msg_1",
    type: "order.paid",
    timestamp: new Date("2026-01-02T03:04:05.678Z"),
    data: { orderId: 1 },
  });
});

test("a Request of the platform is one", async () => {
  const { body, raw } = sent();
  const request = new Request("https://example.com/hooks", {
    method: "POST",
    body,
    headers: raw as Record<string, string>,
  });
  expect(await verifyWebhook(request, secret, [orderPaid])).toMatchObject({ type: "order.paid" });
});

test("any of the secrets will do, and any of the signatures", async () => {
  expect(await problem(sent(), [other, secret])).toBeUndefined();
  expect(await problem(sent({ secrets: [other, secret] }))).toBeUndefined();
});

describe("is not believed", () => {
  test("what another secret signed", async () => expect(await problem(sent({ secrets: [other] }))).toBe("signature"));

  test("what was changed on its way", async () => {
    const request = sent();
    const changed = receivedOf(request.raw, request.body.replace("1", "2"));
    expect(await problem(changed)).toBe("signature");
  });

  test.each(["webhook-id", "webhook-timestamp", "webhook-signature"])("what lacks %s", async (name) => {
    const { raw, body } = sent();
    const { [name]: _, ...rest } = raw;
    expect(await problem(receivedOf(rest, body))).toBe("signature");
  });

  test.each(["webhook-id", "webhook-timestamp"])("what has another %s than was signed", async (name) => {
    const { raw, body } = sent();
    const changed = name === "webhook-id" ? "msg_2" : String(Math.floor(Date.now() / 1_000) - 60);
    expect(await problem(receivedOf({ ...raw, [name]: changed }, body))).toBe("signature");
  });

  test("what was sent long ago, or is to be sent in some time", async () => {
    expect(await problem(sent({ at: ago(600) }))).toBe("signature");
    expect(await problem(sent({ at: ago(-600) }))).toBe("signature");
    expect(await problem(sent({ at: ago(200) }))).toBeUndefined();
  });

  test("what no secret can be asked for", async () => expect(await problem(sent(), [])).toBe("signature"));
});

test("what is genuine, but none of the events that are expected, is told apart", async () => {
  expect(await problem(sent({ type: "order.lost" }))).toBe("event");
  expect(await problem(sent({ body: "null" }))).toBe("event");
});

test("so is what the validator does not take", async () => {
  const request = sent({ data: { orderId: "1" } });
  expect(await problem(request)).toBe("payload");
  await expect(verifyWebhook(request, secret, [orderPaid])).rejects.toThrow(
    "the event order.paid: data.orderId is not valid",
  );
});

test.each([
  ["one byte", "whsec_AA=="],
  ["none", ""],
  ["23 bytes", `whsec_${Buffer.alloc(23, 7).toString("base64")}`],
])("a secret of %s, with which anybody could sign, is refused, alone and beside others", async (_what, short) => {
  expect(await problem(sent(), short)).toMatchObject({ name: "ConfigError" });
  expect(await problem(sent(), [short, secret])).toMatchObject({ name: "ConfigError" });
});
