/** Which job is meant: its id, or what `enqueue` or `getJob` returned. A handle of another definition does not compile. */
export type JobHandle<Name extends string = string> = number | { readonly id: number; readonly name: Name };

export function idOf(handle: JobHandle): number {
  return typeof handle === "number" ? handle : handle.id;
}
