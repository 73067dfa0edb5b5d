// What counts as a secret: by the names of fields, and in texts.
import { describe, expect, test } from "vitest";
import { maskSecrets } from "../../src/core/mask-secrets.ts";
import { isSecretName } from "../../src/core/secret-name.ts";

const secretNames = [
  ..."password passwd passphrase pwd secret token authorization cookie credential api_key access-key privateKey".split(
    " ",
  ),
  ..."user_pwd pass_phrase jwt sid otp ssh_key DATABASE_URL PGPASSWORD dbPass userPass connectionString".split(" "),
  ..."X-Authorization set-cookie APIKey REDIS_URL sig X-Amz-Signature pinCode cvv sessionId OTPCode".split(" "),
  "api key",
  "Pass Phrase",
  "pass\u200bword",
  "ｐａｓｓｗｏｒｄ",
  "auth",
];
const harmlessNames = [
  ..."name id key primaryKey uniqueKey author passenger bypass compass inside consider spin opinion".split(" "),
  ..."keyboard monkey url imageUrl siding design signed description passed webhookId authorId pinned".split(" "),
];

test.each(secretNames)("the value of a field called %s is a secret", (name) => expect(isSecretName(name)).toBe(true));
test.each(harmlessNames)("the value of a field called %s is none", (name) => expect(isSecretName(name)).toBe(false));

describe("in a text a secret is masked:", () => {
  test.each([
    ["passphrase=hunter2", "passphrase=***"],
    ["pwd=hunter2 n=1", "pwd=*** n=1"],
    ["Cookie: sid=abcdef; theme=dark\nHost: h", "Cookie: ***\nHost: h"],
    ["private_key=abc", "private_key=***"],
    ["credential=abc", "credential=***"],
    ['{"password":"a\\"b SECRET"}', '{"password":***}'],
    ['{"password":"a\\\\","n":"b"}', '{"password":***,"n":"b"}'],
    ['"{\\"password\\":\\"a\\\\\\"b SECRET\\",\\"n\\":1}"', '"{\\"password\\":***,\\"n\\":1}"'],
    ["password = 'it''s SECRET' and n = 1", "password = *** and n = 1"],
    ["password = '' and n = 1", "password = *** and n = 1"],
    ['{"password":"cut off SECRET', '{"password":***'],
    ["https://h/?access_token=abc&sig=def&n=1", "https://h/?access_token=***&sig=***&n=1"],
    ["next=https%3A%2F%2Fh%3Ftoken%3Dabc", "next=https%3A%2F%2Fh%3Ftoken%3D***"],
    ["api key: abc", "api key: ***"],
    ['"api key": "abc"', '"api key": ***'],
    ["headers['x-api-key'] = 'abc'", "headers['x-api-key'] = ***"],
    ['{"credentials":{"user":"u","key":["SECRET}"]},"n":1}', '{"credentials":***,"n":1}'],
    ['"authorization" => "Digest SECRET"', '"authorization" => ***'],
    ["authorization: Digest username=u, response=SECRET", "authorization: ***"],
    ['[["authorization","Bearer SECRET"]]', '[["authorization","Bearer ***"]]'],
    ["psql --password hunter2 --host h", "psql --password *** --host h"],
    ["<user><password>hunter2</password></user>", "<user><password>***</password></user>"],
    ["create role web login password 'hunter2'", "create role web login password ***"],
    ["got eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", "got ***"],
    ["key sk_live_abcdefghijklmnopqrst was refused", "key sk_live_*** was refused"],
    ["https://0123456789abcdef@sentry.example/1", "https://***@sentry.example/1"],
    [
      "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----",
      "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
    ],
  ])("%s", (text, masked) => expect(maskSecrets(text)).toBe(masked));

  test.each([
    "at verify (file:///app/src/token.ts:10:5)",
    "the Basic plan, and a bad cookie was found: 5",
    "order: 7, name=ada, total: 10.00",
    "see https://example.com/a?b=c@d",
    "Cannot read properties of undefined (reading 'id')",
  ])("and nothing else: %s", (text) => expect(maskSecrets(text)).toBe(text));

  test.each([
    ["quotes", "token='".repeat(150_000)],
    ["brackets", "token=[".repeat(150_000)],
    ["names", "a".repeat(1_000_000)],
    ["backslashes", `token="${"\\".repeat(1_000_000)}`],
    ["separators", "token:".repeat(150_000)],
    ["blanks", `token=${" ".repeat(1_000_000)}`],
    ["beginnings", "-eyJ".repeat(250_000)],
    ["keys", "-----BEGIN PRIVATE KEY-----".repeat(40_000)],
    ["addresses", "a://".repeat(250_000)],
    ["options", "--".repeat(500_000)],
    ["elements", "<a ".repeat(300_000)],
  ])("a megabyte of %s is done with, which it would not be in quadratic time", (_what, text) => {
    expect(maskSecrets(text).length).toBeGreaterThan(0);
  });
});
