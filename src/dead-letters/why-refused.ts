import { describeError } from "../core/errors.js";
import { sanitizeText } from "../core/storable.js";
import type { PurgeRefusal } from "./purge.js";
import type { RetryRefusal } from "../jobs/control/retry.js";

/** Why a dead letter stays, for people. */
export function whyRefused(refusal: RetryRefusal | PurgeRefusal): string {
  switch (refusal.reason) {
    case "key-held":
      return `its unique key is held by job #${refusal.heldBy}`;
    case "not-a-dead-letter":
      return "it is no dead letter any more";
    case "locked":
      return "another transaction has it in hand: try again";
    case "failed":
      return sanitizeText(describeError(refusal.error));
    default:
      return refusal satisfies never;
  }
}
