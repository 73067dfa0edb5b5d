import { InvalidValueError, describeValue } from "../../core/errors.js";

/** Identifies a job: its id, or the object that `enqueue` or `getJob` returned. A handle of another definition does not compile. */
export type JobHandle<Name extends string = string> = number | { readonly id: number; readonly name: Name };

/** @throws InvalidValueError for anything else, such as an id in a string */
export function idOf(handle: JobHandle | undefined): number {
  const id: unknown = typeof handle === "object" && handle !== null ? handle.id : handle;
  if (typeof id !== "number") throw new InvalidValueError("id", `is ${describeValue(id)}: ${suggestHandle(id)}`);
  return id;
}

function suggestHandle(id: unknown): string {
  return typeof id === "string" && /^\d+$/.test(id)
    ? `pass the number, Number(${describeValue(id)})`
    : "pass the job's id, or what `enqueue` returned";
}
