/** The reason for an interruption. `taken`: the claim has ended, and the job may belong to another worker. */
export type Interruption = "timeout" | "cancel" | "taken" | "shutdown" | "crash";

export const abortMessages: Record<Interruption, string> = {
  timeout: "the job's timeout has passed",
  cancel: "the job was cancelled",
  taken: "the job was taken from this worker",
  shutdown: "the worker is shutting down",
  crash: "the worker is shutting down",
};

/** A more severe interruption replaces a less severe one. */
export const severity: Record<Interruption, number> = { timeout: 0, cancel: 0, shutdown: 1, crash: 2, taken: 3 };
