import type { Queryable } from "../core/queryable.js";
import { readPayloads } from "../jobs/read/read-payloads.js";
import { fullRedaction, type Redactor, type Redaction } from "./redact.js";

/** Redactions for the texts that a list shows of jobs, by job. */
export interface Redactions {
  of(id: number): Redaction;
}

/** Reads the payloads of jobs, and hides their secrets. If a payload is too long to be read, all texts of its job are hidden. */
export async function readRedactions(db: Queryable, ids: readonly number[], redact: Redactor): Promise<Redactions> {
  const payloads = await readPayloads(db, ids);
  return {
    of(id) {
      if (!ids.includes(id)) return redact.createRedaction();
      if (!payloads.has(id)) return fullRedaction;
      const redaction = redact.createRedaction();
      redaction.hide(payloads.get(id), "payload");
      return redaction;
    },
  };
}
