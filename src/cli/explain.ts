import { findErrorCode, describeError, SoniqError } from "../core/errors.js";
import { sanitizeText } from "../core/sanitize-text.js";

/** Describes an error in one sentence without passwords. Only an unknown error keeps its stack trace. */
export function explain(error: unknown): string {
  if (error instanceof SoniqError) return sanitizeText(error.message);
  const code = findErrorCode(error);
  const text = sanitizeText(describeError(error));
  switch (code) {
    case "ECONNREFUSED":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EHOSTUNREACH":
    case "CONNECT_TIMEOUT":
      return `cannot reach PostgreSQL (${text}): is it running, and is \`connection\` right?`;
    case "08P01":
      return `${text}: is there a pooler in between that cannot reach PostgreSQL?`;
    case "53300":
      return `PostgreSQL has no connection left (${text}): raise its limit, run fewer workers, or lower maxConnections in the configuration`;
    case "28P01":
    case "28000":
      return `PostgreSQL refuses the login (${text}): check user and password in \`connection\``;
    case "3D000":
      return `${text}: create it, or check the database's name in \`connection\``;
    case "42501":
      return `${text}: grant the worker's role select, insert, update and delete on the soniq_ tables`;
    default:
      return code ? `${text} (${code})` : sanitizeText((error as Error).stack ?? text, 8_000);
  }
}
