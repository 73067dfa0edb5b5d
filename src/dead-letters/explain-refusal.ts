import { describeError } from "../core/errors.js";
import { sanitizeText } from "../core/sanitize-text.js";
import type { PurgeRefusal } from "./purge.js";
import type { RetryRefusal } from "../jobs/control/retry-jobs.js";

/** Explains to people why a dead letter was not retried or purged. */
export function explainRefusal(refusal: RetryRefusal | PurgeRefusal): string {
  switch (refusal.reason) {
    case "key-held":
      return `its unique key is held by job #${refusal.heldBy}`;
    case "not-a-dead-letter":
      return "it is no longer a dead letter";
    case "locked":
      return "another transaction has locked it: try again";
    case "failed":
      return sanitizeText(describeError(refusal.error));
    default:
      return refusal satisfies never;
  }
}
