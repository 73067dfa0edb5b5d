import { createHash, timingSafeEqual } from "node:crypto";
import { ConfigError } from "../core/errors.js";

/** Too long to be guessed, and what a header carries. */
const sendable = /^[!-~]{16,}$/;
/** What is typed by holding a key down is no secret. */
const minDistinctCharacters = 8;

/** Whether a request carries the token: in its `authorization` alone, since addresses end up in logs and histories. */
export type TokenCheck = (request: Request) => boolean;

/** @throws ConfigError for a token that could be guessed */
export function tokenCheck(token: string): TokenCheck {
  if (!sendable.test(token) || new Set(token).size < minDistinctCharacters)
    throw new ConfigError(
      "the dashboard's token cannot be one: give 16 characters or more, without blanks, such as what `openssl rand -hex 24` prints",
    );
  const expected = digest(token);
  return ({ headers }) => {
    const [, given = ""] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    // Of equal length, whatever was given: how long it takes says nothing of the token.
    return timingSafeEqual(digest(given), expected);
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
