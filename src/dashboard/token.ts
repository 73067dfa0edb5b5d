import { createHash, timingSafeEqual } from "node:crypto";
import { ConfigError } from "../core/errors.js";

/** Too long to guess, and only characters that a header can carry. */
const tokenShape = /^[!-~]{16,}$/;
/** Rejects tokens such as one repeated character. */
const minDistinctCharacters = 8;

/**
 * Whether a request has the token in its `authorization` header. A token in the URL is not accepted, because URLs end up in logs
 * and histories.
 */
export type TokenCheck = (request: Request) => boolean;

/** @throws ConfigError for a token that is too easy to guess */
export function createTokenCheck(token: string): TokenCheck {
  if (!tokenShape.test(token) || new Set(token).size < minDistinctCharacters)
    throw new ConfigError(
      "the dashboard's token is too weak or contains blanks: give 16 characters or more, such as the output of `openssl rand -hex 24`",
    );
  const expected = digest(token);
  return ({ headers }) => {
    const [, given = ""] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    // Digests have equal lengths, so the comparison takes constant time and reveals nothing about the token.
    return timingSafeEqual(digest(given), expected);
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
