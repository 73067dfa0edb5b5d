import type { ClaimedJob } from "../../jobs/claim/claim.js";
import type { Outcome } from "../../jobs/settle/outcome.js";
import type { Settled } from "../../jobs/settle/settlement.js";
import { EventJob } from "../events/event-job.js";
import type { SettledEvent, WorkerEventListener } from "../events/events.js";
import type { WrittenEnd } from "./attempt-end.js";

function toSettledEvent(job: EventJob, outcome: Outcome, state: Settled["state"], runMs: number): SettledEvent {
  const type = state === "queued" ? outcome.kind : state;
  return "thrown" in outcome
    ? { type, job, outcome, state, runMs, error: outcome.thrown }
    : { type, job, outcome, state, runMs };
}

/** Emits the events of an attempt's end, once the end is written. @returns the event of a settled attempt */
export function emitEnd(
  emit: WorkerEventListener,
  claimed: ClaimedJob,
  end: WrittenEnd,
  runMs: number,
): SettledEvent | undefined {
  const job = new EventJob(claimed);
  switch (end.kind) {
    case "settled": {
      const event = toSettledEvent(job, end.outcome, end.state, runMs);
      emit(event);
      if ("late" in end) emit({ type: "late-error", job, error: end.late });
      return event;
    }
    case "fenced":
      emit({ type: "fenced", job, outcome: end.outcome, runMs });
      return undefined;
    case "left":
      return undefined;
    default:
      return end satisfies never;
  }
}
