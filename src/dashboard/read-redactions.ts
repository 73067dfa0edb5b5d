import type { Queryable } from "../core/queryable.js";
import { readPayloads } from "../jobs/read/read-payloads.js";
import { everythingHidden, type Redact, type Redaction } from "./redact.js";

/** What hides the secrets of some jobs in the texts that a list shows of them. */
export interface Redactions {
  of(id: number): Redaction;
}

/** Finds out what is secret in the payloads of some jobs. Of those whose payload is too long to be read, no text is shown. */
export async function readRedactions(db: Queryable, ids: readonly number[], redact: Redact): Promise<Redactions> {
  const payloads = await readPayloads(db, ids);
  return {
    of(id) {
      if (!ids.includes(id)) return redact.begin();
      if (!payloads.has(id)) return everythingHidden;
      const redaction = redact.begin();
      redaction.hide(payloads.get(id), "payload");
      return redaction;
    },
  };
}
