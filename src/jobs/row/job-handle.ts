import { InvalidValueError, describeValue } from "../../core/errors.js";

/** Which job is meant: its id, or what `enqueue` or `getJob` returned. A handle of another definition does not compile. */
export type JobHandle<Name extends string = string> = number | { readonly id: number; readonly name: Name };

/** @throws InvalidValueError for anything else, such as an id that came as a text */
export function idOf(handle: JobHandle | undefined): number {
  const id: unknown = typeof handle === "object" && handle !== null ? handle.id : handle;
  if (typeof id !== "number") throw new InvalidValueError("id", `is ${describeValue(id)}: ${howToPass(id)}`);
  return id;
}

function howToPass(id: unknown): string {
  return typeof id === "string" && /^\d+$/.test(id)
    ? `pass the number, Number(${describeValue(id)})`
    : "pass the job's id, or what `enqueue` returned";
}
