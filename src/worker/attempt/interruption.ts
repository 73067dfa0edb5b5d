/** Why an attempt was interrupted. `taken`: its claim has ended, the job is another worker's. */
export type Interruption = "timeout" | "cancel" | "taken" | "shutdown" | "crash";

export const reasons: Record<Interruption, string> = {
  timeout: "the job's timeout has passed",
  cancel: "the job was cancelled",
  taken: "the job was taken from this worker",
  shutdown: "the worker is shutting down",
  crash: "the worker is shutting down",
};

/** A graver interruption takes the place of a lesser one. */
export const gravity: Record<Interruption, number> = { timeout: 0, cancel: 0, shutdown: 1, crash: 2, taken: 3 };
