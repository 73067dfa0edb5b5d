import { concludeAudit, recordAudit } from "../../audit/record-audit.js";
import type { Queryable } from "../../core/queryable.js";
import type { DeadLetterFilter } from "../../dead-letters/filter.js";
import { purgeDeadLetters } from "../../dead-letters/purge.js";
import { retryDeadLetters } from "../../dead-letters/retry.js";
import type { Api, Change } from "../api.js";
import { filterBody, filterOf } from "../dead-letter-query.js";
import { problemOf, reportFailure } from "../problem.js";
import { Refusal } from "../refusal.js";
import { checked } from "../query.js";
import type { BulkProgressView } from "../wire.js";

interface Count {
  readonly done: number;
  readonly refused: number;
}

/** Changes many dead letters, batch by batch. */
type Bulk = (
  db: Queryable,
  filter: DeadLetterFilter,
  options: { readonly signal: AbortSignal; readonly onProgress: (count: Count) => void },
) => Promise<void>;

/** What is done to many dead letters at once: an answer of a line for each batch, for as long as it takes. */
export function bulkRoutes(api: Api): void {
  add("retry", async (db, filter, { signal, onProgress }) => {
    await retryDeadLetters(db, filter, {
      signal,
      onProgress: ({ retried, refused }) => onProgress({ done: retried, refused }),
    });
  });
  add("purge", async (db, filter, { signal, onProgress }) => {
    await purgeDeadLetters(db, filter, {
      signal,
      onProgress: ({ purged, refused }) => onProgress({ done: purged, refused }),
    });
  });

  function add(verb: "retry" | "purge", bulk: Bulk): void {
    api.asked(`/dead-letters/${verb}`, `dead-letters.${verb}`, async (c, change) => {
      // What read it before would have made all of a few.
      if (change.body === undefined)
        throw new Refusal(
          400,
          "no filter came: send one, or {} for all, and mount the dashboard before what reads bodies",
        );
      const filter = filterOf(checked(filterBody, change.body, "body"));
      const entry = await api.writing((db) => recordAudit(db, { ...change, detail: change.body, outcome: "begun" }));
      const conclude = (outcome: string) => api.writing((db) => concludeAudit(db, entry, outcome));
      return c.body(
        progress(change, conclude, (options) => bulk(api.settings.db, filter, options)),
        200,
        {
          "content-type": "application/x-ndjson",
          "x-accel-buffering": "no",
        },
      );
    });
  }
}

/** It is not on one transaction: each batch is done once its line is there, and whoever goes away stops it behind one. */
function progress(
  { request }: Change,
  conclude: (outcome: string) => Promise<void>,
  run: (options: Parameters<Bulk>[2]) => Promise<void>,
): ReadableStream<Uint8Array> {
  const left = new AbortController();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async start(controller) {
      let count: Count = { done: 0, refused: 0 };
      const say = (line: BulkProgressView) => {
        if (!left.signal.aborted) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      const onProgress = ({ done, refused }: Count) => {
        count = { done, refused };
        say({ ...count, finished: false });
      };
      const isLeft = () => request.signal.aborted || left.signal.aborted;
      const inWords = () => `${count.done} done, ${count.refused} refused`;
      try {
        await run({ signal: AbortSignal.any([request.signal, left.signal]), onProgress });
        await conclude(inWords());
        say({ ...count, finished: true });
      } catch (error) {
        const why = isLeft() ? "whoever asked went away" : problemOf(error).error;
        if (!isLeft()) reportFailure(error);
        await conclude(`stopped after ${inWords()}: ${why}`).catch(() => {});
        say({ ...count, finished: false, error: why });
      }
      if (!left.signal.aborted) controller.close();
    },
    cancel: () => left.abort(),
  });
}
