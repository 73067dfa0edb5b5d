// How signing secrets are kept: encrypted, for one endpoint, by a key that can be told.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Keyring } from "../../src/webhooks/keyring.ts";

const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const [endpoint, other] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
const secret = "whsec_c2VjcmV0";

test("a secret that was sealed is opened with the same key, and looks different each time", () => {
  const keyring = new Keyring([key(1)]);
  const [once, twice] = [keyring.seal(secret, endpoint), keyring.seal(secret, endpoint)];
  expect(keyring.open(once, endpoint)).toBe(secret);
  expect(once.sealed).not.toBe(twice.sealed);
  expect(JSON.stringify(once)).not.toContain(secret);
});

test("the first key seals, and each opens what it has sealed", () => {
  const sealed = new Keyring([key(1)]).seal(secret, endpoint);
  const both = new Keyring([key(2), key(1)]);
  expect(both.open(sealed, endpoint)).toBe(secret);
  expect(new Keyring([key(2)]).open(both.seal(secret, endpoint), endpoint)).toBe(secret);
});

test("a secret of another endpoint is not opened", () => {
  const keyring = new Keyring([key(1)]);
  expect(() => keyring.open(keyring.seal(secret, endpoint), other)).toThrow(
    /^the secret of endpoint 2.* cannot be decrypted/,
  );
});

test("a secret that was changed, or cut, is not opened", () => {
  const keyring = new Keyring([key(1)]);
  const { sealed, ...rest } = keyring.seal(secret, endpoint);
  const bytes = Buffer.from(sealed, "base64");
  bytes[0] = (bytes[0] as number) ^ 1;
  for (const changed of [bytes, bytes.subarray(0, -1), bytes.subarray(0, 8), Buffer.alloc(0)])
    expect(() => keyring.open({ ...rest, sealed: changed.toString("base64") }, endpoint)).toThrow("rotate the secret");
});

test("a secret that was sealed with a key which is gone names that key", () => {
  const sealed = new Keyring([key(1)]).seal(secret, endpoint);
  expect(() => new Keyring([key(2)]).open(sealed, endpoint)).toThrow(
    `the key ${sealed.key}, which is not in webhooks.keys`,
  );
});

function refusalOf(given: string | undefined): unknown {
  try {
    return new Keyring([given]);
  } catch (error) {
    return error;
  }
}

describe("a key that cannot be one is refused without being shown", () => {
  test.each([
    ["that is not set", undefined, "webhooks.keys[0] is not set"],
    ["that is empty", "", "webhooks.keys[0] is not set"],
    ["that is too short", "c2hvcnQ=", "webhooks.keys[0] has 5 bytes in base64, not 32"],
  ])("%s", (_what, given, message) => {
    const refusal = refusalOf(given);
    expect(String(refusal)).toContain(message);
    expect(inspect(refusal)).not.toContain(given || "c2hvcnQ=");
  });

  test("a list without any", () => expect(() => new Keyring([])).toThrow("webhooks.keys is empty"));
});
