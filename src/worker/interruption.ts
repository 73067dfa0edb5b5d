/** Why an attempt was interrupted. */
export type Interruption = "timeout" | "cancel" | "lost" | "shutdown" | "crash";

export const reasons: Record<Interruption, string> = {
  timeout: "the job's timeout has passed",
  cancel: "the job was cancelled",
  lost: "the job was taken from this worker",
  shutdown: "the worker is shutting down",
  crash: "the worker is shutting down",
};

/** A graver interruption takes the place of a lesser one. */
export const gravity: Record<Interruption, number> = { timeout: 0, cancel: 0, shutdown: 1, crash: 2, lost: 3 };
