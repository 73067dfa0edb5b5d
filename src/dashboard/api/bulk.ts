import { concludeAudit, recordAudit } from "../../audit/record-audit.js";
import type { Queryable } from "../../core/queryable.js";
import type { DeadLetterFilter } from "../../dead-letters/filter.js";
import { purgeDeadLetters } from "../../dead-letters/purge.js";
import { retryDeadLetters } from "../../dead-letters/retry.js";
import type { Api, Change } from "../api.js";
import { filterBody, toFilter } from "../dead-letter-query.js";
import { toProblem, reportFailure } from "../problem.js";
import { Refusal } from "../refusal.js";
import { parseValue } from "../query.js";
import type { BulkProgressView } from "../wire.js";

interface Count {
  readonly done: number;
  readonly refused: number;
}

/** An operation on many dead letters, in batches. */
type BulkOperation = (
  db: Queryable,
  filter: DeadLetterFilter,
  options: { readonly signal: AbortSignal; readonly onProgress: (count: Count) => void },
) => Promise<void>;

/** Adds the routes that retry or purge many dead letters. The response has a line per batch, until the operation ends. */
export function addBulkRoutes(api: Api): void {
  addRoute("retry", async (db, filter, { signal, onProgress }) => {
    await retryDeadLetters(db, filter, {
      signal,
      onProgress: ({ retried, refused }) => onProgress({ done: retried, refused }),
    });
  });
  addRoute("purge", async (db, filter, { signal, onProgress }) => {
    await purgeDeadLetters(db, filter, {
      signal,
      onProgress: ({ purged, refused }) => onProgress({ done: purged, refused }),
    });
  });

  function addRoute(verb: "retry" | "purge", bulk: BulkOperation): void {
    api.addPostRoute(`/dead-letters/${verb}`, `dead-letters.${verb}`, async (c, change) => {
      // A body parser in front of the dashboard leaves the body empty. Treating that as `{}` would select all dead letters.
      if (change.body === undefined)
        throw new Refusal(
          400,
          "the filter is missing: send one, or {} for all, and mount the dashboard before middleware that parses bodies",
        );
      const filter = toFilter(parseValue(filterBody, change.body, "body"));
      const entry = await api.runReadWrite((db) =>
        recordAudit(db, { ...change, detail: change.body, outcome: "started" }),
      );
      const conclude = (outcome: string) => api.runReadWrite((db) => concludeAudit(db, entry, outcome));
      return c.body(
        streamProgress(change, conclude, (options) => bulk(api.settings.db, filter, options)),
        200,
        {
          "content-type": "application/x-ndjson",
          "x-accel-buffering": "no",
        },
      );
    });
  }
}

/**
 * Runs the operation and streams its progress. Each batch commits in a separate transaction before its line is sent; if the
 * client disconnects, the operation stops after the current batch.
 */
function streamProgress(
  { request }: Change,
  conclude: (outcome: string) => Promise<void>,
  run: (options: Parameters<BulkOperation>[2]) => Promise<void>,
): ReadableStream<Uint8Array> {
  const disconnection = new AbortController();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async start(controller) {
      let count: Count = { done: 0, refused: 0 };
      const send = (line: BulkProgressView) => {
        if (!disconnection.signal.aborted) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      const onProgress = ({ done, refused }: Count) => {
        count = { done, refused };
        send({ ...count, finished: false });
      };
      const isDisconnected = () => request.signal.aborted || disconnection.signal.aborted;
      const formatCount = () => `${count.done} done, ${count.refused} refused`;
      try {
        await run({ signal: AbortSignal.any([request.signal, disconnection.signal]), onProgress });
        await conclude(formatCount());
        send({ ...count, finished: true });
      } catch (error) {
        const reason = isDisconnected() ? "the client disconnected" : toProblem(error).error;
        if (!isDisconnected()) reportFailure(error);
        await conclude(`stopped after ${formatCount()}: ${reason}`).catch(() => {});
        send({ ...count, finished: false, error: reason });
      }
      if (!disconnection.signal.aborted) controller.close();
    },
    cancel: () => disconnection.abort(),
  });
}
